"""Checks whether PlexSync is enabled in Stash, often enough that no write follows its disabling."""

from __future__ import annotations

import math

from plexsync.edges.clock import Clock
from plexsync.edges.stash.client import StashClient
from plexsync.model.errors import SyncError

BELIEVED = 1.0
"""Seconds between checks while requests are sent; each is one small query."""

AFTER_SILENCE = 10.0
"""Seconds until the next check if Stash did not answer in time: the check delays requests."""


class Enabled:
    """Stores Stash's last answer. Disabling a plugin neither ends its processes nor fires a hook."""

    def __init__(self, stash: StashClient, clock: Clock) -> None:
        self._stash = stash
        self._clock = clock
        self._due = math.inf

    @property
    def off(self) -> bool:
        """Whether PlexSync was disabled at the last check."""
        return not self._stash.enabled

    def known(self) -> None:
        """Note that the settings were just read, which include this."""
        self._due = self._clock.monotonic() + BELIEVED

    def off_by_now(self) -> bool:
        """As `off`, checked again if the last check is old; False before the first settings."""
        if not self.off and self._clock.monotonic() >= self._due:
            try:
                self._stash.learn_whether_enabled()
                self.known()
            except SyncError:  # the step that needs Stash reports it
                self._due = self._clock.monotonic() + AFTER_SILENCE
        return self.off
