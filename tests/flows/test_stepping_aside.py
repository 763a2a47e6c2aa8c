"""Tasks and commands wait for the worker's requests in flight, and for nothing else."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plexsync import inbox
from plexsync.edges.in_flight import InFlight
from plexsync.edges.in_flight_note import read_note, write_note
from plexsync.model.command import KIND, Command, to_input
from plexsync.model.errors import Interrupted
from plexsync.model.reasons import RECONCILE
from tests.world import World

RED = b"\xff\xd8\xffred"
CONNECTIONS = 2
"""The default of `plex_connections`."""


def films(world: World, count: int, **scene: Any) -> list[tuple[int, Any]]:
    return [world.pair(f"{n}.mp4", title=f"T{n}", details="d", **scene) for n in range(count)]


def asked(world: World) -> int:
    """The number of requests to both servers."""
    return len(list(world.plex.journal)) + len(list(world.stash.journal))


def written(world: World) -> list[str]:
    """The items that were written, in order."""
    return [entry.get("id") for entry in world.plex.journal if entry.method == "PUT"]


def after(world: World, number: int) -> Callable[[], str]:
    """A task asks the worker to step aside once this many requests have begun."""
    end = asked(world) + number
    return lambda: "a task takes over" if asked(world) >= end else ""


def test_a_task_waits_for_the_writes_in_flight_and_not_for_the_batch(world: World) -> None:
    world.configure(no_poster=True)
    pairs = films(world, 20)
    for scene, _ in pairs:
        world.event(scene)
    reason = world.run(leave=lambda: "a task takes over" if written(world) else "")
    assert reason == "a task takes over"
    assert 0 < len(written(world)) <= CONNECTIONS
    waiting = world.waiting()
    done = [scene for scene, item in pairs if item.summary == "d"]
    assert sorted([*waiting, *done]) == [scene for scene, _ in pairs], "each is done or waits"
    assert not any(job.attempts or job.running for job in waiting.values())
    world.run()
    assert all(item.summary == "d" for _, item in pairs)
    assert set(Counter(written(world)).values()) == {1}, "nothing went twice"


@pytest.mark.long
def test_wherever_a_batch_is_interrupted_no_request_begins_any_more(world: World) -> None:
    world.configure(reconcile_interval="daily", reconcile_scope="all", reconcile_batch_size=10)
    pairs = films(world, 5, cover=RED)
    for scene, _ in pairs:
        world.event(scene)
    number = 0
    while True:
        number += 1
        end = asked(world) + number
        reason = world.run(leave=after(world, number))
        assert asked(world) <= end + CONNECTIONS, "those in flight, and a last look at Plex"
        assert not any(job.attempts for job in world.waiting().values())
        if reason == "time is up":
            break
    assert number > 10
    assert all(item.summary == "d" and item.posters for _, item in pairs)
    assert set(Counter(written(world)).values()) == {1}
    uploads = Counter(entry.path for entry in world.plex.journal if entry.method == "POST")
    assert set(uploads.values()) == {1}
    assert not world.said("error")


def _result(world: World, accepted: str) -> str:
    path = Path(world.folder) / "results" / f"{accepted}.json"
    return str(json.loads(path.read_text())["state"]) if path.exists() else ""


def test_what_a_page_asks_for_is_begun_in_the_middle_of_a_batch(world: World) -> None:
    pairs = films(world, 20)
    app = world.stores()
    app.stores.ledger.add_backfill(RECONCILE, "scene", [s for s, _ in pairs], world.clock.now())
    app.close()
    last, item = pairs[-1]
    accepted: list[str] = []
    before: list[int] = []

    def press() -> str:
        """A page requests the last scene while the first ones are written."""
        if accepted and not before and _result(world, accepted[0]):
            before.append(len(written(world)))
        if written(world) and not accepted:
            command = to_input(Command("sync", {"scenes": [last]}))
            record = {"id": 1, "type": KIND, "input": command}
            accepted.append(inbox.drop(world.folder, json.dumps(record).encode()))
        return ""

    world.run(leave=press)
    assert _result(world, accepted[0]) == "done"
    assert before[0] <= CONNECTIONS, "it waited for the requests in flight, and for nothing else"
    assert written(world).index(str(item.key)) < 10, "then its scene comes first"
    assert all(item.summary == "d" for _, item in pairs)
    assert set(Counter(written(world)).values()) == {1}


def test_a_page_s_command_that_a_task_interrupts_is_carried_out_later(world: World) -> None:
    scene, _ = world.pair("a.mp4", title="T", details="d")
    command = to_input(Command("preview", {"scenes": [scene], "forced": True}))
    record = {"id": 1, "type": KIND, "input": command}
    accepted = inbox.drop(world.folder, json.dumps(record).encode())
    for _ in range(5):
        world.run(leave=after(world, 2))
        assert _result(world, accepted) == "waiting"
    world.run()
    assert _result(world, accepted) == "done"


def test_the_requests_that_are_left_are_told(tmp_path: Path) -> None:
    folder = str(tmp_path)
    wanted = False
    in_flight = InFlight(lambda count: write_note(folder, count))
    with in_flight.until(lambda: wanted):
        with in_flight.request(), in_flight.request():
            assert read_note(folder) is None, "nobody waits"
            with in_flight.request():
                wanted = True
            assert read_note(folder) == 2
            with pytest.raises(Interrupted), in_flight.request():
                pass
        assert read_note(folder) == 0


def test_sync_now_goes_before_a_bulk_edit_that_was_there_first(world: World) -> None:
    world.configure(no_poster=True)
    pairs = films(world, 60)
    for scene, _ in pairs:
        world.event(scene)
    last, item = pairs[-1]
    accepted: list[str] = []

    def press() -> str:
        if written(world) and not accepted:
            command = to_input(Command("sync", {"scenes": [last]}))
            record = {"id": 1, "type": KIND, "input": command}
            accepted.append(inbox.drop(world.folder, json.dumps(record).encode()))
        return ""

    world.run(leave=press)
    assert written(world).index(str(item.key)) < 10
    assert all(item.summary == "d" for _, item in pairs)


def test_a_preview_that_is_interrupted_is_made_again_and_judges_no_scene_failed(
    world: World,
) -> None:
    world.configure(no_poster=True)
    scene, _ = films(world, 1)[0]
    world.run()
    number = 0
    while True:
        number += 1
        command = to_input(Command("preview", {"scenes": [scene]}))
        record = {"id": 1, "type": KIND, "input": command}
        accepted = inbox.drop(world.folder, json.dumps(record).encode())
        whole = world.run(leave=after(world, number)) == "time is up"
        world.run()
        path = Path(world.folder) / "results" / f"{accepted}.json"
        found = json.loads(path.read_text())
        assert found["state"] == "done", found
        assert [plan["outcome"] for plan in found["output"]["scenes"]] == ["in step"], number
        if whole:
            break
    assert number > 3
