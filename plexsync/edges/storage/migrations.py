"""Brings a database up to the latest schema; a process killed meanwhile loses nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress

from plexsync.edges.storage.read_only import NewerSchema
from plexsync.model.stored import ABSURD, refusal

_WORTH = 4
"""A file is shrunk if one in so many of its pages is free."""


def migrate(connection: sqlite3.Connection, path: str, schema: Sequence[str]) -> None:
    """Run the scripts that have not run yet, each in a transaction of its own, and shrink the file.

    Raises NewerSchema if a newer version migrated it.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if not 0 <= version <= ABSURD:
        raise sqlite3.DatabaseError(f"its schema version {version} is invalid")
    if version > len(schema):
        raise NewerSchema(refusal(path, version, len(schema)))
    for number, script in enumerate(schema[version:], version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{script};\nPRAGMA user_version={number};\nCOMMIT;"
        )
    if version < len(schema):
        _shrink(connection)


def _shrink(connection: sqlite3.Connection) -> None:
    """Give space back that a migration has freed, where that takes less than the migration did."""
    (free,), (pages,) = (
        connection.execute(f"PRAGMA {name}").fetchone() for name in ("freelist_count", "page_count")
    )
    with suppress(sqlite3.OperationalError):  # no space for a copy, or a process reads it just now
        if free * _WORTH > pages:
            connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # as large as what was migrated
