"""The ledger's collections on a real SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.ledger.schema import SCHEMA
from plexsync.model.collection import FOREIGN, OURS, Collection, Source
from plexsync.model.ledger import SYNCED, SceneState, TargetState
from plexsync.model.plex import Base, ReadBack, Refusal, Target, Written

NOW = 1_700_000_000.0


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(Ledger(str(tmp_path / "ledger.db"), pytest.fail)) as ledger:
        ledger.use_server("s")
        yield ledger


def box(name: str = "Acme", kind: str = "studio", number: int = 5) -> Collection:
    return Collection.new("s", "1", name, Source(kind, number), NOW)


def filled() -> Collection:
    new = box()
    plex = new.plex._replace(
        target=new.plex.target._replace(rating_key=77),
        written={"summary": Written("All.", "h", NOW)},
        base={"summary": Base("", False), "poster": Base("", False)},
        dirty=frozenset({"poster"}),
        unconfirmed={"poster": "abc"},
        read_back={"sort_title": ReadBack("!A", "A")},
        refused={"poster": Refusal("h", "406", NOW)},
        synced_at=NOW,
    )
    return replace(
        new, owner=OURS, attempts=2, quick=True, detail="d", etag='"e"', sha1="a", plex=plex
    )


def test_a_collection_comes_back_as_it_was_stored(ledger: Ledger) -> None:
    ledger.save_collections([filled()])
    assert ledger.collections("1", ["ACME", "other"]) == {"acme": filled()}
    assert ledger.collections("2", ["Acme"]) == {}
    assert ledger.written_collections() == [filled()]
    ledger.forget_collection("1", "aCme")
    assert ledger.written_collections() == []


def test_what_is_due_comes_in_its_turn(ledger: Ledger) -> None:
    assert ledger.next_collection() is None
    ledger.save_collections(
        [replace(box("B"), due_at=NOW + 5), box("A"), replace(box("C"), due_at=None)]
    )
    assert ledger.next_collection() == NOW
    assert [each.name for each in ledger.due_collections(NOW, 9)] == ["A"]
    assert [each.name for each in ledger.due_collections(NOW + 9, 1)] == ["A"]
    assert [each.name for each in ledger.due_collections(NOW + 9, 9)] == ["A", "B"]


def test_a_change_makes_only_those_due_that_may_be_ours(ledger: Ledger) -> None:
    quiet = [
        replace(box("A"), due_at=None),
        replace(box("B", number=6), due_at=None),
        replace(box("C"), due_at=None, owner=FOREIGN),
    ]
    ledger.save_collections(quiet)
    ledger.touch_collections("group", [5], NOW)
    assert ledger.next_collection() is None
    ledger.touch_collections("studio", [5, 9], NOW)
    assert [each.name for each in ledger.due_collections(NOW, 9)] == ["A"]
    ledger.touch_all_collections(NOW)
    assert [each.name for each in ledger.due_collections(NOW, 9)] == ["A", "B"]


def test_who_put_the_items_there(ledger: Ledger) -> None:
    def state(scene: int, **target: object) -> SceneState:
        plain = TargetState(target=Target("s", "1", 500 + scene))
        return SceneState(
            scene=scene,
            state=SYNCED,
            targets=(plain._replace(**target),),  # type: ignore[arg-type]
        )

    ours = {"collections": Written(("Acme", "B"), "h", NOW)}
    ledger.save(
        [
            state(1, written=ours),
            state(2, unconfirmed={"collections": ("acme",)}),
            state(3, written={"collections": Written(("B",), "h", NOW)}),
        ]
    )
    assert ledger.put_into("1", "ACME", [501, 502])
    assert not ledger.put_into("1", "Acme", [501, 503])
    assert not ledger.put_into("1", "Acme", [501, 999])
    assert not ledger.put_into("2", "Acme", [501])
    assert not ledger.put_into("1", "Acme", [])


def test_another_database_has_other_studios(ledger: Ledger) -> None:
    ledger.save_collections([filled()])
    ledger.forget_ids(NOW)
    assert ledger.written_collections()[0].source == Source()


def test_another_server_has_its_own(ledger: Ledger) -> None:
    ledger.save_collections([filled()])
    ledger.use_server("t")
    assert ledger.collections("1", ["Acme"]) == {} and ledger.next_collection() is None


def test_a_ledger_of_before_there_were_any_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(";".join(SCHEMA[:8]) + "; PRAGMA user_version = 8;")
        old.execute("INSERT INTO meta VALUES ('server', 's')")
        old.execute(
            "INSERT INTO scenes (id, server, scene, state, detail, since, desired_hash, oshash, path,"
            " cover_etag, cover_sha1) VALUES (1, 's', 7, 'synced', '', 1.0, 'h', 'o', '/a', 'e', 'x')"
        )
        old.execute(
            "INSERT INTO targets (row, place, server, section, rating_key, part, written, dirty,"
            " synced_at) VALUES (1, 0, 's', '1', 501, '/a', ?, '[]', 1.0)",
            ('{"collections":[["Acme"],"h",1.0]}',),
        )
        old.commit()
    with closing(Ledger(str(path), pytest.fail)) as ledger:
        assert ledger.written_collections() == []
        assert ledger.put_into("1", "Acme", [501])
        ledger.save_collections([filled()])
        known = ledger.scenes([7])[7]
        assert known.targets[0].target == Target("s", "1", 501)
        assert (known.cover_etag, known.cover_sha1, known.pictures) == ("e", "x", {})
