"""Changes that fire no hook, or whose hook was lost, still reach Plex."""

from __future__ import annotations

from typing import Any

import pytest

from plexsync.flows.tasks.health_check import health_check
from plexsync.flows.tasks.process_queue import process_queue
from plexsync.flows.worker.sweep import DAY
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.ledger import SceneState
from plexsync.policy.timing import SWEEP_EVERY
from tests.task_running import run_task
from tests.world import World

LONG_AGO = 1_600_000_000
OLD = {"created_at": LONG_AGO, "updated_at": LONG_AGO}


def looks(world: World) -> int:
    """The number of queries for recently updated scenes."""
    asked = [entry.operation for entry in world.stash.journal]
    return sum(name.startswith("query PlexSyncRecentlyUpdated(") for name in asked)


def synced(world: Any, name: str = "a.mp4", **scene: Any) -> tuple[int, Any]:
    number, item = world.pair(name, title="T", **OLD, **scene)
    world.event(number)
    world.run()
    assert item.title == "T"
    return number, item


def test_a_lost_hook_is_found_by_a_new_worker_though_nothing_waits(world: Any) -> None:
    scene, item = synced(world)
    world.clock.passed += 60
    world.stash.edit(scene, title="Nobody told")
    world.run()
    assert item.title == "Nobody told"


def test_process_queue_finds_it_too(world: Any) -> None:
    scene, item = synced(world)
    world.stash.edit(scene, title="Nobody told")
    answer = run_task(world, process_queue, owns=True)
    assert (item.title, answer["written"], answer["remaining"]) == ("Nobody told", 1, 0)


def test_health_check_has_the_living_worker_look(world: Any) -> None:
    scene, item = synced(world)
    told: list[None] = []

    def lost_then_health_check() -> None:
        if not told:
            told.append(None)
            world.stash.edit(scene, title="Nobody told")
            run_task(world, health_check)

    world.clock.on_wait = lost_then_health_check
    world.run()
    assert item.title == "Nobody told"


@pytest.mark.long
def test_a_living_worker_looks_each_quarter_of_an_hour_whatever_waits(world: Any) -> None:
    _, item = synced(world)
    waits = world.stash.add_scene(files=[("/data/gone.mp4", 1)], title="G")
    world.event(waits)
    scene = 1
    world.clock.on_wait = lambda: world.stash.edit(scene, title="Later")
    before = looks(world)
    world.run(2 * SWEEP_EVERY / 60 + 1)
    assert item.title == "Later"
    assert looks(world) - before == 3, "at its start, and twice in half an hour"


def test_a_worker_that_comes_back_from_a_task_does_not_look_again(world: Any) -> None:
    synced(world)
    before = looks(world)
    app = world.stores()
    app.stores.ledger.set_meta("swept at", repr(world.clock.now()))
    worker = app.worker(lambda: "" if app.clock.passed < end else "time is up")
    end = app.clock.passed + 30
    worker.start()
    worker.drain()
    app.close()
    assert looks(world) == before


def test_performers_merged_in_stash_are_one_in_plex(world: Any) -> None:
    kept, gone = world.stash.add_performer("Kept"), world.stash.add_performer("Gone")
    for entity in world.stash.data.entities["performer"].values():
        entity.updated_at = LONG_AGO
    scene, item = synced(world, performers=[gone])
    other, there = synced(world, "b.mp4", performers=[kept])
    world.clock.passed += 60
    world.stash.merge_performers([gone], kept)
    world.stash.clear_journal()
    world.run()
    assert item.actor == ["Kept"]
    assert world.waiting() == {}
    world.plex.clear_journal()
    world.run()
    assert world.plex.journal == [], "it is told once"


@pytest.mark.parametrize("kind", ["performer", "studio", "tag", "group"])
def test_a_rename_without_a_hook_is_found(world: Any, kind: str) -> None:
    entity = getattr(world.stash, f"add_{kind}")("Before")
    world.configure(sync_groups=True)
    refers = {"performer": "performers", "tag": "tags", "group": "groups"}
    more = {refers[kind]: [entity]} if kind in refers else {"studio": entity}
    world.stash.data.entities[kind][entity].updated_at = LONG_AGO
    scene, item = synced(world, **more)
    world.clock.passed += 60
    getattr(world.stash, f"rename_{kind}")(entity, "After")
    world.run()
    shown = (*item.actor, *item.genre, *item.collection, item.studio)
    assert "After" in shown
    assert "Before" not in shown


def test_a_scene_destroyed_without_a_hook_is_noticed_within_a_day(world: Any) -> None:
    scene, _ = synced(world)
    buried = world.stash.add_scene(title="B", **OLD)
    app = world.stores()
    app.stores.dead_letters.add(
        DeadLetter(scene=buried, error="PlexPermanentError", message="", **just_now(world))
    )
    app.close()
    del world.stash.data.scenes[scene]
    del world.stash.data.scenes[buried]
    world.run()
    assert world.state(scene).state == "synced", "not with each sweep"
    world.clock.jumped += DAY
    world.run()
    assert world.state(scene).state == "destroyed"
    assert world.dead_letter(buried) is None


@pytest.mark.parametrize("after", [2**63 - 1, 10**12])
def test_a_count_that_ended_beyond_every_id_goes_on(world: Any, after: int) -> None:
    scene, _ = world.pair("a.mp4", title="T")
    world.event(scene)
    world.run()
    app = world.stores()
    app.stores.ledger.set_meta("counted_after", str(after))
    app.stores.ledger.save([SceneState(scene=10**15, state="synced")])
    app.close()
    world.clock.jumped += DAY
    world.run()
    assert "Stash is away" not in world.said()
    assert world.state(10**15).state == "destroyed"


def just_now(world: Any) -> dict[str, float]:
    now = world.clock.now()
    return {"buried_at": now, "first_failure": now, "last_failure": now}


def test_an_interrupted_count_goes_on_and_thinks_no_living_scene_gone(world: Any) -> None:
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}", **OLD) for n in range(4)]
    for scene, _ in pairs:
        world.event(scene)
    world.run()
    app = world.stores()
    app.stores.ledger.set_meta("counted_after", str(pairs[1][0]))
    app.close()
    del world.stash.data.scenes[pairs[0][0]]
    del world.stash.data.scenes[pairs[3][0]]
    world.clock.jumped += DAY
    world.run()
    states = [world.state(scene).state for scene, _ in pairs]
    assert states == ["synced", "synced", "synced", "destroyed"]
