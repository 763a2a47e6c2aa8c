"""Pins in the ledger, and the ledger beside its owner."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.ledger.ledger_queries import LedgerQueries
from plexsync.edges.ledger.ledger_view import LedgerView
from plexsync.edges.ledger.schema import SCHEMA
from plexsync.edges.storage.files import NewerSchema
from plexsync.edges.storage.queries import asking
from plexsync.model.ledger import SYNCED, UNDONE, Pin, SceneState, TargetState
from plexsync.model.plex import Base, Target, Written

NOW = 1_700_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with closing(Ledger(str(path), pytest.fail)) as opened:
        opened.use_server("s")
        yield opened


def scene(number: int, state: str = SYNCED) -> SceneState:
    target = TargetState(
        target=Target("s", "1", number),
        written={"title": Written("T", "h", NOW)},
        base={"title": Base("old", False)},
    )
    return SceneState(scene=number, state=state, desired_hash="w", since=NOW, targets=(target,))


def test_a_pin_is_kept_by_server_and_replaced_whole(ledger: Ledger, path: Path) -> None:
    ledger.pin(7, Pin("/plex/a.mp4", 12))
    ledger.pin(7, Pin("/plex/b.mp4"))
    ledger.pin(9, Pin("/plex/\ud800.mp4", 3))
    assert ledger.pins()[7] == Pin("/plex/b.mp4", 0)
    assert set(ledger.pins()) == {7, 9}
    ledger.use_server("other")
    assert ledger.pins() == {}
    ledger.use_server("s")
    assert ledger.unpin(7)
    assert not ledger.unpin(7)
    ledger.close()
    with closing(Ledger(str(path), pytest.fail)) as again:
        assert set(again.pins()) == {9}


def test_a_scene_whose_pin_comes_or_goes_is_looked_at_again(ledger: Ledger) -> None:
    ledger.save([scene(7), scene(8)])
    ledger.pin(7, Pin("/plex/a.mp4"))
    assert {n: s.desired_hash for n, s in ledger.scenes([7, 8]).items()} == {7: "", 8: "w"}
    ledger.save([scene(7)])
    ledger.unpin(7)
    assert ledger.scenes([7])[7].desired_hash == ""


def test_pins_from_before_any_server_was_known_are_the_first_ones(path: Path) -> None:
    with closing(Ledger(str(path), pytest.fail)) as ledger:
        ledger.pin(7, Pin("/plex/a.mp4"))
        ledger.use_server("s")
        assert ledger.pins() == {7: Pin("/plex/a.mp4")}


def test_what_was_written_and_not_undone_is_listed(ledger: Ledger) -> None:
    bare = SceneState(scene=3, state=SYNCED)
    sent = TargetState(target=Target("s", "1", 4), unconfirmed={"title": "x"})
    ledger.save(
        [scene(1), scene(2, UNDONE), bare, SceneState(scene=4, state="waiting", targets=(sent,))]
    )
    assert ledger.written_scenes() == [1, 4]
    ledger.destroy([1], NOW)
    assert ledger.written_scenes() == [4]


def test_a_view_sees_what_the_owner_wrote_and_can_write_nothing(ledger: Ledger, path: Path) -> None:
    ledger.save([scene(1)])
    with closing(LedgerView(str(path))) as view:
        assert view.server == "s"
        assert view.scenes([1])[1].state == SYNCED
        ledger.save([scene(2)])
        assert 2 in view.scenes([2])
        with pytest.raises(sqlite3.OperationalError):
            view.save([scene(3)])
        view.set_aside(1, NOW)
        assert view.use_server("other")
        assert not view.use_server("other")
        assert view.scenes([1]) == {}
    assert ledger.get_meta("server") == "s"
    assert set(ledger.scenes([1, 2, 3])) == {1, 2}


def test_a_view_of_nothing_is_empty_and_makes_nothing(path: Path) -> None:
    with closing(LedgerView(str(path))) as view:
        assert view.scenes([1]) == {}
        assert not view.use_server("s")
        assert view.pins() == {}
    assert not path.exists()


def test_a_damaged_ledger_looks_empty_and_stays_for_its_owner(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)
    with closing(LedgerView(str(path))) as view:
        assert view.scenes([1]) == {}
    assert path.read_bytes() == b"no database at all" * 100


def test_a_ledger_of_an_older_plexsync_is_read_as_it_will_be(path: Path) -> None:
    with closing(sqlite3.connect(path)) as old:
        old.executescript(f"{SCHEMA[0]}; PRAGMA user_version = 1;")
        old.execute("INSERT INTO meta VALUES ('server', 's')")
        old.commit()
    before = path.read_bytes()
    with closing(LedgerView(str(path))) as view:
        assert (view.server, view.pins(), view.scenes([1])) == ("s", {}, {})
    assert path.read_bytes() == before


def test_a_ledger_of_a_newer_plexsync_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 999")
        newer.execute("CREATE TABLE something (x)")
    with pytest.raises(NewerSchema, match="newer PlexSync"):
        LedgerView(str(path))


def test_asking_what_plex_refuses_costs_the_same_with_many_scenes(
    ledger: Ledger, path: Path
) -> None:
    ledger.save(map(scene, range(1, 2001)))
    turns: list[int] = []
    with closing(sqlite3.connect(path)) as connection:
        connection.set_progress_handler(lambda: turns.append(1), 100)
        assert LedgerQueries(asking(connection)).refusals() == []
    assert len(turns) < 10


def test_what_is_ahead_of_backfills_is_summed_by_reason(ledger: Ledger) -> None:
    ledger.save(map(scene, range(1, 5)))
    first = ledger.add_backfill("sweep", "scene", [1, 2, 3], NOW)
    ledger.advance(first, 1, 1)
    ledger.add_backfill("sweep", "scene", [3, 4, 9], NOW)
    ledger.add_backfill("rename", "scene", [], NOW)
    assert ledger.ahead_by_reason() == {"sweep": (5, 4)}
