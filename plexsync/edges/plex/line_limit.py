"""Learns how long a request line may be for Plex, or for a proxy in front of it."""

from __future__ import annotations

import threading

from plexsync.edges.plex.connection import PlexConnection
from plexsync.model.errors import SyncError

REFUSALS = frozenset({400, 403, 404, 405, 406, 409, 413, 414, 415, 422, 431})
"""Statuses that may be due to the endpoint, the length or one field of an edit."""

SHORT = 1000
"""Bytes of a request line that every server accepts."""

FRAME = len("PUT  HTTP/1.1")

_TOO_LONG = frozenset({414, 431})
_NEAR = 64
"""Precision in bytes of the measured limit of a request line."""


class LineLimit:
    """The longest request line of one server, in bytes; safe to use from several threads."""

    def __init__(self, connection: PlexConnection, patience: float) -> None:
        self._connection = connection
        self._patience = patience
        self._longest = 0
        self._learning = threading.Lock()
        self.limit: int | None = None
        """The longest line that Plex accepts; None while none was too long."""

    def accepted(self, size: int) -> None:
        """A line of this length was accepted."""
        self._longest = max(self._longest, size)

    def confirm(self, limit: int) -> None:
        """Apply a limit to all items: an edit that kept to it succeeded."""
        self.limit = min(limit, self.limit or limit)

    def below(self, error: SyncError, size: int) -> int | None:
        """The limit if the length of the line caused the error, so that a harmless request of that
        length fails too; None otherwise.
        """
        suspicious = error.status in REFUSALS or error.cause == "reset"
        if not suspicious or size <= max(self._longest, SHORT):
            return None
        with self._learning:
            limit = self._measure(error, size)
        return None if limit is None or limit < SHORT else limit

    def _measure(self, error: SyncError, size: int) -> int | None:
        if self.limit is not None and self.limit < size:
            return self.limit  # another thread has measured it meanwhile
        if not self._takes(size):
            return self._longest_taken(size)
        if error.status in _TOO_LONG:
            return size // 2  # only edits have this limit
        self.accepted(size)
        return None

    def _longest_taken(self, refused: int) -> int | None:
        """Find the limit below `refused` by bisection; None if short requests fail too."""
        good, bad = SHORT, refused
        if not self._takes(good):
            return None
        while bad - good > _NEAR:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if self._takes(middle) else (good, middle)
        return good if self._takes(good) else None

    def _takes(self, size: int) -> bool:
        """Whether Plex accepts a harmless request with a line of `size` bytes."""
        path = "/identity?plexsync="
        try:
            self._connection.probe(path + "x" * (size - len(path) - FRAME), {}, self._patience)
        except SyncError:
            return False
        return True
