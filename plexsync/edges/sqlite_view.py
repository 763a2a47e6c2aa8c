"""A database of ours as those see it who do not own it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing

from plexsync.edges.files import NewerSchema
from plexsync.edges.queue_reader import read_only
from plexsync.model.versions import refusal


def view_sqlite(path: str, schema: Sequence[str]) -> sqlite3.Connection:
    """Open for reading beside the owner; the file stays as it is, whatever its state.

    One that is absent or damaged looks empty, one of an older PlexSync looks up to date. Raises
    NewerSchema when a newer one wrote it, sqlite3.OperationalError when it cannot be read now.
    """
    if not os.path.exists(path):
        return _in_memory(schema)
    connection = read_only(path)
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute("SELECT name FROM sqlite_master").fetchall()
    except sqlite3.OperationalError:
        connection.close()
        raise
    except sqlite3.DatabaseError:  # the owner sets it aside and begins anew
        connection.close()
        return _in_memory(schema)
    if version == len(schema):
        return connection
    with closing(connection):
        if version > len(schema):
            raise NewerSchema(refusal(path, version, len(schema)))
        return _in_memory(schema[version:], connection)


def _in_memory(
    scripts: Sequence[str], source: sqlite3.Connection | None = None
) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:")
    if source is not None:
        source.backup(copy)
    for script in scripts:
        copy.executescript(script)
    return copy
