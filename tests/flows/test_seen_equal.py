"""Scenes that a sync found as they should be in Plex need not be compared by the next
reconciliation, and only those."""

from __future__ import annotations

import random
from typing import Any

import pytest

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


@pytest.mark.parametrize("seed", range(3))
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
    ever: set[int] = set()
    for _ in range(4):
        sync_all(plain, plain.rng.choice(["sync_all", "sync_all_forced"]))
        for _ in range(plain.rng.randrange(4)):
            plain.rng.choice([*CHANGES, *files])(plain, *plain.rng.choice(plain.pairs))
        later(plain)
        whole(plain)
        ever |= recognised(plain)
        short = press(plain, "reconcile_all", dry_run="true")
        full = without_recognising(plain)
        assert {**short, "seconds": 0} == {**full, "seconds": 0}
    assert len(ever) > 5
