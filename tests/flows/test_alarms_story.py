"""Everything that waits has an alarm; none of these depends on a job being due."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plexsync import inbox
from plexsync.flows.page.operations import Request, reads
from plexsync.flows.tasks.check_setup import check_setup
from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.tasks.health_check import health_check
from plexsync.flows.tasks.process_queue import process_queue
from plexsync.flows.worker.settings_changes import DISABLED
from plexsync.model.command import KIND, Command, to_input
from plexsync.model.dead_letter import DeadLetter
from plexsync.policy.timing import SWEEP_EVERY
from plexsync.policy.waiting import SETTINGS_CHECK
from plexsync.system import LockFile
from tests.task_running import run_task

DAY = 86400.0


@pytest.fixture
def world(world: Any) -> Any:
    world.configure(no_poster=True)
    return world


def stored(world: Any, name: str) -> Any:
    return json.loads((Path(world.folder) / name).read_text())


def at(world: Any, seconds: float, do: Callable[[], object]) -> None:
    """Call this once, while the worker sleeps, after this many seconds."""
    due, done = world.clock.passed + seconds, []

    def wait() -> None:
        if not done and world.clock.passed >= due:
            done.append(do())

    world.clock.on_wait = wait


def tick(world: Any) -> Any:
    """What the page is told about a folder without a worker, while another process has started one."""
    started = LockFile(f"{world.folder}/started.lock")
    assert started.acquire()
    os.utime(started.path)
    request = Request("", world.folder, {}, world.block(), world.clock.now())
    answer = reads("tick").answer(request)["worker"]
    started.release()
    return answer


def buried(world: Any, scene: int, days: float, **more: Any) -> None:
    app = world.stores()
    moment = world.clock.now() - days * DAY
    times = {"buried_at": moment, "first_failure": moment, "last_failure": moment}
    dead_letter = {"error": "PlexPermanentError", "message": "", **times, **more}
    app.stores.dead_letters.add(DeadLetter(scene=scene, **dead_letter))
    app.close()


def outage(world: Any) -> tuple[int, Any]:
    """An outage that has begun, with one waiting job."""
    scene, item = world.pair("o.mp4", title="New")
    world.plex.stop()
    world.event(scene)
    world.run(minutes=3)
    assert stored(world, "circuit_breaker.json")["state"] == "OPEN"
    return scene, item


def test_a_lost_hook_is_found_by_a_worker_without_a_job(world: Any) -> None:
    world.run(minutes=1)
    scene, item = world.pair("a.mp4", title="New")
    world.clock.passed += 120
    world.run(minutes=1)
    assert item.title == "New"
    assert world.state(scene).state == "synced"


def test_an_idle_worker_sweeps_by_its_clock_and_once_more_before_it_ends(world: Any) -> None:
    item = world.film("a.mp4")
    at(world, 200, lambda: world.stash.add_scene(files=[("/data/a.mp4", 1000)], title="New"))
    assert world.run(minutes=30) == "nothing to do"
    assert item.title == "New"


def test_a_worker_that_comes_back_from_a_takeover_repeats_no_sweep(world: Any) -> None:
    def sweeps() -> int:
        return sum("PlexSyncRecentlyUpdated" in each.query for each in world.stash.journal)

    def until_a_task_comes() -> None:
        asleep: list[None] = []
        world.clock.on_wait = lambda: (asleep.append(None), inbox.nudge(world.folder))
        assert world.run(leave=lambda: "a task takes over" if asleep else "") != "time is up"

    until_a_task_comes()
    assert sweeps() == 1
    until_a_task_comes()
    assert sweeps() == 1


def test_process_queue_finds_what_no_hook_told(world: Any) -> None:
    world.run(minutes=0.1)
    _, item = world.pair("a.mp4", title="New")
    assert run_task(world, process_queue, owns=True)["written"] == 1
    assert item.title == "New"


def test_health_check_has_the_worker_look_for_what_no_hook_told(world: Any) -> None:
    world.run(minutes=0.1)
    _, item = world.pair("a.mp4", title="New")
    run_task(world, health_check)
    world.run(minutes=0.2)
    assert item.title == "New"


@pytest.mark.long
def test_health_check_wakes_jobs_that_wait_for_a_plex_that_is_back(world: Any) -> None:
    _, item = outage(world)
    pressed: list[float] = []

    def plex_is_back_and_somebody_looks() -> None:
        world.plex.start()
        run_task(world, health_check)
        pressed.append(world.clock.passed)

    at(world, 1200, plex_is_back_and_somebody_looks)
    world.run(minutes=30, leave=lambda: "" if item.title != "New" else "done")
    assert world.clock.passed - pressed[0] < 3, "the next probe was a minute away"


def test_health_check_starts_a_worker_where_none_lives_and_plex_is_well(world: Any) -> None:
    woken: list[str] = []

    def run(call: TaskContext) -> dict[str, object]:
        call.wake = lambda: woken.append("worker")
        return health_check(call)

    run_task(world, run)
    assert woken == ["worker"]
    world.plex.stop()
    run_task(world, run)
    assert woken == ["worker"], "a Plex that is away gives a worker nothing to do"


def test_old_dead_letters_are_deleted_at_the_start_of_a_worker_without_a_job(world: Any) -> None:
    buried(world, 7, days=400)
    world.run(minutes=0.1)
    assert world.dead_letter(7) is None


def test_a_file_that_came_while_no_worker_lived_is_found_at_the_start(world: Any) -> None:
    scene, item = world.pair("a.mp4", title="New", updated_at=1_600_000_000.0)
    buried(world, scene, days=1, error="PlexNotFound", paths=("/data/a.mp4",))
    world.run(minutes=0.5)
    assert item.title == "New"


def test_an_outage_ends_although_the_queue_was_emptied_meanwhile(world: Any) -> None:
    scene, _ = outage(world)
    app = world.stores()
    app.stores.queue.finish([scene])
    app.close()
    at(world, 60, world.plex.start)
    assert world.run(minutes=60) == "nothing to do"
    assert stored(world, "circuit_breaker.json")["state"] == "CLOSED"
    assert stored(world, "outage_history.json")["outages"][-1]["end"] is not None


def test_what_no_hook_told_during_an_outage_is_found_when_it_ends(world: Any) -> None:
    scene, item = world.pair("a.mp4", title="One")
    world.event(scene)
    world.run(minutes=1)
    assert item.title == "One"
    world.plex.stop()
    world.event(world.pair("b.mp4", title="Waits")[0])

    def edited_while_plex_comes_back() -> None:
        world.stash.edit(scene, title="Two")
        world.plex.start()

    at(world, 60, edited_while_plex_comes_back)
    world.run(minutes=5)
    assert item.title == "Two", "the next sweep was ten minutes away"


@pytest.mark.long
def test_the_page_starts_a_worker_for_an_outage_and_for_a_sweep_that_is_due(world: Any) -> None:
    world.run(minutes=0.1)
    assert tick(world) == "not needed"
    world.clock.passed += SWEEP_EVERY + 1
    assert tick(world) == "started"
    world.run(minutes=0.1)
    scene, _ = outage(world)
    app = world.stores()
    app.stores.queue.finish([scene])
    app.close()
    assert tick(world) == "started"


@pytest.mark.long
def test_settings_that_are_completed_wake_the_jobs_that_waited_for_them(world: Any) -> None:
    world.configure(plex_token="")
    scene, item = world.pair("a.mp4", title="New")
    world.event(scene)
    at(world, 3600, lambda: world.configure(plex_token="plex-sim-token"))
    before = world.clock.passed
    world.run(minutes=120, leave=lambda: "done" if item.title == "New" else "")
    assert item.title == "New"
    assert world.clock.passed - before <= 3600 + 2 * SETTINGS_CHECK


def test_a_changed_setting_wakes_a_job_that_waits_for_its_time(world: Any) -> None:
    """Nothing else reads the settings before that time."""
    scene, item = world.pair("a.mp4", title="New")
    world.plex.add_fault("status", times=1, match="PUT", status=429, retry_after=600)
    world.event(scene)
    world.run(minutes=0.5)
    assert world.waiting()[scene].not_before > world.clock.now() + 500
    began = world.clock.passed
    at(world, 1, lambda: world.configure(no_studio=True))
    world.run(minutes=5, leave=lambda: "done" if item.title == "New" else "")
    assert item.title == "New"
    assert world.clock.passed - began <= 2 * SETTINGS_CHECK


def test_an_adopted_path_map_is_used_at_once_by_what_waits(world: Any) -> None:
    world.configure(path_map="")
    item = world.film("there/deep/a.mp4", size=10)
    other = world.film("b.mp4", size=10)
    scene = world.stash.add_scene(files=[("/elsewhere/x.mp4", 10)], title="New")
    world.event(scene)
    world.run(minutes=8)
    assert world.waiting()[scene].last_error == "PlexNotFound"
    began = world.clock.passed
    at(world, 1, lambda: world.configure(path_map="/plex/b.mp4=>/elsewhere/x.mp4"))
    world.run(minutes=5, leave=lambda: "done" if other.title == "New" else "")
    assert (item.title, other.title) == ("a", "New")
    assert world.clock.passed - began <= 2 * SETTINGS_CHECK


def test_check_setup_leaves_a_worker_behind_when_anything_waits(world: Any) -> None:
    woken: list[str] = []
    world.plex.stop()

    def run(call: TaskContext) -> dict[str, object]:
        call.wake = lambda: woken.append("worker")
        return check_setup(call)

    run_task(world, run)
    assert woken == []
    scene, _ = world.pair("a.mp4", title="New")
    world.event(scene)
    run_task(world, run)
    assert woken == ["worker"]


def test_a_disabled_plugin_writes_no_more_and_catches_up_when_it_is_enabled(world: Any) -> None:
    scene, item = world.pair("a.mp4", title="New")
    world.run(minutes=0.3)
    assert item.title == "New"
    world.edit(scene, title="Newer")
    world.stash.enable_plugin(False)
    requests = len(world.plex.journal)
    assert world.run(minutes=5) == DISABLED
    assert (item.title, len(world.plex.journal)) == ("New", requests)
    other, its = world.pair("b.mp4", title="Made meanwhile")
    world.stash.enable_plugin(True)
    assert tick(world) == "started"
    world.clock.passed += 61
    world.run(minutes=1)
    assert (item.title, its.title) == ("Newer", "Made meanwhile")


def test_a_worker_whose_plugin_is_disabled_sends_nothing_but_what_is_in_flight(world: Any) -> None:
    for name in range(8):
        scene, _ = world.pair(f"{name}.mp4", title="New")
        world.event(scene)

    def a_slow_plex() -> str:
        """The user disables the plugin while the first scenes of a batch are written."""
        if _written(world):
            world.stash.enable_plugin(False)
            world.clock.passed += 1.5
        return ""

    assert world.run(minutes=60, leave=a_slow_plex) == DISABLED
    assert 0 < len(_written(world)) <= 2, "so many as there are connections"
    assert not any(job.attempts for job in world.waiting().values())
    world.stash.enable_plugin(True)
    world.run()
    assert sorted(Counter(_written(world)).values()) == [1] * 8


def test_a_page_s_command_ends_too_when_the_plugin_is_disabled(world: Any) -> None:
    scene, item = world.pair("a.mp4", title="New")
    world.run(minutes=0.3)
    assert item.title == "New"
    command = to_input(Command("undo", {"scene": scene}))
    accepted = inbox.drop(
        world.folder, json.dumps({"id": 1, "type": KIND, "input": command}).encode()
    )

    def disabled() -> str:
        path = Path(world.folder) / "results" / f"{accepted}.json"
        if path.exists() and json.loads(path.read_text())["state"] == "running":
            world.stash.enable_plugin(False)
            world.clock.passed += 1.5
        return ""

    assert world.run(minutes=60, leave=disabled) == DISABLED
    assert item.title == "New", "it waits until the plugin is enabled again"
    world.stash.enable_plugin(True)
    world.run()
    assert item.title != "New"


def test_a_stash_that_is_slow_to_say_whether_the_plugin_is_on_holds_nothing_up(world: Any) -> None:
    for name in range(8):
        scene, _ = world.pair(f"{name}.mp4", title="New")
        world.event(scene)
    world.stash.add_fault("status", match=_asks_whether_enabled, times=None, status=500)

    def time_goes_by() -> str:
        world.clock.passed += 1.5
        return ""

    world.run(minutes=60, leave=time_goes_by)
    assert any(map(_asks_whether_enabled, world.stash.journal))
    assert sorted(Counter(_written(world)).values()) == [1] * 8


def test_the_settings_say_whether_the_plugin_is_on_without_a_question_before_them(
    world: Any,
) -> None:
    world.run(minutes=10)
    assert sum("PlexSyncSettings" in entry.query for entry in world.stash.journal) > 1
    assert not any(map(_asks_whether_enabled, world.stash.journal))


def _asks_whether_enabled(entry: Any) -> bool:
    return "PlexSyncEnabled" in entry.query


def _written(world: Any) -> list[str]:
    return [entry.get("id") for entry in world.plex.journal if entry.method == "PUT"]


def test_a_long_outage_is_followed_by_a_reconciliation_whatever_the_interval(world: Any) -> None:
    scene, item = world.pair("a.mp4", title="One")
    world.event(scene)
    world.run(minutes=1)
    world.plex.stop()
    world.edit(scene, title="Two")
    world.run(minutes=5)
    world.clock.passed += 85 * 60
    world.run(minutes=1)
    world.plex.start()
    world.run(minutes=5)
    assert item.title == "Two"
    assert "outage" in stored(world, "reconcile_state.json")["stamps"]


def test_the_first_batch_uses_the_settings_with_which_the_worker_has_just_started(
    world: Any,
) -> None:
    scene, item = world.pair("a.mp4", title="New")
    world.event(scene)
    world.run(leave=lambda: "written" * bool(_written(world)))
    assert item.title == "New"
    assert sum("PlexSyncSettings" in entry.query for entry in world.stash.journal) == 1


def test_a_second_after_a_batch_the_next_one_reads_the_settings_again(world: Any) -> None:
    old = {"created_at": 1.5e9, "updated_at": 1.5e9}  # so that no sweep finds it
    first, _ = world.pair("a.mp4", title="New")
    second, item = world.pair("b.mp4", title="New", **old)
    world.event(first)
    paused = False

    def pause_after_the_first() -> str:
        nonlocal paused
        if not paused and _written(world):
            paused = True
            world.configure(pause_sync=True)
            world.clock.passed += 1.0
            world.event(second)
        return ""

    world.run(leave=pause_after_the_first)
    assert paused
    assert item.title != "New"
    assert second in world.waiting()
