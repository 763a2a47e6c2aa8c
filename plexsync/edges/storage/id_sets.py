"""Sets of ids as bits, in a table beside the rows that they are made of. Hundreds of thousands of ids are
compared and counted in a millisecond.

The owner updates them in the transaction that changes the rows, and makes them again if they do not
agree when it opens the file. Light, like read_state, which reads them.
"""

from __future__ import annotations

from plexsync.edges.storage.queries import ask_in, asking

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from plexsync.edges.storage.queries import Ask

    IdSet = Mapping[int, int]
    """Bits by part: bit b of part p stands for the id p * WIDTH + b."""

WIDTH = 4096
TABLE = "id_sets"
COLUMNS = "part, server, name, bits"
SCHEMA = """
CREATE TABLE IF NOT EXISTS id_sets (
    part INTEGER NOT NULL,
    server INTEGER NOT NULL,
    name TEXT NOT NULL,
    bits BLOB NOT NULL,
    PRIMARY KEY (part, server, name)
) WITHOUT ROWID;
"""
BYTES = "typeof({0}) = 'blob'"
"""The rule for the column `bits`, see row_audit."""
_PUT = f"INSERT OR REPLACE INTO id_sets ({COLUMNS}) VALUES (?, ?, ?, ?)"
_DAMAGED = (
    "SELECT 1 FROM id_sets WHERE NOT (typeof(part) = 'integer' AND typeof(server) = 'integer'"
    " AND typeof(bits) = 'blob') LIMIT 1"
)
_COMPLETE = 0, 0, "", b""
"""The row that says that the sets were made."""


def stored(ask: Ask, source: str, server: int = 0) -> dict[str, IdSet] | None:
    """A server's sets by name; None if they were not made yet from the rows of the table `source`. The
    server is 0 where the file has none.
    """
    sql = f"SELECT {COLUMNS} FROM id_sets WHERE server IN (0, ?)"
    rows = ask(sql, (server,), "iisb")
    if _COMPLETE not in rows and ask(f"SELECT 1 FROM {source} LIMIT 1"):
        return None
    found: dict[str, dict[int, int]] = {}
    for part, owner, name, bits in rows:
        if name and owner == server:
            found.setdefault(name, {})[part] = int.from_bytes(bits, "little")
    return dict(found)


def without(ids: IdSet, *others: IdSet) -> IdSet:
    """The ids that are in none of the others."""
    left = dict(ids)
    for other in others:
        left = {part: bits & ~other.get(part, 0) for part, bits in left.items()}
    return left


def union(sets: Iterable[IdSet]) -> IdSet:
    """The ids that are in any of the sets."""
    found: dict[int, int] = {}
    for ids in sets:
        for part, bits in ids.items():
            found[part] = found.get(part, 0) | bits
    return found


def size(ids: IdSet) -> int:
    """How many there are."""
    return sum(bits.bit_count() for bits in ids.values())


def of(ids: Iterable[int]) -> IdSet:
    """The set of these ids."""
    found: dict[int, int] = {}
    for each in ids:
        part, bit = divmod(each, WIDTH)
        found[part] = found.get(part, 0) | 1 << bit
    return found


def place(connection: sqlite3.Connection, names: Mapping[int, str], server: int = 0) -> None:
    """Let each id be in the server's set of that name and in no other one; "" is none."""
    wanted = {name: of(i for i in names if names[i] == name) for name in {*names.values()}}
    moved = of(names)
    sql = "SELECT part, name, bits FROM id_sets WHERE server = ? AND name <> '' AND part IN ({})"
    found = ask_in(asking(connection), sql, sorted(moved), (server,))
    before = {(part, name): int.from_bytes(bits, "little") for part, name, bits in found}
    places = before.keys() | {(part, name) for name in wanted if name for part in wanted[name]}
    after = {
        (part, name): before.get((part, name), 0) & ~moved[part] | wanted.get(name, {}).get(part, 0)
        for part, name in places
    }
    changed = (place for place in places if after[place] != before.get(place))
    connection.executemany(
        _PUT, [(part, server, name, _bytes(after[part, name])) for part, name in changed]
    )


def take_out(connection: sqlite3.Connection, ids: Iterable[int]) -> None:
    """Let these ids be in no set of any server."""
    names = dict.fromkeys(ids, "")
    for (server,) in connection.execute("SELECT DISTINCT server FROM id_sets").fetchall():
        place(connection, names, server)


def make(connection: sqlite3.Connection, rows: Iterable[tuple[int, str, int]]) -> None:
    """Replace all sets by those of the rows: server, name and id."""
    members: dict[tuple[int, str], list[int]] = {}
    for server, name, each in rows:
        members.setdefault((server, name), []).append(each)
    connection.execute("DELETE FROM id_sets")
    connection.execute(_PUT, _COMPLETE)
    connection.executemany(
        _PUT,
        [
            (part, server, name, _bytes(bits))
            for (server, name), ids in members.items()
            for part, bits in of(ids).items()
        ],
    )


def agree(connection: sqlite3.Connection, counts: str) -> bool:
    """Whether the sets are as large as a query says: server, name and number of rows."""
    if connection.execute(_DAMAGED).fetchone():
        return False
    rows = connection.execute(
        "SELECT part, server, CAST(name AS BLOB), bits FROM id_sets"  # a name may be no text
    ).fetchall()
    if (0, 0, b"", b"") not in rows:
        return False
    found: dict[tuple[int, str], int] = {}
    for _, server, data, bits in rows:
        name, number = data.decode("utf-8", "replace"), int.from_bytes(bits, "little").bit_count()
        found[server, name] = found.get((server, name), 0) + number
    wanted = {(server, name): n for server, name, n in connection.execute(counts)}
    return {key: n for key, n in found.items() if n} == {key: n for key, n in wanted.items() if n}


def _bytes(bits: int) -> bytes:
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little")
