"""Sets of ids as bits: always those of the rows that they are made of, in the file that has the rows."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.page import read_state, scene_lists
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.edges.storage import id_sets
from plexsync.edges.storage.queries import asking
from plexsync.edges.transactions import transaction
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.job import Job
from plexsync.model.ledger import SceneState

NOW = 1_764_000_000.0
FAR = [1, 2, id_sets.WIDTH - 1, id_sets.WIDTH, 3 * id_sets.WIDTH + 7, 2**31 - 1]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as made:
        made.executescript(id_sets.SCHEMA + "CREATE TABLE things (id INTEGER PRIMARY KEY);")
        yield made


def ids(found: Any) -> set[int]:
    return {
        part * id_sets.WIDTH + bit
        for part, bits in found.items()
        for bit in range(bits.bit_length())
        if bits >> bit & 1
    }


def sets(connection: sqlite3.Connection, source: str, server: int = 0) -> dict[str, set[int]]:
    stored = id_sets.stored(asking(connection), source, server)
    assert stored is not None
    return {name: ids(found) for name, found in stored.items() if ids(found)}


def test_sets_of_ids_are_counted_and_taken_from_each_other() -> None:
    some, other = id_sets.of(FAR), id_sets.of([2, 5, 2**31 - 1])
    assert (ids(some), id_sets.size(some)) == ({*FAR}, 6)
    assert ids(id_sets.without(some, other, id_sets.of([1]))) == {*FAR} - {1, 2, 2**31 - 1}
    assert id_sets.size(id_sets.without(other, other)) == id_sets.size({}) == 0


def test_each_id_is_in_one_set_of_a_server(connection: sqlite3.Connection) -> None:
    id_sets.make(connection, [(1, "a", n) for n in FAR] + [(2, "a", 1)])
    id_sets.place(connection, {1: "b", 2: "", 9: "b", id_sets.WIDTH: "a"}, 1)
    rest = {*FAR} - {1, 2}
    assert sets(connection, "things", 1) == {"a": rest, "b": {1, 9}}
    assert sets(connection, "things", 2) == {"a": {1}}
    id_sets.take_out(connection, [1, 2**31 - 1])
    assert sets(connection, "things", 1) == {"a": rest - {2**31 - 1}, "b": {9}}
    assert sets(connection, "things", 2) == {}


def test_sets_that_were_not_made_yet_are_known_from_empty_ones(
    connection: sqlite3.Connection,
) -> None:
    ask = asking(connection)
    assert id_sets.stored(ask, "things") == {}
    connection.execute("INSERT INTO things VALUES (1)")
    assert id_sets.stored(ask, "things") is None
    id_sets.make(connection, ())
    assert id_sets.stored(ask, "things") == {}
    counts = "SELECT 0, 'things', COUNT(*) FROM things"
    assert not id_sets.agree(connection, counts)
    id_sets.make(connection, [(0, "things", 1)])
    assert id_sets.agree(connection, counts)
    connection.execute("UPDATE id_sets SET bits = 'text' WHERE name <> ''")
    assert not id_sets.agree(connection, counts)


def of_rows(connection: sqlite3.Connection, server: int) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    sql = "SELECT state, scene FROM scenes WHERE archived_at IS NULL AND destroyed_at IS NULL AND server = ?"
    for state, scene in connection.execute(sql, (server,)):
        found.setdefault(state, set()).add(scene)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_to_scenes_the_ledgers_sets_are_those_of_its_rows(
    tmp_path: Path, seed: int
) -> None:
    rng, path = random.Random(seed), str(tmp_path / "ledger.db")
    ledger, scenes = Ledger(path, print), [*range(1, 30), *FAR]

    def some() -> list[int]:
        return rng.sample(scenes, rng.randrange(1, 9))

    def save() -> None:
        states = [rng.choice(["synced", "left out", "waiting"]) for _ in scenes]
        gone = [rng.choice([None, None, NOW]) for _ in scenes]
        ledger.save(
            SceneState(scene=n, state=state, destroyed_at=at)
            for n, state, at in zip(some(), states, gone, strict=False)
        )

    steps = [
        save,
        save,
        lambda: ledger.destroy(some(), NOW),
        lambda: ledger.set_aside(some()[0], NOW),
        lambda: ledger.use_server(rng.choice(["one", "two"])),
        lambda: ledger.forget_destroyed(NOW + 1),
    ]
    for turn in range(60):
        rng.choice(steps)()
        if turn == 40:
            ledger.forget_ids(NOW)
        for server in (0, 1, 2):
            wanted = of_rows(ledger._connection, server)
            assert sets(ledger._connection, "scenes", server) == wanted
    ledger.close()


def test_sets_that_do_not_agree_with_the_rows_are_made_again_by_the_owner(tmp_path: Path) -> None:
    def opened() -> tuple[Ledger, JobQueue, DeadLetters]:
        return (
            Ledger(str(tmp_path / "ledger.db"), print),
            JobQueue(str(tmp_path / "queue"), print),
            DeadLetters(str(tmp_path / "dlq.db"), print),
        )

    ledger, queue, letters = opened()
    ledger.save([SceneState(scene=n, state="synced") for n in (1, 2)])
    queue.put_all([Job(scene=n, reason="update", born=NOW) for n in (3, 4, 5)])
    queue.finish([5])
    times = {"buried_at": NOW, "first_failure": NOW, "last_failure": NOW}
    for n in (6, 7, 8):
        letters.add(DeadLetter(scene=n, error="X", message="", **times))
    letters.remove([7])
    files = {"ledger.db": "scenes", "queue/data.db": "job_index", "dlq.db": "dead_letters"}
    wanted = [{"synced": {1, 2}}, {"jobs": {3, 4}}, {"class X": {6, 8}}]
    damage = (
        "DELETE FROM id_sets",
        "UPDATE id_sets SET bits = x'00' WHERE name <> ''",
        "UPDATE id_sets SET bits = 'x' WHERE name <> ''",
    )
    for harm in ("SELECT 1", *damage):
        for each in (ledger, queue, letters):
            each.close()
        for name in files:
            with closing(sqlite3.connect(tmp_path / name)) as connection:
                connection.execute(harm)
                connection.commit()
        ledger, queue, letters = opened()
        found = []
        for name, source in files.items():
            with closing(sqlite3.connect(tmp_path / name)) as connection:
                found.append(sets(connection, source))
        assert found == wanted, harm
    letters.purge(NOW + 1)
    assert sets(letters._connection, "dead_letters") == {}
    for each in (ledger, queue, letters):
        each.close()


@pytest.mark.parametrize("column", ["part", "server", "name", "bits"])
@pytest.mark.parametrize("value", ["CAST(X'ff' AS TEXT)", "X'00ff'", "1e300"])
def test_damaged_sets_do_not_agree_with_their_rows(
    connection: sqlite3.Connection, column: str, value: str
) -> None:
    counts = "SELECT 0, 'a', count(*) FROM things"
    connection.execute("INSERT INTO things VALUES (3)")
    id_sets.make(connection, [(0, "a", 3)])
    assert id_sets.agree(connection, counts)
    connection.execute(f"UPDATE id_sets SET {column} = {value} WHERE name = 'a'")
    assert not id_sets.agree(connection, counts)


def test_dead_letters_are_counted_by_class_as_their_rows_are(tmp_path: Path) -> None:
    rng, path = random.Random(7), str(tmp_path / "dlq.db")
    letters = DeadLetters(path, print)
    times = {"buried_at": NOW, "first_failure": NOW, "last_failure": NOW}
    by_rows = "SELECT error, COUNT(*) FROM dead_letters GROUP BY error"
    for _ in range(200):
        scene, error = rng.choice([1, 2, 3, 4095, 4096, 9000]), rng.choice("XYZ")
        if rng.random() < 0.6:
            letters.add(DeadLetter(scene=scene, error=error, message="", **times))
        else:
            letters.remove([scene])
        wanted = dict(letters._connection.execute(by_rows).fetchall())
        assert (letters.counts(), letters.count()) == (wanted, sum(wanted.values()))
        assert [letters.count(each) for each in "XYZ"] == [wanted.get(each, 0) for each in "XYZ"]
    letters.close()


def test_one_set_of_all_dead_letters_as_an_earlier_version_made_it_is_replaced(
    tmp_path: Path,
) -> None:
    path = tmp_path / "dlq.db"
    letters = DeadLetters(str(path), print)
    times = {"buried_at": NOW, "first_failure": NOW, "last_failure": NOW}
    for scene, error in ((6, "X"), (8, "Y")):
        letters.add(DeadLetter(scene=scene, error=error, message="", **times))
    with transaction(letters._connection) as connection:
        id_sets.make(connection, [(0, "dead letters", 6), (0, "dead letters", 8)])
    letters.close()
    beside = read_state.dead_letters(str(tmp_path))
    assert (beside.counts(), beside.count()) == ({"X": 1, "Y": 1}, 2)
    assert scene_lists.counts(str(tmp_path))[0]["needs_you"] == 2
    DeadLetters(str(path), print).close()
    assert sets(sqlite3.connect(path), "dead_letters") == {"class X": {6}, "class Y": {8}}
    assert (beside.counts(), beside.count()) == ({"X": 1, "Y": 1}, 2)
