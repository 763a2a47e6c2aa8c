"""The dead letters on a real SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.model.dead_letter import Candidate, DeadLetter

NOW = 1_700_000_000.0


def a_letter(scene: int, **changes: object) -> DeadLetter:
    plain = DeadLetter(
        scene=scene,
        error="PlexPermanentError",
        message="Plex refused",
        buried_at=NOW,
        first_failure=NOW - 60,
        last_failure=NOW - 1,
    )
    return plain._replace(**changes)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dlq.db"


@pytest.fixture
def dead_letters(path: Path) -> Iterator[DeadLetters]:
    warnings: list[str] = []
    with closing(DeadLetters(str(path), warnings.append)) as opened:
        yield opened
    assert warnings == []


def test_a_dead_letter_is_read_as_it_was_stored(path: Path) -> None:
    dead_letter = a_letter(
        7, error="AmbiguousMatch", message="two 'items'; DROP\n\ud83d\x00", status=404,
        cause="ambiguous", attempts={"PlexNotFound": 12}, candidates=(Candidate("A", 1, "2", 3), Candidate("B")),
        job={"scene": 7, "reason": "update", "last_status": None},
    )  # fmt: skip
    with closing(DeadLetters(str(path), print)) as dead_letters:
        dead_letters.add(dead_letter)
    with closing(DeadLetters(str(path), print)) as dead_letters:
        assert dead_letters.get(7) == dead_letter._replace(message="two 'items'; DROP\n\\ud83d\x00")
        assert dead_letters.get(8) is None


def test_a_scene_has_one_dead_letter_that_keeps_its_first_failure(
    dead_letters: DeadLetters,
) -> None:
    dead_letters.add(a_letter(7, error="PlexNotFound", attempts={"PlexNotFound": 12}))
    dead_letters.add(a_letter(7, buried_at=NOW + 9, first_failure=NOW + 5, last_failure=NOW + 8))
    assert dead_letters.counts() == {"PlexPermanentError": 1}
    assert dead_letters.get(7) == a_letter(7, buried_at=NOW + 9, last_failure=NOW + 8)


def test_dead_letters_are_counted_listed_and_removed_by_class(dead_letters: DeadLetters) -> None:
    for scene in (5, 3, 4):
        dead_letters.add(a_letter(scene, error="PlexNotFound", buried_at=NOW + scene))
    dead_letters.add(a_letter(9, buried_at=NOW + 100))
    assert dead_letters.counts() == {"PlexNotFound": 3, "PlexPermanentError": 1}
    assert dead_letters.scenes("PlexNotFound") == [3, 4, 5]
    assert [dead_letter.scene for dead_letter in dead_letters.page(3)] == [9, 5, 4]
    assert [dead_letter.scene for dead_letter in dead_letters.page(3, offset=3)] == [3]
    assert [dead_letter.scene for dead_letter in dead_letters.page(2, error="PlexNotFound")] == [
        5,
        4,
    ]
    assert dead_letters.remove([3, 9, 77]) == 2
    assert dead_letters.remove([]) == 0
    assert dead_letters.counts() == {"PlexNotFound": 2}


def test_old_dead_letters_are_purged(dead_letters: DeadLetters) -> None:
    for age in range(5):
        dead_letters.add(a_letter(age + 1, buried_at=NOW - age))
    assert dead_letters.purge(NOW - 2) == 2
    assert [dead_letter.scene for dead_letter in dead_letters.page(9)] == [1, 2, 3]


def test_a_dead_letter_that_is_no_json_is_refused_and_changes_nothing(
    dead_letters: DeadLetters,
) -> None:
    with pytest.raises(ValueError, match="JSON"):
        dead_letters.add(a_letter(7, job={"scene": 7, "last_failure": float("nan")}))
    assert dead_letters.counts() == {}


def test_every_commit_is_synced(dead_letters: DeadLetters) -> None:
    assert dead_letters._connection.execute("PRAGMA synchronous").fetchone() == (2,)


@pytest.mark.parametrize("cell", ["{", "[1]", "null", "[" * 100_000, None, b"\x80\x04cos\nsystem"])
def test_a_damaged_cell_does_not_hide_its_dead_letter(
    path: Path, dead_letters: DeadLetters, cell: object
) -> None:
    dead_letters.add(a_letter(7, candidates=(Candidate("A"),), job={"scene": 7}))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE OR REPLACE dead_letters SET job = coalesce(?, 5)", (cell,))
    assert dead_letters.get(7) == a_letter(7, candidates=(Candidate("A"),))


def test_candidates_of_any_shape_hide_no_dead_letter(path: Path, dead_letters: DeadLetters) -> None:
    dead_letters.add(a_letter(7))
    odd = '["a line", {"part": "b", "size": "x", "section": 1, "rating_key": -1}, {"p": 1}, 5]'
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE dead_letters SET candidates = ?", (odd,))
    found = dead_letters.get(7)
    assert found is not None
    assert found.candidates == (Candidate("a line"), Candidate("b"))


def test_a_damaged_file_costs_only_itself(path: Path) -> None:
    warnings: list[str] = []
    path.write_bytes(b"not a database" * 1000)
    with closing(DeadLetters(str(path), warnings.append)) as dead_letters:
        dead_letters.add(a_letter(7))
    assert len(warnings) == 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT scene FROM dead_letters").fetchall() == [(7,)]
