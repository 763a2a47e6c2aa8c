"""The worker's alarms: whatever waits for a time stands in one table, which says when to wake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Alarm:
    """`due_in` says in how many seconds `ring` is due: 0 is now, infinity is not at all.

    Both are given the time on the wall clock. A `ring` that could not do its work sees to it that
    the next one is not due at once.
    """

    name: str
    due_in: Callable[[float], float]
    ring: Callable[[float], None]


class Alarms:
    """Rings what is due, in the order of the table."""

    def __init__(self, *alarms: Alarm) -> None:
        self._alarms = alarms

    def ring(self, now: float) -> bool:
        """Ring each alarm that is due, which may make a later one due; whether any was."""
        rang = False
        for alarm in self._alarms:
            if alarm.due_in(now) <= 0:
                alarm.ring(now)
                rang = True
        return rang

    def due_in(self, now: float) -> float:
        """Seconds until the next one rings."""
        return min(alarm.due_in(now) for alarm in self._alarms)
