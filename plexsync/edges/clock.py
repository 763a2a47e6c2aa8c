"""The clock: the only code that reads the time and sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from plexsync.edges.local_time import local_offset

POLL = 0.25
"""Seconds between checks whether to wake up."""


class Clock(Protocol):
    """Two clocks and a way to wait; tests pass one that they control."""

    def now(self) -> float:
        """Wall-clock seconds since the epoch, for times that are stored or shown. It may jump."""

    def monotonic(self) -> float:
        """Monotonic seconds, for durations within one process."""

    def wait(self, seconds: float, woken: Callable[[], bool]) -> None:
        """Return after `seconds`, or as soon as `woken` returns True."""

    def offset(self, at: float) -> float:
        """Seconds by which this machine's local time is ahead of UTC at a wall-clock time."""


class SystemClock:
    """The computer's clock."""

    def now(self) -> float:
        """Wall-clock seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def wait(self, seconds: float, woken: Callable[[], bool]) -> None:
        """Sleep at most `seconds`; `woken` is called at once and then every quarter of a second."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not woken():
            time.sleep(min(left, POLL))

    def offset(self, at: float) -> float:
        """Seconds by which local time is ahead of UTC."""
        return local_offset(at)
