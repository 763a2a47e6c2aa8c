"""The library index's database. The files of a library form a list that is replaced as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from zlib import crc32

from plexsync.edges.plex.index_schema import (
    COLUMNS,
    SCHEMA,
    TABLES,
    Held,
    IndexStats,
    SectionRow,
    Warn,
    open_index,
)
from plexsync.edges.plex.new_list import File, Keys, NewList, files_of, new_list, row_of
from plexsync.edges.plex.xml import Listed
from plexsync.edges.storage.sqlite_view import view_sqlite
from plexsync.edges.transactions import transaction
from plexsync.model.plex import IndexedPart, Target

MOST_PER_KEY = 200
"""Maximum files returned per key of a lookup."""

LIMIT_KEPT = 30 * 86400.0
"""Seconds after which a limit is dropped: a newer Plex or another proxy may accept more."""

PATH, NAME, TAIL = 1, 2, 3
"""The places in what `Keys` returns of those by which files are looked up."""
_COLUMNS = {PATH: "path_key", NAME: "name_key", TAIL: "tail_key"}

_CHUNK = 500
_HELD = "p.updated, p.rating_key, s.key, p.place, p.size, p.file"


class IndexStore:
    """plex_index.db. Every method is one transaction.

    Of the keys only checksums are stored, of 31 bits, which take four bytes; whether a file that is
    found by one has the key is seen from its path.
    """

    def __init__(
        self, path: str, keys: Keys, warn: Warn, *, read_only: bool = False, sound: bool = False
    ) -> None:
        self._keys, view = keys, read_only
        self._db = view_sqlite(path, SCHEMA, TABLES) if view else open_index(path, warn, sound)
        # A damaged path must only fail to match, not stop the look-up.
        self._db.text_factory = lambda data: data.decode("utf-8", "replace")

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def sections(self, server: str) -> dict[str, SectionRow]:
        """The libraries of a server by key."""
        rows = self._db.execute(
            f"SELECT {', '.join(COLUMNS)} FROM sections WHERE server = ?", (server,)
        )
        found = (SectionRow(**dict(zip(COLUMNS, row, strict=True))) for row in rows)
        return {row.key: row for row in found}

    def covered(self, server: str) -> str | None:
        """The libraries of the last finished refresh of this server; None if there was none."""
        found = self._db.execute("SELECT libraries FROM coverage WHERE server = ?", (server,))
        row = found.fetchone()
        return None if row is None else str(row[0])

    def cover(self, server: str, libraries: str) -> None:
        """Record a finished refresh of these libraries."""
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO coverage VALUES (?, ?)", (server, libraries))

    def line_limit(self, server: str, now: float) -> int | None:
        """Bytes of the longest request line that the server accepted; None if unknown."""
        found = self._db.execute(
            "SELECT bytes, learned_at FROM line_limits WHERE server = ?", (server,)
        )
        row = found.fetchone()
        return int(row[0]) if row and 0 <= now - row[1] < LIMIT_KEPT else None

    def keep_line_limit(self, server: str, limit: int, now: float) -> None:
        """Record that the server accepts request lines of up to `limit` bytes."""
        with self._db:
            self._db.execute(
                "INSERT OR REPLACE INTO line_limits VALUES (?, ?, ?)", (server, limit, now)
            )

    def new_list(self) -> AbstractContextManager[NewList]:
        """An empty list, for a library that is read whole."""
        return new_list(self._db, self._keys)

    def put(self, number: int, items: Sequence[Listed]) -> tuple[int, int]:
        """Put these items into a list; returns how many files that added and removed."""
        latest = {item.rating_key: item for item in items}
        new = set(files_of(latest.values()))
        with self._db:
            old = set(self._present(number, list(latest)))
            self._db.executemany(
                "DELETE FROM parts WHERE list = ? AND rating_key = ? AND place = ?",
                ((number, key, place) for key, place, *_ in old - new),
            )
            self._db.executemany(
                "INSERT INTO parts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                ((number, *row_of(file, self._keys)) for file in sorted(new - old)),
            )
        return len(_paths(new) - _paths(old)), len(_paths(old) - _paths(new))

    def count(self, number: int) -> int:
        """The number of items in a list."""
        found = self._db.execute(
            "SELECT count(*) FROM parts WHERE list = ? AND place = 0", (number,)
        )
        return int(found.fetchone()[0])

    def save(self, row: SectionRow) -> None:
        """Store what is known of a library."""
        with self._db:
            self._keep(row)

    def replace(self, row: SectionRow, files: NewList) -> tuple[int, int]:
        """Replace the library's list by these files, and store the row with the list's number; returns
        how many files that added and removed.
        """
        with transaction(self._db):
            number, changed = files.replace(row.server, row.key)
            self._keep(row._replace(list=number))
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the -wal file is as large as the list
        return changed

    def drop(self, server: str, key: str) -> int:
        """Delete a library; returns how many files that removed."""
        with self._db:
            gone = self._db.execute(
                "DELETE FROM parts WHERE file <> '' AND list IN"
                " (SELECT list FROM sections WHERE server = ? AND key = ?)",
                (server, key),
            ).rowcount
            self._db.execute("DELETE FROM sections WHERE server = ? AND key = ?", (server, key))
        return gone

    def forget(self, target: Target) -> None:
        """Delete one item."""
        with self._db:
            self._db.execute(
                "DELETE FROM parts WHERE rating_key = ? AND list IN"
                " (SELECT list FROM sections WHERE server = ? AND key = ?)",
                (target.rating_key, target.server, target.section),
            )

    def correct(self, target: Target, item: Listed) -> None:
        """Correct an item whose files differ from the list; other items may differ too, so the
        library is marked for a full read.
        """
        row = self.sections(target.server).get(target.section)
        if row is not None:
            self.put(row.list, [item])
            self.save(row._replace(read_clock=""))

    def find(
        self, server: str, keys: Sequence[tuple[str, str, str, str]]
    ) -> dict[IndexedPart, None]:
        """The server's files with the PATH of one of these keys, or else with its TAIL or NAME, in a
        fixed order.
        """
        found = dict.fromkeys(self.lookup(server, PATH, (key[PATH] for key in keys)))
        if not found:
            found |= dict.fromkeys(self.lookup(server, TAIL, (key[TAIL] for key in keys)))
            found |= dict.fromkeys(self.lookup(server, NAME, (key[NAME] for key in keys)))
        return found

    def lookup(self, server: str, which: int, keys: Iterable[str]) -> Iterator[IndexedPart]:
        """The server's files with one of these keys (PATH, TAIL or NAME), in a fixed order."""
        for key in filter(None, dict.fromkeys(keys)):
            rows = self._db.execute(
                f"SELECT {_HELD} FROM parts p"
                f" JOIN sections s ON s.list = p.list WHERE p.{_COLUMNS[which]} = ?"
                " AND s.server = ? ORDER BY s.key, p.rating_key, p.place LIMIT ?",
                (crc32(key.encode()) >> 1, server, MOST_PER_KEY),
            )
            for held in rows:
                if self._keys(held[-1])[which] == key:
                    yield part_of(server, held)

    def at_paths(self, server: str, keys: Mapping[str, str]) -> dict[str, list[Held]]:
        """The server's files by PATH key, in a fixed order; `keys` has the keys wanted, by path."""
        found: dict[str, list[Held]] = {}
        wanted = set(keys.values())
        checksums = sorted({crc32(key.encode()) >> 1 for key in wanted})
        for start in range(0, len(checksums), _CHUNK):
            some = checksums[start : start + _CHUNK]
            rows = self._db.execute(
                f"SELECT {_HELD}"
                # in this order: by itself SQLite would read the whole list for each page
                " FROM parts p INDEXED BY parts_path CROSS JOIN sections s ON s.list = p.list"
                f" WHERE s.server = ? AND p.path_key IN ({','.join('?' * len(some))})"
                " ORDER BY p.path_key, s.key, p.rating_key, p.place",
                (server, *some),
            )
            for held in rows:
                key = keys.get(held[-1]) or self._keys(held[-1])[PATH]
                if key in wanted:
                    found.setdefault(key, []).append(held)
        return found

    def items(self, server: str) -> Iterator[tuple[Target, str]]:
        """Every item of the server with its first file, library by library."""
        for section in self.sections(server).values():
            rows = self._db.execute(
                "SELECT rating_key, file FROM parts WHERE list = ? AND place = 0"
                " ORDER BY rating_key",
                (section.list,),
            )
            for key, file in rows:
                yield Target(server, section.key, key), file

    def file_at(self, number: int, place: int) -> str:
        """First file of the item at a position (from 0) of a list sorted by rating key."""
        found = self._db.execute(
            "SELECT file FROM parts WHERE list = ? AND place = 0 ORDER BY rating_key"
            " LIMIT 1 OFFSET ?",
            (number, place),
        )
        row = found.fetchone() if place >= 0 else None
        return row[0] if row else ""

    def parts(self, server: str) -> Iterator[tuple[str, int | None]]:
        """Path and size of every file of a server."""
        yield from self._db.execute(
            "SELECT p.file, p.size FROM parts p JOIN sections s ON s.list = p.list"
            " WHERE s.server = ? AND p.file <> ''",
            (server,),
        )

    def files_by_section(self, server: str) -> Iterator[tuple[str, str]]:
        """The library's key and the path of every file of a server."""
        yield from self._db.execute(
            "SELECT s.key, p.file FROM parts p JOIN sections s ON s.list = p.list"
            " WHERE s.server = ? AND p.file <> ''",
            (server,),
        )

    def items_by_section(self, server: str) -> dict[str, int]:
        """The number of items by the library's key."""
        return {key: self.count(row.list) for key, row in self.sections(server).items()}

    def stats(self, now: float) -> IndexStats:
        """Statistics of the server that was read last."""
        items, parts, oldest = self._db.execute(
            "SELECT coalesce(sum(p.place = 0), 0), coalesce(sum(p.file <> ''), 0), min(s.read_at)"
            " FROM sections s LEFT JOIN parts p ON p.list = s.list WHERE s.server ="
            " (SELECT server FROM sections ORDER BY read_at DESC LIMIT 1)"
        ).fetchone()
        return IndexStats(items, parts, None if oldest is None else max(0.0, now - oldest))

    def _present(self, number: int, keys: Sequence[int]) -> Iterator[File]:
        for start in range(0, len(keys), _CHUNK):
            some = keys[start : start + _CHUNK]
            yield from self._db.execute(
                "SELECT rating_key, place, file, size, updated FROM parts WHERE list = ?"
                f" AND rating_key IN ({','.join('?' * len(some))})",
                (number, *some),
            )

    def _keep(self, row: SectionRow) -> None:
        self._db.execute(
            f"INSERT OR REPLACE INTO sections ({', '.join(COLUMNS)})"
            f" VALUES ({', '.join('?' * len(COLUMNS))})",
            [getattr(row, name) for name in COLUMNS],
        )


def _paths(rows: Iterable[File]) -> set[tuple[int, str]]:
    return {(key, path) for key, _, path, *_ in rows if path}


def part_of(server: str, held: Held) -> IndexedPart:
    """A file of a server's item as it is matched with scenes."""
    updated, rating_key, section, place, size, file = held
    return IndexedPart(Target(server, section, rating_key), file, size, place == 0, updated)
