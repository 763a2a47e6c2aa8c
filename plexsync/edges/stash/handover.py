"""Receives newer Stash sessions for a running worker, see `system.hand_over`."""

from __future__ import annotations

import os
import threading

from plexsync import inbox, system
from plexsync.model.connection import Connection, parse_connection

_MOST = 1 << 20
"""Bytes read from the pipe at most."""


class Handover:
    """The worker's end of the pipe; thread-safe. Keeps the newest connection block, in memory
    only.
    """

    def __init__(self, folder: str, block: bytes) -> None:
        self.block = block
        """The connection block in use, as Stash sent it."""
        self._offered = block
        self._rest = b""
        self._lock = threading.RLock()
        self._fd = system.receive(inbox.session_pipe(folder))

    @property
    def possible(self) -> bool:
        """Whether the operating system and the file system support the pipe."""
        return self._fd >= 0

    def waiting(self) -> bool:
        """Whether a connection was received that has not been tried yet."""
        with self._lock:
            *blocks, self._rest = (self._rest + self._read()).split(b"\n")
            for block in blocks:
                if _is_usable(block):  # two simultaneous writes may be interleaved
                    self._offered = block
            return self._offered != self.block

    def newer(self, address: str = "") -> Connection | None:
        """The newest connection, once; None if it is the one in use, or does not lead to `address`
        (if given).
        """
        with self._lock:
            if not self.waiting():
                return None
            offered = parse_connection(self._offered)
            if address not in ("", offered.base_url):
                return None
            self.block = self._offered
            return offered

    def close(self) -> None:
        """Stop receiving."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read(self) -> bytes:
        if self._fd < 0:
            return b""
        found = b""
        try:
            while len(found) < _MOST and (some := os.read(self._fd, 65536)):
                found += some
        except OSError:
            pass  # empty for now
        return found


def _is_usable(block: bytes) -> bool:
    try:
        parse_connection(block)
    except ValueError:
        return False
    return True
