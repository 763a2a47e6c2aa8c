"""Stored walks over many scenes, so that an interrupted one goes on where it was."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable

from plexsync.edges.transactions import transaction
from plexsync.model.ledger import Backfill


class Backfills:
    """The ledger's bulk cursors; `connection` is the ledger's.

    The ids of a walk are rows of a table of their own: a turn reads only those that it hands out.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add_backfill(self, reason: str, kind: str, ids: Iterable[int] | None, now: float) -> int:
        """Store a walk and return its id; an identical one that has not begun serves for both.

        One that is under way does not: what it has passed may have to be seen again.
        """
        wanted = [] if ids is None else sorted(set(ids))
        digest = "" if ids is None else hashlib.sha256(repr(wanted).encode()).hexdigest()
        with transaction(self._connection) as connection:
            same = connection.execute(
                "SELECT id FROM backfills WHERE reason = ? AND kind = ? AND digest = ? AND after = 0",
                (reason, kind, digest),
            ).fetchone()
            if same:
                return int(same[0])
            made = connection.execute(
                "INSERT INTO backfills (reason, kind, digest, after, born) VALUES (?, ?, ?, 0, ?)",
                (reason, kind, digest, now),
            )
            backfill = int(made.lastrowid or 0)
            connection.executemany(
                "INSERT INTO backfill_ids (backfill, number) VALUES (?, ?)",
                [(backfill, number) for number in wanted],
            )
        return backfill

    def backfills(self) -> list[Backfill]:
        """All walks that have not ended, the oldest first."""
        rows = self._connection.execute(
            "SELECT id, reason, kind, digest <> '', after, born FROM backfills ORDER BY id"
        )
        return [
            Backfill(number, reason, kind, bool(listed), after, born)
            for number, reason, kind, listed, after, born in rows.fetchall()
        ]

    def backfill_ids(self, backfill: Backfill, after: int = 0, limit: int = -1) -> list[int]:
        """The ids above `after` that are stored with a walk, ascending; `limit` -1 means all."""
        rows = self._connection.execute(
            "SELECT number FROM backfill_ids WHERE backfill = ? AND number > ? ORDER BY number LIMIT ?",
            (backfill.id, after, limit),
        )
        return [int(row[0]) for row in rows]

    def advance(self, backfill_id: int, after: int) -> None:
        """Say how far a walk came; the jobs up to there must be in the queue already."""
        with transaction(self._connection) as connection:
            connection.execute("UPDATE backfills SET after = ? WHERE id = ?", (after, backfill_id))

    def end_backfill(self, backfill_id: int) -> None:
        """Forget a walk that has come to its end."""
        with transaction(self._connection) as connection:
            connection.execute("DELETE FROM backfills WHERE id = ?", (backfill_id,))
