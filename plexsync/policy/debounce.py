"""How long a scene rests after an event, so that many saves in a row make one sync."""

from __future__ import annotations

import math
from collections import deque

BURST = 2.0
"""Seconds to wait after the last of several saves of a scene."""

QUIET = 0.5
"""Seconds to wait after a single save; most are, and the user is waiting for the result."""

MEMORY = 5.0
"""Seconds within which two saves of a scene belong together."""

CROWD = 5
"""This many events within BURST seconds are a bulk edit or a scan, better synced together."""


class Debounce:
    """Remembers the events of the last MEMORY seconds; times are wall-clock seconds."""

    def __init__(self) -> None:
        self._last: dict[int, float] = {}
        """Scene -> its last event, the oldest first."""
        self._times: deque[float] = deque(maxlen=CROWD - 1)

    def rest(self, scene: int, at: float, together: int) -> float:
        """Seconds to wait after an edit of the scene at `at`, one of `together` events taken over
        at once.

        BURST for a scene that was saved a moment ago, or that is one of many.
        """
        again = 0 <= at - self._last.pop(scene, -math.inf) < MEMORY
        crowd = len(self._times) == CROWD - 1 and 0 <= at - self._times[0] < BURST
        self._times.append(at)
        self._last[scene] = at
        self._forget(at)
        return BURST if again or crowd or together >= CROWD else QUIET

    def _forget(self, at: float) -> None:
        while True:
            scene, oldest = next(iter(self._last.items()))
            if 0 <= at - oldest < MEMORY:
                return
            del self._last[scene]
