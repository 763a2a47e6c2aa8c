"""Tasks for the queue and the dead letters, in a world with a fake clock."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from plexsync import inbox, task_runner
from plexsync.app import App
from plexsync.edges.log.log import Log
from plexsync.flows.tasks.arguments import read_task_arguments
from plexsync.flows.tasks.clear_queue import clear_queue, remove_all
from plexsync.flows.tasks.confirmation import KEPT, keep_copy
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.flows.tasks.dead_letters import (
    clear_dead_letters,
    purge_dead_letters,
    retry_dead_letters,
)
from plexsync.flows.tasks.drain import Pace
from plexsync.flows.tasks.process_queue import process_queue
from plexsync.flows.tasks.rebuild_index import rebuild_index
from plexsync.flows.tasks.recover_outage_jobs import recover_outage_jobs
from plexsync.flows.tasks.registry import TASKS
from plexsync.flows.tasks.restore_removed import restore_removed
from plexsync.flows.tasks.sync_all import sync_all, sync_all_forced, sync_recent
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.job import BACKFILL, Job
from plexsync.model.reasons import FORCED
from plexsync.policy.events import stronger_reason
from tests.task_running import carry_out

LONG_AGO = "2020-01-01T00:00:00Z"
OLD = {"created_at": LONG_AGO, "updated_at": LONG_AGO}


class Screen:
    """What the user sees of one task: log lines and progress."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.bar: list[float] = []

    def write(self, level: str, text: str) -> None:
        self.lines.append((level, text))

    def progress(self, value: float) -> None:
        self.bar.append(value)

    @property
    def text(self) -> str:
        return "\n".join(text for _, text in self.lines)


