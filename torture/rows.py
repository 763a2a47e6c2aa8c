"""Replaces single values of a database by ones that the column must not have."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

NO_TEXT, HUGE, SLIP, BYTES = "CAST(X'ff' AS TEXT)", "1e300", "'17959x7'", "X'00ff'"
"""SQL values: invalid text, a huge number, a number with a typing error, bytes."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of one of the databases."""

    file: str
    table: str
    name: str
    kind: str

    @property
    def values(self) -> tuple[str, str, str]:
        """The values to put into it; a number in a text column would only become text."""
        return (NO_TEXT, BYTES if self.kind == "TEXT" else HUGE, SLIP)


def fill(ledger: Path, scene: int) -> None:
    """Add a row to each ledger table that a plain sync leaves empty; its owner may have it open."""
    server = "(SELECT value FROM meta WHERE key = 'server')"
    with closing(sqlite3.connect(ledger)) as db, db:
        row = f"(SELECT id FROM scenes WHERE scene = {scene} AND archived_at IS NULL)"
        db.execute(f"INSERT INTO entities VALUES ('tag', 1, {scene}, {row})")
        db.execute(f"INSERT INTO pins VALUES ({server}, 10000, '/plex/nowhere.mp4', 10000)")
        db.execute(f"INSERT INTO observations VALUES ({server}, {scene}, 1, 1, '', '', 0)")
        db.execute(
            "INSERT INTO backfills (reason, kind, digest, after, born)"
            " VALUES ('sweep', 'scene', 'of one', 0, 1)"
        )
        db.execute(f"INSERT INTO backfill_ids SELECT id, {scene} FROM backfills")
        db.execute(f"INSERT OR REPLACE INTO seen VALUES ('scene', {scene}, 1)")


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
