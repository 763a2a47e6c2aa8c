"""A backfill that somebody watches: its progress and estimate, pauses, stopping, and quiet hours."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plexsync.flows.backfill import backfill
from plexsync.flows.status.backfills import shown_backfills
from plexsync.flows.status.status import status
from plexsync.flows.status.status_text import status_lines
from plexsync.flows.tasks.process_queue import process_queue
from plexsync.flows.tasks.sync_all import sync_all, sync_all_forced
from plexsync.model.ledger import UNTIL_RESUMED
from plexsync.policy.reconcile_schedule import ALL, INTERVAL, Order, Run
from tests.flows.test_commands_story import ask, done, failed
from tests.task_running import run_task
from tests.world import World

LONG_AGO = 1_600_000_000
HOUR = 60.0
"""Minutes, as World.run takes them."""


def library(world: World, count: int) -> list[tuple[int, Any]]:
    return [world.pair(f"{n}.mp4", title=f"T{n}", updated_at=LONG_AGO) for n in range(count)]


def slow(world: World, seconds: float, method: str = "PUT") -> Any:
    """From now on each write takes Plex so many seconds of the world's clock."""

    def passes(request: Any) -> bool:
        if request.method == method:
            world.clock.passed += seconds
        return False

    return world.plex.add_fault("status", match=passes)


def shown(world: World, number: int = 0) -> Any:
    return shown_backfills(world.folder, world.clock.now(), world.clock.offset)[number]


def said(world: World) -> str:
    return str(shown(world)["sentence"])


def at_wall_clock(world: World, hours: float) -> None:
    """Move the world to where it is that time of the day."""
    world.clock.ahead = hours * 3600 - world.clock.now() % 86400


def in_plex(pairs: list[tuple[int, Any]]) -> int:
    return sum(item.title.startswith("T") for _, item in pairs)


def after(world: World, minutes: float) -> Callable[[], str]:
    end = world.clock.passed + minutes * 60
    return lambda: "watched" if world.clock.passed >= end else ""


# -- progress and estimate -------------------------------------------------------------------


def test_the_estimate_is_right_after_a_minute(world: Any) -> None:
    pairs = library(world, 120)
    slow(world, 1)
    assert run_task(world, sync_all, owns=True) == {"queued": 120}
    found = shown(world)
    assert (found["words"], found["done"], found["total"]) == ("Sync All Scenes", 0, 120)
    assert (found["left"], found["left_words"]) == (None, "not known yet")
    world.run(60, leave=after(world, 1))
    found, began = shown(world), world.clock.passed
    assert found["done"] == in_plex(pairs) < 120
    assert found["rate"] == pytest.approx(60, rel=0.2)
    world.run(60, leave=lambda: "" if in_plex(pairs) < 120 else "all there")
    assert 2 / 3 < found["left"] / (world.clock.passed - began) < 3 / 2
    world.run()
    assert shown_backfills(world.folder, world.clock.now(), world.clock.offset) == []


@pytest.mark.long
def test_scenes_in_step_at_the_front_promise_nothing_for_the_rest(world: Any) -> None:
    pairs = library(world, 220)
    for scene, _ in pairs[:100]:
        world.event(scene)
    world.run()
    slow(world, 4, "GET")  # a few for each batch
    slow(world, 1)
    run_task(world, sync_all_forced, owns=True)
    world.run(60, leave=lambda: "watched" if in_plex(pairs) > 100 else "")
    world.run(60, leave=after(world, 1))
    app = world.stores()
    in_step = [scene for scene, _ in pairs[:100]]
    app.stores.ledger.add_backfill("sweep", "scene", in_step, world.clock.now())
    app.close()
    found, began = shown(world), world.clock.passed
    assert found["backfill"] == "forced"
    world.run(60, leave=lambda: "" if in_plex(pairs) < 220 else "all there")
    assert 2 / 3 < found["left"] / (world.clock.passed - began) < 3 / 2


def test_an_outage_and_the_ramp_after_it_are_no_work(world: Any) -> None:
    pairs = library(world, 150)
    slow(world, 0.5)
    run_task(world, sync_all, owns=True)
    world.run(60, leave=after(world, 0.5))
    before = shown(world)["left"] / (150 - in_plex(pairs))
    away = world.plex.add_fault("starting")
    world.run(5)
    assert (
        shown_backfills(world.folder, world.clock.now(), world.clock.offset, plex_away=True)[0][
            "waits"
        ]
        == "plex"
    )
    away.remove()
    world.run(0.3)
    assert 150 - in_plex(pairs) > 0
    assert shown(world)["left"] / (150 - in_plex(pairs)) == pytest.approx(before, rel=0.25)


