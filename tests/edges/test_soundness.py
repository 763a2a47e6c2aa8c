"""A database is checked again unless nothing can have happened to it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from plexsync.app import owning
from plexsync.edges.log.log import Log
from plexsync.edges.storage.soundness import AT_MOST, FILE, Soundness
from tests.world import World

NAME = "some.db"
NOW = 2e9


def soundness(folder: Path, now: float = NOW) -> Soundness:
    """As an owner reads it; a warning fails the test."""
    return Soundness(str(folder), pytest.fail, lambda: now)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A folder whose owner has closed its database."""
    with closing(sqlite3.connect(tmp_path / NAME)) as database, database:
        database.execute("CREATE TABLE words (text TEXT)")
    owner = soundness(tmp_path)
    assert not owner.holds(NAME)  # nothing was known yet
    owner.keep()
    return tmp_path


def test_what_was_closed_is_sound_once_unless_it_is_closed_again(kept: Path) -> None:
    owner = soundness(kept)
    assert owner.holds(NAME)
    assert not owner.holds("other.db")
    assert not soundness(kept).holds(NAME)  # the owner before this one has not closed it
    owner.keep()
    assert soundness(kept).holds(NAME)


def test_one_that_was_not_opened_stays_sound(kept: Path) -> None:
    soundness(kept).keep()
    assert soundness(kept).holds(NAME)


def changed(folder: Path) -> None:
    data = bytearray((folder / NAME).read_bytes())
    data[-1] ^= 1
    (folder / NAME).write_bytes(data)


def with_a_wal(folder: Path) -> None:
    (folder / f"{NAME}-wal").write_bytes(b"x")


def gone(folder: Path) -> None:
    (folder / NAME).unlink()


def of_another_version(folder: Path) -> None:
    known = json.loads((folder / FILE).read_text())
    (folder / FILE).write_text(json.dumps({**known, "by": "0.0.1"}))


@pytest.mark.parametrize("happened", [changed, with_a_wal, gone, of_another_version])
def test_whatever_happened_it_is_checked_again(
    kept: Path, happened: Callable[[Path], None]
) -> None:
    happened(kept)
    assert not soundness(kept).holds(NAME)


@pytest.mark.parametrize("passed", [AT_MOST, -1.0])
def test_it_is_checked_once_a_day(kept: Path, passed: float) -> None:
    owner = soundness(kept, NOW + AT_MOST - 1)
    assert owner.holds(NAME)
    owner.keep()  # which does not make the check any later
    assert not soundness(kept, NOW + passed).holds(NAME)


@pytest.mark.parametrize("databases", [None, [], {NAME: 1}, {NAME: [1]}, {NAME: ["x", NOW]}])
def test_a_damaged_note_costs_one_check_and_one_warning(kept: Path, databases: object) -> None:
    known = json.loads((kept / FILE).read_text())
    (kept / FILE).write_text(json.dumps({**known, "databases": databases}))
    warnings: list[str] = []
    assert not Soundness(str(kept), warnings.append, lambda: NOW).holds(NAME)
    assert len(warnings) == 1


def reopened(world: World) -> tuple[frozenset[int], bool]:
    """What was lost when the owner opened the ledger, and whether it was known to be sound."""
    stash, note = world.client(), Path(world.folder) / FILE
    known = note.exists()
    with owning(world.folder, stash, world.clock, Log(world.sink), world.environ) as app:
        return app.stores.ledger.lost.scenes, known


def test_a_row_that_is_damaged_between_two_owners_is_found(world: World) -> None:
    scene, _ = world.pair("a.mp4", title="A")
    world.event(scene)
    world.run()
    assert reopened(world) == (frozenset(), False)
    assert reopened(world) == (frozenset(), True)
    with closing(sqlite3.connect(Path(world.folder) / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE scenes SET since = 'never'")
    assert reopened(world) == (frozenset({scene}), True)


def test_after_a_failure_nothing_is_known_to_be_sound(world: World) -> None:
    reopened(world)
    stash, log = world.client(), Log(world.sink)
    with (
        pytest.raises(OSError, match="full"),
        owning(world.folder, stash, world.clock, log, world.environ),
    ):
        raise OSError("full")
    assert not (Path(world.folder) / FILE).exists()
