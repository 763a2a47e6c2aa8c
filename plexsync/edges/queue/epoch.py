"""Notices when the queue's database was emptied or replaced, or lost its write-ahead log.

SQLite opens such a file without an error. Measured: of 1,500 jobs in a queue whose -wal file is
deleted after a kill, SQLite finds none and `quick_check` says ok. With this module the loss is
noticed and a reconciliation finds those scenes again (promise 7 in docs/reliability.md).

A random mark is kept in the database and in a small file beside it, and changed at each checkpoint:
without its log the database always has an older mark than the file. The database commits first and
keeps the mark that the file still has, so a kill between the two raises no alarm.
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
"""Rows written between two checkpoints; they take a few megabytes."""


class Epoch:
    """The marks of one database. Create it before the database is opened, which changes side
    files.
    """

    def __init__(self, database: str, warn: Callable[[str], None]) -> None:
        self._path = os.path.join(os.path.dirname(database), "epoch.json")
        for leftover in glob.glob(
            glob.escape(self._path) + ".*.tmp"
        ):  # left by a kill during a write
            with suppress(OSError):
                os.unlink(leftover)
        self._beside = files.read_json(self._path, _parse, "", warn)
        log, shared = database + "-wal", database + "-shm"
        self._tampered = os.path.exists(log) and os.path.getsize(log) and not os.path.exists(shared)
        self._written = 0

    def lost(self, connection: sqlite3.Connection) -> str:
        """Why rows may be missing from the database; "" if none are."""
        if self._beside not in _marks(connection):
            return "it is not the one that was here before, or its last changes are gone"
        return "its -shm file is gone" if self._tampered else ""

    def begin(self, connection: sqlite3.Connection) -> None:
        """Take over the checkpoints, which SQLite must no longer run by itself."""
        connection.execute("PRAGMA wal_autocheckpoint=0")
        if not self._beside:  # a mark whose predecessor is "no file" must not stay
            self._mark(connection)
        self.write_back(connection)

    def wrote(self, connection: sqlite3.Connection, rows: int) -> None:
        """Count committed rows, and run a checkpoint when there are many.

        A full disk is no error here: the committed rows stay in the log, and the checkpoint is
        tried again with the next rows.
        """
        self._written += rows
        if self._written >= _WRITE_BACK:
            with suppress(OSError, sqlite3.OperationalError):
                self.write_back(connection)

    def write_back(self, connection: sqlite3.Connection) -> None:
        """Run a checkpoint and change the mark."""
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
    """The database's mark and its predecessor; ("", "") in a new database."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'epoch'").fetchone():
        return "", ""
    row = connection.execute(_SELECT).fetchone()
    return (_text(row[0]), _text(row[1])) if row else ("", "")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
