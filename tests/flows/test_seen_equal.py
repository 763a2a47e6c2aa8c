"""Scenes that a sync found as they should be in Plex need not be compared by the next
reconciliation, and only those."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from plexsync import inbox
from plexsync.model.ledger import Pin
from tests.flows.test_reconciliation_story import DETAILS, found, later, press
from tests.flows.test_scenes_in_step import CHANGES, LONG_AGO, RED, free, grow, sync_all
from tests.flows.test_unchanged_scenes import (
    IN_PLEX,
    IN_STASH,
    IN_THE_LEDGER,
    SETTINGS,
    described,
    recognised,
    whole,
    without_recognising,
)

Pairs = list[tuple[int, Any]]


@pytest.fixture
def plain(world: Any) -> Any:
    world.configure(no_poster=True)
    return world


def seen(world: Any, count: int, **more: Any) -> Pairs:
    """Add scenes, write them, and have a sync compare them once more."""
    pairs = described(world, count, updated_at=LONG_AGO, **more)
    sync_all(world)
    sync_all(world, "sync_all_forced")
    later(world)
    return pairs


def test_after_a_sync_that_found_nothing_to_write_a_reconciliation_reads_no_details(
    plain: Any,
) -> None:
    pairs = seen(plain, 60)
    assert recognised(plain) == {scene for scene, _ in pairs}
    plain.plex.clear_journal()
    assert found(press(plain, "reconcile_all")) == {}
    assert plain.plex.count("GET", DETAILS) == 0
    assert recognised(plain) == {scene for scene, _ in pairs}


def test_what_was_just_written_is_compared(plain: Any) -> None:
    (scene, _), *_ = described(plain, 2, updated_at=LONG_AGO)
    plain.event(scene)
    plain.run(minutes=0.5)
    later(plain)
    assert recognised(plain) == set()


Between = Callable[[Any, int, Any], object]


def written(world: Any, pairs: Pairs, between: Between = lambda *pair: None) -> None:
    """Write scenes one after the other, ten seconds apart; `between` is called once each is read
    back, in the same second.
    """
    left = iter([*pairs, None])
    under_way: list[Any] = []

    def look() -> str:
        if threading.current_thread() is not threading.main_thread():
            return ""  # a request that is about to be sent
        jobs = [world.waiting().get(scene) for scene, _ in under_way[-1:]]
        if inbox.collect(world.folder, limit=1) or any(j and not j.attempts for j in jobs):
            return ""
        for scene, item in under_way[-1:]:
            between(world, scene, item)
        if (pair := next(left, None)) is not None:
            world.clock.passed += 10
            world.event(pair[0])
            under_way.append(pair)
        return ""

    world.run(minutes=1.5, leave=look)
    later(world)
    assert len(under_way) == len(pairs)


@pytest.mark.parametrize("cover", [None, RED])
def test_what_was_written_counts_once_it_was_read_in_a_later_second(world: Any, cover: Any) -> None:
    world.configure(no_poster=cover is None)
    pairs = described(world, 3, updated_at=LONG_AGO, **({"cover": cover} if cover else {}))
    written(world, pairs)
    assert world.plex.count("PUT") == 3
    assert recognised(world) == {scene for scene, _ in pairs[:2]}
    assert found(press(world, "reconcile_all")) == {}
    assert recognised(world) == {scene for scene, _ in pairs}


CHANGED_AT_ONCE: Mapping[str, Between] = {
    "an edit in Plex": lambda w, s, i: w.plex.user_edit(i.key, title="By hand"),
    "a name less": lambda w, s, i: w.plex.user_edit(i.key, genre=()),
    "another file": lambda w, s, i: w.plex.change_files(i.key, [("/plex/other.mp4", 1)]),
    "an edit in Stash": lambda w, s, i: w.stash.edit(s, title="Another"),
}


@pytest.mark.parametrize("change", CHANGED_AT_ONCE.values(), ids=CHANGED_AT_ONCE)
def test_a_change_in_the_second_of_the_write_is_not_lost(plain: Any, change: Between) -> None:
    pairs = described(plain, 2, updated_at=LONG_AGO)
    written(plain, pairs, lambda *pair: change(*pair) if pair[2] is pairs[0][1] else None)
    assert recognised(plain) == set()


def test_an_item_with_a_time_in_the_future_says_nothing_about_plexs_clock(plain: Any) -> None:
    (scene, _), (odd, item) = described(plain, 2, updated_at=LONG_AGO)
    item.updated_at = int(plain.clock.now()) + 10**6
    plain.plex.add_fault("ignore_edit", match=lambda r: ("id", str(item.key)) in list(r.params))
    for each in (scene, odd):
        plain.event(each)
    plain.run(minutes=0.5)
    later(plain)
    assert plain.plex.count("PUT") > 1
    assert recognised(plain) == set()


def test_an_edit_in_plex_between_the_write_and_its_reading_is_found(plain: Any) -> None:
    pairs = described(plain, 2, updated_at=LONG_AGO)

    def meanwhile(body: bytes) -> bytes:
        plain.plex.user_edit(pairs[0][1].key, summary="")
        return body

    written(plain, pairs)
    plain.stash.edit(pairs[0][0], title="Another")
    plain.plex.add_fault("rewrite", 1, "PUT", change=meanwhile)
    written(plain, pairs)
    assert recognised(plain) == set()
    assert found(press(plain, "reconcile_all")) == {"empty": 1}


def test_an_item_that_changed_in_plex_just_before_is_compared(plain: Any) -> None:
    (scene, item), (other, _) = seen(plain, 2)
    plain.plex.touch(item)
    press(plain, "rebuild_index")
    plain.clock.passed -= 60
    sync_all(plain, "sync_all_forced")
    later(plain)
    assert recognised(plain) == {other}, scene


def test_a_change_of_anything_that_matters_is_noticed_and_of_this_scene_alone(plain: Any) -> None:
    changes = {**IN_STASH, **IN_PLEX, **IN_THE_LEDGER}
    pairs = seen(plain, len(changes) + 5)
    for (scene, item), change in zip(pairs, changes.values(), strict=False):
        change(plain, scene, item)
    later(plain)
    whole(plain)
    left = recognised(plain)
    unnoticed = [what for (scene, _), what in zip(pairs, changes, strict=False) if scene in left]
    assert unnoticed == []
    assert left == {scene for scene, _ in pairs[len(changes) :]}


def test_a_setting_that_matters_is_noticed_and_no_other(plain: Any) -> None:
    scenes = {scene for scene, _ in seen(plain, 2)}
    before = dict(plain.settings)
    for settings in SETTINGS:
        plain.settings = dict(before)
        plain.configure(**settings)
        assert recognised(plain) == set(), settings
    plain.settings = dict(before)
    plain.configure(pause_sync=True, debug_logging=True, max_retries=7)
    assert recognised(plain) == scenes


def test_edits_that_are_kept_and_pinned_items_are_compared(plain: Any) -> None:
    plain.configure(preserve_plex_edits=True)
    pairs = seen(plain, 3)
    plain.plex.user_edit(pairs[0][1].key, title="By hand")
    app = plain.stores()
    app.stores.ledger.pin(pairs[1][0], Pin(pairs[1][1].files[0][0], pairs[1][1].key))
    app.close()
    later(plain)
    sync_all(plain, "sync_all_forced")
    later(plain)
    assert recognised(plain) == {pairs[2][0]}


def test_a_scene_with_a_cover_counts_until_stash_has_changed_it(world: Any) -> None:
    ((scene, _),) = seen(world, 1, cover=RED)
    assert recognised(world) == {scene}
    press(world, "reconcile_all")
    assert recognised(world) == {scene}


@pytest.mark.long
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.torture) for seed in (1, 2))]
)
def test_the_same_gaps_are_found_with_and_without_what_syncs_have_seen(
    plain: Any, seed: int
) -> None:
    """Random changes of both sides between syncs; each comparison is made both ways."""
    plain.rng, plain.pairs = random.Random(seed), []
    grow(plain, 15)
    sync_all(plain)
    files = [
        lambda w, s, i: w.plex.change_files(i.key, [(f"/plex/{w.rng.choice(free(w))}.mp4", 1000)]),
        lambda w, s, i: w.plex.touch(i),
        lambda w, s, i: w.configure(preserve_plex_edits=w.rng.choice([True, False])),
    ]
    at_once = list(CHANGED_AT_ONCE.values())

    def now_and_then(*pair: Any) -> None:
        if plain.rng.random() < 0.3:
            plain.rng.choice(at_once)(*pair)

    ever: set[int] = set()
    for _ in range(4):
        sync_all(plain, plain.rng.choice(["sync_all", "sync_all_forced"]))
        some = plain.rng.sample(plain.pairs, 3)
        for scene, _ in some:
            plain.stash.edit(scene, title=f"Title {plain.rng.random()}")
        written(plain, some, now_and_then)
        ever |= recognised(plain)
        for _ in range(plain.rng.randrange(4)):
            plain.rng.choice([*CHANGES, *files])(plain, *plain.rng.choice(plain.pairs))
        later(plain)
        whole(plain)
        ever |= recognised(plain)
        short = press(plain, "reconcile_all", dry_run="true")
        full = without_recognising(plain)
        assert {**short, "seconds": 0} == {**full, "seconds": 0}
    assert len(ever) > 5
