"""What sweeps have seen already: things of Stash, and when each was updated."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from plexsync.edges.transactions import transaction

CLEARED = "cleared"
CLEARED_KEPT = 86400.0
"""Seconds; sweeps look back for a few hours only."""


class Seen:
    """The ledger's table of what sweeps saw; `connection` is the ledger's."""

    _connection: sqlite3.Connection

    def clear_scenes(self, scenes: Iterable[int], now: float) -> None:
        """Somebody wants nothing of what was changed in these scenes up to now."""
        lately = {
            scene: at for scene, at in self.seen(CLEARED).items() if 0 <= now - at < CLEARED_KEPT
        }
        self.see(CLEARED, {**lately, **dict.fromkeys(scenes, now)})

    def cleared(self) -> dict[int, float]:
        """Scenes whose jobs somebody cleared lately, and when."""
        return self.seen(CLEARED)

    def seen(self, kind: str) -> dict[int, float]:
        """Ids of a kind, and the time of update that was seen last."""
        rows = self._connection.execute("SELECT id, at FROM seen WHERE kind = ?", (kind,))
        return {int(number): float(at) for number, at in rows}

    def see(self, kind: str, found: Mapping[int, float]) -> None:
        """Remember these of a kind, and no others."""
        if self.seen(kind) == found:
            return
        with transaction(self._connection) as connection:
            connection.execute("DELETE FROM seen WHERE kind = ?", (kind,))
            connection.executemany(
                "INSERT INTO seen (kind, id, at) VALUES (?, ?, ?)",
                [(kind, number, at) for number, at in found.items()],
            )
