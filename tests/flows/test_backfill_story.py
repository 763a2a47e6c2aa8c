"""Backfills: scenes that Plex lacks delay nothing, and several backfills take turns."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from plexsync.edges.log.log import Log
from plexsync.flows.backfill import BACKFILL_TURN, BACKFILL_WINDOW
from plexsync.flows.tasks.dead_letters import retry_dead_letters
from plexsync.flows.tasks.rebuild_index import rebuild_index
from plexsync.flows.tasks.recover_outage_jobs import recover_outage_jobs
from plexsync.flows.worker.intake import Intake
from plexsync.model.dead_letter import DeadLetter
from tests.task_running import run_task
from tests.world import World

LONG_AGO = 1_600_000_000
RED = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"red" * 50
SECONDS = 1 / 60


def backfill(world: World, scenes: list[int], reason: str = "sync all") -> None:
    with closing(world.ledger()) as ledger:
        ledger.add_backfill(reason, "scene", scenes, world.clock.now())


def missing(world: World, count: int) -> list[int]:
    """Scenes that Plex has no item for."""
    return [
        world.stash.add_scene(files=[(f"/data/gone/{n}.mp4", 1000)], title="T", updated_at=LONG_AGO)
        for n in range(count)
    ]


@pytest.mark.long
def test_the_first_present_scene_waits_for_none_of_those_that_plex_lacks(world: Any) -> None:
    gone = missing(world, BACKFILL_WINDOW + 100)
    scene, item = world.pair("there.mp4", title="There", updated_at=LONG_AGO, cover=RED)
    backfill(world, [*gone, scene])
    world.run(5 * SECONDS)
    assert item.title == "There"
    waiting = world.waiting()
    assert set(waiting) == set(gone)
    assert all(job.attempts == {"PlexNotFound": 1} for job in waiting.values())


def test_no_cover_is_asked_for_that_plex_has_no_item_for(world: Any) -> None:
    gone = missing(world, 5)
    scene, _ = world.pair("there.mp4", title="There", updated_at=LONG_AGO, cover=RED)
    backfill(world, [*gone, scene])
    world.run(5 * SECONDS)
    asked = [e.path for e in world.stash.journal if "screenshot" in e.path]
    assert asked == [f"/scene/{scene}/screenshot"]


def test_two_backfills_take_turns_and_a_third_joins_them(world: Any) -> None:
    app = world.stores()
    stores = app.stores
    intake = Intake(world.folder, stores.queue, stores.ledger, stores.dead_letters, Log(world.sink))
    now = world.clock.now()
    for reason, first in (("sync all", 1), ("settings", 10_001)):
        stores.ledger.add_backfill(reason, "scene", range(first, first + 5000), now)

    def turn() -> list[str]:
        intake.feed_backfills(now)
        batch = stores.queue.due(now, BACKFILL_TURN)
        stores.queue.start([job.scene for job in batch])
        stores.queue.finish([job.scene for job in batch])
        return sorted({job.reason for job in batch})

    turns = [turn() for _ in range(6)]
    assert turns == [["sync all"], ["settings"]] * 3
    stores.ledger.add_backfill("rename", "scene", [20_001], now)
    turns = [turn() for _ in range(BACKFILL_WINDOW // BACKFILL_TURN + 2)]
    assert any("rename" in reasons for reasons in turns)
    assert {"sync all", "settings"} <= {reason for reasons in turns for reason in reasons}
    app.close()


def test_an_interrupted_backfill_goes_on_where_it_was(world: Any) -> None:
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}", updated_at=LONG_AGO) for n in range(120)]
    backfill(world, [scene for scene, _ in pairs])
    world.run(leave=lambda: "stop" if world.plex.count("PUT") else "")
    done = sum(item.title.startswith("T") for _, item in pairs)
    assert 0 < done < 120
    world.plex.clear_journal()
    world.run()
    assert all(item.title.startswith("T") for _, item in pairs)
    assert world.plex.count("PUT") == 120 - done


def test_skip_not_found_tries_as_long_as_ever_and_then_ends_quietly(world: Any) -> None:
    world.configure(skip_not_found=True)
    late, never = missing(world, 2)
    for scene in (late, never):
        world.event(scene)
    world.run(10)
    assert set(world.waiting()) == {late, never}
    item = world.film("gone/0.mp4")
    world.outlast(never, minutes=180)
    assert item.title == "T"
    assert world.waiting() == {}
    assert world.dead_letter(never) is None
    assert world.state(never).state == "not in Plex"
    assert "Gave up" not in world.said()


def test_skip_not_found_waits_for_the_scan_that_it_asked_for(world: Any) -> None:
    world.configure(skip_not_found=True, trigger_plex_scan=True)
    scene = world.stash.add_scene(files=[("/data/new/1.mp4", 1000)], title="New")
    world.event(scene, kind="Scene.Create.Post")
    world.run()
    assert any(call.path.endswith("/refresh") for call in world.plex.journal)
    item = world.film("new/1.mp4")
    world.run(10)
    assert item.title == "New"


@pytest.mark.long
@pytest.mark.parametrize("again", [retry_dead_letters, recover_outage_jobs])
def test_thousands_of_dead_letters_share_with_a_backfill(world: Any, again: Any) -> None:
    scenes = [world.stash.add_scene(title="T") for _ in range(1200)]
    app = world.stores()
    now = world.clock.now()
    for scene in scenes:
        app.stores.dead_letters.add(a_letter(scene, now))
    app.close()
    args = {} if again is retry_dead_letters else {"window": "all"}
    assert run_task(world, again, owns=True, **args)["queued"] == 1200
    pressed = run_task(world, again, owns=True, **args)
    assert (pressed["queued"], pressed["already_queued"]) == (0, 1200)
    app = world.stores()
    stores = app.stores
    stores.ledger.add_backfill("rename", "scene", [20_001], now)
    intake = Intake(world.folder, stores.queue, stores.ledger, stores.dead_letters, Log(world.sink))
    intake.feed_backfills(now)
    assert len(stores.queue.jobs) <= BACKFILL_WINDOW
    assert 20_001 in [job.scene for job in stores.queue.due(now, 2 * BACKFILL_TURN)]
    app.close()


def test_thousands_of_files_that_turn_up_share_with_a_backfill(world: Any) -> None:
    gone = missing(world, 120)
    app = world.stores()
    now = world.clock.now()
    for n, scene in enumerate(gone):
        app.stores.dead_letters.add(
            a_letter(scene, now, "PlexNotFound")._replace(paths=(f"/data/gone/{n}.mp4",))
        )
    app.close()
    for n in range(120):
        world.film(f"gone/{n}.mp4")
    assert run_task(world, rebuild_index, owns=True)["revived"] == 120
    assert run_task(world, rebuild_index, owns=True)["revived"] == 0, (
        "they have their turns already"
    )
    assert not world.waiting()
    world.run()
    assert not any(world.dead_letter(scene) for scene in gone[:3])


def a_letter(scene: int, now: float, error: str = "PlexServerDown") -> DeadLetter:
    return DeadLetter(
        scene=scene, error=error, message="no", first_failure=now, last_failure=now, buried_at=now
    )
