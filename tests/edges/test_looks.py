from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.ledger.rows import standing_of
from plexsync.model.ledger import SYNCED, Observation, SceneState
from plexsync.model.pictures import Kept, PictureSource

LOOK = Observation(7, 1_700_000_000, "w" * 32, (("empty", "title"), ("stale", "tags")), "HIGH", 5.5)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(str(tmp_path / "ledger.db"), print)
    ledger.use_server("plex")
    yield ledger
    ledger.close()


def test_looks_are_kept_per_scene_and_replaced_whole(ledger: Ledger) -> None:
    other = LOOK._replace(rating_key=8, gaps=(), confidence="")
    ledger.save_observations([(1, [LOOK, other]), (2, [LOOK._replace(rating_key=0)])])
    assert ledger.observations([1, 2, 3]) == {1: (LOOK, other), 2: (LOOK._replace(rating_key=0),)}
    ledger.save_observations([(1, [other])])
    assert ledger.observations([1]) == {1: (other,)}
    ledger.save_observations([(1, [])])
    assert ledger.observations([1]) == {}


def test_scenes_are_stored_together_with_what_was_seen_of_them(ledger: Ledger) -> None:
    pictures = {PictureSource("group", 3): Kept("etag", "\udcff")}
    whole = SceneState(
        1,
        SYNCED,
        since=1.5,
        oshash="\udcff",
        path="/data/\udcff",
        cover_sha1="c",
        pictures=pictures,
    )
    states = [whole, SceneState(2, SYNCED)]
    ledger.save(states, [(1, [LOOK])])
    assert ledger.observations([1, 2]) == {1: (LOOK,)}
    assert ledger.standing(0, 9) == {state.scene: standing_of(state) for state in states}
    with pytest.raises(sqlite3.Error):
        ledger.save([whole._replace(since=9.0)], [(1, [LOOK, LOOK])])
    assert ledger.standing(0, 1) == {1: standing_of(whole)}, "neither is stored then"
    assert ledger.observations([1]) == {1: (LOOK,)}


def test_another_server_was_never_looked_at(ledger: Ledger) -> None:
    ledger.save_observations([(1, [LOOK])])
    ledger.use_server("another")
    assert ledger.observations([1]) == {}
    assert ledger.unclaimed([7]) == [7]


def test_items_without_a_scene_are_told(ledger: Ledger) -> None:
    ledger.save_observations([(n, [LOOK._replace(rating_key=n)]) for n in range(1, 1001)])
    assert ledger.unclaimed(list(range(1, 1101))) == list(range(1001, 1101))


def test_scenes_that_stash_no_longer_has_are_forgotten(ledger: Ledger) -> None:
    ledger.save_observations([(n, [LOOK._replace(rating_key=n)]) for n in range(1, 11)])
    ledger.forget_observations(2, 6, {4, 5})
    assert sorted(ledger.observations(list(range(1, 11)))) == [1, 2, 4, 5, 7, 8, 9, 10]


@pytest.mark.parametrize(
    "text", ["{", "[]", "[1, 2]", '["HIGH", ["empty"]]', "null", "[" * 9999, "x"]
)
def test_a_damaged_look_is_none(ledger: Ledger, tmp_path: Path, text: str) -> None:
    ledger.save_observations([(1, [LOOK])])
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("UPDATE observations SET verdict = ?", (text,))
    connection.close()
    assert ledger.observations([1]) == {}
