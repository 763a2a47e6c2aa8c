"""A clock with shortened waits, so that an hour of retries takes seconds."""

from __future__ import annotations

import mmap
import struct
import threading
import time
from collections.abc import Callable

_LOOK = 0.005
_NUMBER = struct.Struct("d")


class SwiftClock:
    """The computer's clock, on which waits take 1/`speed` of their time, and everything else its
    real time: however slow the machine, no further jobs become due between two waits.

    Forks of a process share it: a wait in one advances it for all.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._skipped = mmap.mmap(-1, _NUMBER.size)
        self._lock = threading.Lock()

    def now(self) -> float:
        """Wall-clock seconds, advanced by the waits."""
        return time.time() + self._ahead()

    def monotonic(self) -> float:
        """Monotonic seconds."""
        return time.monotonic() + self._ahead()

    def wait(self, seconds: float, woken: Callable[[], bool]) -> None:
        """Return after `seconds` of this clock, or as soon as `woken` returns True."""
        end = self.monotonic() + seconds
        while (left := end - self.monotonic()) > 0 and not woken():
            nap = min(left / self._speed, _LOOK)
            time.sleep(nap)
            self._skip(min(left, nap * self._speed))

    def offset(self, at: float) -> float:
        """Seconds by which local time is ahead of UTC."""
        return 0.0

    def _ahead(self) -> float:
        (skipped,) = _NUMBER.unpack(self._skipped[:])
        return float(skipped)

    def _skip(self, seconds: float) -> None:
        with self._lock:
            self._skipped[:] = _NUMBER.pack(self._ahead() + seconds)
