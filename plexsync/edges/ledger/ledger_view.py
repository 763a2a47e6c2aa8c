"""A read-only ledger; what a process learns about it stays in that process's memory."""

from __future__ import annotations

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.ledger.schema import SCHEMA
from plexsync.edges.ledger.tables import TABLES
from plexsync.edges.storage.sqlite_view import view_sqlite


class LedgerView(Ledger):
    """ledger.db read beside its owner; empty if there is no file. Every write fails.

    Two things that the owner would store are only kept in memory: the current server, and that a
    scene's id now belongs to another file.
    """

    def __init__(self, path: str) -> None:
        super(Ledger, self).__init__(view_sqlite(path, SCHEMA, TABLES))
        self._connection.execute("PRAGMA query_only = ON")

    def use_server(self, server: str) -> bool:
        """Read this server's rows from now on; True if another one is current."""
        before = self.server
        self._in_use = server or before
        return bool(before) and before != self._in_use

    def set_aside(self, scene: int, now: float) -> None:
        """Do nothing; the caller continues as if the scene were unknown."""
