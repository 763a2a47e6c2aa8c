"""How long a scene rests after an event, so that many saves in a row make one sync."""

from __future__ import annotations

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
        self._recent: deque[tuple[float, int]] = deque()

    def rest(self, scene: int, at: float, together: int) -> float:
        """Seconds that the scene rests after an edit at `at`, one of `together` that were found.

        A scene that was saved a moment ago, or that is one of many, rests for BURST.
        """
        while self._recent and not 0 <= at - self._recent[0][0] < MEMORY:
            self._recent.popleft()
        again = any(scene == other for _, other in self._recent)
        crowd = sum(at - when < BURST for when, _ in self._recent) + 1
        self._recent.append((at, scene))
        return BURST if again or max(crowd, together) >= CROWD else QUIET
