"""stats.json: every job is counted once, whichever process owns the folder and however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plexsync.app import App
from plexsync.edges.log.log import Log
from plexsync.flows.results import Outcome
from plexsync.flows.worker.statistics import summary
from plexsync.model.stats import BOUNDS, DONE, FAILED, FIRST_GUESS, REQUEUED, RETRIED, Stats
from tests.world import ROOT, World

NOW = 1_700_000_000.0
LONG_AGO = 1_600_000_000.0
"""An update time that no sweep checks."""


def owner(world: World) -> App:
    """The folder's owner, as the worker and the tasks have it."""
    stash = world.client()
    return App(world.folder, stash, world.clock, Log(world.sink), {})


def live(
    world: World,
    minutes: float = 0.25,
    observe: Callable[[Any, float], None] | None = None,
    leave: Callable[[], str] = lambda: "",
) -> str:
    """One ownership: open, drain, close."""
    end = world.clock.passed + minutes * 60

    def enough() -> str:
        return leave() or ("time is up" if world.clock.passed >= end else "")

    app = owner(world)
    try:
        worker = app.worker(enough, observe)
        worker.start()
        return worker.drain()
    finally:
        app.close()


def stats(world: World) -> Stats:
    return Stats.parse(json.loads((Path(world.folder) / "stats.json").read_text()))


def pairs(world: World, count: int) -> list[int]:
    scenes = [world.pair(f"{n}.mp4", title="old")[0] for n in range(count)]
    for scene in scenes:
        world.edit(scene, title=f"new {scene}")
    return scenes


def test_jobs_time_matches_and_traffic_are_counted(world: World) -> None:
    pairs(world, 12)
    live(world)
    found = stats(world)
    assert (found.done, found.written, found.given_up) == (12, 12, 0)
    assert found.matches == {"HIGH": 12}
    assert found.timed == 12
    assert found.traffic["requests"] > 12
    assert found.traffic["received"] > 1000
    assert (found.traffic["lookups"], found.traffic["hits"]) == (12, 12)
    assert found.since == pytest.approx(world.clock.start, abs=1)
    assert (Path(world.folder) / "stats.json").stat().st_mode & 0o777 == 0o600


def test_failures_count_by_class_and_only_the_last_try_gives_a_job_up(world: World) -> None:
    world.configure(max_retries=1)
    scene, _ = world.pair("1.mp4", title="old")
    world.plex.add_fault("status", match="GET /library/metadata/", status=400)
    world.edit(scene, title="new")
    live(world, minutes=60)
    found = stats(world)
    assert found.errors == {"PlexTemporaryError": 2}
    assert found.failed == {"PlexTemporaryError": 1}
    assert found.counts[RETRIED] == 1
    assert found.done == 0


def test_an_outage_is_nobodys_failure(world: World) -> None:
    scenes = pairs(world, 3)
    live(world)
    world.plex.stop()
    for scene in scenes:
        world.edit(scene, title="newer")
    live(world, minutes=5)
    found = stats(world)
    assert found.done == 3
    assert found.errors == {}
    assert found.given_up == 0
    assert found.counts[REQUEUED] >= 3
    assert "Drain over" not in world.said().rpartition("CLOSED -> OPEN")[2]


def test_a_scene_that_waits_for_its_cover_is_done_once(world: World) -> None:
    (scene,) = pairs(world, 1)
    world.stash.scene(scene).updated_at = LONG_AGO
    live(world, minutes=120)
    assert stats(world).done == 1


def test_one_line_sums_up_ten_jobs_and_one_a_drain(world: World) -> None:
    pairs(world, 12)
    live(world)
    lines = [text for level, text in world.sink.lines if level == "info" and "jobs done" in text]
    assert len(lines) == 2
    assert lines[0].startswith("12 jobs done (12 written to Plex); ")
    assert "matches: 12 sure, 0 unsure" in lines[0]
    assert lines[1].startswith("Drain over: 12 jobs done")


def test_each_drain_is_summed_up_for_itself(world: World) -> None:
    world.configure(no_poster=True)
    (scene,) = pairs(world, 1)
    world.stash.scene(scene).updated_at = LONG_AGO
    live(world, minutes=1)
    world.sink.lines.clear()
    turns = iter(range(3))

    def edit_when_idle() -> None:
        if world.said().count("Drain over") == len(edited) < 3:
            edited.append(next(turns))
            world.edit(scene, title=f"turn {edited[-1]}")

    edited: list[int] = []
    world.clock.on_wait = edit_when_idle
    live(world, minutes=2)
    ends = [text for _, text in world.sink.lines if "(1 written to Plex)" in text]
    assert len(ends) == 3, world.said()


def test_a_task_that_tells_itself_how_it_ends_is_counted_too(world: World) -> None:
    pairs(world, 12)
    seen: list[Outcome] = []
    live(world, observe=lambda results, seconds: seen.extend(results))
    assert len(seen) == stats(world).done == 12
    assert "Drain over" not in world.said()


def test_owners_that_take_turns_count_on(world: World) -> None:
    scenes = pairs(world, 9)
    seen = 0

    def count(results: Any, seconds: float) -> None:
        nonlocal seen
        seen += len(results)

    for turn in range(6):
        before = seen
        live(world, observe=count, leave=lambda limit=before: "next" if seen > limit else "")
        live(world)
        world.edit(scenes[turn], title=f"turn {turn}")
    live(world)
    assert stats(world).written == 9 + 6


def test_one_who_only_opens_and_closes_writes_nothing(world: World) -> None:
    owner(world).close()
    assert not (Path(world.folder) / "stats.json").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 1}', "nonsense" * 100])
