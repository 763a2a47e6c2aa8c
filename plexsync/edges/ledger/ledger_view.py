"""The ledger for those who only look: what they learn on the way is forgotten with them."""

from __future__ import annotations

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.ledger.schema import SCHEMA, TABLES
from plexsync.edges.ledger.side_tables import Backfills
from plexsync.edges.storage.sqlite_view import view_sqlite


class LedgerView(Ledger):
    """ledger.db read beside its owner; empty where there is none. Whatever writes fails.

    Two things that the owner would write down are only kept in mind: which server is in use, and
    that a scene's id went to another file.
    """

    def __init__(self, path: str) -> None:
        Backfills.__init__(self, view_sqlite(path, SCHEMA, TABLES))
        self._connection.execute("PRAGMA query_only = ON")
        self._server = self.get_meta("server")

    def use_server(self, server: str) -> bool:
        """Look at this server's rows from now on; True when another one is in use."""
        before = self._server
        self._server = server or before
        return bool(before) and before != self._server

    def set_aside(self, scene: int, now: float) -> None:
        """Nothing: whoever asks for this goes on as if the scene were unknown."""
