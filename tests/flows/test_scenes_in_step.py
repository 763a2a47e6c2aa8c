"""Sync All passes over the scenes that are in step, without a job for each, and only over those."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from plexsync.flows.backfill import BACKFILL_WINDOW
from plexsync.flows.status.status import status
from plexsync.model.ledger import LEFT_OUT, UNDONE
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.flows.test_reconciliation_story import later, press
from tests.flows.test_unchanged_scenes import (
    IN_STASH,
    RECIPE,
    SETTINGS,
    Change,
    described,
    ledger,
    sql,
    state,
)
from tests.world import TOKEN, World

LONG_AGO = 1_600_000_000
RED = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"red" * 50
BLUE = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"blue" * 50


def add(world: Any, count: int, **more: Any) -> list[tuple[int, Any]]:
    """Add scenes with entities of their own, and write them."""
    pairs = described(world, count, updated_at=LONG_AGO, **more)
    sync_all(world)
    return pairs


def sync_all(world: Any, mode: str = "sync_all") -> set[int]:
    """Press the button and let a worker carry it out; returns the scenes that had jobs."""
    later(world)
    press(world, mode)
    world.stash.clear_journal()
    work(world)
    asked = [e.variables for e in world.stash.journal if "PlexSyncScenes(" in e.query]
    return {int(v) for some in asked for name, v in some.items() if name[0] == "i"}


def work(world: Any, minutes: float = 0.25) -> None:
    """Run a worker for so long, which keeps statistics."""
    end = world.clock.passed + minutes * 60
    app = world.stores()
    try:
        worker = app.worker(lambda: "time is up" if world.clock.passed >= end else "")
        worker.start()
        worker.drain()
    finally:
        app.close()


@pytest.fixture
def plain(world: Any) -> Any:
    world.configure(no_poster=True)
    return world


def test_a_library_in_step_needs_no_jobs(plain: Any) -> None:
    scenes = {scene for scene, _ in add(plain, 60)}
    before = {scene: plain.state(scene) for scene in scenes}
    done, _ = figures(plain)
    plain.plex.clear_journal()
    plain.sink.lines.clear()
    assert sync_all(plain) == set()
    assert {scene: plain.state(scene) for scene in scenes} == before
    assert figures(plain) == (done + 60, [])
    assert "60 jobs done (0 written to Plex)" in plain.said()
    assert not plain.plex.count("PUT")


def figures(world: Any) -> tuple[int, list[Any]]:
    """How many jobs are done by the statistics, and the backfills, as the page shows them."""
    found: Any = status(world.folder, world.clock.now())
    return found["statistics"]["done"], found["backfills"]


def test_the_forced_variant_compares_each_with_plex(plain: Any) -> None:
    (scene, item), (other, _) = add(plain, 2)
    plain.plex.user_edit(item.key, title="By hand")
    assert sync_all(plain) == set()
    assert item.title == "By hand"
    assert sync_all(plain, "sync_all_forced") == {scene, other}
    assert item.title == "T0"
    assert sync_all(plain) == set()


@pytest.mark.long
def test_more_scenes_than_fit_into_the_queue_are_passed_over_without_a_pause(plain: Any) -> None:
    for n in range(count := 2 * BACKFILL_WINDOW + 30):
        plain.pair(f"{n}.mp4", title=f"T{n}", updated_at=LONG_AGO)
    sync_all(plain)
    plain.run(10)
    waits: list[float] = []
    plain.clock.on_wait = lambda: waits.append(ahead(plain))
    assert sync_all(plain) == set()
    assert set(waits) == {0}
    assert figures(plain) == (2 * count, [])


def ahead(world: Any) -> int:
    path = Path(world.folder) / "ledger.db"
    with closing(sqlite3.connect(path)) as stored:
        return int(stored.execute("SELECT COUNT(*) FROM backfills").fetchone()[0])


IN_THE_LEDGER: dict[str, Change] = {
    "undone": state(state=UNDONE, desired_hash=""),
    "left out": state(state=LEFT_OUT, desired_hash=""),
    "another desired state": state(desired_hash=""),
    "destroyed": ledger(lambda ledger, scene, item: ledger.destroy([scene], 5.0)),
    "set aside": ledger(lambda ledger, scene, item: ledger.set_aside(scene, 5.0)),
    "not recognisable": sql("UPDATE scenes SET basis = '' WHERE scene = ?"),
    "another basis": sql("UPDATE scenes SET basis = 'x' WHERE scene = ?"),
}


def test_a_change_of_anything_that_matters_leads_to_a_job_of_this_scene_alone(plain: Any) -> None:
    changes = {**IN_STASH, **IN_THE_LEDGER}
    pairs = add(plain, len(changes) + 5)
    for (scene, item), change in zip(pairs, changes.values(), strict=False):
        change(plain, scene, item)
    wanted = {scene for scene, _ in pairs[: len(changes)]}
    asked = sync_all(plain)
    unnoticed = [w for (s, _), w in zip(pairs, changes, strict=False) if s not in asked]
    assert unnoticed == []
    assert asked == wanted
    titles = [plain.stash.scene(scene).title for scene, _ in pairs]
    gone = {"its file moved", "the path of its file", "undone"}
    for title, (_, item), what in zip(titles, pairs, changes, strict=False):
        assert item.title == title or what in gone, what


def test_a_setting_that_matters_leads_to_jobs(plain: Any) -> None:
    scenes = {scene for scene, _ in add(plain, 2)}
    before = dict(plain.settings)
    for settings in SETTINGS:
        plain.settings = dict(before)
        plain.configure(**settings)
        assert sync_all(plain) == scenes, settings
    plain.settings = dict(before)
    plain.configure()
    sync_all(plain)
    assert sync_all(plain) == set()


def test_a_tag_moved_below_another_is_noticed_by_a_recipe_that_needs_the_hierarchy(
    plain: Any,
) -> None:
    plain.configure(**RECIPE)
    pairs = add(plain, 2)
    assert sync_all(plain) == set()
    scene, item = pairs[0]
    assert item.tags["genre"] == ["Tag 0"]
    plain.stash.data.entity("tag", plain.stash.scene(scene).tags[0]).parents = []
    assert sync_all(plain) == {scene for scene, _ in pairs}
    assert item.tags["genre"] == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_all_is_the_same_as_if_each_scene_had_a_job(tmp_path: Path, seed: int) -> None:
    """Random changes of two equal libraries; in one of them no scene is recognised."""
    with a_world(tmp_path / "one") as one, a_world(tmp_path / "other") as other:
        passed = 0
        for world in (one, other):
            world.rng = random.Random(seed)
            world.pairs = []
            grow(world, 15)
            sync_all(world)
        for _ in range(5):
            for world in (one, other):
                for _ in range(world.rng.randrange(4)):
                    world.rng.choice(CHANGES)(world, *world.rng.choice(world.pairs))
            forget(other)
            passed += len(sync_all(other) - sync_all(one))
            assert outcome(one) == outcome(other)
        assert passed > 10


@contextmanager
def a_world(folder: Path) -> Iterator[Any]:
    folder.mkdir(mode=0o700, parents=True)
    with PlexSim(token=TOKEN) as plex, StashSim() as stash:
        world = World(folder, plex, stash)
        world.configure(no_poster=True)
        yield world
        world.close()


def grow(world: Any, count: int) -> None:
    rng, stash = world.rng, world.stash
    if not world.pairs:
        world.tags = [stash.add_tag(f"Tag {n}") for n in range(4)]
        world.people = [stash.add_performer(f"Person {n}") for n in range(4)]
    for n in range(len(world.pairs), len(world.pairs) + count):
        world.pairs.append(
            world.pair(
                f"{n}.mp4",
                title=rng.choice(["", f"T{n}"]),
                details=f"About {n}",
                updated_at=LONG_AGO,
                tags=rng.sample(world.tags, 2),
                performers=rng.sample(world.people, 1),
            )
        )


def news(world: Any) -> str:
    return f"News {world.rng.random()}"


CHANGES: list[Callable[[Any, int, Any], object]] = [
    lambda w, s, i: w.plex.user_edit(i.key, summary=w.rng.choice(["", "By hand"])),
    lambda w, s, i: w.stash.auto_tag(s, details=news(w)),
    lambda w, s, i: setattr(w.stash.scene(s), "title", news(w)),
    lambda w, s, i: w.stash.move_file(s, f"/data/{w.rng.choice(free(w))}.mp4"),
    lambda w, s, i: w.edit(s, details=news(w)),
    lambda w, s, i: w.film(f"{w.rng.randrange(60)}.mp4"),
    lambda w, s, i: w.stash.rename_tag(w.rng.choice(w.tags), news(w)),
    lambda w, s, i: w.stash.rename_performer(w.rng.choice(w.people), news(w)),
    lambda w, s, i: w.configure(max_tags=w.rng.choice([10, 20])),
    lambda w, s, i: w.configure(sync_never=w.rng.choice(["", "tag: Tag 1"])),
    lambda w, s, i: grow(w, 1),
]


def free(world: Any) -> list[int]:
    """Numbers that no scene has in the path of its file."""
    taken = {world.stash.scene(scene).files[0].path for scene, _ in world.pairs}
    return [n for n in range(60) if f"/data/{n}.mp4" not in taken]


def forget(world: Any) -> None:
    with closing(sqlite3.connect(Path(world.folder) / "ledger.db")) as stored, stored:
        stored.execute("UPDATE scenes SET basis = ''")


def outcome(world: Any) -> Any:
    """What users see: both sides of the ledger's scenes, and the counts."""
    app = world.stores()
    try:
        known = app.stores.ledger.scenes([scene for scene, _ in world.pairs])
        counts = app.statistics.stats.done, app.statistics.stats.written
        letters = app.stores.dead_letters.scenes()
        waiting = {scene: job.reason for scene, job in app.stores.queue.jobs.items()}
    finally:
        app.close()
    states = {s: (k.state, k.detail, k.desired_hash, k.entities) for s, k in known.items()}
    items = [(i.title, i.summary, i.tags, sorted(i.locks)) for _, i in world.pairs]
    return states, items, counts, letters, waiting


