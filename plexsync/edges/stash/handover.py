"""Receives newer Stash sessions for a running worker, see `system.hand_over`."""

from __future__ import annotations

import os
import threading

from plexsync import inbox, system
from plexsync.edges.stash.loopback_listener import LoopbackListener
from plexsync.model.connection import Connection, parse_connection

_MOST = 1 << 20
"""Bytes read from the pipe at most."""


class Handover:
    """The worker's end of the pipe, or of the socket that replaces it; thread-safe. Keeps the
    newest connection block, in memory only.

    Without `pipes` it works as on a system without pipes.
    """

    def __init__(self, folder: str, block: bytes, *, pipes: bool = True) -> None:
        self.block = block
        """The connection block in use, as Stash sent it."""
        self.offered = block
        """The newest connection block that was received."""
        self._rest = b""
        self._lock = threading.RLock()
        place = inbox.session_pipe(folder)
        self._fd = system.receive(place) if pipes else -1
        self._listener = None if self._fd >= 0 else LoopbackListener.open(place, self._offer)

    @property
    def possible(self) -> bool:
        """Whether a session can reach this worker."""
        return self._fd >= 0 or self._listener is not None

    def waiting(self) -> bool:
        """Whether a connection was received that has not been tried yet."""
        with self._lock:
            *blocks, self._rest = (self._rest + self._read()).split(b"\n")
            for block in blocks:
                self._offer(block)
            return self.offered != self.block

    def newer(self, address: str = "") -> Connection | None:
        """The newest connection, once; None if it is already in use, or does not lead to `address`
        (if given).
        """
        with self._lock:
            if not self.waiting():
                return None
            offered = parse_connection(self.offered)
            if address not in ("", offered.base_url):
                return None
            self.block = self.offered
            return offered

    def close(self) -> None:
        """Stop receiving."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _offer(self, block: bytes) -> None:
        if _is_usable(block):  # two simultaneous writes to a pipe may be interleaved
            with self._lock:
                self.offered = block

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
