"""Scenes that somebody pinned to a Plex item by hand."""

from __future__ import annotations

import sqlite3

from plexsync.edges.ledger.schema import storable
from plexsync.edges.transactions import transaction
from plexsync.model.ledger import Pin


class Pins:
    """The ledger's pins, one per scene and Plex server.

    A scene whose pin comes or goes is no longer in step, so that its next job looks at Plex.
    """

    _connection: sqlite3.Connection
    _server: str

    def pin(self, scene: int, pin: Pin) -> None:
        """From now on the scene is this item, whatever its path says."""
        row = (self._server, scene, storable(pin.part), pin.rating_key)
        with transaction(self._connection) as connection:
            connection.execute("INSERT OR REPLACE INTO pins VALUES (?, ?, ?, ?)", row)
            self._unsettle(connection, scene)

    def unpin(self, scene: int) -> bool:
        """Match the scene by its path again; False when it had no pin."""
        with transaction(self._connection) as connection:
            gone = connection.execute(
                "DELETE FROM pins WHERE server = ? AND scene = ?", (self._server, scene)
            )
            self._unsettle(connection, scene)
        return gone.rowcount > 0

    def pin_of(self, scene: int) -> Pin | None:
        """The scene's pin on the server in use."""
        return self.pins().get(scene)

    def pins(self) -> dict[int, Pin]:
        """Every pin on the server in use, by scene; they are few, made by hand."""
        rows = self._connection.execute(
            "SELECT scene, part, rating_key FROM pins WHERE server = ? ORDER BY scene",
            (self._server,),
        )
        return {scene: Pin(part, rating_key) for scene, part, rating_key in rows}

    def _unsettle(self, connection: sqlite3.Connection, scene: int) -> None:
        connection.execute(
            "UPDATE scenes SET desired_hash = '' WHERE archived_at IS NULL AND server = ? AND scene = ?",
            (self._server, scene),
        )
