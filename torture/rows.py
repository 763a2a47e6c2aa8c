"""Replaces single values of a database by ones that the column must not have, and tables by others."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

NO_TEXT, HUGE, SLIP, BYTES = "CAST(X'ff' AS TEXT)", "1e300", "'17959x7'", "X'00ff'"
LAST, JSON = str(2**63 - 1), """'{"nothing": [["\\ud800"], 5, 1e999], "title": [{"a": 1}, []]}'"""
"""SQL values: invalid text, a huge number, a number with a typing error, bytes, the largest integer,
JSON of another shape.
"""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of one of the databases."""

    file: str
    table: str
    name: str
    kind: str

    @property
    def values(self) -> tuple[str, ...]:
        """The values to put into it; a number in a text column would only become text."""
        if self.kind == "TEXT":
            return NO_TEXT, BYTES, SLIP, JSON
        return NO_TEXT, HUGE, SLIP, LAST


def fill(ledger: Path, scene: int) -> None:
    """Add a row to each ledger table that a plain sync leaves empty; its owner may have it open."""
    name = "(SELECT value FROM meta WHERE key = 'server')"
    server = f"(SELECT number FROM servers WHERE server = {name})"
    with closing(sqlite3.connect(ledger)) as db, db:
        row = f"(SELECT id FROM scenes WHERE scene = {scene} AND archived_at IS NULL)"
        db.execute(f"INSERT INTO entities VALUES (1, 1, {scene}, {row})")
        db.execute(f"INSERT INTO pins VALUES ({server}, 10000, '/plex/nowhere.mp4', 10000)")
        db.execute(
            "INSERT OR REPLACE INTO observations (server, scene, rating_key, plex_updated, desired_hash, verdict,"
            f" queued_at) VALUES ({server}, {scene}, 1, 1, '', '', 0)"
        )
        db.execute(
            "INSERT INTO backfills (reason, kind, digest, after, born)"
            " VALUES ('sweep', 'scene', 'of one', 0, 1)"
        )
        db.execute(f"INSERT INTO backfill_ids SELECT id, {scene} FROM backfills")
        db.execute(f"INSERT OR REPLACE INTO seen VALUES ('scene', {scene}, 1)")
        db.execute(
            "INSERT INTO collections (server, section, name_key, name, kind, entity, owner, due_at,"
            " quick, attempts, detail, etag, sha1, rating_key, written, base, dirty, unconfirmed,"
            f" read_back, refused, synced_at) VALUES ({name}, '1', 'nobody', 'Nobody', 'tag', 1, '',"
            " 1, 0, 1, '', '', '', 0, '{}', '{}', '[]', '{}', '{}', '{}', 0)"
        )


def columns(path: Path, file: str) -> list[Column]:
    """The columns of all tables with rows."""
    with closing(sqlite3.connect(path)) as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return [
            Column(file, table, name, kind)
            for (table,) in tables
            if not table.startswith("sqlite_") and db.execute(f"SELECT 1 FROM {table}").fetchone()
            for _, name, kind, *_ in db.execute(f"PRAGMA table_info({table})").fetchall()
        ]


def replace(path: Path, column: Column, value: str) -> int:
    """Put the value into every row of the column that accepts it; returns how many did."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        sql = f"UPDATE OR IGNORE {column.table} SET {column.name} = {value}"
        try:
            with db:
                return db.execute(sql).rowcount
        except sqlite3.IntegrityError:  # the row id accepts only numbers
            return 0


def shapes(path: Path) -> list[str]:
    """SQL that leaves each table of a database another one than it was, or makes it refuse rows."""
    with closing(sqlite3.connect(path)) as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return [sql for (table,) in tables for sql in _shapes(db, table)]


def _shapes(db: sqlite3.Connection, table: str) -> Iterator[str]:
    if table == "sqlite_sequence":
        yield f"UPDATE {table} SET seq = {2**63 - 1}"
        yield f"UPDATE {table} SET seq = X'00'"
        return
    yield f"DROP TABLE {table}"
    column = db.execute(f"PRAGMA table_info({table})").fetchall()[-1][1]
    yield f"ALTER TABLE {table} RENAME COLUMN {column} TO another"
    yield f"CREATE TRIGGER no BEFORE DELETE ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END"


def reshape(path: Path, sql: str) -> None:
    """Run it."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(sql)