def test_a_damaged_file_is_set_aside_and_counting_begins_afresh(world: World, text: str) -> None:
    path = Path(world.folder) / "stats.json"
    path.write_text(text)
    pairs(world, 2)
    live(world)
    assert stats(world).done == 2
    assert world.said("warning").count("stats.json was damaged") == 1
    kept = list((Path(world.folder) / "damaged").glob("*stats.json/stats.json"))
    assert [file.read_text() for file in kept] == [text]


KILLED = """
import itertools, sys
from plexsync.edges.clock import SystemClock
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.flows.results import WRITTEN, Done, Outcome
from plexsync.edges.stores import Stores
from plexsync.flows.worker.statistics import Statistics
from plexsync.model.job import Job
from plexsync.model.stats import TRAFFIC

folder = sys.argv[1]
stores = Stores(
    JobQueue(folder + "/queue", print), DeadLetters(folder + "/dlq.db", print),
    Ledger(folder + "/ledger.db", print),
)
statistics = Statistics(folder, stores, SystemClock(), Log(), lambda: dict.fromkeys(TRAFFIC, 0))
for batch in itertools.count(1):
    jobs = [Job(scene=n + 1, reason="update", born=0.0) for n in range(10)]
    statistics.observe([Outcome(Done(job=j, state=""), WRITTEN, j) for j in jobs], 0.1)
    print(batch, statistics.stats.done, flush=True)
    if batch % 7 == 0:
        statistics.observe((), 0.0)
"""


def test_kill_9_costs_the_last_moments_and_counts_nothing_twice(tmp_path: Path) -> None:
    really = 0
    for batches in (3, 20, 200):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert process.stdout is not None
        last = ""
        for _ in range(batches):
            last = process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        process.wait()
        last = next((line for line in reversed(rest) if len(line.split()) == 2), last)
        really += int(last.split()[0]) * 10
        found = Stats.parse(json.loads((tmp_path / "stats.json").read_text()))
        assert found.done <= really + 10, "what was killed while it counted may be in the file"
        assert found.done > 0
        assert found.done == sum(found.histogram) == found.timed
        really = found.done
        leftovers = [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]
        assert len(leftovers) <= 3


def test_the_numbers_of_a_stretch_are_right() -> None:
    found = Stats(NOW)
    for number in range(100):
        found.note(DONE, NOW + number, match="HIGH", written=number % 2 == 0)
        found.took(0.1 if number < 95 else 8.0, 1)
    assert found.mean() == pytest.approx(0.495)
    assert 0.1 <= (found.percentile(0.95) or 0) <= 0.1 * 1.13
    assert 8.0 <= (found.percentile(0.96) or 0) <= 8.0 * 1.13
    assert (found.done, found.written, found.matches) == (100, 50, {"HIGH": 100})
    assert found.recent(3600, NOW + 100) == found.recent(86400, NOW + 100) == 50
    assert found.recent(3600, NOW + 7200) == 0
    assert found.recent(86400, NOW + 7200) == 50
    assert found.recent(86400, NOW - 86400) == 0, "a clock that was set back sees no future"


def test_too_few_measurements_are_no_pace() -> None:
    found = Stats(NOW)
    assert (found.mean(), found.percentile(0.95), found.pace()) == (None, None, FIRST_GUESS)
    found.took(0.1, 4)
    assert found.pace() == FIRST_GUESS
    found.took(0.1, 1)
    assert found.pace() == pytest.approx(0.1)


def test_it_stays_small_however_long_it_runs() -> None:
    found = Stats(NOW)
    for number in range(5000):
        found.note(FAILED, NOW + number * 600, error=f"Error{number}")
        found.took(number * 7.0, 1)
    assert len(json.dumps(found.to_json())) < 12_000
    again = Stats.parse(json.loads(json.dumps(found.to_json())))
    assert again.to_json() == found.to_json() or json.dumps(again.to_json()) == json.dumps(
        found.to_json()
    )
    assert again.histogram[len(BOUNDS)] > 0


def test_the_summary_names_what_went_wrong() -> None:
    found = Stats(NOW)
    found.note(DONE, NOW, match="LOW", written=True)
    found.took(0.5, 1)
    found.note(RETRIED, NOW, error="PlexNotFound")
    found.note(FAILED, NOW, error="AmbiguousMatch", match="LOW")
    found.note(REQUEUED, NOW, error="PlexServerDown")
    assert summary(found) == (
        "1 job done (1 written to Plex), 1 failed, to be retried, 1 given up, 1 put back "
        "while a server was away; 0.50 s per job; matches: 0 sure, 2 unsure; errors: "
        "AmbiguousMatch 1, PlexNotFound 1."
    )


@pytest.mark.parametrize(
    "change",
    [
        {"done": -1},
        {"done": "many"},
        {"done": True},
        {"seconds": float("nan")},
        {"failed": []},
        {"errors": {"PlexNotFound": -1}},
        {"histogram": [0]},
        {"timed": 5},
        {"slices": [[1, 2]]},
        {"slices": [[0, 0, 0]] * 1000},
        {"since": None},
        {"version": 3},
    ],
)
def test_a_file_in_doubt_is_refused(change: dict[str, Any]) -> None:
    raw = json.loads(json.dumps(Stats(NOW).to_json()))
    assert Stats.parse(raw).done == 0
    with pytest.raises(ValueError, match=r"\w"):
        Stats.parse({**raw, **change})


def test_the_counts_of_version_1_are_kept() -> None:
    """The old name of requeued jobs was "put_back"."""
    found = Stats(NOW)
    found.note(REQUEUED, NOW, error="PlexServerDown")
    raw = json.loads(json.dumps(found.to_json()))
    earlier = {**raw, "version": 1, "put_back": 1}
    del earlier["requeued"]
    assert Stats.parse(earlier).to_json() == found.to_json()
