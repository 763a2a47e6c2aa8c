"""Which scenes the last outage of Plex held back, and which of them are in step again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from plexsync.edges.transactions import transaction


class OutageJobs:
    """The ledger's list of them: each scene once, known by when the outage began."""

    _connection: sqlite3.Connection

    def held_back(self, outage: float) -> dict[int, bool]:
        """The scenes that this outage held back, and whether they are in step again."""
        rows = self._connection.execute(
            "SELECT scene, recovered FROM outage_jobs WHERE outage = ?", (outage,)
        )
        return {int(scene): bool(recovered) for scene, recovered in rows}

    def hold_back(self, outage: float, scenes: Iterable[int]) -> None:
        """This outage holds these scenes back, too; what an earlier one did is forgotten."""
        with transaction(self._connection) as connection:
            connection.execute("DELETE FROM outage_jobs WHERE outage <> ?", (outage,))
            connection.executemany(
                "INSERT OR IGNORE INTO outage_jobs VALUES (?, ?, 0)",
                [(scene, outage) for scene in scenes],
            )

    def in_step_again(self, scenes: Iterable[int]) -> None:
        """These scenes were held back and are in step now."""
        with transaction(self._connection) as connection:
            connection.executemany(
                "UPDATE outage_jobs SET recovered = 1 WHERE scene = ?",
                [(scene,) for scene in scenes],
            )
