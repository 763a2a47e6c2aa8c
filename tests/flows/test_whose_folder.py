"""A data folder belongs to one Stash; another one writes nothing unless the user lets it take over."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plexsync import task_runner
from plexsync.app import App
from plexsync.edges.log.log import Log
from plexsync.flows.page import operations
from plexsync.flows.tasks.arguments import read_task_arguments
from plexsync.flows.tasks.context import READS
from plexsync.flows.tasks.registry import TASKS
from plexsync.model.errors import AnotherStash
from plexsync.model.ledger import Pin
from plexsync.model.stash_identity import Identity, IdentityAnswer, is_same
from plexsync.services import Services
from simulator.stash import StashSim
from tests.world import World

LATER = 86400.0 * 400


@pytest.fixture
def other(world: World) -> Iterator[StashSim]:
    """A second Stash on the same data folder, whose scenes were created on other days."""
    start = world.clock.start
    with StashSim(clock=lambda: start + world.clock.passed - LATER) as stash:
        yield stash


def serve(world: World, stash: StashSim) -> None:
    """From now on the world's hooks, pages and workers are those of this Stash."""
    world.stash = stash
    world.configure()


def set_up(world: World, other: StashSim) -> tuple[Any, Any]:
    """Scene 1 of each Stash has its own film; the folder belongs to the first."""
    world.configure(no_poster=True)
    scene, mine = world.pair("a.mp4")
    world.edit(scene, title="A's")
    world.run()
    theirs = world.film("b.mp4", title="old")
    assert other.add_scene(files=[("/data/b.mp4", 1000)], title="B's") == scene
    serve(world, other)
    return mine, theirs


def pressed(world: World, mode: str) -> dict[str, object]:
    """One task, run in the Stash that is in use."""
    task, stash, log = TASKS[mode], world.client(), Log(world.sink)
    kind = Services if task.kind == READS else App
    args = read_task_arguments(mode, task, {})
    with closing(kind(world.folder, stash, world.clock, log, {})) as parts:
        return task_runner.run_with(task, str(Path(world.folder).parent), args, parts, lambda: None)


def asked(world: World, mode: str, **args: Any) -> Any:
    request = operations.Request("/nowhere", world.folder, args, b"{}", world.clock.now())
    return operations.perform(mode, request)


def test_another_stash_writes_nothing_and_loses_nothing(world: World, other: StashSim) -> None:
    first = world.stash
    mine, theirs = set_up(world, other)
    world.edit(1, title="B's own")
    reason = world.run()
    assert "belongs to another Stash" in reason
    assert (mine.title, theirs.title) == ("A's", "old")
    assert world.said("error").count("belongs to another Stash") == 1
    assert "press Adopt This Stash twice" in world.said("error")
    assert list(world.waiting()) == [1]
    serve(world, first)
    first.edit(1, title="A's again")
    world.run()
    assert (mine.title, theirs.title) == ("A's again", "old")
    assert world.waiting() == {}


def test_another_stash_is_told_by_the_tasks_and_the_page(world: World, other: StashSim) -> None:
    set_up(world, other)
    for mode in ("process_queue", "clear_queue", "sync_all", "undo_all", "preview_sync"):
        with pytest.raises(AnotherStash, match="press Adopt This Stash twice"):
            pressed(world, mode)
    points: Any = pressed(world, "check_setup")["points"]
    (owner,) = [point for point in points if point["point"] == "Owner"]
    assert owner["state"] == "bad" and "belongs to another Stash" in owner["text"]
    accepted = asked(world, "clear", what="queue")["accepted"]
    world.run()
    assert "belongs to another Stash" in asked(world, "result", id=accepted)["error"]
    assert "tried to use it and was refused" in str(asked(world, "status")["problems"])


def test_the_right_stash_learns_that_another_one_asked(world: World, other: StashSim) -> None:
    first = world.stash
    set_up(world, other)
    world.run()
    serve(world, first)
    points: Any = pressed(world, "check_setup")["points"]
    (owner,) = [point for point in points if point["point"] == "Owner"]
    assert owner["state"] == "warn" and "another Stash" in owner["text"]


