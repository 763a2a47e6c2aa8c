"""The job queue as everybody but its owner sees it: read-only, standard library only."""

from __future__ import annotations

import os
import pathlib
import sqlite3
from contextlib import closing

from plexsync.edges.read_state import refuse_what_is_no_file

FILE = "data.db"
TABLE = "ack_queue_default"
LIVE = "(status IS NULL OR status NOT IN (5, 9))"
"""Neither acknowledged nor given up; a status that nobody ever wrote counts as live."""


def read_only(path: str, *, at_rest: bool = False) -> sqlite3.Connection:
    """Open an SQLite file for reading; raises sqlite3.OperationalError when it is absent or none.

    `at_rest`: nobody has it open, so that SQLite need not (and will not) make a log beside it.
    """
    refuse_what_is_no_file(path)
    uri = sqlite_uri(pathlib.PurePath(os.path.abspath(path)))
    options = "mode=ro&immutable=1" if at_rest else "mode=ro"
    return sqlite3.connect(f"{uri}?{options}", uri=True, timeout=5.0)


def sqlite_uri(path: pathlib.PurePath) -> str:
    """The address of a file for SQLite, which knows no server: a share's name is part of its path."""
    uri = path.as_uri()
    return uri if uri.startswith("file:///") else uri.replace("file://", "file:////", 1)


def pending(folder: str) -> int:
    """How many jobs live in the queue folder; 0 when there is no queue yet.

    Works beside the owner and takes no lock that it would notice. Raises sqlite3.DatabaseError
    when the file is damaged; the owner will set it aside.
    """
    path = os.path.join(folder, FILE)
    if not os.path.exists(path):
        return 0
    in_use = os.path.exists(path + "-wal") and os.path.exists(path + "-shm")
    with closing(read_only(path, at_rest=not in_use)) as connection:
        known = connection.execute(
            "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = ?", (TABLE,)
        ).fetchone()[0]
        if not known:
            return 0
        return int(connection.execute(f"SELECT COUNT(*) FROM {TABLE} WHERE {LIVE}").fetchone()[0])