def test_edits_go_first_and_are_no_progress(world: Any) -> None:
    pairs = library(world, 60)
    run_task(world, sync_all, owns=True)
    for scene, _ in pairs[:10]:
        world.edit(scene, details="new")
    world.run(1, leave=lambda: "watched" if world.plex.count("PUT") else "")
    assert 10 <= shown(world)["done"] <= 60
    assert shown(world)["total"] == 60


# -- pause, resume, stop ---------------------------------------------------------------------


def test_a_pause_for_an_hour_holds_backfills_and_no_edit(world: Any) -> None:
    pairs = library(world, 30)
    run_task(world, sync_all, owns=True)
    began = world.clock.now()
    assert done(world, "pause_backfill", backfill="sync all", until="in an hour")["until"] == (
        pytest.approx(began + 3600, abs=60)
    )
    scene, item = world.pair("edit.mp4", title="old")
    world.edit(scene, title="Edited")
    world.run(5)
    assert (item.title, in_plex(pairs)) == ("Edited", 0)
    assert shown(world)["waits"] == "paused"
    assert "0 of 30 scenes done; paused until" in said(world)
    world.run(50)
    assert in_plex(pairs) == 0
    world.run(10, leave=lambda: "all there" if in_plex(pairs) == 30 else "")
    assert in_plex(pairs) == 30, "whoever waits continues by himself"


def test_a_pause_until_tomorrow_ends_at_six(world: Any) -> None:
    pairs = library(world, 3)
    run_task(world, sync_all, owns=True)
    at_wall_clock(world, 23)
    until = done(world, "pause_backfill", until="tomorrow")["until"]
    assert until == pytest.approx(world.clock.now() + 7 * 3600, abs=60)
    assert "paused until 06:00 tomorrow" in said(world)
    world.clock.jumped += 7 * 3600 - 600.0
    assert world.run() == "time is up"
    assert in_plex(pairs) == 0
    world.run(10)
    assert in_plex(pairs) == 3


def test_nobody_stays_for_a_pause_without_end(world: Any) -> None:
    pairs = library(world, 30)
    run_task(world, sync_all, owns=True)
    assert done(world, "pause_backfill", backfill="sync all")["until"] is None
    assert world.run(HOUR) == "nothing to do"
    assert ask(world, "tick")["pending"] is False
    assert "paused until it is resumed on the page" in said(world)
    assert in_plex(pairs) == 0
    assert done(world, "resume_backfill") == {"backfills": ["sync all"]}
    world.run()
    assert in_plex(pairs) == 30


def test_a_reconciliation_paused_without_end_stays_paused_for_days(world: Any) -> None:
    scene, item = world.pair("a.mp4", title="T")
    world.edit(scene, title="Mine")
    world.configure(reconcile_interval="hourly", reconcile_scope="all")
    world.run()
    item.title, now = "Somebody's", world.clock.now()
    app = world.stores()
    run = Run(order=Order(trigger=INTERVAL, scope=ALL), started=now, seen=now)
    app.reconcile.keep(app.reconcile.schedule.kept(run))
    app.close()
    done(world, "pause_backfill")
    world.clock.jumped += 2 * 86400
    world.run(HOUR)
    assert (item.title, shown(world)["waits"]) == ("Somebody's", "paused")
    app = world.stores()
    app.stores.ledger.pause_backfill("reconcile", None, world.clock.now())
    app.close()
    world.run(HOUR)
    assert item.title == "Mine"


def test_a_pause_of_one_backfill_holds_no_other(world: Any) -> None:
    pairs = library(world, 70)
    run_task(world, sync_all, owns=True)
    done(world, "pause_backfill", backfill="sync all")
    app = world.stores()
    app.stores.ledger.add_backfill("rename", "scene", [s for s, _ in pairs[40:]], world.clock.now())
    app.close()
    world.run()
    assert in_plex(pairs) == 30
    assert [each["waits"] for each in (shown(world),)] == ["paused"]


