"""Queue tasks as real processes, while hooks arrive, workers work and users press Stop."""

from __future__ import annotations

import json
import random
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from plexsync import inbox, system
from simulator.faults import Fault
from simulator.plex import PlexSim
from simulator.stash import StashError, StashSim
from tests import forks
from tests.signals import STOPPED
from tests.world import TOKEN, until

WAITS = re.compile(r"Waiting for the background worker to finish [12] requests?\.")


def says_what_it_waits_for(job: Any) -> bool:
    """Whether a task says that the worker has noticed it, and has yet to finish its requests."""
    return job.process is not None and any(WAITS.match(line.text) for line in job.process.log())


class Office:
    """An installed plugin, a user at the task page, and a check of the requests to Plex."""

    def __init__(self, plugin: Path, plex: PlexSim, stash: StashSim) -> None:
        self.plugin, self.data, self.plex, self.stash = plugin, plugin / "data", plex, stash
        self.section = plex.add_section("Films", locations=["/data"])
        system.private_folder(str(self.data))
        patient = {"no_poster": True, "read_timeout": 120}  # while a test delays Plex
        stash.set_plugin_settings({"plex_url": plex.url, "plex_token": TOKEN, **patient})

    def pairs(self, count: int, prefix: str = "a") -> list[tuple[int, Any]]:
        made = []
        for n in range(count):
            path = f"/data/{prefix}{n}.mp4"
            item = self.plex.item(self.plex.add_item(self.section, file=path, size=1))
            scene = self.stash.add_scene(title=f"T {prefix}{n}", details="d", files=[(path, 1)])
            made.append((scene, item))
        return made

    def worker(self) -> None:
        """Let the background worker run before the first save would start it."""
        forks.worker(self.plugin, self.stash.server_connection())

    def drop(self, scenes: Sequence[int]) -> None:
        """Events of hooks that found no worker and could start none."""
        for scene in scenes:
            record = {"id": scene, "type": "Scene.Update.Post", "inputFields": ["title", "id"]}
            inbox.drop(str(self.data), json.dumps(record).encode())

    def hold(self, when: Callable[[], bool]) -> Fault:
        """Delay Plex's writes once the condition holds, until the fault is removed."""
        return self.plex.add_fault("hang", match=lambda r: r.method == "PUT" and when())

    def press_while_held(self, name: str, held: Fault) -> tuple[Any, Fault]:
        """A task that makes the worker step aside while it waits for Plex; the fault that delays the
        worker's next writes."""
        until(lambda: held.used)
        job = self.stash.start_task(name)
        until(lambda: says_what_it_waits_for(job))
        again = self.hold(lambda: True)
        held.remove()
        run = job.wait()
        assert run.error is None
        return run, again

    def worker_log(self) -> str:
        path = self.data / "plexsync.log"
        return path.read_text() if path.exists() else ""

    def everything_said(self) -> str:
        return "\n".join([self.worker_log(), *(line.text for line in self.stash.log)])

    def writes(self) -> dict[str, list[Any]]:
        """Write requests by item."""
        writes: dict[str, list[Any]] = defaultdict(list)
        for entry in self.plex.journal:
            if entry.method == "PUT":
                writes[entry.get("id")].append(entry)
        return writes

    def check(self, most: int = 1) -> None:
        """What holds after every story; `most` writes per item, never two at the same time."""
        writes = self.writes()
        assert "" not in writes
        assert all(len(entries) <= most for entries in writes.values())
        for entries in writes.values():
            for before, after in zip(entries, entries[1:], strict=False):
                assert after.at >= before.done
        assert "locked" not in self.everything_said().lower()
        assert "Unexpected" not in self.everything_said()


@pytest.fixture
def office(plugin: Path) -> Iterator[Office]:
    with PlexSim(token=TOKEN) as plex, StashSim(plugin_dir=str(plugin), popen=forks.start) as stash:
        yield Office(plugin, plex, stash)


def synced(pairs: Sequence[tuple[int, Any]]) -> int:
    return sum(item.summary == "d" for _, item in pairs)


def told(run: Any) -> str:
    return "\n".join(line.text for line in run.log)


@pytest.mark.long
def test_a_drain_while_hooks_arrive(office: Office) -> None:
    first, later = office.pairs(60), office.pairs(60, "b")
    office.drop([scene for scene, _ in first])
    office.plex.latency = 0.02
    job = office.stash.start_task("Process Queue")
    until(lambda: synced(first) > 0)
    hands = [
        threading.Thread(
            target=office.stash.bulk_edit,
            args=([scene for scene, _ in later[n::4]],),
            kwargs={"code": "c"},
        )
        for n in range(4)
    ]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    run = job.wait()
    assert (run.error, run.exit_code) == (None, 0)
    assert run.output["done"] >= 60
    assert run.progress == sorted(run.progress)
    assert run.progress[-1] == 1.0
    until(lambda: synced(first) + synced(later) == 120)
    hooks = [each for each in office.stash.runs if "Scene.Update.Post" in each.trigger]
    assert [each.output for each in hooks] == ["ok"] * 60
    office.check()


