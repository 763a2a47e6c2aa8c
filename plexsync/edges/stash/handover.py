"""Where a living worker is given newer ways to reach Stash, see `system.hand_over`."""

from __future__ import annotations

import os
import threading

from plexsync import inbox, system
from plexsync.model.connection import Connection, parse_connection

_MOST = 1 << 20
"""Bytes that may lie in a pipe, whatever the system."""


class Handover:
    """The worker's end, for all its threads: keeps the newest connection block, in memory only."""

    def __init__(self, folder: str, block: bytes) -> None:
        self.block = block
        """The connection in use, as Stash wrote it."""
        self._offered = block
        self._rest = b""
        self._lock = threading.RLock()
        self._fd = system.receive(inbox.session_pipe(folder))

    @property
    def possible(self) -> bool:
        """Whether this system and this file system let somebody hand anything over."""
        return self._fd >= 0

    def waiting(self) -> bool:
        """Whether a connection came that was not tried yet."""
        with self._lock:
            *blocks, self._rest = (self._rest + self._read()).split(b"\n")
            for block in blocks:
                if _is_usable(block):  # two that were written at once may have torn each other
                    self._offered = block
            return self._offered != self.block

    def newer(self, address: str = "") -> Connection | None:
        """The newest connection, once; None when there is none but the one in use, or when it does
        not lead to this `address`, if one is given.
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
        """Take no more."""
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