def test_a_scene_with_a_cover_is_passed_over_until_the_cover_changes(world: Any) -> None:
    pairs = add(world, 3, cover=RED)
    assert sync_all(world) == set()
    assert not [e for e in world.stash.journal if "screenshot" in e.path]
    (scene, item), *_ = pairs
    shown = list(item.posters)
    world.stash.scene(scene).cover = BLUE
    world.stash.auto_tag(scene)
    assert sync_all(world) == {scene}
    assert item.posters != shown


def test_a_scene_that_has_no_cover_yet_is_asked_for_it_each_time(world: Any) -> None:
    ((scene, _),) = add(world, 1)
    for _ in range(2):
        assert sync_all(world) == {scene}


def test_other_pictures_are_asked_for_each_time(world: Any) -> None:
    world.configure(poster_from="group, cover")
    ((scene, _),) = add(world, 1, cover=RED)
    assert sync_all(world) == {scene}


def test_while_plex_is_down_all_scenes_wait(plain: Any) -> None:
    pairs = add(plain, 3)
    (scene, _) = pairs[0]
    plain.plex.stop()
    plain.edit(scene, title="News")
    plain.run(1)
    press(plain, "sync_all")
    plain.run(1)
    assert set(plain.waiting()) == {scene for scene, _ in pairs}
    plain.plex.start()
    plain.run(30)
    assert plain.waiting() == {}
