"""A clock that runs fast, so that an hour of retries takes seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

_LOOK = 0.005


class SwiftClock:
    """The computer's clock, `speed` times as fast since `epoch` (wall-clock seconds).

    All processes given the same two numbers agree on the time.
    """

    def __init__(self, epoch: float, speed: float) -> None:
        self._epoch = epoch
        self._speed = speed

    def now(self) -> float:
        """Wall-clock seconds, as they would be by now."""
        return self._epoch + (time.time() - self._epoch) * self._speed

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return time.monotonic() * self._speed

    def wait(self, seconds: float, woken: Callable[[], bool]) -> None:
        """Return after `seconds` of this clock, or as soon as `woken` answers yes."""
        end = time.monotonic() + seconds / self._speed
        while (left := end - time.monotonic()) > 0 and not woken():
            time.sleep(min(left, _LOOK))
