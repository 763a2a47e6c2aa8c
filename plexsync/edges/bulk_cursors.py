"""Stored walks over many scenes, so that an interrupted one goes on where it was."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from plexsync.edges.transactions import transaction
from plexsync.model.ledger import Bulk


class BulkCursors:
    """The ledger's bulk cursors; `connection` is the ledger's."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add_bulk(self, reason: str, kind: str, ids: Iterable[int] | None, now: float) -> int:
        """Store a walk and return its id; an identical one that has not begun serves for both.

        One that is under way does not: what it has passed may have to be seen again.
        """
        wanted = json.dumps(None if ids is None else sorted(set(ids)))
        with transaction(self._connection) as connection:
            same = connection.execute(
                "SELECT id FROM bulks WHERE reason = ? AND kind = ? AND ids = ? AND after = 0",
                (reason, kind, wanted),
            ).fetchone()
            if same:
                return int(same[0])
            made = connection.execute(
                "INSERT INTO bulks (reason, kind, ids, after, born) VALUES (?, ?, ?, 0, ?)",
                (reason, kind, wanted, now),
            )
        return int(made.lastrowid or 0)

    def bulks(self) -> list[Bulk]:
        """All walks that have not ended, the oldest first."""
        rows = self._connection.execute(
            "SELECT id, reason, kind, ids, after, born FROM bulks ORDER BY id"
        )
        return [
            Bulk(number, reason, kind, _ids(ids), after, born)
            for number, reason, kind, ids, after, born in rows.fetchall()
        ]

    def advance(self, bulk_id: int, after: int) -> None:
        """Say how far a walk came; the jobs up to there must be in the queue already."""
        with transaction(self._connection) as connection:
            connection.execute("UPDATE bulks SET after = ? WHERE id = ?", (after, bulk_id))

    def end_bulk(self, bulk_id: int) -> None:
        """Forget a walk that has come to its end."""
        with transaction(self._connection) as connection:
            connection.execute("DELETE FROM bulks WHERE id = ?", (bulk_id,))


def _ids(text: str) -> frozenset[int] | None:
    raw = json.loads(text)
    return None if raw is None else frozenset(raw)
