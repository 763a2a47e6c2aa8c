"""What waits for a file in Plex: the clocks of Plex's libraries tell when it may have come."""

from __future__ import annotations

from plexsync.edges.clock import Clock
from plexsync.flows.gate import Gate, Parts
from plexsync.flows.settle import Stores
from plexsync.model.errors import PlexNotFound
from plexsync.model.ledger import SHARED
from plexsync.policy.waiting import CLOCK_PAUSE, until_clocks


class Arrivals:
    """Asks Plex for the clocks while, and only while, a job waits for a file, or a scene for an
    item of its own.
    """

    def __init__(self, stores: Stores, gate: Gate, parts: Parts, clock: Clock) -> None:
        self._stores = stores
        self._gate = gate
        self._parts = parts
        self._clock = clock
        self._asked_at = clock.monotonic() - CLOCK_PAUSE

    def due_in(self, now: float) -> float:
        """Seconds until the next question; infinity while none is to be asked."""
        waits = bool(self._stores.queue.waiting_after(PlexNotFound.__name__, 1))
        waits = waits or self._stores.ledger.any_in(SHARED)
        blocked = self._gate.blocked(now)
        return until_clocks(self._asked_at, waits, blocked, self._clock.monotonic())

    def look(self, now: float) -> None:
        """Ask, and have jobs tried whose file came."""
        self._asked_at = self._clock.monotonic()
        config = self._gate.recent_settings()
        if config is not None:
            self._parts.sync(config).follow_plex(now)