@pytest.mark.long
def test_a_drain_stopped_in_the_middle_goes_on_in_the_background(office: Office) -> None:
    pairs = office.pairs(80)
    office.drop([scene for scene, _ in pairs])
    held = office.hold(lambda: synced(pairs) > 60)
    job = office.stash.start_task("Process Queue")
    until(lambda: held.used)
    job.stop()
    assert job.wait().exit_code == STOPPED
    assert synced(pairs) < 80
    held.remove()
    until(lambda: synced(pairs) == 80)
    run = office.stash.run_task("Process Queue")
    assert (run.error, run.output["remaining"]) == (None, 0)
    office.check(most=2)


@pytest.mark.long
def test_queue_tasks_stopped_at_some_instant_lose_nothing(office: Office) -> None:
    pairs, dice = office.pairs(30), random.Random(7)
    office.drop([scene for scene, _ in pairs])
    for name in ("Sync All Scenes", "Clear Queue", "Rebuild Plex Index"):
        for _ in range(3):
            office.stash.run_task(name, cancel_after=dice.uniform(0.01, 0.15))
    office.stash.bulk_edit([scene for scene, _ in pairs], code="c")
    until(lambda: synced(pairs) == 30)
    office.check(most=2)


@pytest.mark.long
def test_of_two_tasks_at_once_the_second_is_refused(office: Office) -> None:
    pairs = office.pairs(60)
    office.drop([scene for scene, _ in pairs])
    held = office.hold(lambda: synced(pairs) > 5)
    job = office.stash.start_task("Process Queue")
    until(lambda: held.used)
    for mode in ("process_queue", "clear_queue"):
        with pytest.raises(StashError, match="Another PlexSync task is running"):
            office.stash.run_operation({"mode": mode})
    reports = len(job.process.progress())
    until(lambda: len(job.process.progress()) > reports)  # a slow batch reports its progress
    held.remove()
    run = job.wait()
    assert (run.error, run.output["remaining"]) == (None, 0)
    assert synced(pairs) == 60
    office.check()


def test_a_task_while_the_worker_is_in_the_middle_of_a_batch(office: Office) -> None:
    pairs = office.pairs(70)
    office.drop([scene for scene, _ in pairs[1:]])
    held = office.hold(lambda: synced(pairs) > 5)
    office.worker()
    office.stash.edit(pairs[0][0], code="c")
    until(lambda: held.used)
    job = office.stash.start_task("Process Queue")
    until(lambda: says_what_it_waits_for(job))
    held.remove()
    run = job.wait()
    assert "a task takes over" in office.worker_log()
    assert (run.error, run.output["remaining"]) == (None, 0)
    assert 0 < run.output["done"] <= 70
    assert synced(pairs) == 70
    assert office.worker_log().count("worker starts") == 1
    office.check()


@pytest.mark.long
def test_a_queue_cleared_while_the_worker_is_busy_ends_what_is_in_flight(office: Office) -> None:
    pairs = office.pairs(110)
    office.drop([scene for scene, _ in pairs[1:]])
    held = office.hold(lambda: synced(pairs) > 5)
    office.worker()
    office.stash.edit(pairs[0][0], code="c")
    first, again = office.press_while_held("Clear Queue", held)
    assert first.output["would_remove"] > 0
    run, last = office.press_while_held("Clear Queue", again)
    last.remove()
    assert run.output["removed"] > 0
    copy = json.loads((office.data / run.output["copy"]).read_text())
    cleared = {job["scene"] for job in copy["jobs"]}
    assert all(item.summary == "d" for scene, item in pairs if scene not in cleared)
    office.check()


@pytest.mark.long
def test_every_button_on_a_fresh_installation(office: Office) -> None:
    for name in (
        "Sync All Scenes",
        "Sync All Scenes (forced)",
        "Sync Recent Scenes",
        "Retry Dead Letters",
        "Clear Dead Letters",
        "Purge Old Dead Letters",
        "Clear Queue",
        "Rebuild Plex Index",
        "Process Queue",
    ):
        run = office.stash.run_task(name)
        assert (run.error, run.exit_code) == (None, 0), name
        assert isinstance(run.output, dict)
        assert told(run), f"{name} says what it did"


def test_without_settings_dead_letters_and_queue_can_still_be_cleared(office: Office) -> None:
    office.stash.set_plugin_settings({})
    office.drop([1, 2])
    for name in ("Retry Dead Letters", "Clear Dead Letters", "Purge Old Dead Letters"):
        assert office.stash.run_task(name).error is None, name
    assert office.stash.run_task("Clear Queue").output["would_remove"] == 2
    assert office.stash.run_task("Clear Queue").output["removed"] == 2
    assert office.stash.run_task("Restore Removed").output["jobs"] == 2
    assert (
        "scnee" in office.stash.run_task("Clear Queue", {"mode": "clear_queue", "scnee": "1"}).error
    )
    assert "enter the address of your Plex server" in office.stash.run_task("Process Queue").error
