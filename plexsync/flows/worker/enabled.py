"""Whether PlexSync is switched on in Stash, asked often enough that no write follows being disabled."""

from __future__ import annotations

import math

from plexsync.edges.clock import Clock
from plexsync.edges.stash.client import StashClient
from plexsync.model.errors import SyncError

BELIEVED = 1.0
"""Seconds between two checks while requests are sent; each is one small query."""

AFTER_SILENCE = 10.0
"""Seconds until a Stash that did not answer in time is asked again: it holds requests up."""


class Enabled:
    """Remembers what Stash said last. Disabling a plugin ends no process of it and fires no hook."""

    def __init__(self, stash: StashClient, clock: Clock) -> None:
        self._stash = stash
        self._clock = clock
        self._due = math.inf

    @property
    def off(self) -> bool:
        """Whether it was off when Stash was asked last."""
        return not self._stash.enabled

    def known(self) -> None:
        """The settings were read just now, and said it too."""
        self._due = self._clock.monotonic() + BELIEVED

    def off_by_now(self) -> bool:
        """The same, asked again if that was a while ago; before the first settings nobody is."""
        if not self.off and self._clock.monotonic() >= self._due:
            try:
                self._stash.look_whether_enabled()
                self.known()
            except SyncError:  # the step that needs Stash reports it
                self._due = self._clock.monotonic() + AFTER_SILENCE
        return self.off
