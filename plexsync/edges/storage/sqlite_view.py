"""Opens one of our databases read-only, in processes that do not own the data folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing

from plexsync import system
from plexsync.edges.storage.files import NewerSchema
from plexsync.edges.storage.read_only import read_only
from plexsync.edges.storage.row_audit import Audit, Table
from plexsync.edges.storage.shape import misshapen
from plexsync.model.stored import refusal


def view_sqlite(path: str, schema: Sequence[str], tables: Sequence[Table]) -> sqlite3.Connection:
    """Open a database for reading beside its owner; the file is never changed, whatever its state.

    A missing or damaged file appears empty, one of an older version appears migrated, and
    unreadable rows appear as the owner will leave them when it next opens the file. Raises
    NewerSchema if a newer version wrote it, sqlite3.OperationalError if it cannot be read now.
    """
    if not system.is_regular(path):
        return _in_memory(schema)
    connection = read_only(path)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute("SELECT name FROM sqlite_master").fetchall()
    except sqlite3.OperationalError:
        connection.close()
        raise
    except sqlite3.DatabaseError:  # the owner will set it aside and create a new one
        connection.close()
        return _in_memory(schema)
    if version > len(schema):
        connection.close()
        raise NewerSchema(refusal(path, version, len(schema)))
    if version < len(schema):
        connection = _migrated(connection, schema[max(0, version) :])
    if misshapen(connection, schema):
        connection.close()
        return _in_memory(schema)
    return _sound(connection, tables)


def _migrated(source: sqlite3.Connection, scripts: Sequence[str]) -> sqlite3.Connection:
    """A copy that is up to date, an empty one where the file cannot become that."""
    with closing(source):
        try:
            return _in_memory(scripts, source)
        except sqlite3.Error:
            return sqlite3.connect(":memory:")


def _sound(connection: sqlite3.Connection, tables: Sequence[Table]) -> sqlite3.Connection:
    if not Audit(connection, tables).unsound:
        return connection
    with closing(connection):
        copy = _in_memory((), connection)
    Audit(copy, tables).remove()
    return copy


def _in_memory(
    scripts: Sequence[str], source: sqlite3.Connection | None = None
) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:")
    if source is not None:
        source.backup(copy)
    for script in scripts:
        copy.executescript(script)
    return copy
