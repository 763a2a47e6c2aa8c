"""Notices that the queue's database was emptied, replaced, or robbed of its log.

SQLite itself opens such a file without a word. So a random mark is kept in the database and in a
small file beside it, and changed whenever the log has been written back: without its log the
database always shows an older mark than the file. The database commits first and remembers what the
file still says, so a kill between the two is no alarm.
"""

from __future__ import annotations

import glob
import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import suppress

from plexsync.edges.storage import files
from plexsync.edges.transactions import transaction
from plexsync.model.stored import DOCUMENTS, versioned

_TABLE = (
    "CREATE TABLE IF NOT EXISTS epoch"
    " (one INTEGER PRIMARY KEY CHECK (one = 1), mark TEXT NOT NULL, previous TEXT NOT NULL)"
)
_SELECT = "SELECT CAST(mark AS BLOB), CAST(previous AS BLOB) FROM epoch WHERE one = 1"
_VERSION = DOCUMENTS["queue/epoch.json"]
_WRITE_BACK = 2000
"""Rows written between two write-backs of the log: a few megabytes."""


class Epoch:
    """The marks of one database; made before it is opened, so that its side files still tell."""

    def __init__(self, database: str, warn: Callable[[str], None]) -> None:
        self._path = os.path.join(os.path.dirname(database), "epoch.json")
        for leftover in glob.glob(glob.escape(self._path) + ".*.tmp"):  # of a kill while writing
            os.unlink(leftover)
        self._beside = files.read_json(self._path, _parse, "", warn)
        log, shared = database + "-wal", database + "-shm"
        self._tampered = os.path.exists(log) and os.path.getsize(log) and not os.path.exists(shared)
        self._written = 0

    def lost(self, connection: sqlite3.Connection) -> str:
        """Why what the database holds may not be all of it, or ""."""
        if self._beside not in _marks(connection):
            return "it is not the one that was here before, or its last changes are gone"
        return "its -shm file is gone" if self._tampered else ""

    def begin(self, connection: sqlite3.Connection) -> None:
        """Take the log over from here. SQLite must no longer write it back by itself."""
        connection.execute("PRAGMA wal_autocheckpoint=0")
        if not self._beside:  # a mark that has "no file" as its predecessor must not stay
            self._mark(connection)
        self.write_back(connection)

    def wrote(self, connection: sqlite3.Connection, rows: int) -> None:
        """Count committed rows, and write the log back when there are many.

        A disk that has no room for that is no error: what was committed stays, and it is tried
        again with the next rows.
        """
        self._written += rows
        if self._written >= _WRITE_BACK:
            with suppress(OSError, sqlite3.OperationalError):
                self.write_back(connection)

    def write_back(self, connection: sqlite3.Connection) -> None:
        """Bring the log into the database and change the mark."""
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        self._mark(connection)
        self._written = 0

    def _mark(self, connection: sqlite3.Connection) -> None:
        mark = secrets.token_hex(8)
        with transaction(connection):
            connection.execute(_TABLE)
            connection.execute(
                "INSERT OR REPLACE INTO epoch (one, mark, previous) VALUES (1, ?, ?)",
                (mark, self._beside),
            )
        files.replace_json(self._path, {"version": _VERSION, "mark": mark})
        self._beside = mark


def _parse(raw: object) -> str:
    if not isinstance(raw, dict) or not isinstance(raw.get("mark"), str):
        raise ValueError("it has no mark")
    return str(versioned({"version": 1, **raw}, _VERSION)["mark"])


def _marks(connection: sqlite3.Connection) -> tuple[str, str]:
    """The mark in the database and what the file said before; ("", "") in a new database."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'epoch'").fetchone():
        return "", ""
    row = connection.execute(_SELECT).fetchone()
    return (_text(row[0]), _text(row[1])) if row else ("", "")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
