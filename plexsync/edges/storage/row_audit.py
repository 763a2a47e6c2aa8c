"""Finds rows with values that PlexSync never wrote when a database is opened, saves them as JSON
and removes them.

SQLite accepts any value in any column, and its own check reports "ok" for all of them. Code that
reads such a row would raise, at every start. So every row is checked against the declared types of
its table first.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import compress

from plexsync.edges.storage import files
from plexsync.edges.transactions import transaction
from plexsync.model.formatting import counted
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.stored import LATEST

MOMENT = f"typeof({{0}}) IN ('real', 'integer') AND {{0}} BETWEEN 0 AND {LATEST}"
CLOCK = f"typeof({{0}}) = 'integer' AND {{0}} BETWEEN 0 AND {LATEST}"
DIGITS = "{0} NOT GLOB '*[^0-9]*' AND length({0}) BETWEEN 1 AND 18"
JSON = "json_valid({0})"
WHOLE = "typeof({0}) = 'integer'"
FAR = 1 << 53
NUMBER = f"{{0}} < {FAR}"
"""Rules for a column, in SQL; NUMBER is for columns that SQLite or PlexSync increments."""

_BY_TYPE = {
    "TEXT": "typeof({0}) = 'text'",
    "REAL": MOMENT,
    "INTEGER": "typeof({0}) = 'integer' AND {0} >= 0",
}
_KEPT, _FILE = 5, "rows-"


class Table(NamedTuple):
    """What the audit needs to know of a table beyond its declaration.

    `scene` is SQL for the scene that a row is about, "" if rows are not about a scene. `rules` are
    conditions on columns besides their types, `mends` are SQL defaults for columns that the row can
    do without. Integers must not be negative, except in `signed` columns. Rows of a `cache` are not
    worth saving; without a `vital` row it is unknown which scenes were affected.
    """

    name: str
    scene: str = ""
    rules: Mapping[str, str] = {}
    mends: Mapping[str, str] = {}
    signed: tuple[str, ...] = ()
    cache: bool = False
    vital: bool = False


class Unsound(NamedTuple):
    """An unreadable row, each value as JSON; `scene` is the scene that it was about."""

    table: Table
    values: Mapping[str, object]
    unreadable: tuple[str, ...]
    scene: int | None


class Lost(NamedTuple):
    """What was lost: these scenes are to be compared with Plex again, or every scene if `all`."""

    scenes: frozenset[int] = frozenset()
    all: bool = False

    def __or__(self, other: Lost) -> Lost:
        return Lost(self.scenes | other.scenes, self.all or other.all)


class Audit:
    """One check of every row of a database; `unsound` are the unreadable ones."""

    def __init__(self, connection: sqlite3.Connection, tables: Iterable[Table]) -> None:
        self._connection = connection
        connection.create_function("is_utf8", 1, _is_utf8, deterministic=True)
        connection.create_function("is_moment", 1, _is_moment, deterministic=True)
        self._tables = tuple(tables)
        each = ", ".join(f"EXISTS (SELECT 1 FROM {table.name})" for table in self._tables)
        with_rows = compress(self._tables, connection.execute(f"SELECT {each}").fetchone())
        self._checks = [_Check(connection, table) for table in with_rows]
        self.unsound = tuple(row for check in self._checks for row in check.unsound())

    def lost(self) -> Lost:
        """What the unsound rows were about."""
        worth = [row for row in self.unsound if not row.table.cache]
        unknown = any(row.table.vital or (row.table.scene and not row.scene) for row in worth)
        return Lost(frozenset(row.scene for row in worth if row.scene), unknown)

    def remove(self) -> None:
        """Reset values that a row can do without, then delete the rows that are still unsound."""
        with transaction(self._connection):
            for check in self._checks:
                check.remove()
        mend_counters(self._connection)

    def empty(self) -> None:
        """Delete all rows, as for a damaged cache."""
        with transaction(self._connection):
            for table in self._tables:
                self._connection.execute(f"DELETE FROM {table.name}")

    def set_aside(self, path: str, warn: Callable[[str], None]) -> Lost:
        """Save the unsound rows beside their database, remove them, and warn once."""
        if not self.unsound:
            mend_counters(self._connection)
            return Lost()
        worth = [row for row in self.unsound if not row.table.cache]
        name = os.path.basename(path)
        kept = keep_rows(os.path.dirname(path), name, map(_described, worth)) if worth else ""
        self.remove()
        if worth:
            tables = Counter(row.table.name for row in worth)
            listed = ", ".join(f"{table} {count}" for table, count in sorted(tables.items()))
            warn(
                f"{counted(len(worth), 'row')} of {name} cannot be read ({listed}); kept in {kept}."
                " Everything else continues, and the scenes that they were about are compared with "
                "Plex again."
            )
        return self.lost()


def audited(
    connection: sqlite3.Connection, tables: Iterable[Table], path: str, warn: Callable[[str], None]
) -> Lost:
    """Check every row of a database just opened; close the connection if that fails."""
    try:
        return Audit(connection, tables).set_aside(path, warn)
    except BaseException:
        connection.close()
        raise


def mend_counters(connection: sqlite3.Connection) -> None:
    """Repair the counters of AUTOINCREMENT tables.

    After the largest number SQLite accepts no further row, and reports that the disk is full.
    """
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master").fetchall()}
    if "sqlite_sequence" not in tables:
        return
    unsound = f"typeof(seq) <> 'integer' OR seq NOT BETWEEN 0 AND {FAR}"
    found = connection.execute(f"SELECT name FROM sqlite_sequence WHERE {unsound}").fetchall()
    for table in tables & {name for (name,) in found}:
        with transaction(connection):
            connection.execute(
                f"UPDATE sqlite_sequence SET seq = (SELECT coalesce(max(rowid), 0) FROM {table})"
                " WHERE name = ?",
                (table,),
            )


class _Check:
    """Checks one table against its declaration."""

    def __init__(self, connection: sqlite3.Connection, table: Table) -> None:
        self._connection = connection
        self.table = table
        declared = connection.execute(f"PRAGMA table_info({table.name})").fetchall()
        self._names = [name for _, name, *_ in declared]
        self._texts = [name for _, name, kind, *_ in declared if kind == "TEXT"]
        self._rules = {
            name: _rule(table, name, kind, nullable=not (required or key))
            for _, name, kind, required, _, key in declared
        }
        self._broken = False

    def unsound(self) -> Iterator[Unsound]:
        """Rows with a value of the wrong type, out of bounds, or that is not valid text."""
        self._broken = self._any_broken()
        if not self._broken:
            return
        columns = ", ".join(f"typeof({name}), {name}, {self._sound(name)}" for name in self._names)
        with closing(self._connection.cursor()) as cursor:
            before, self._connection.text_factory = self._connection.text_factory, bytes
            try:
                rows = cursor.execute(
                    f"SELECT {self.table.scene or 'NULL'}, {columns} FROM {self.table.name}"
                    f" WHERE {self._any()}"
                ).fetchall()
            finally:
                self._connection.text_factory = before
        for scene, *values in rows:
            yield self._described(scene, values)

    def _described(self, scene: object, values: Sequence[object]) -> Unsound:
        cells = list(zip(self._names, values[::3], values[1::3], values[2::3], strict=True))
        return Unsound(
            self.table,
            {name: _lossless(kind, value) for name, kind, value, _ in cells},
            tuple(name for name, *_, sound in cells if not sound),
            scene if isinstance(scene, int) and 0 < scene < 2**63 else None,
        )

    def remove(self) -> None:
        """Repair or delete the rows that `unsound` yielded."""
        if not self._broken:
            return
        name, mends = self.table.name, self.table.mends
        for column in filter(mends.__contains__, self._names):
            self._connection.execute(
                f"UPDATE OR IGNORE {name} SET {column} = {mends[column]}"
                f" WHERE NOT {self._sound(column)}"
            )
        self._connection.execute(f"DELETE FROM {name} WHERE {self._any()}")

    def _any_broken(self) -> bool:
        """Whether any row is unsound. Runs at each start, so it is fast: SQLite checks types,
        decoding checks texts.
        """
        rules = " AND ".join(f"({rule})" for rule in self._rules.values())
        name = self.table.name
        found = self._connection.execute(f"SELECT 1 FROM {name} WHERE ({rules}) IS NOT 1 LIMIT 1")
        broken = found.fetchone() is not None
        if broken or not self._texts:
            return broken
        texts = " || ' ' || ".join(f"ifnull({column}, '')" for column in self._texts)
        before, self._connection.text_factory = self._connection.text_factory, str
        try:
            deque(self._connection.execute(f"SELECT {texts} FROM {name}"), maxlen=0)
        except sqlite3.OperationalError as problem:
            if "decode" not in str(problem).lower():
                raise
            return True
        finally:
            self._connection.text_factory = before
        return False

    def _any(self) -> str:
        return f"NOT ({' AND '.join(map(self._sound, self._names))})"

    def _sound(self, column: str) -> str:
        text = f" AND is_utf8(CAST({column} AS BLOB))" if column in self._texts else ""
        return f"(({self._rules[column]}{text}) IS 1)"


def _rule(table: Table, column: str, kind: str, *, nullable: bool) -> str:
    by_type = WHOLE if column in table.signed else _BY_TYPE.get(kind, "1")
    rules = [by_type, table.rules.get(column, "1")]
    rule = " AND ".join(f"({rule.format(column)})" for rule in rules)
    return f"({column} IS NULL OR ({rule}))" if nullable else rule


def _is_utf8(data: object) -> bool:
    try:
        return data is None or (isinstance(data, bytes) and data.decode("utf-8") is not None)
    except UnicodeDecodeError:
        return False


def _is_moment(data: object) -> bool:
    try:
        return isinstance(data, bytes) and 0 <= float(data) <= LATEST
    except ValueError:
        return False


def _lossless(kind: object, value: object) -> object:
    """A value as JSON from which it can be restored."""
    if not isinstance(value, bytes):
        finite = not isinstance(value, float) or abs(value) <= LATEST
        return value if finite else {"real": repr(value)}
    if kind == b"text" and _is_utf8(value):
        return value.decode("utf-8")
    return {"text" if kind == b"text" else "blob": value.hex()}


def _described(row: Unsound) -> dict[str, object]:
    return {
        "table": row.table.name,
        "unreadable": list(row.unreadable),
        "scene": row.scene,
        "values": row.values,
    }


def keep_rows(folder: str, name: str, rows: Iterable[object]) -> str:
    """Write rows that will be removed to `damaged/` in `folder`; returns the file's path.

    The newest five such files are kept. Raises OSError if the file cannot be written.
    """
    damaged = files.damaged_folder(folder)
    path = os.path.join(damaged, f"{_FILE}{time.time_ns():020d}-{name}.json")
    files.replace_json(path, {"version": 1, "file": name, "rows": list(rows)})
    for old in sorted(n for n in os.listdir(damaged) if n.startswith(_FILE))[:-_KEPT]:
        os.unlink(os.path.join(damaged, old))
    return path