def test_a_second_press_adopts_and_ids_mean_nothing_any_more(world: World, other: StashSim) -> None:
    mine, theirs = set_up(world, other)
    with closing(world.stores()) as app:
        app.stores.ledger.pin(1, Pin("/plex/a.mp4"))
    world.edit(1, title="B's own")
    world.run()
    assert pressed(world, "adopt_stash") == {"adopted": False, "would_forget": 1}
    assert "Nothing was changed yet" in world.said("warning")
    assert pressed(world, "adopt_stash") == {"adopted": True, "would_forget": 0}
    assert (world.waiting(), world.state(1)) == ({}, None)
    other.edit(1, title="B's new")
    world.event(1)
    world.run()
    assert (mine.title, theirs.title) == ("A's", "B's new")
    names = sorted(path.name[17:] for path in Path(world.folder, "removed").iterdir())
    assert names == ["pins.json", "queue.json"]
    assert pressed(world, "adopt_stash") == {"adopted": False, "would_forget": 0}


def test_a_page_adopts_by_a_command(world: World, other: StashSim) -> None:
    _, theirs = set_up(world, other)
    accepted = asked(world, "adopt_data_folder")["accepted"]
    world.edit(1, title="B's new")
    world.run()
    assert asked(world, "result", id=accepted)["output"]["adopted"] is True
    assert theirs.title == "B's new"


def test_an_updated_moved_or_restored_stash_is_the_same(world: World) -> None:
    pairs = [world.pair(f"{n}.mp4") for n in range(3)]
    world.edit(pairs[0][0], title="one")
    world.run()
    world.stash.stop()
    world.stash.port = 0  # another container: other address, other path, a backup of yesterday
    core = world.stash.core
    core.config = dataclasses.replace(core.config, database="/config/stash-go.sqlite")
    del world.stash.data.scenes[pairs[2][0]]
    world.stash.start()
    world.edit(pairs[0][0], title="two")
    world.run()
    assert pairs[0][1].title == "two"
    assert "another Stash" not in world.said()


def test_a_stash_that_is_away_at_first_is_met_when_it_is_back(
    world: World, other: StashSim
) -> None:
    _, theirs = set_up(world, other)
    fault = other.add_fault("status", status=503)
    world.clock.on_wait = fault.remove
    world.edit(1, title="B's own")
    world.run(minutes=5)
    assert theirs.title == "old"
    assert "belongs to another Stash" in world.said("error")


KNOWN = Identity("/a.sqlite", {1: 100.0, 2: 200.0, 9: 900.0}, 9)


@pytest.mark.parametrize(
    ("database", "asked_now", "sample", "same"),
    [
        ("/b.sqlite", {1: 100.0, 2: 200.0, 9: 900.0}, {1: 100.0}, True),
        ("/a.sqlite", {1: 100.0}, {1: 100.0}, True),
        ("/a.sqlite", {1: 100.0, 2: 555.0}, {1: 100.0, 2: 555.0}, True),
        ("/a.sqlite", {1: 100.0, 2: 555.0, 9: 556.0}, {1: 100.0}, False),
        ("/a.sqlite", {1: 101.5, 2: 201.5}, {1: 101.5}, False),
        ("/a.sqlite", {}, {}, True),
        ("/a.sqlite", {}, {10: 1000.0}, True),
        ("/a.sqlite", {}, {3: 300.0}, False),
        ("/b.sqlite", {}, {10: 1000.0}, False),
        ("/b.sqlite", {}, {}, False),
    ],
)
def test_who_is_the_same(
    database: str, asked_now: dict[int, float], sample: dict[int, float], same: bool
) -> None:
    met = IdentityAnswer(Identity(database, sample, max(sample, default=0)), asked_now)
    assert is_same(KNOWN, met) is same


def test_a_stash_without_scenes_is_known_by_nothing() -> None:
    met = IdentityAnswer(Identity("/b.sqlite", {1: 1.0}, 1), {})
    assert is_same(Identity("/a.sqlite", {}, 0), met)
