"""health_check.json: the last look at Plex of all processes, for whoever wants to know."""

from __future__ import annotations

import os
from contextlib import suppress

from plexsync.edges.clock import Clock
from plexsync.edges.plex.health import Health
from plexsync.edges.storage import files
from plexsync.model.health_check import FILE


class HealthChecks:
    """Keeps each look with who asked for it; whoever looks writes, and the last one stays."""

    def __init__(self, folder: str, clock: Clock) -> None:
        self._path = os.path.join(folder, FILE)
        self._clock = clock

    def note(self, health: Health, asked_by: str) -> None:
        """Keep it; a disk that takes nothing is no reason to know less of Plex."""
        look = {"at": self._clock.now(), "by": asked_by, "state": health.state}
        with suppress(OSError):
            files.replace_json(self._path, look)