def test_a_paused_window_holds_up_no_other_backfill(world: Any) -> None:
    app = world.stores()
    app.stores.ledger.add_backfill("sync all", "scene", range(1, 2000), world.clock.now())
    app.close()
    pairs = [world.pair(f"x{n}.mp4", title="T", updated_at=LONG_AGO) for n in range(3)]
    world.stash.set_plugin_settings({**world.settings, "pause_sync": True})
    world.run()
    world.configure()
    assert len(world.waiting()) == 500
    app = world.stores()
    app.stores.ledger.pause_backfill("sync all", world.clock.now() + 9e3, world.clock.now())
    app.stores.ledger.add_backfill("retry", "scene", [5000, *(s for s, _ in pairs)], 1.0)
    app.close()
    world.run()
    assert len([s for s in world.waiting() if s > 500]) == 0
    assert len(world.waiting()) >= 490


def test_stopping_removes_what_is_left_and_keeps_a_copy(world: Any) -> None:
    pairs = library(world, 30)
    run_task(world, sync_all, owns=True)
    done(world, "pause_backfill", backfill="sync all")
    stopped = done(world, "stop_backfill", backfill="sync all")
    assert stopped["scenes"] == 30
    assert (Path(world.folder) / stopped["copy"]).exists()
    world.run(30)
    assert in_plex(pairs) == 0
    assert shown_backfills(world.folder, world.clock.now(), world.clock.offset) == []
    run_task(world, sync_all, owns=True)
    world.run()
    assert in_plex(pairs) == 30, "the pause ended with the backfill"


def test_a_command_about_nothing_says_so(world: Any) -> None:
    assert failed(world, "pause_backfill") == "No backfill is under way."
    library(world, 3)
    run_task(world, sync_all, owns=True)
    done(world, "pause_backfill")
    assert "not under way any more: Changed settings" in failed(
        world, "stop_backfill", backfill="settings"
    )
    with pytest.raises(ValueError, match="in an hour, tomorrow, resumed"):
        ask(world, "pause_backfill", until="never")


# -- quiet hours -----------------------------------------------------------------------------


def test_only_edits_are_written_in_quiet_hours(world: Any) -> None:
    pairs = library(world, 30)
    world.configure(quiet_hours="20:00-23:30", reconcile_interval="hourly", reconcile_scope="all")
    at_wall_clock(world, 23.25)
    run_task(world, sync_all, owns=True)
    scene, item = world.pair("edit.mp4", title="old")
    world.edit(scene, title="Edited")
    world.run(1)
    assert (item.title, in_plex(pairs)) == ("Edited", 0)
    assert said(world).endswith("waits until 23:30 (quiet hours), time left not known yet.")
    world.run(10)
    assert in_plex(pairs) == 0
    world.run(5)
    assert in_plex(pairs) == 30
    assert "The quiet hours are over" in world.said("info")


def test_a_worker_with_nothing_else_waits_for_the_end_of_quiet_hours(world: Any) -> None:
    world.configure(quiet_hours="20:00-23:30")
    at_wall_clock(world, 23.2)
    world.run()  # reads the settings
    pairs = library(world, 60)
    run_task(world, sync_all, owns=True)
    assert world.run(20, leave=lambda: "all there" if in_plex(pairs) == 60 else "") == "all there"


def test_process_queue_says_what_waits_in_quiet_hours(world: Any) -> None:
    pairs = library(world, 3)
    world.configure(quiet_hours="20:00-23:30")
    at_wall_clock(world, 21)
    run_task(world, sync_all, owns=True)
    world.run(1)
    answer = run_task(world, process_queue, owns=True)
    assert (answer["done"], answer["remaining"], answer["stopped"]) == (0, 3, "")
    assert "waits until 23:30 (quiet hours)" in world.said("info")
    assert in_plex(pairs) == 0


def queue_of(world: World) -> dict[str, Any]:
    queue: Any = status(world.folder, world.clock.now(), offset=world.clock.offset)["queue"]
    return {name: queue[name] for name in ("due", "held", "next_due")}


def report(world: World) -> str:
    found = status(world.folder, world.clock.now(), offset=world.clock.offset)
    return "\n".join(text for _, text in status_lines(found, ""))


def test_a_paused_backfill_in_an_idle_queue_is_not_called_due(world: Any) -> None:
    library(world, 3)
    world.stash.set_plugin_settings({**world.settings, "pause_sync": True})
    run_task(world, sync_all, owns=True)
    world.run()
    world.configure()
    assert queue_of(world)["due"] == 3
    app = world.stores()
    app.stores.ledger.pause_backfill("sync all", UNTIL_RESUMED, world.clock.now())
    app.close()
    assert queue_of(world) == {"due": 0, "held": 3, "next_due": None}


