"""The tables of plex_index.db, how it is opened, and what is read of it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable

from plexsync.edges.storage import files
from plexsync.edges.storage.row_audit import CLOCK, DIGITS, NUMBER, Audit, Table
from plexsync.model.named_tuple import NamedTuple

Warn = Callable[[str], None]

_CACHE_KIB = 32 * 1024
"""SQLite's usual 2 MB are a seventh of what 100,000 files take."""

_TABLES = """
CREATE TABLE sections (
    server TEXT NOT NULL, key TEXT NOT NULL, uuid TEXT NOT NULL, list INTEGER NOT NULL UNIQUE,
    surplus INTEGER NOT NULL, read_at REAL NOT NULL, added INTEGER NOT NULL,
    updated INTEGER NOT NULL, PRIMARY KEY (server, key));
CREATE TABLE parts (
    list INTEGER NOT NULL, rating_key INTEGER NOT NULL, place INTEGER NOT NULL, file TEXT NOT NULL,
    size INTEGER, path_key TEXT NOT NULL, tail_key TEXT NOT NULL, name_key TEXT NOT NULL);
CREATE TABLE coverage (server TEXT NOT NULL PRIMARY KEY, libraries TEXT NOT NULL);
CREATE UNIQUE INDEX parts_item ON parts (list, rating_key, place);
CREATE INDEX parts_path ON parts (path_key);
CREATE INDEX parts_tail ON parts (tail_key);
CREATE INDEX parts_name ON parts (name_key)
"""
_BEGIN_ANEW = "DROP TABLE sections; DROP TABLE parts; DROP TABLE coverage;"
SCHEMA = (
    _TABLES,
    _BEGIN_ANEW + _TABLES.replace("size INTEGER,", "size INTEGER, updated INTEGER NOT NULL,"),
    # keys of paths are folded differently since this version
    "DELETE FROM parts; DELETE FROM sections; DELETE FROM coverage; CREATE TABLE line_limits"
    " (server TEXT NOT NULL PRIMARY KEY, bytes INTEGER NOT NULL, learned_at REAL NOT NULL)",
    """
    ALTER TABLE sections ADD COLUMN clock TEXT NOT NULL DEFAULT '';
    ALTER TABLE sections ADD COLUMN read_clock TEXT NOT NULL DEFAULT '';
    ALTER TABLE sections ADD COLUMN reread_at REAL NOT NULL DEFAULT 0;
    ALTER TABLE sections ADD COLUMN unreadable TEXT NOT NULL DEFAULT ''
    """,
    """
    DELETE FROM sections; DELETE FROM coverage; DROP TABLE parts;
    CREATE TABLE parts (
        list INTEGER NOT NULL, rating_key INTEGER NOT NULL, place INTEGER NOT NULL,
        file TEXT NOT NULL, size INTEGER, updated INTEGER NOT NULL,
        path_key INTEGER NOT NULL, tail_key INTEGER NOT NULL, name_key INTEGER NOT NULL);
    CREATE UNIQUE INDEX parts_item ON parts (list, rating_key, place);
    CREATE INDEX parts_path ON parts (path_key);
    CREATE INDEX parts_tail ON parts (tail_key);
    CREATE INDEX parts_name ON parts (name_key)
    """,
)
"""A cache is not worth migrating: any change but a new column empties its tables."""
TABLES = (
    Table(
        "sections",
        rules={"key": DIGITS, "list": NUMBER, **dict.fromkeys(("added", "updated"), CLOCK)},
        signed=("surplus",),
    ),
    Table("parts", rules={"updated": CLOCK}),
    Table("coverage"),
    Table("line_limits", rules={"bytes": "{0} < 1 << 24"}),
)


Held = tuple[int, int, str, int, "int | None", str]
"""When Plex changed the item, its rating key, library, position among its files, size in bytes and
path.
"""


class IndexStats(NamedTuple):
    """Size of the index; `age` of its least recently read library in seconds, None if empty."""

    items: int
    parts: int
    age: float | None


class SectionRow(NamedTuple):
    """What the index stores of a library.

    `list` identifies its rows in `parts`; `surplus` is by how much Plex's total exceeded them when
    it was last read whole, at `read_at`; `added` and `updated` are the newest times seen, by Plex's
    clock. `clock` is the library's change stamp (`scannedAt` and `contentChangedAt`) as last seen,
    `read_clock` the one when it was last read whole, "" once an item has contradicted the index.
    `reread_at` is when it was last read whole because a file was missing, `unreadable` the
    positions of items that Plex cannot deliver.
    """

    server: str
    key: str
    uuid: str
    list: int = 0
    surplus: int = 0
    read_at: float = 0.0
    added: int = 0
    updated: int = 0
    clock: str = ""
    read_clock: str = ""
    reread_at: float = 0.0
    unreadable: str = ""

    @property
    def places(self) -> tuple[int, ...]:
        """Positions in Plex's list, from 1, of the items that it cannot deliver."""
        numbers = (text for text in self.unreadable.split() if text.isdecimal() and len(text) < 10)
        return tuple(map(int, numbers))


COLUMNS = SectionRow._fields


def open_index(path: str, warn: Warn, sound: bool) -> sqlite3.Connection:
    """The database, emptied if a row is unreadable; one that is known to be `sound` is not checked."""
    database = files.open_sqlite(path, SCHEMA, warn, sound=sound)
    database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    # for temporary files: /tmp may be read-only, or too small
    folder = os.path.dirname(os.path.abspath(path)).replace("'", "''")
    database.execute(f"PRAGMA temp_store_directory = '{folder}'")
    if not sound and (audit := Audit(database, TABLES)).unsound:
        audit.empty()
        warn("The library index was damaged; PlexSync reads the libraries again.")
    return database
