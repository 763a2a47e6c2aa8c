"""The clock: the one place that knows the time and sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

POLL = 0.25
"""Seconds between two looks whether somebody wants to be served."""


class Clock(Protocol):
    """Two clocks and a way to wait; tests bring one whose hands they move."""

    def now(self) -> float:
        """Wall-clock seconds since the epoch: to be stored and shown. It may jump."""

    def monotonic(self) -> float:
        """Seconds that only grow: to be compared within one process."""

    def wait(self, seconds: float, woken: Callable[[], bool]) -> None:
        """Return after `seconds`, or as soon as `woken` answers yes."""


class SystemClock:
    """The computer's clock."""

    def now(self) -> float:
        """Wall-clock seconds since the epoch."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic()

    def wait(self, seconds: float, woken: Callable[[], bool]) -> None:
        """Sleep at most `seconds`; `woken` is asked at once and then every quarter of a second."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not woken():
            time.sleep(min(left, POLL))