class Buttons:
    """Runs tasks as the owner of a world's data folder."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.screen = Screen()

    def press(
        self, task: Callable[[TaskContext], dict[str, object]], **args: object
    ) -> dict[str, Any]:
        world, self.screen = self.world, Screen()
        stash = world.client()
        log = Log(self.screen)
        app = App(world.folder, stash, world.clock, log, {})
        try:
            config = app.config()
            app.outages.configure(config)
            answer = carry_out(
                task,
                TaskContext(
                    plugin_dir="/config/plugins/PlexSync",
                    folder=world.folder,
                    args=args,
                    config=config,
                    plex=app.plex(config),
                    stash=stash,
                    clock=world.clock,
                    log=log,
                    wake=lambda: None,
                    owned=app,
                ),
            )
        finally:
            app.close()
            stash.close()
        json.dumps(answer)
        return answer

    @property
    def said(self) -> str:
        return self.screen.text

    def change(self, what: Callable[[App], None]) -> None:
        app = self.world.stores()
        try:
            what(app)
        finally:
            app.close()

    def bury(
        self, scene: int, error: str = "PlexPermanentError", days: float = 0.0, cause: str = ""
    ) -> None:
        at = self.world.clock.now() - days * 86400
        dead_letter = DeadLetter(
            scene=scene,
            error=error,
            message="it went wrong",
            cause=cause,
            buried_at=at,
            first_failure=at,
            last_failure=at,
        )
        with closing(self.world.dead_letters()) as dead_letters:
            dead_letters.add(dead_letter)

    def queue(self, scenes: Iterable[int], **more: Any) -> None:
        now = self.world.clock.now()
        jobs = [Job(scene=s, born=now, **{"reason": "update", **more}) for s in scenes]
        with self.world.queue() as queue:
            queue.put_all(jobs)

    def dead_letters(self) -> set[int]:
        with closing(self.world.dead_letters()) as dead_letters:
            return {each.scene for each in dead_letters.page(1000)}

    def copies(self) -> list[Path]:
        return sorted((Path(self.world.folder) / "removed").glob("*.json"))


@pytest.fixture
def desk(world: Any) -> Buttons:
    world.configure(no_poster=True)
    return Buttons(world)


# --- Process Queue


def test_process_queue_drains_what_is_due_and_says_so(desk: Buttons) -> None:
    pairs = [desk.world.pair(f"{n}.mp4", title=f"T{n}", details="d") for n in range(60)]
    for scene, _ in pairs:
        desk.world.event(scene)
    done = desk.press(process_queue)
    assert [item.title for _, item in pairs] == [f"T{n}" for n in range(60)]
    assert (done["done"], done["written"], done["remaining"]) == (60, 60, 0)
    assert "60 scenes to sync: about 2 min" in desk.said
    assert "assumed until 5 are done" in desk.said
    assert desk.said.count("Synced scene=") == 60
    assert 'changed="title, summary' in desk.said
    assert "60 scenes done in" in desk.said
    assert "Nothing remains." in desk.said


def test_the_bar_rises_to_the_end(desk: Buttons) -> None:
    for n in range(120):
        desk.world.event(desk.world.pair(f"{n}.mp4", title=f"T{n}")[0])
    desk.press(process_queue)
    bar = desk.screen.bar
    assert bar == sorted(bar)
    assert (bar[0], bar[-1]) == (0.0, 1.0)


def test_with_nothing_to_do_it_says_so(desk: Buttons) -> None:
    assert desk.press(process_queue)["done"] == 0
    assert desk.said.splitlines() == ["Nothing was due.", "Nothing remains."]


def test_it_waits_for_no_retry_and_says_when_the_next_is(desk: Buttons) -> None:
    scene, item = desk.world.pair("1.mp4", title="T")
    missing = desk.world.stash.add_scene(title="None", files=[("/data/none.mp4", 1)])
    for each in (scene, missing):
        desk.world.event(each)
    before = desk.world.clock.passed
    done = desk.press(process_queue)
    assert item.title == "T"
    assert (done["written"], done["tried_again_later"], done["remaining"]) == (1, 1, 1)
    assert done["errors"] == {"PlexNotFound": 1}
    assert 10 < done["next_due_in"] <= 30
    assert "Nothing is due; 1 job waits for its next try at " in desk.said
    assert "(1 Not in Plex). The background worker continues by itself." in desk.said
    assert "Not yet: no item in Plex holds this file yet" in desk.said
    assert desk.world.clock.passed - before < 5


@pytest.mark.long
def test_stored_backfills_are_drained_too(desk: Buttons) -> None:
    pairs = [desk.world.pair(f"{n}.mp4", title=f"T{n}", **OLD) for n in range(700)]
    desk.press(sync_all)
    done = desk.press(process_queue)
    assert "700 scenes to sync" in desk.said
    assert (done["done"], done["remaining"]) == (700, 0)
    assert all(item.title.startswith("T") for _, item in pairs)


def test_a_dead_plex_is_said_at_once_and_nothing_is_lost(desk: Buttons) -> None:
    desk.world.event(desk.world.pair("1.mp4", title="T")[0])
    desk.world.plex.stop()
    before = desk.world.clock.passed
    with pytest.raises(TaskFailed, match="Plex is down .* 1 scene to be synced is kept"):
        desk.press(process_queue)
    assert desk.world.clock.passed == before
    assert len(desk.world.waiting()) == 1


def test_a_refused_token_is_said_at_once(desk: Buttons) -> None:
    desk.world.configure(plex_token="another-token")
    with pytest.raises(TaskFailed, match="Enter a new Plex token"):
        desk.press(process_queue)


@pytest.mark.parametrize("setting", ["pause_sync", "no_master"])
def test_a_pause_is_said_at_once(desk: Buttons, setting: str) -> None:
    desk.world.event(desk.world.pair("1.mp4", title="T")[0])
    desk.world.configure(**{setting: True})
    with pytest.raises(TaskFailed, match='switch off "Pause syncing"'):
        desk.press(process_queue)
    assert len(desk.world.waiting()) == 1


def test_it_ends_when_plex_goes_away_meanwhile(desk: Buttons) -> None:
    pairs = [desk.world.pair(f"{n}.mp4", title=f"T{n}", **OLD) for n in range(120)]
    for scene, _ in pairs:
        desk.world.event(scene)
    fault = desk.world.plex.add_fault("status", match=_late(desk.world.plex, 70), status=503)
    done = desk.press(process_queue)
    assert 50 <= done["done"] < 120
    assert "Plex answered 503 to GET" in done["stopped"]
    assert "Stopped early." in desk.said
    assert done["done"] + done["remaining"] == 120
    fault.remove()
    assert desk.press(process_queue)["remaining"] == 0
    assert [item.title for _, item in pairs] == [f"T{n}" for n in range(120)]
    assert desk.dead_letters() == set()


def _late(plex: Any, writes: int) -> Callable[[Any], bool]:
    """Matches everything after so many writes, once the first batch was read back: that is the third
    read of items, while the second batch is written.
    """

    def matches(_: Any) -> bool:
        reads = [e for e in plex.journal if e.path.startswith("/library/metadata/") and e.status]
        return bool(plex.writes() > writes and sum(e.method == "GET" for e in reads) >= 3)

    return matches


def test_it_ends_when_stash_goes_away_meanwhile(desk: Buttons) -> None:
    desk.world.event(desk.world.pair("1.mp4", title="T")[0])
    desk.world.clock.on_wait = lambda: desk.world.stash.stop()
    done = desk.press(process_queue)
    desk.world.clock.on_wait = lambda: None
    desk.world.stash.start()
    assert "Stash no longer answers" in done["stopped"]
    assert done["remaining"] == 1


def test_an_open_breaker_is_closed_by_a_plex_that_is_well_again(desk: Buttons) -> None:
    scene, item = desk.world.pair("1.mp4", title="T")
    desk.world.plex.stop()
    desk.world.event(scene)
    desk.world.run(minutes=2)
    desk.world.plex.start()
    assert desk.press(process_queue)["written"] == 1
    assert item.title == "T"
    assert "-> CLOSED" in desk.said


def test_after_an_outage_process_queue_obeys_the_ramp_like_the_worker(desk: Buttons) -> None:
    pairs = [desk.world.pair(f"{n}.mp4", title=f"T{n}") for n in range(40)]
    desk.world.plex.stop()
    for scene, _ in pairs:
        desk.world.event(scene)
    desk.world.run(minutes=2)
    desk.world.plex.start()
    before = desk.world.clock.passed
    assert desk.press(process_queue)["written"] == 40
    assert 5 < desk.world.clock.passed - before < 12, "40 requests at 5 to 6 a second"


def test_a_task_looks_first_whether_plex_is_back(desk: Buttons) -> None:
    scene, _ = desk.world.pair("1.mp4", title="T")
    desk.world.plex.stop()
    desk.world.event(scene)
    desk.world.run(minutes=2)
    desk.world.plex.start()
    desk.world.clock.passed += 60
    begun_with: list[str] = []

    def note(call: TaskContext) -> dict[str, object]:
        begun_with.append(call.owner().outages.breaker.state)
        return {}

    task = TASKS["sync_recent"]._replace(action=note)
    desk.change(
        lambda app: (
            task_runner.run_with(task, "/config/plugins/PlexSync", {}, app, lambda: None) and None
        )
    )
    assert begun_with == ["CLOSED"]


def test_a_job_that_killed_workers_is_not_run_again(desk: Buttons) -> None:
    scene, item = desk.world.pair("1.mp4", title="T")
    desk.queue([scene])
    for _ in range(3):
        desk.change(lambda app: app.stores.queue.start([scene]))
    assert desk.press(process_queue)["done"] == 0
    assert desk.dead_letters() == {scene}
    assert item.title != "T"


def test_the_estimate_goes_by_what_was_measured_from_five_scenes_on() -> None:
    assert Pace(4, 40.0).mean == 2.0
    assert Pace(4, 40.0).estimate(30).startswith("about 1 min (2.0 s per scene, assumed")
    assert Pace(4, 4.0).after(1, 1.0).mean == 1.0
    assert Pace(5, 5.0).estimate(30) == "about 30 s (1.0 s per scene)"


# --- Sync All, Sync Recent


def test_sync_all_reaches_scenes_older_than_the_installation(desk: Buttons) -> None:
    pairs = [desk.world.pair(f"{n}.mp4", title=f"T{n}", **OLD) for n in range(3)]
    desk.world.run()
    assert not any(item.title.startswith("T") for _, item in pairs)
    assert desk.press(sync_all) == {"queued": 3}
    assert "3 scenes queued." in desk.said
    desk.world.run()
    assert [item.title for _, item in pairs] == ["T0", "T1", "T2"]


def test_sync_all_reads_many_pages(desk: Buttons) -> None:
    scenes = [desk.world.stash.add_scene(title="T", **OLD) for _ in range(2300)]
    assert desk.press(sync_all) == {"queued": 2300}
    assert desk.screen.bar == sorted(desk.screen.bar)
    found: list[list[int]] = []
    desk.change(
        lambda app: found.extend(map(app.stores.ledger.backfill_ids, app.stores.ledger.backfills()))
    )
    assert found == [scenes]


def test_sync_all_of_an_empty_stash(desk: Buttons) -> None:
    assert desk.press(sync_all) == {"queued": 0}
    assert "Stash has no scenes" in desk.said


def test_what_is_in_step_costs_a_check_and_forced_restores_what_plex_should_have(
    desk: Buttons,
) -> None:
    scene, item = desk.world.pair("1.mp4", title="T", **OLD)
    desk.press(sync_all)
    desk.world.run()
    assert item.title == "T"
    item.title = "somebody else's"
    desk.world.plex.clear_journal()
    desk.press(sync_all)
    assert desk.press(process_queue)["in_step"] == 1
    assert item.title == "somebody else's"
    assert desk.world.plex.count("GET", f"/library/metadata/{item.key}") == 0
    desk.press(sync_all_forced)
    assert desk.press(process_queue)["written"] == 1
    assert item.title == "T"


def test_forced_also_means_scenes_that_wait_already(desk: Buttons) -> None:
    scene, item = desk.world.pair("1.mp4", title="T")
    desk.world.event(scene)
    desk.world.run()
    item.title = "somebody else's"
    desk.queue([scene], reason="settings", priority=BACKFILL)
    desk.press(sync_all_forced)
    desk.press(process_queue)
    assert item.title == "T"


def test_an_event_weakens_no_reason() -> None:
    assert stronger_reason(FORCED, "update") == FORCED
    assert stronger_reason("sync all", "scan") == "sync all"
    assert stronger_reason("sync all", "update") == "update"
    assert stronger_reason(FORCED, "create") == "create"


def test_a_scan_of_a_queued_old_scene_does_not_undo_sync_all(desk: Buttons) -> None:
    scene, item = desk.world.pair("1.mp4", title="T", **OLD)
    desk.world.run()
    desk.press(sync_all)
    desk.press(clear_nothing)
    desk.world.event(scene, inputFields=..., input=None)
    desk.press(process_queue)
    assert item.title == "T"


def clear_nothing(call: TaskContext) -> dict[str, object]:
    """Another owner feeds the backfill into the queue."""
    call.owner().worker(lambda: "", lambda results, seconds: None).take_in(call.clock.now())
    return {}


def test_pressing_sync_all_again_does_not_pile_up(desk: Buttons) -> None:
    for n in range(600):
        desk.world.stash.add_scene(title="T", files=[(f"/data/{n}.mp4", 1)], **OLD)
    for task in (sync_all, sync_all, sync_all_forced, sync_all_forced):
        desk.press(task)
        desk.press(clear_nothing)
    reasons: list[str] = []
    desk.change(lambda app: reasons.extend(b.reason for b in app.stores.ledger.backfills()))
    assert reasons == [FORCED]


def test_sync_recent_takes_the_last_24_hours_whatever_the_offset(desk: Buttons) -> None:
    hour = 3600.0
    now = desk.world.clock.now()

    def at(hours: float) -> float:
        return float(now - hours * hour)

    young, item = desk.world.pair("1.mp4", title="T1", created_at=at(23.9), updated_at=at(23.9))
    edited, its = desk.world.pair("2.mp4", title="T2", created_at=LONG_AGO, updated_at=at(1))
    _, old = desk.world.pair("3.mp4", title="T3", created_at=at(24.5), updated_at=at(24.5))
    assert desk.press(sync_recent) == {"queued": 2}
    assert "2 scenes of the last 24 hours" in desk.said
    desk.press(process_queue)
    assert (item.title, its.title) == ("T1", "T2")
    assert old.title != "T3"


def test_a_stash_that_goes_away_leaves_nothing_half_queued(desk: Buttons) -> None:
    for _ in range(1500):
        desk.world.stash.add_scene(title="T", **OLD)
    desk.world.stash.add_fault("status", match=_second_page(), status=503)
    with pytest.raises(Exception, match="Stash answered 503"):
        desk.press(sync_all)
    desk.world.stash.clear_faults()
    assert desk.press(clear_queue) == {"removed": 0, "backfills": 0, "would_remove": 0}


def _second_page() -> Callable[[Any], bool]:
    asked = []

    def matches(_: Any) -> bool:
        asked.append(1)
        return len(asked) > 2  # the settings, the first page

    return matches


# --- dead letters


def test_retry_queues_a_fresh_job_and_success_removes_the_dead_letter(desk: Buttons) -> None:
    scene, item = desk.world.pair("1.mp4", title="T", **OLD)
    other, its = desk.world.pair("2.mp4", title="T2", **OLD)
    desk.bury(scene)
    desk.bury(other, error="PlexNotFound")
    assert desk.press(retry_dead_letters) == {"queued": 2, "already_queued": 0, "undone": 0}
    assert "2 scenes queued again: 1 Not in Plex, 1 Refused by Plex." in desk.said
    assert desk.dead_letters() == {scene, other}
    assert desk.press(retry_dead_letters) == {"queued": 0, "already_queued": 2, "undone": 0}
    assert "2 scenes already waiting in the queue" in desk.said
    desk.press(process_queue)
    assert (item.title, its.title) == ("T", "T2")
    assert desk.dead_letters() == set()


def test_retry_by_class_cause_and_scene(desk: Buttons) -> None:
    for scene, error in ((1, "PlexNotFound"), (2, "AmbiguousMatch"), (3, "PlexServerDown")):
        desk.bury(scene, error=error)
    desk.press(retry_dead_letters, error_types="PlexNotFound, AmbiguousMatch")
    assert set(desk.world.waiting()) == {1, 2}
    desk.press(retry_dead_letters, scene="3")
    assert set(desk.world.waiting()) == {1, 2, 3}
    assert desk.press(retry_dead_letters, scene=4)["queued"] == 0
    assert "no dead letter matches. Their classes are AmbiguousMatch, PlexNotFound" in desk.said


@pytest.mark.parametrize("scene", ["1 OR 1=1", "-3", True, [1], "²", "9" * 30])
def test_retry_of_what_is_no_scene_is_an_error(desk: Buttons, scene: object) -> None:
    desk.bury(1)
    with pytest.raises(TaskFailed, match="scene must be a whole number"):
        desk.press(retry_dead_letters, scene=scene)


def test_retry_without_dead_letters(desk: Buttons) -> None:
    assert desk.press(retry_dead_letters) == {"queued": 0, "already_queued": 0, "undone": 0}
    assert "there are no dead letters" in desk.said


def test_clear_dead_letters_takes_two_presses_and_keeps_a_copy(desk: Buttons) -> None:
    for scene in range(1, 31):
        desk.bury(scene, error="PlexNotFound")
    assert desk.press(clear_dead_letters) == {"removed": 0, "would_remove": 30}
    assert (
        "Nothing was removed yet. This would remove 30 dead letters (30 Not in Plex)" in desk.said
    )
    assert "and 10 more" in desk.said
    assert len(desk.dead_letters()) == 30
    desk.world.clock.passed += 299
    done = desk.press(clear_dead_letters)
    assert (done["removed"], desk.dead_letters()) == (30, set())
    (copy,) = desk.copies()
    assert done["copy"] == os.path.join("removed", copy.name)
    assert copy.name.endswith("-dead-letters.json")
    assert {dead_letter["scene"] for dead_letter in json.loads(copy.read_text())} == set(
        range(1, 31)
    )
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert copy.name in desk.said


def test_a_second_press_too_late_is_a_first_one(desk: Buttons) -> None:
    desk.bury(1)
    for pause in (0, 301, 301):
        desk.world.clock.passed += pause
        assert desk.press(clear_dead_letters)["removed"] == 0
    assert desk.press(clear_dead_letters)["removed"] == 1
    desk.bury(2)
    assert desk.press(clear_dead_letters)["removed"] == 0, "a confirmation counts once"


def test_what_came_after_the_first_press_stays(desk: Buttons) -> None:
    desk.bury(1)
    desk.press(clear_dead_letters)
    desk.world.clock.passed += 10
    desk.bury(2)
    assert desk.press(clear_dead_letters)["removed"] == 1
    assert desk.dead_letters() == {2}
    assert "1 dead letter added after the first press: kept" in desk.said


def test_a_damaged_confirmation_is_none(desk: Buttons) -> None:
    desk.bury(1)
    for text in ("[]", '{"version": 2, "pressed_at": {"clear_dead_letters": "now"}}', "\x00"):
        (Path(desk.world.folder) / "confirm.json").write_text(text)
        assert desk.press(clear_dead_letters)["removed"] == 0
        assert "confirm.json was damaged" in desk.said


def test_a_first_press_under_version_1_still_counts(desk: Buttons) -> None:
    desk.bury(1)
    assert desk.press(clear_dead_letters)["removed"] == 0
    state = Path(desk.world.folder) / "confirm.json"
    pressed = json.loads(state.read_text())["pressed_at"]
    state.write_text(json.dumps({"version": 1, "told": pressed}))
    assert desk.press(clear_dead_letters)["removed"] == 1


def test_clear_dead_letters_without_any(desk: Buttons) -> None:
    assert desk.press(clear_dead_letters) == {"removed": 0, "would_remove": 0}
    assert "There are no dead letters" in desk.said


def test_purge_removes_what_is_older_than_the_setting(desk: Buttons) -> None:
    desk.world.configure(dlq_retention_days=10)
    desk.bury(1, days=11)
    desk.bury(2, days=9)
    assert desk.press(purge_dead_letters) == {"removed": 0, "would_remove": 1}
    assert desk.dead_letters() == {1, 2}
    done = desk.press(purge_dead_letters)
    assert (done["removed"], desk.dead_letters()) == (1, {2})
    assert "Removed 1 dead letter (1 Refused by Plex), of scene 1." in desk.said
    assert len(desk.copies()) == 1
    assert desk.press(purge_dead_letters) == {"removed": 0, "would_remove": 0}
    assert "No dead letter is older than 10 days" in desk.said


# --- Clear Queue


def test_clear_queue_takes_in_what_waits_and_removes_it_all(desk: Buttons) -> None:
    desk.queue([1, 2])
    desk.queue([3], reason="sweep", priority=BACKFILL)
    desk.world.event(4)
    for _ in range(600):
        desk.world.stash.add_scene(title="T", **OLD)
    desk.press(sync_all)
    first = desk.press(clear_queue)
    assert (first["removed"], first["would_remove"]) == (0, 500)
    assert "Nothing was removed yet. This would remove 500 waiting jobs" in desk.said
    assert len(desk.world.waiting()) == 500
    done = desk.press(clear_queue)
    assert (done["removed"], done["backfills"]) == (503, 1)
    assert desk.world.waiting() == {}
    assert inbox.collect(desk.world.folder) == []
    (copy,) = desk.copies()
    kept = json.loads(copy.read_text())
    assert len(kept["jobs"]) + len(kept["backfills"][0]["ids"]) == 600
    assert "Removed 503 waiting jobs" in desk.said
    assert desk.press(clear_queue) == {"removed": 0, "backfills": 0, "would_remove": 0}
    assert desk.press(process_queue)["done"] == 0


def test_clear_queue_leaves_the_dead_letters(desk: Buttons) -> None:
    desk.bury(1)
    desk.queue([2])
    for _ in range(2):
        desk.press(clear_queue)
    assert (desk.dead_letters(), desk.world.waiting()) == ({1}, {})


def test_a_copy_that_cannot_be_kept_removes_nothing(desk: Buttons) -> None:
    desk.queue([1])
    desk.world.clock.jumped = 1e12  # no copy can have a date in the year 33,000
    with pytest.raises(ValueError, match="year"):
        desk.press(remove_all)
    desk.world.clock.jumped = 0.0
    assert set(desk.world.waiting()) == {1}


def test_what_is_edited_after_the_first_press_of_clear_queue_stays(desk: Buttons) -> None:
    desk.queue([1, 2])
    desk.press(clear_queue)
    desk.world.clock.passed += 60
    desk.world.event(2)
    desk.world.event(3)
    assert desk.press(clear_queue)["removed"] == 1
    assert set(desk.world.waiting()) == {2, 3}


# --- Restore Removed


def test_a_cleared_queue_comes_back_with_its_backfill_and_its_attempts(desk: Buttons) -> None:
    desk.queue([1])
    desk.queue([2], attempts={"PlexNotFound": 3}, last_error="PlexNotFound")
    desk.change(
        lambda app: app.stores.ledger.add_backfill("sync all", "scene", range(10, 900), 1.0)
    )
    for _ in range(2):
        desk.press(clear_queue)
    assert desk.world.waiting() == {}
    done = desk.press(restore_removed)
    assert (done["jobs"], done["backfills"]) == (502, 1)
    assert desk.world.waiting()[2].attempts == {"PlexNotFound": 3}
    walks: list[list[int]] = []
    desk.change(
        lambda app: walks.extend(map(app.stores.ledger.backfill_ids, app.stores.ledger.backfills()))
    )
    assert walks == [list(range(510, 900))]
    again = desk.press(restore_removed)
    assert (again["jobs"], again["backfills"]) == (0, 0)
    assert "everything in it exists already" in desk.said


def test_cleared_dead_letters_come_back_but_those_of_waiting_scenes(desk: Buttons) -> None:
    for scene in (1, 2, 3):
        desk.bury(scene, error="PlexNotFound")
    for _ in range(2):
        desk.press(clear_dead_letters)
    desk.queue([3])
    assert desk.press(restore_removed)["dead_letters"] == 2
    assert desk.dead_letters() == {1, 2}


def test_an_earlier_copy_is_chosen_by_its_name(desk: Buttons) -> None:
    first = keep_copy(desk.world.folder, "queue", {"jobs": [{"scene": 5}], "backfills": []}, 1e9)
    keep_copy(desk.world.folder, "queue", {"jobs": [{"scene": 6}], "backfills": []}, 1e9 + 1)
    assert desk.press(restore_removed, copy=first)["jobs"] == 1
    assert set(desk.world.waiting()) == {5}
    assert "-queue.json" in desk.said
    with pytest.raises(TaskFailed, match='There is no copy "none". There are: 2001'):
        desk.press(restore_removed, copy="../none")


def test_a_copy_of_version_0_1_0_is_read(desk: Buttons) -> None:
    run = {"reason": "sync all", "kind": "scene", "ids": [7, 8], "after": 0, "born": 1.0}
    keep_copy(desk.world.folder, "queue", {"jobs": [], "walks": [run]}, 1e9)
    assert desk.press(restore_removed)["backfills"] == 1


OF_A_COPY: dict[str, object] = {
    **{"scene": 1, "error": "PlexNotFound", "message": "gone"},
    **dict.fromkeys(("buried_at", "first_failure", "last_failure"), 1.0),
}


@pytest.mark.parametrize(
    "document",
    [7, {}, {"jobs": [{}], "backfills": []}, {"jobs": [{"scene": 1}], "backfills": [{}]}, [{"scene": 1}],
     {"jobs": [{"scene": 1}], "backfills": [{"reason": "x", "kind": "", "ids": [-1], "after": 0}]},
     {"jobs": [{"scene": 2**70}], "backfills": []}, [{**OF_A_COPY, "scene": 2**70}],
     [OF_A_COPY, {**OF_A_COPY, "message": 5}], [{**OF_A_COPY, "buried_at": 1e300}],
     [{**OF_A_COPY, "attempts": [1]}], [{**OF_A_COPY, "status": "x"}]],
)  # fmt: skip
def test_what_is_no_copy_changes_nothing(desk: Buttons, document: object) -> None:
    keep_copy(desk.world.folder, "queue", document, 1e9)
    with pytest.raises(TaskFailed, match="cannot be read"):
        desk.press(restore_removed)
    assert (desk.world.waiting(), desk.dead_letters()) == ({}, set())


def test_without_a_copy_restore_says_so(desk: Buttons) -> None:
    with pytest.raises(TaskFailed, match="There is no copy in .*removed"):
        desk.press(restore_removed)


# --- arguments


@pytest.mark.parametrize(
    ("given", "scenes"),
    [
        ("Timeout", {1}), ("timeout", {1}), ("ConnectionError", {2}), ("Transient", {1, 2, 3}),
        ("plexnotfound", {3}), ("Permanent, Timeout", {1, 4}), ("strange", {4}), ("", {1, 2, 3, 4}),
    ],
)  # fmt: skip
def test_error_types_are_classes_causes_and_their_older_names(
    desk: Buttons, given: str, scenes: set[int]
) -> None:
    desk.bury(1, error="PlexServerDown", cause="timeout")
    desk.bury(2, error="PlexServerDown", cause="refused")
    desk.bury(3, error="PlexNotFound")
    desk.bury(4, error="PlexPermanentError", cause="strange")
    desk.press(retry_dead_letters, error_types=given)
    assert set(desk.world.waiting()) == scenes


def test_an_error_type_that_is_none_is_an_error_that_lists_them(desk: Buttons) -> None:
    desk.bury(1)
    for task in (retry_dead_letters, recover_outage_jobs):
        with pytest.raises(TaskFailed, match='no "Bogus"; it takes the classes PlexServerDown, .*'):
            desk.press(task, error_types="Timeout,Bogus")
    with pytest.raises(TaskFailed, match="error_types must be a text"):
        desk.press(retry_dead_letters, error_types=7)
    assert desk.world.waiting() == {}


def test_every_argument_is_known_to_its_task() -> None:
    needed = {"count_changes": {"settings": {"title": ""}}}
    for mode, task in TASKS.items():
        given = {"mode": mode, **needed.get(mode, {})}
        assert set(read_task_arguments(mode, task, given)) == set(task.arguments)
        with pytest.raises(TaskFailed, match=f"{mode} has no argument 'scnee'; it takes "):
            read_task_arguments(mode, task, {"mode": mode, "scnee": "1"})


# --- Recover Outage Jobs


def test_it_takes_back_no_scene_that_waits_already_or_is_gone(desk: Buttons) -> None:
    there, gone, waits = (desk.world.pair(f"{n}.mp4", title="T", **OLD)[0] for n in range(3))
    for scene in (there, gone, waits):
        desk.bury(scene, error="PlexServerDown")
    desk.world.stash.destroy(gone)
    desk.queue([waits], attempts={"PlexNotFound": 3})
    done = desk.press(recover_outage_jobs, window="all")
    assert (done["queued"], done["already_queued"], done["gone"]) == (1, 1, 1)
    assert set(desk.world.waiting()) == {there, waits}
    assert desk.world.waiting()[waits].attempts == {"PlexNotFound": 3}
    assert desk.dead_letters() == {there, waits}


# --- copies


def test_copies_older_than_a_week_go_and_strangers_stay(tmp_path: Path) -> None:
    now = datetime(2026, 3, 29, 12, 0, tzinfo=timezone.utc).timestamp()
    first = keep_copy(str(tmp_path), "queue", {"a": 1}, now)
    assert first == os.path.join("removed", "20260329T120000Z-queue.json")
    assert keep_copy(str(tmp_path), "queue", {"a": 2}, now).endswith("-queue-2.json")
    (tmp_path / "removed" / "mine.json").write_text("{}")
    (tmp_path / "removed" / "20269999T120000Z-odd.json").write_text("{}")
    keep_copy(str(tmp_path), "queue", {}, now + KEPT)
    assert (tmp_path / first).exists()
    keep_copy(str(tmp_path), "queue", {}, now + KEPT + 1)
    names = {path.name for path in (tmp_path / "removed").iterdir()}
    assert names == {
        "mine.json",
        "20269999T120000Z-odd.json",
        "20260405T120000Z-queue.json",
        "20260405T120001Z-queue.json",
    }


# --- Rebuild Plex Index


def test_rebuild_reads_every_library_again(desk: Buttons) -> None:
    for n in range(1200):
        desk.world.film(f"{n}.mp4")
    done = desk.press(rebuild_index)
    assert (done["items"], done["files"], done["added"]) == (1200, 1200, 1200)
    assert "The index holds 1200 items with 1200 files" in desk.said
    assert desk.screen.bar == sorted(desk.screen.bar)
    assert desk.screen.bar[-1] == 1.0
    again = desk.press(rebuild_index)
    assert (again["items"], again["added"], again["removed"]) == (1200, 0, 0)
    assert again["requests"] >= 2


def test_rebuild_revives_what_plex_lacked(desk: Buttons) -> None:
    scene = desk.world.stash.add_scene(title="T", files=[("/data/late.mp4", 1000)])
    desk.change(
        lambda app: app.stores.dead_letters.add(
            DeadLetter(
                scene=scene,
                error="PlexNotFound",
                message="no item",
                buried_at=1.0,
                first_failure=1.0,
                last_failure=1.0,
                paths=("/data/late.mp4",),
            )
        )
    )
    item = desk.world.film("late.mp4")
    assert desk.press(rebuild_index)["revived"] == 1
    desk.press(process_queue)
    assert item.title == "T"


def test_rebuild_names_a_library_that_is_not_there(desk: Buttons) -> None:
    desk.world.configure(plex_library="Films, Flims")
    assert desk.press(rebuild_index)["missing"] == ["Flims"]
    assert 'no movie library named "Flims"' in desk.said


def test_rebuild_leaves_the_index_when_plex_is_down(desk: Buttons) -> None:
    desk.world.film("1.mp4")
    desk.press(rebuild_index)
    desk.world.plex.stop()
    with pytest.raises(TaskFailed, match="The index was not changed: Plex is down"):
        desk.press(rebuild_index)
