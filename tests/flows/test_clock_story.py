"""Clocks that jump, are wrong, or change their offset: nothing stalls, floods or is lost."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

DAY = 86400.0


@pytest.fixture
def quiet(world: Any) -> Any:
    world.configure(no_poster=True)
    return world


def outages(world: Any) -> list[dict[str, Any]]:
    return json.loads((Path(world.folder) / "outage_history.json").read_text())["outages"]


def jump_after(world: Any, seconds: float, jump: float) -> None:
    """Make the wall clock jump once the worker has run for this long."""
    at = world.clock.passed + seconds

    def turn() -> None:
        if world.clock.passed >= at:
            world.clock.jumped += jump
            world.clock.on_wait = lambda: None

    world.clock.on_wait = turn


@pytest.mark.parametrize("jump", [-DAY, DAY, -400 * DAY, 20 * DAY], ids=str)
def test_a_retry_waits_no_longer_because_of_a_jump(quiet: Any, jump: float) -> None:
    scene, item = quiet.pair("1.mp4", title="T")
    quiet.plex.add_fault("status", times=1, match="PUT", status=500)
    quiet.event(scene)
    jump_after(quiet, 3, jump)
    start = quiet.clock.passed
    quiet.run(minutes=20, leave=lambda: "there" if item.title == "T" else "")
    assert item.title == "T"
    assert quiet.clock.passed - start <= 70


@pytest.mark.long
@pytest.mark.parametrize("jump", [-DAY, DAY], ids=["back", "forward"])
def test_probes_of_a_dead_plex_go_on_at_their_pace(quiet: Any, jump: float) -> None:
    pairs = [quiet.pair(f"{n}.mp4", title=f"T{n}") for n in range(10)]
    fault = quiet.plex.add_fault("starting", identity=503)
    for scene, _ in pairs:
        quiet.event(scene)
    quiet.run(minutes=10)
    jump_after(quiet, 60, jump)
    quiet.plex.clear_journal()
    quiet.run(minutes=15)
    checks = quiet.plex.count("GET", "/identity")
    assert 8 <= checks <= 50, "about one a minute, and now and then a trial that connects"
    assert all(not job.attempts for job in quiet.waiting().values())
    fault.remove()
    start = quiet.clock.passed
    everywhere = [(item, f"T{n}") for n, (_, item) in enumerate(pairs)]
    done = lambda: all(item.title == title for item, title in everywhere)  # noqa: E731
    quiet.run(minutes=10, leave=lambda: "done" if done() else "")
    assert done()
    assert quiet.clock.passed - start <= 90


@pytest.mark.parametrize("jump", [-DAY, DAY], ids=["back", "forward"])
def test_an_outage_over_a_jump_never_has_a_negative_length(quiet: Any, jump: float) -> None:
    scene, item = quiet.pair("1.mp4", title="T")
    quiet.plex.stop()
    quiet.event(scene)
    quiet.run(minutes=20)
    quiet.clock.jumped += jump
    quiet.run(minutes=5)
    quiet.plex.start()
    quiet.run(minutes=5)
    assert item.title == "T"
    assert all(outage["end"] >= outage["start"] for outage in outages(quiet))
    assert " -" not in quiet.said("info").replace(" -> ", " ")


def test_a_jump_of_a_day_forward_is_no_storm(quiet: Any) -> None:
    pairs = [quiet.pair(f"{n}.mp4", title=f"T{n}") for n in range(30)]
    for scene, _ in pairs:
        quiet.event(scene)
    quiet.run(minutes=1)
    quiet.plex.clear_journal()
    quiet.stash.clear_journal()
    jump_after(quiet, 0, DAY)
    quiet.run(minutes=4)
    assert quiet.plex.writes() == 0
    assert len(quiet.plex.journal) <= 5
    asked = [entry.query.split()[1].partition("(")[0] for entry in quiet.stash.journal]
    assert len(asked) <= 9, f"sweeps, a list of ids, and the settings each minute: {asked}"


def test_times_stored_by_a_clock_that_was_ahead_count_as_now(quiet: Any) -> None:
    """All times on disk are from next year, and the next worker starts at the right time."""
    first, retried = quiet.pair("1.mp4", title="T")
    dead = quiet.stash.add_scene(title="U", files=[])
    quiet.clock.jumped += 365 * DAY
    fail = quiet.plex.add_fault("status", match="PUT", status=500)
    quiet.event(first)
    quiet.event(dead)
    quiet.run(minutes=0.2)
    assert quiet.waiting()[first].not_before > quiet.clock.start + 300 * DAY
    assert quiet.dead_letter(dead) is not None
    quiet.clock.jumped -= 365 * DAY
    fail.remove()
    quiet.run(minutes=1)
    assert retried.title == "T"
    assert quiet.waiting() == {}


def test_records_named_by_a_clock_that_ran_ahead_or_backwards_all_count(quiet: Any) -> None:
    pairs = [quiet.pair(f"{n}.mp4", title=f"T{n}") for n in range(4)]
    for scene, _ in pairs:
        quiet.event(scene)
    new = Path(quiet.folder) / "inbox" / "new"
    stamps = [time.time_ns() + int(DAY * 1e9), time.time_ns() - int(DAY * 1e9), 0, 0]
    for path, stamp in zip(sorted(new.iterdir()), stamps, strict=True):
        rest = path.name.split("-", 1)[1]
        path.rename(new / f"{stamp:020d}-{rest}")
    quiet.run(minutes=1)
    assert [item.title for _, item in pairs] == [f"T{n}" for n in range(4)]
    assert quiet.waiting() == {}


@pytest.fixture(params=["America/New_York", "Asia/Kolkata", "UTC"])
def zone(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    if not hasattr(time, "tzset"):
        pytest.skip("this system cannot change its zone for one process")
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def test_stash_and_this_process_may_live_in_different_zones(quiet: Any, zone: str) -> None:
    """Stash writes times with its own offset; scenes older than the installation stay unwritten."""
    assert os.environ["TZ"] == zone
    now = quiet.clock.now()
    old, old_item = quiet.pair("old.mp4", title="T", created_at=now - 1800)
    new, new_item = quiet.pair("new.mp4", title="T", created_at=now + 1)
    quiet.stash.core.utc_offset_minutes = 330
    for scene in (old, new):
        quiet.event(scene, inputFields=...)
    quiet.run(minutes=1)
    assert (old_item.title, new_item.title) == ("old", "T")


def test_summer_time_ends_and_no_lost_event_is_missed_or_seen_twice(quiet: Any) -> None:
    """The sweep compares instants: a changed offset does not change the time."""
    pairs = [quiet.pair(f"{n}.mp4", title=f"T{n}") for n in range(3)]
    for scene, _ in pairs:
        quiet.event(scene)
    quiet.run(minutes=1)
    quiet.stash.core.utc_offset_minutes = 0
    quiet.stash.edit(pairs[0][0], title="edited, and nobody was told")
    quiet.event(pairs[1][0])
    quiet.clock.passed += 1000
    quiet.plex.clear_journal()
    quiet.run(minutes=20)
    assert pairs[0][1].title == "edited, and nobody was told"
    assert quiet.plex.writes() == 1
