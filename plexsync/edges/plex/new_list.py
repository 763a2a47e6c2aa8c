"""The list of a library's files while it is read, and how it takes the place of the old one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from zlib import crc32

from plexsync.edges.plex.xml import Listed

Keys = Callable[[str], tuple[str, str, str, str]]
"""The exact, path, name and tail key of a path; "" for one that it lacks."""

File = tuple[int, int, str, "int | None", int]
"""Rating key, position among the item's files, path, size in bytes, and when Plex changed the item.
"""

_TABLE = """
CREATE TABLE new.parts (
    rating_key INTEGER, place INTEGER, file TEXT, size INTEGER, updated INTEGER, path_key INTEGER,
    tail_key INTEGER, name_key INTEGER, PRIMARY KEY (rating_key, place)) WITHOUT ROWID
"""
_OTHERS = "list IN (SELECT list FROM sections WHERE NOT (server = ? AND key = ?))"
_ADDED = """
SELECT count(*) FROM new.parts a WHERE a.file <> '' AND NOT EXISTS (SELECT 1 FROM main.parts b
WHERE b.list = ? AND b.rating_key = a.rating_key AND b.file = a.file)
"""
_REMOVED = """
SELECT count(*) FROM main.parts a WHERE a.list = ? AND a.file <> '' AND NOT EXISTS (SELECT 1
FROM new.parts b WHERE b.rating_key = a.rating_key AND b.file = a.file)
"""


class NewList:
    """The files read so far. They are in a temporary file of SQLite's, sorted by item: the keys by which
    files are looked up have no order, and each transaction would rewrite pages all over their indexes.
    """

    def __init__(self, database: sqlite3.Connection, keys: Keys) -> None:
        self._database, self._keys = database, keys
        self._last = 0

    def put(self, items: Sequence[Listed]) -> None:
        """Add these items; what was read of them before is replaced."""
        latest = {item.rating_key: item for item in items}
        again = [(key,) for key in latest if key <= self._last]
        self._last = max([self._last, *latest])
        with self._database:
            self._database.executemany("DELETE FROM new.parts WHERE rating_key = ?", again)
            self._database.executemany(
                "INSERT INTO new.parts VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (row_of(file, self._keys) for file in files_of(latest.values())),
            )

    def count(self) -> int:
        """The number of items."""
        found = self._database.execute("SELECT count(*) FROM new.parts WHERE place = 0")
        return int(found.fetchone()[0])

    def replace(self, server: str, key: str) -> tuple[int, tuple[int, int]]:
        """Within a transaction, make these the only files of a library; returns the number of its list,
        and how many files that added and removed.
        """
        execute, library = self._database.execute, (server, key)
        found = execute("SELECT list FROM sections WHERE server = ? AND key = ?", library)
        (last,) = execute("SELECT coalesce(max(list), 0) FROM sections").fetchone()
        (number,) = found.fetchone() or (last + 1,)
        (added,), (removed,) = (execute(sql, (number,)).fetchone() for sql in (_ADDED, _REMOVED))
        (size,) = execute("SELECT count(*) FROM new.parts").fetchone()
        (others,) = execute(f"SELECT count(*) FROM parts WHERE {_OTHERS}", library).fetchone()
        indexes = _indexes(self._database) if size > others else {}
        for name in indexes:
            execute(f"DROP INDEX {name}")
        execute(f"DELETE FROM parts WHERE NOT {_OTHERS}", library)
        execute("INSERT INTO parts SELECT ?, * FROM new.parts", (number,))
        for sql in indexes.values():
            execute(sql)
        return number, (added, removed)


@contextmanager
def new_list(database: sqlite3.Connection, keys: Keys) -> Iterator[NewList]:
    """An empty list, which is gone after the block, or with the process."""
    database.execute("ATTACH '' AS new")
    try:
        database.execute(_TABLE)
        yield NewList(database, keys)
    finally:
        database.execute("DETACH new")


def files_of(items: Iterable[Listed]) -> Iterator[File]:
    """The rows of items; each item has at least one, so that items can be counted."""
    for item in items:
        if not item.parts:
            yield item.rating_key, 0, "", None, item.updated_at
        for place, part in enumerate(item.parts):
            yield item.rating_key, place, part.file, part.size, item.updated_at


def row_of(file: File, keys: Keys) -> tuple[object, ...]:
    """A row of `parts` without the number of its list."""
    key, place, path, size, updated = file
    _, whole, name, tail = keys(path) if path else ("", "", "", "")
    checksums = [crc32(each.encode()) >> 1 for each in (whole, tail, name)]
    return key, place, path, size, updated, *checksums


def _indexes(database: sqlite3.Connection) -> dict[str, str]:
    """The indexes of `parts` by keys without an order: made anew, SQLite sorts the keys first."""
    found = database.execute(
        "SELECT name, sql FROM main.sqlite_master WHERE type = 'index' AND tbl_name = 'parts'"
        " AND sql NOT LIKE 'CREATE UNIQUE%'"
    )
    return dict(found.fetchall())
