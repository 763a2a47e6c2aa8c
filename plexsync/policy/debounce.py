"""How long a scene rests after an event, so that many saves in a row make one sync."""

from __future__ import annotations

import math
from collections import deque

BURST = 2.0
"""Seconds that a scene rests after the last of several saves."""

QUIET = 0.5
"""Seconds that it rests after a save that stands alone; most do, and somebody waits for it."""

MEMORY = 5.0
"""Seconds within which two saves of a scene belong together."""

CROWD = 5
"""Events within BURST seconds that are a bulk edit or a scan: those are better synced together."""


class Debounce:
    """Remembers the events of the last MEMORY seconds; times are wall-clock seconds."""

    def __init__(self) -> None:
        self._last: dict[int, float] = {}
        """Scene -> its last event, the oldest first."""
        self._times: deque[float] = deque(maxlen=CROWD - 1)

    def rest(self, scene: int, at: float, together: int) -> float:
        """Seconds that the scene rests after an edit at `at`, one of `together` that were found.

        A scene that was saved a moment ago, or that is one of many, rests for BURST.
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