def test_the_headline_does_not_call_it_work_what_waits_for_the_end_of_quiet_hours(
    world: Any,
) -> None:
    world.configure(quiet_hours="20:00-23:30")
    at_wall_clock(world, 21)
    world.run()
    scene, item = world.pair("a.mp4", title="T")
    app = world.stores()
    backfill(app.stores.queue, app.stores.ledger, [scene], "retry", world.clock.now())
    app.close()
    world.run(1)
    assert item.title != "T"
    found = status(world.folder, world.clock.now(), offset=world.clock.offset)["headline"]
    assert found["text"] == "Every edit is in Plex; a backfill waits."
    assert "waits until 23:30 (quiet hours)" in found["more"]
    assert queue_of(world) == {"due": 0, "held": 1, "next_due": None}
    assert "Queue: 1 job pending (1 of backfills that wait)" in report(world)
    assert done(world, "stop_backfill", backfill="retry")["scenes"] == 1


def test_quiet_hours_that_are_none_are_named_once(world: Any) -> None:
    world.configure(quiet_hours="8 pm")
    pairs = library(world, 3)
    run_task(world, sync_all, owns=True)
    world.run()
    assert in_plex(pairs) == 3
    assert 'quiet_hours: "8 pm" is not a list of times like 20:00-23:30' in world.said("warning")


def test_an_automatic_reconciliation_waits_and_then_runs(world: Any) -> None:
    scene, item = world.pair("a.mp4", title="T")
    world.edit(scene, title="Mine")
    world.run()
    item.title = "Somebody's"
    world.configure(quiet_hours="20:00-23:30", reconcile_interval="daily", reconcile_scope="all")
    at_wall_clock(world, 23.3)
    world.run(8)
    assert item.title == "Somebody's"
    world.run(8)
    assert item.title == "Mine", "the worker stayed for it"


# -- what is stored --------------------------------------------------------------------------


def test_a_folder_of_the_previous_version_continues(world: Any) -> None:
    pairs = library(world, 30)
    run_task(world, sync_all, owns=True)
    world.run(leave=lambda: "stop" if world.plex.count("PUT") else "")
    with sqlite3.connect(Path(world.folder) / "ledger.db") as ledger:
        ledger.execute("DROP TABLE backfill_runs")
        ledger.execute("PRAGMA user_version = 10")
    with sqlite3.connect(Path(world.folder) / "queue" / "data.db") as queue:
        queue.executescript(
            "DROP TABLE job_index; CREATE TABLE job_index (scene INTEGER, row INTEGER)"
        )
    status(world.folder, world.clock.now())  # of a page before any worker has opened the folder
    world.run()
    assert in_plex(pairs) == 30


def test_what_cannot_be_read_of_a_pause_is_no_pause(world: Any) -> None:
    pairs = library(world, 30)
    run_task(world, sync_all, owns=True)
    done(world, "pause_backfill")
    with sqlite3.connect(Path(world.folder) / "ledger.db") as ledger:
        ledger.execute("UPDATE backfill_runs SET paused_until = 'soon'")
    world.run()
    assert in_plex(pairs) == 30


def test_a_pause_after_a_clock_that_was_wrong_ends(world: Any) -> None:
    pairs = library(world, 30)
    run_task(world, sync_all, owns=True)
    app = world.stores()
    wrong = world.clock.now() + 400 * 86400.0
    app.stores.ledger.pause_backfill("sync all", wrong + 3600, wrong)
    app.close()
    world.run()
    assert in_plex(pairs) == 30


def test_view_queue_status_has_a_line_for_each_of_a_few(world: Any) -> None:
    app = world.stores()
    for reason in ("sync all", "rename", "settings", "recent"):
        app.stores.ledger.add_backfill(reason, "scene", range(1, 40), world.clock.now())
    app.close()
    found = status(world.folder, world.clock.now())
    text = [line for _, line in status_lines(found, "") if "ackfill" in line]
    assert text[0].startswith("Backfill ")
    assert "0 of 39 scenes done; time left not known yet." in text[0]
    assert text[3] == "... and 1 more backfills."


def test_the_headline_says_what_a_backfill_waits_for(world: Any) -> None:
    library(world, 3)
    run_task(world, sync_all, owns=True)
    done(world, "pause_backfill")
    headline = status(world.folder, world.clock.now())["headline"]
    assert headline["text"] == "Every edit is in Plex; a backfill waits."
    assert "paused until it is resumed on the page" in headline["more"]
