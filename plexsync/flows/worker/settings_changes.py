"""What the user changes in Stash meanwhile: the settings, and whether PlexSync is enabled."""

from __future__ import annotations

import math

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.stash.client import StashClient
from plexsync.edges.stores import Stores
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import SyncError
from plexsync.model.ledger import QUIET_HOURS, USED_FIELDS
from plexsync.model.reasons import SETTINGS
from plexsync.policy.filters import Filters
from plexsync.policy.recipe.recipe import recipe_of

BELIEVED = 1.0
"""Seconds between checks while requests are sent; each is one small query."""

DISABLED = "PlexSync is disabled in Stash; waiting jobs are kept until it is enabled again"

AFTER_SILENCE = 10.0
"""Seconds until the next check if Stash did not answer in time: the check delays requests."""


def used_fields(config: PlexSyncConfig) -> frozenset[str]:
    """Fields of a scene update that matter with these settings although they never appear in Plex."""
    filters = Filters.of(config.sync_only, config.sync_never)
    galleries = {"gallery_ids"} if config.more_pictures else set()
    return filters.event_fields | recipe_of(config).event_fields | galleries


class SettingsChanges:
    """Compares the settings with the fingerprints in the ledger, across processes."""

    def __init__(self, stores: Stores, clock: Clock, log: Log) -> None:
        self._stores = stores
        self._clock = clock
        self._log = log

    def notice(self, config: PlexSyncConfig, before: PlexSyncConfig | None) -> None:
        """Make waiting jobs due now, and queue all written scenes if they may differ."""
        if config == before:
            return
        ledger, queue = self._stores.ledger, self._stores.queue
        self._differs(QUIET_HOURS, config.quiet_hours)
        self._differs(USED_FIELDS, " ".join(sorted(used_fields(config))))
        desired = self._differs("settings", config.scenes_fingerprint())
        plex = self._differs("plex", config.plex_fingerprint())
        collections = self._differs("collections", config.collection_fingerprint())
        if collections and config.collection_details:
            ledger.touch_all_collections(self._clock.now())
        pictures = self._differs("pictures", config.picture_fingerprint())
        if desired or pictures or (collections and config.collection_details):
            ledger.add_backfill(SETTINGS, "", None, self._clock.now())
            self._log.info(
                "The settings have changed; the scenes written so far are checked again."
            )
        if desired or plex or (before and before.plex_token != config.plex_token):
            queue.make_due(queue.jobs)

    def _differs(self, name: str, fingerprint: str) -> bool:
        """Whether the ledger has another fingerprint under this name; replaces it."""
        known = self._stores.ledger.get_meta(name)
        if known != fingerprint:
            self._stores.ledger.set_meta(name, fingerprint)
        return bool(known) and known != fingerprint


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

    def reading(self) -> None:
        """Note that the settings are being read, so that no check of its own goes before them."""
        if self._due < math.inf:
            self.known()

    def off_by_now(self) -> bool:
        """As `off`, checked again if the last check is old; False before the first settings."""
        if not self.off and self._clock.monotonic() >= self._due:
            try:
                self._stash.learn_whether_enabled()
                self.known()
            except SyncError:  # the step that needs Stash reports it
                self._due = self._clock.monotonic() + AFTER_SILENCE
        return self.off
