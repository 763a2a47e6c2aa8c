"""The ledger on a real SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from plexsync.edges.ledger import encoding
from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.ledger.schema import SCHEMA
from plexsync.edges.storage.row_audit import Lost
from plexsync.model.ledger import (
    DESTROYED,
    GIVEN_UP,
    LEFT_OUT,
    NOT_IN_PLEX,
    SHARED,
    SYNCED,
    UNDONE,
    WAITING,
    Pin,
    SceneState,
    TargetState,
)
from plexsync.model.pictures import Kept, PictureSource
from plexsync.model.plex import EDITABLE, LIST, Base, ReadBack, Refusal, Target, Written

NOW = 1_700_000_000.0
PICTURES = {
    PictureSource("group", 12): Kept('"e2"', "sha2"),
    PictureSource("image", 7): Kept("Sat, 28 Nov 2026 12:00:00 GMT", "sha3"),
}
ITEM = Target("server-a", "1", 501)
MOVED = Target("server-a", "1", 777)


def a_target(target: Target = ITEM, title: str = "A Day Out", **changes: object) -> TargetState:
    plain = TargetState(
        target=target,
        part="/media/a.mp4",
        written={
            "title": Written(title, "hash-1", NOW),
            "tags": Written(("x", "y"), "hash-2", NOW),
        },
        base={"title": Base("a.mp4", False), "tags": Base((), True)},
        dirty=frozenset({"poster"}),
        synced_at=NOW,
    )
    return plain._replace(**changes)  # type: ignore[arg-type]


def a_scene(scene: int, *targets: TargetState, **changes: object) -> SceneState:
    plain = SceneState(
        scene=scene,
        state=SYNCED,
        detail="in step",
        since=NOW,
        desired_hash="wish",
        oshash="abc",
        path="/stash/a.mp4",
        cover_etag='"e"',
        cover_sha1="sha",
        pictures=PICTURES,
        entities=frozenset({("performer", 3), ("tag", 9)}),
        targets=targets,
    )
    return plain._replace(**changes)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    warnings: list[str] = []
    with closing(Ledger(str(path), warnings.append)) as opened:
        opened.use_server("server-a")
        yield opened
    assert warnings == []


def entities_of(kind: str, *ids: int) -> frozenset[tuple[str, int]]:
    return frozenset((kind, number) for number in ids)


# -- scenes ------------------------------------------------------------------------------------


def test_scenes_come_back_whole_after_a_restart(path: Path) -> None:
    states = {
        1: a_scene(1, a_target(MOVED), a_target()),
        2: a_scene(2, state=NOT_IN_PLEX, desired_hash="", entities=frozenset()),
    }
    with closing(Ledger(str(path), print)) as ledger:
        ledger.use_server("server-a")
        ledger.save(states.values())
    with closing(Ledger(str(path), print)) as ledger:
        assert ledger.server == "server-a"
        assert ledger.scenes([1, 2, 3]) == states
        assert ledger.counts() == {SYNCED: 1, NOT_IN_PLEX: 1}


def test_what_plex_showed_and_refused_comes_back(ledger: Ledger) -> None:
    target = a_target(
        written={
            "rating": Written("8.3", "h", NOW, "8"),
            "tags": Written(("a", "b"), "h", NOW, ("A",)),
            "title": Written("T", "h", NOW),
        },
        read_back={"date": ReadBack("2024-01-02", "2024-01-01"), "tags": ReadBack(("x",), ())},
        refused={"summary": Refusal("h2", "Plex answered 400: Bad \ud83d Request", NOW)},
    )
    ledger.save([a_scene(1, target)])
    (kept,) = ledger.scenes([1])[1].targets
    assert (kept.written, kept.read_back) == (target.written, target.read_back)
    assert kept.refused["summary"].words == "Plex answered 400: Bad \\ud83d Request"
    ledger.save([a_scene(1, a_target())])
    assert ledger.scenes([1])[1].targets[0].refused == {}


def test_a_ledger_of_the_last_version_keeps_all_it_knows(path: Path) -> None:
    with closing(sqlite3.connect(path)) as old:
        old.executescript(";".join(SCHEMA[:4]) + "; PRAGMA user_version = 4;")
        old.execute("INSERT INTO meta VALUES ('server', 'server-a')")
        old.execute(
            "INSERT INTO scenes VALUES (7, 'server-a', 1, 'synced', '', ?, 'wish', 'abc', '/a',"
            " '', '', NULL, NULL)",
            (NOW,),
        )
        old.execute(
            "INSERT INTO targets VALUES (7, 0, 'server-a', '1', 501, '/a', ?, ?, ?, NULL, ?)",
            ('{"title":["T","h",1.5]}', '["poster"]', NOW, '{"date":"2024-01-02"}'),
        )
        old.commit()
    with closing(Ledger(str(path), pytest.fail)) as ledger:
        (target,) = ledger.scenes([1])[1].targets
        assert target.written == {"title": Written("T", "h", 1.5)}
        assert (target.dirty, target.unconfirmed) == ({"poster"}, {"date": "2024-01-02"})
        assert (target.read_back, target.refused) == ({}, {})
        more = target._replace(refused={"date": Refusal("h", "400", NOW)})
        ledger.save([ledger.scenes([1])[1]._replace(targets=(more,))])
        assert ledger.scenes([1])[1].targets == (more,)


def test_a_ledger_with_names_in_place_of_numbers_keeps_all_it_knows(path: Path) -> None:
    values = '{"title":["T","h",1.5]}'
    with closing(sqlite3.connect(path)) as old:
        old.executescript(";".join(SCHEMA[:13]) + "; PRAGMA user_version = 13;")
        old.execute("INSERT INTO meta VALUES ('server', 'server-b')")
        old.executemany(
            "INSERT INTO scenes VALUES (?, ?, ?, 'synced', '', 1, 'hash', 'abc', '/a', '', '', NULL, ?,"
            " '{}')",
            [
                *((7, "server-a", 1, None), (8, "server-b", 1, None), (9, "", 1, None)),
                (10, "server-b", 1, 5.0),
            ],
        )
        old.executemany(
            "INSERT INTO targets VALUES (?, ?, ?, '1', ?, ?, ?, '[]', 1, NULL, '{}', '{}', '{}')",
            [
                *(
                    (7, 0, "server-a", 501, "/a", values),
                    (8, 0, "server-b", 501, "/plex/a", values),
                ),
                (8, 1, "server-a", 502, "/a", "{}"),
            ],
        )
        old.executemany(
            "INSERT INTO bases VALUES (?, 501, ?)", [("server-b", '{"title":["B",true]}')]
        )
        kinds = [("tag", 3), ("tag", 4), ("performer picture", 5), ("rival", 2)]
        old.executemany("INSERT INTO entities VALUES (?, ?, 1, 8)", kinds)
        old.execute("INSERT INTO pins VALUES ('server-b', 1, '/plex/a', 501)")
        old.execute("INSERT INTO observations VALUES ('server-b', 1, 501, 4, 'h', '', 0, 'basis')")
        old.execute("INSERT INTO orphans VALUES ('server-b', 600, '1', '/o', 2)")
        old.commit()
    with closing(Ledger(str(path), pytest.fail)) as ledger:
        scene = ledger.scenes([1])[1]
        assert scene.entities == frozenset(kinds)
        assert [(t.target.server, t.target.rating_key, t.part) for t in scene.targets] == [
            ("server-b", 501, "/plex/a"),
            ("server-a", 502, "/a"),
        ]
        assert scene.targets[0].written == {"title": Written("T", "h", 1.5)}
        assert scene.targets[0].base == {"title": Base("B", True)}
        assert (
            ledger.scenes_with("tag", [4], 0, 9) == ledger.scenes_with("rival", None, 0, 9) == [1]
        )
        assert ledger.scenes_with("group", None, 0, 9) == []
        assert ledger.pins() == {1: Pin("/plex/a", 501)}
        assert ledger.observations([1])[1][0].basis == "basis"
        assert ledger.orphans(5) == [(600, "1", "/o")]
        assert ledger.owner(Target("server-b", "1", 501)) == 1
        ledger.use_server("server-a")
        assert [t.part for t in ledger.scenes([1])[1].targets] == ["/a"]
        ledger.use_server("server-c")
        assert ledger.scenes([1]) == {}
        assert ledger.lost == Lost()


def test_what_a_lost_name_of_a_server_stood_for_is_found_again(ledger: Ledger, path: Path) -> None:
    """Its number is the lowest that is free, and so the one that it had."""
    ledger.save([a_scene(1, a_target())])
    ledger.close()
    with closing(sqlite3.connect(path)) as damaged, damaged:
        damaged.execute("UPDATE servers SET server = X'00'")
    told: list[str] = []
    with closing(Ledger(str(path), told.append)) as again:
        assert again.lost.all
        assert "servers 1" in told[0]
        assert again.scenes([1]).keys() == {1}


def test_what_destroyed_scenes_were_written_with_is_forgotten_with_them(
    ledger: Ledger, path: Path
) -> None:
    ledger.save([a_scene(n, entities=entities_of("tag", 3, n)) for n in (1, 2)])
    ledger.destroy([1], NOW)
    assert ledger.forget_destroyed(NOW + 1) == 1
    assert ledger.scenes_with("tag", [3], 0, 9) == [2]
    with closing(sqlite3.connect(path)) as stored:
        assert stored.execute("SELECT DISTINCT scene FROM entities").fetchall() == [(2,)]


def test_long_values_are_compressed_and_damaged_ones_count_as_never_written(
    ledger: Ledger, path: Path
) -> None:
    long = {"summary": Written("What happens here. " * 50, None, NOW)}
    base = {"summary": Base("What Plex had. " * 50, False)}
    ledger.save([a_scene(1, a_target(written=long, base=base))])
    (kept,) = ledger.scenes([1])[1].targets
    assert (kept.written, kept.base) == (long, base)
    with closing(sqlite3.connect(path)) as stored, stored:
        for table, column in (("targets", "written"), ("bases", "base")):
            ((size,),) = stored.execute(f"SELECT length({column}) FROM {table}").fetchall()
            assert size < 100
            stored.execute(f"UPDATE {table} SET {column} = substr({column}, 1, 20)")
    (kept,) = ledger.scenes([1])[1].targets
    assert (kept.written, kept.base) == ({}, {})


def test_saving_replaces_a_scene_whole_and_leaves_its_neighbours(ledger: Ledger) -> None:
    neighbour = a_scene(2, a_target(MOVED))
    ledger.save([a_scene(1, a_target()), neighbour])
    new = a_scene(
        1,
        a_target(title="New", dirty=frozenset(), written={"title": Written("New", "h", NOW + 1)}),
        entities=entities_of("tag", 9, 10),
        state=WAITING,
    )
    ledger.save([new])
    assert ledger.scenes([1, 2]) == {1: new, 2: neighbour}


def test_text_that_sqlite_cannot_hold_is_kept_readable(ledger: Ledger) -> None:
    odd = a_target(part="/a\ud83d", written={"summary": Written("x\ud83d\n'\x00", "h", NOW)})
    ledger.save([a_scene(1, odd, path="/stash/\udcff.mp4", detail="a\x00b")])
    kept = ledger.scenes([1])[1]
    assert (kept.path, kept.detail) == ("/stash/\\udcff.mp4", "a\x00b")
    assert kept.targets[0].part == "/a\\ud83d"
    assert kept.targets[0].written == odd.written


def test_a_broken_save_stores_none_of_its_scenes(ledger: Ledger) -> None:
    bad = a_target(written={"title": Written("x", "h", float("nan"))})
    with pytest.raises(ValueError, match="JSON"):
        ledger.save([a_scene(1, a_target()), a_scene(2, bad)])
    assert ledger.scenes([1, 2]) == {}
    ledger.save([a_scene(1)])


def test_more_scenes_than_one_statement_takes(ledger: Ledger) -> None:
    states = {n: a_scene(n, a_target(Target("server-a", "1", n))) for n in range(1, 1101)}
    ledger.save(states.values())
    assert ledger.scenes(range(1, 2000)) == states


# -- base values -------------------------------------------------------------------------------


def test_a_base_is_written_once_per_field_and_never_lost(ledger: Ledger) -> None:
    first = {"title": Base("a.mp4", False)}
    ledger.save([a_scene(1, a_target(base=first))])
    ledger.save([a_scene(1, a_target(base={"title": Base("ours", True), "tags": Base((), True)}))])
    ledger.save([a_scene(1, a_target(base={}))])
    (target,) = ledger.scenes([1])[1].targets
    assert target.base == {"title": Base("a.mp4", False), "tags": Base((), True)}


def test_a_new_rating_key_starts_without_a_base(ledger: Ledger) -> None:
    ledger.save([a_scene(1, a_target())])
    ledger.save([a_scene(1, a_target(MOVED, base={}))])
    (target,) = ledger.scenes([1])[1].targets
    assert (target.target, target.base) == (MOVED, {})


def test_an_item_that_was_out_of_sight_keeps_what_is_known_of_it(ledger: Ledger) -> None:
    known = a_target()
    ledger.save([a_scene(1, known)])
    ledger.save([a_scene(1, state=NOT_IN_PLEX, since=NOW + 5)])
    assert ledger.scenes([1])[1].targets == ()
    assert ledger.owner(ITEM) is None
    assert ledger.inherit(ITEM) == (known.written, known.base, [])
    ledger.save([a_scene(1, known)])
    assert ledger.scenes([1])[1].targets == (known,)


# -- destroyed and archived scenes -------------------------------------------------------------


def test_a_destroyed_scene_is_kept_for_a_while_and_bequeaths_its_item(ledger: Ledger) -> None:
    known = a_target()
    ledger.save([a_scene(1, known), a_scene(2, a_target(MOVED))])
    ledger.destroy([1, 99], NOW + 10)
    gone = ledger.scenes([1])[1]
    assert (gone.state, gone.destroyed_at, gone.desired_hash) == (DESTROYED, NOW + 10, "")
    assert gone.targets == (known,)
    assert ledger.counts() == {SYNCED: 1}
    assert ledger.owner(ITEM) is None
    assert ledger.live_scenes(0, 10) == [2]
    assert ledger.scenes_with("tag", [9], 0, 10) == [2]
    assert ledger.inherit(ITEM) == (known.written, known.base, [])
    assert ledger.inherit(Target("server-b", "1", 501)) == ({}, {}, [])


def test_saving_revives_a_destroyed_scene(ledger: Ledger) -> None:
    ledger.save([a_scene(1)])
    ledger.destroy([1], NOW)
    ledger.save([a_scene(1)])
    assert ledger.scenes([1])[1].destroyed_at is None
    assert ledger.live_scenes(0, 10) == [1]


def test_destroying_twice_keeps_the_first_time(ledger: Ledger) -> None:
    ledger.save([a_scene(1)])
    ledger.destroy([1], NOW)
    ledger.destroy([1], NOW + 5)
    assert ledger.scenes([1])[1].destroyed_at == NOW


def test_destroyed_scenes_are_forgotten_after_their_time(ledger: Ledger) -> None:
    shared = Target("server-a", "1", 900)
    ledger.save(
        [a_scene(n, a_target(Target("server-a", "1", n)), a_target(shared)) for n in (1, 2)]
    )
    ledger.destroy([1, 2], NOW)
    ledger.save([a_scene(2, a_target(Target("server-a", "1", 2)), a_target(shared))])
    assert ledger.forget_destroyed(NOW) == 0
    assert ledger.forget_destroyed(NOW + 1) == 1
    assert list(ledger.scenes([1, 2])) == [2]
    assert ledger.inherit(Target("server-a", "1", 1)) == ({}, {}, [])
    assert ledger.inherit(shared)[1] == a_target().base
    assert ledger.scenes([2])[2].targets[0].base == a_target().base


def test_the_latest_value_of_each_field_is_inherited(ledger: Ledger) -> None:
    old = {"title": Written("old", "h", NOW), "studio": Written("S", "h", NOW)}
    new = {"title": Written("new", "h", NOW + 5)}
    ledger.save([a_scene(2, a_target(written=new, synced_at=NOW + 5))])
    ledger.save([a_scene(1, a_target(written=old, synced_at=NOW))])
    assert ledger.inherit(ITEM)[0] == {**old, **new}


def test_what_another_scene_sent_to_an_item_is_known(ledger: Ledger) -> None:
    sent = {"title": "two"}
    ledger.save([a_scene(1, a_target(synced_at=NOW)), a_scene(3, a_target(MOVED))])
    assert not ledger.scenes([1])[1].targets[0].followed
    ledger.save([a_scene(2, a_target(synced_at=NOW + 5, unconfirmed=sent))])
    found = ledger.scenes([1, 2, 3])
    assert [found[n].targets[0].followed for n in (1, 2, 3)] == [True, False, False]
    assert ledger.inherit(ITEM)[2] == [sent]
    ledger.destroy([2], NOW + 6)
    assert ledger.scenes([1])[1].targets[0].followed
    assert ledger.inherit(ITEM)[2] == [sent]


def test_a_scene_id_that_went_to_another_file_starts_anew(ledger: Ledger) -> None:
    known = a_target()
    ledger.save([a_scene(1, known)])
    ledger.set_aside(1, NOW)
    assert ledger.scenes([1]) == {}
    assert (ledger.owner(ITEM), ledger.live_scenes(0, 9), ledger.counts()) == (None, [], {})
    assert ledger.scenes_with("tag", [9], 0, 9) == []
    other = a_scene(1, a_target(MOVED, base={}), oshash="def", path="/stash/b.mp4")
    ledger.save([other])
    ledger.set_aside(1, NOW + 1)
    later = other._replace(targets=(a_target(MOVED, base={}, synced_at=NOW + 1),))
    ledger.save([later])
    assert ledger.scenes([1]) == {1: later}
    ledger.destroy([1], NOW)
    ledger.forget_destroyed(NOW + 99)
    assert ledger.inherit(ITEM) == (known.written, known.base, [])


# -- finding scenes ----------------------------------------------------------------------------


def test_the_owner_of_an_item_is_the_scene_that_is_not_merely_sharing_it(ledger: Ledger) -> None:
    ledger.save([a_scene(1, a_target(synced_at=NOW + 9), state=SHARED), a_scene(2, a_target())])
    assert ledger.owner(ITEM) == 2
    assert ledger.owner(MOVED) is None


def test_the_holders_of_items_are_the_scenes_that_are_written_there_or_undone(
    ledger: Ledger,
) -> None:
    states = (SYNCED, WAITING, UNDONE, SHARED, LEFT_OUT, *GIVEN_UP)
    ledger.save([a_scene(n, a_target(), state=state) for n, state in enumerate(states, 1)])
    ledger.save([a_scene(9, a_target(MOVED)), a_scene(10, a_target())])
    ledger.destroy([10], NOW)
    keys = [ITEM.rating_key, MOVED.rating_key, 999_999]
    assert ledger.holders(keys) == {ITEM.rating_key: {1, 2, 3}, MOVED.rating_key: {9}}


def test_neighbours_cost_a_large_ledger_no_more_than_a_small_one(tmp_path: Path) -> None:
    """Counts steps of SQLite's virtual machine, which do not depend on the computer."""

    def steps(count: int) -> int:
        counted = 0

        def step() -> int:
            nonlocal counted
            counted += 1
            return 0

        with closing(Ledger(str(tmp_path / f"{count}.db"), pytest.fail)) as ledger:
            ledger.use_server("plex-1")
            items = (Target("plex-1", "1", 1 + n // 2) for n in range(count))
            ledger.save(a_scene(n, a_target(item)) for n, item in enumerate(items, 1))
            ledger._connection.set_progress_handler(step, 1)
            assert ledger.neighbours(7) == [8]
        return counted

    assert steps(2000) <= 1.5 * steps(50)


def test_scenes_are_found_by_what_was_written_with_them(ledger: Ledger) -> None:
    for scene in range(1, 21):
        ledger.save([a_scene(scene, entities=entities_of("tag", scene % 2, scene % 5 + 10))])
    ledger.save([a_scene(21, entities=entities_of("performer", 1))])
    odd = list(range(1, 21, 2))
    assert ledger.scenes_with("tag", [1], 0, 100) == odd
    assert ledger.scenes_with("tag", [1], 0, 3) == odd[:3]
    assert ledger.scenes_with("tag", frozenset([1, 10]), odd[2], 4) == [7, 9, 10, 11]
    assert ledger.scenes_with("tag", None, 18, 10) == [19, 20]
    assert ledger.scenes_with("tag", [], 0, 10) == []
    assert ledger.scenes_with("performer", None, 0, 10) == [21]
    assert ledger.live_scenes(18, 2) == [19, 20]


# -- servers -----------------------------------------------------------------------------------


def test_the_scenes_that_were_written_last_come_first(ledger: Ledger) -> None:
    times = {1: 30.0, 2: 10.0, 3: 20.0, 4: 40.0}
    targets = {n: Target(ITEM.server, ITEM.section, 100 + n) for n in times}
    states = [a_scene(n, a_target(targets[n], synced_at=at)) for n, at in times.items()]
    states[3] = states[3]._replace(state="failed")
    ledger.save(states)
    assert ledger.last_written(2) == [1, 3]


def test_another_plex_server_starts_empty_and_loses_nothing(ledger: Ledger) -> None:
    mine = a_scene(1, a_target())
    ledger.save([mine])
    assert ledger.use_server("server-b")
    assert not ledger.use_server("server-b")
    assert (ledger.scenes([1]), ledger.counts(), ledger.live_scenes(0, 9)) == ({}, {}, [])
    assert ledger.scenes_with("tag", [9], 0, 9) == []
    theirs = a_scene(1, a_target(Target("server-b", "1", 501), title="B"), state=WAITING)
    ledger.save([theirs])
    ledger.set_aside(1, NOW)
    ledger.save([theirs])
    assert ledger.use_server("server-a")
    assert ledger.scenes([1]) == {1: mine}
    ledger.destroy([1], NOW)
    ledger.use_server("server-b")
    assert ledger.scenes([1])[1].state == DESTROYED


def test_what_was_stored_before_plex_answered_belongs_to_the_first_server(path: Path) -> None:
    with closing(Ledger(str(path), print)) as ledger:
        ledger.save([a_scene(1, state=WAITING)])
        assert not ledger.use_server("server-a")
        assert ledger.scenes([1]) == {1: a_scene(1, state=WAITING)}


# -- meta values and backfills -----------------------------------------------------------------


def test_named_values_are_kept(path: Path) -> None:
    with closing(Ledger(str(path), print)) as ledger:
        assert ledger.get_meta("installed_at", "none") == "none"
        ledger.set_meta("installed_at", "1")
        ledger.set_meta("installed_at", "2")
    with closing(Ledger(str(path), print)) as ledger:
        assert ledger.get_meta("installed_at") == "2"


def test_an_interrupted_bulk_goes_on_from_its_cursor(path: Path) -> None:
    with closing(Ledger(str(path), print)) as ledger:
        rename = ledger.add_backfill("rename", "tag", frozenset([3, 1]), NOW)
        everything = ledger.add_backfill("sync all", "", None, NOW + 1)
        ledger.advance(rename, 500)
    with closing(Ledger(str(path), print)) as ledger:
        first, second = ledger.backfills()
        assert (first.id, first.kind, first.after) == (rename, "tag", 500)
        assert (first.listed, ledger.backfill_ids(first)) == (True, [1, 3])
        assert (second.id, second.listed, second.after, second.born) == (
            everything,
            False,
            0,
            NOW + 1,
        )
        ledger.end_backfill(rename)
        assert [bulk.id for bulk in ledger.backfills()] == [everything]


def test_identical_bulks_are_one_unless_the_first_is_under_way(ledger: Ledger) -> None:
    first = ledger.add_backfill("rename", "tag", [1, 3], NOW)
    assert ledger.add_backfill("rename", "tag", frozenset([3, 1]), NOW + 1) == first
    assert ledger.add_backfill("rename", "tag", [1], NOW) != first
    ledger.advance(first, 200)
    again = ledger.add_backfill("rename", "tag", [1, 3], NOW + 2)
    assert again != first
    assert ledger.add_backfill("rename", "tag", [1, 3], NOW + 3) == again
    assert len(ledger.backfills()) == 3


def test_a_turn_of_a_long_backfill_reads_only_its_own_scenes(ledger: Ledger) -> None:
    """Counts steps of SQLite's virtual machine, which do not depend on the computer."""

    def steps(scenes: int) -> int:
        counted = 0

        def step() -> int:
            nonlocal counted
            counted += 1
            return 0

        walk = ledger.add_backfill("sync all", "scene", range(1, scenes + 1), NOW)
        ledger.advance(walk, 100)
        ledger._connection.set_progress_handler(step, 1)
        (bulk,) = ledger.backfills()
        assert ledger.backfill_scenes(bulk, 3) == [101, 102, 103]
        ledger._connection.set_progress_handler(None, 0)
        assert ledger.backfill_ahead(bulk) == scenes - 100
        ledger.end_backfill(walk)
        return counted

    assert steps(20_000) <= steps(200) + 20


# -- the file ----------------------------------------------------------------------------------


def test_every_commit_is_synced(ledger: Ledger) -> None:
    assert ledger._connection.execute("PRAGMA synchronous").fetchone() == (2,)


@pytest.mark.parametrize("cell", ["{", "[1]", "null", '{"title": 1}', "[" * 100_000, b"\x80\x04c"])
def test_a_damaged_cell_counts_as_nothing_written(
    path: Path, ledger: Ledger, cell: str | bytes
) -> None:
    ledger.save([a_scene(1, a_target())])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE targets SET written = ?, dirty = ?", (cell, cell))
    (target,) = ledger.scenes([1])[1].targets
    assert target.written == {}
    assert target.base == a_target().base
    assert ledger.inherit(ITEM)[0] == {}


def test_a_damaged_file_is_set_aside_with_one_warning(path: Path) -> None:
    warnings: list[str] = []
    path.write_bytes(b"not a database" * 1000)
    with closing(Ledger(str(path), warnings.append)) as ledger:
        ledger.save([a_scene(1, a_target())])
        assert ledger.live_scenes(0, 9) == [1]
    assert len(warnings) == 1


def test_the_encoding_knows_every_field_and_what_it_holds() -> None:
    lists = {name for name, field in EDITABLE.items() if field.kind == LIST}
    assert (set(encoding.LISTS), set(encoding.TEXTS)) == (lists, set(EDITABLE) - lists)


def test_values_of_another_shape_are_left_out() -> None:
    odd = '{"nothing": ["x", "h", 1], "title": [["a"], "h", 1], "tags": [[1], "h", 1],'
    text = odd + ' "studio": ["S", "h", 1e999], "summary": ["D", "h", 2, ["x"]]}'
    found = encoding.written_from_json(text)
    assert sorted(found) == ["studio", "summary"]
    assert (found["studio"].at, found["summary"].shown) == (0.0, None)
    assert encoding.base_from_json('{"title": [["a", "b"], true], "tags": ["x", true]}') == {}
    assert encoding.unconfirmed_from_json('{"nothing": "x", "tags": [{"a": 1}]}') == {}
    assert encoding.dirty_from_json('["title", "nothing"]') == {"title"}
    assert encoding.dirty_from_json('["title", {}]') == frozenset()
