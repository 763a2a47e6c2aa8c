"""Reads ledger, queue and dead letters as one database beside their owner; light like read_state."""

from __future__ import annotations

import _sqlite3 as sqlite3
import os

from plexsync.edges.ledger.backfill_queries import EDITED
from plexsync.edges.page.read_state import (
    DEAD_LETTERS,
    LEDGER,
    QUEUE,
    rows,
    shaped,
    unreadable,
)
from plexsync.edges.storage.read_only import read_only_uri, rows_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar

    from plexsync.edges.storage.queries import Ask

    T = TypeVar("T")

_FILES = (LEDGER, QUEUE, DEAD_LETTERS)
_ABSENT = {
    "meta": "CREATE TABLE meta (key, value)",
    "servers": (
        "CREATE TABLE servers (number, server);"
        "INSERT INTO servers SELECT value, value FROM meta WHERE key = 'server'"
    ),
    "scenes": "CREATE TABLE scenes (id, server, scene, state, since, archived_at, destroyed_at)",
    "targets": "CREATE TABLE targets (row, rating_key, synced_at, left_at)",
    "observations_edited": (
        "CREATE TABLE observations (server, scene, rating_key, plex_updated, verdict, queued_at);"
        f"CREATE INDEX observations_edited ON observations (server) WHERE {EDITED}"
    ),
    "job_index": "CREATE TABLE job_index (scene, born, error)",
    "dead_letters": "CREATE TABLE dead_letters (scene, buried_at)",
}
"""What stands for a table or index that does not exist yet when several databases are joined."""


def joined(folder: str, read: Callable[[Ask], T]) -> T:
    """What `read` finds in ledger, queue and dead letters, whose tables it can ask for together.

    Raises Unreadable.
    """
    try:
        return _joined(folder, read)
    except sqlite3.DatabaseError:
        pass  # their owner may have started or exited just then
    try:
        return _joined(folder, read)
    except sqlite3.DatabaseError as problem:
        for name in _FILES:  # alone, the one that cannot be read raises Unreadable
            rows(folder, name, "SELECT count(*) FROM sqlite_master")
        raise unreadable("one of " + ", ".join(_FILES), problem) from None


def _joined(folder: str, read: Callable[[Ask], T]) -> T:
    connection = sqlite3.connect(":memory:", uri=True, isolation_level=None)
    try:
        attach(connection, folder)
        connection.execute("BEGIN")  # each file as it is now, for all queries

        def ask(sql: str, values: Sequence[object] = (), shape: str = "") -> list[tuple[Any, ...]]:
            return shaped(rows_of(connection, sql, values), shape)

        return read(ask)
    finally:
        connection.close()


def attach(connection: sqlite3.Connection, folder: str) -> None:
    """Attach what `joined` reads to a connection that understands URIs."""
    there: set[str] = set()
    for place, name in enumerate(_FILES):
        path = os.path.join(folder, name)
        if os.path.lexists(path):
            connection.execute(f"ATTACH ? AS file{place}", (read_only_uri(path),))
            names = connection.execute(f"SELECT name FROM file{place}.sqlite_master")
            there.update(found for (found,) in names)
    for name, made in _ABSENT.items():
        if name not in there:
            connection.executescript(made)
