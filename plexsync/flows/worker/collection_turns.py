"""Writes posters and summaries of collections between the batches of the drain loop."""

from __future__ import annotations

import math

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.stores import Stores
from plexsync.flows.services import WorkerServices
from plexsync.flows.worker.admission import Admission
from plexsync.model.errors import PlexServerDown, StashAuthError, StashDown, SyncError

PAUSE = 10.0
"""Seconds between rounds while scenes wait, so that the studios of many scenes share a round."""

PATIENCE = 60.0
"""Seconds until the next round after one that ended with a server's failure."""


class CollectionTurns:
    """Runs a round when collections are due, as long as nothing holds the worker back."""

    def __init__(
        self, stores: Stores, services: WorkerServices, admission: Admission, clock: Clock, log: Log
    ) -> None:
        self._stores = stores
        self._services = services
        self._admission = admission
        self._clock = clock
        self._log = log
        self._not_before = -math.inf

    def due_in(self, now: float) -> float:
        """Seconds until the next round; infinity if no collection is due."""
        config = self._admission.config
        if config is None or not config.collection_details:
            return math.inf
        due = self._stores.ledger.next_collection()
        if due is None:
            return math.inf
        pause = self._not_before - self._clock.monotonic()
        return self._admission.open_in(max(due - now, pause, self._services.outages.pause(now)))

    def bring_in_step(self, now: float) -> None:
        """Run one round. If a server fails, the scenes' own requests find out which."""
        config = self._admission.recent_settings()
        if config is None:
            return
        pause = PAUSE if self._stores.queue.jobs else 0.0
        self._not_before = self._clock.monotonic() + PATIENCE
        try:
            self._services.collections(config).bring_in_step(now)
        except (StashDown, StashAuthError) as error:
            self._admission.stash_failed(error)
        except SyncError as error:
            if isinstance(error, PlexServerDown):
                self._services.outages.record_failure(error.message, error.cause)
            self._log.debug(f"Collections wait: {self._log.safe(error.message)}")
        else:
            self._not_before = self._clock.monotonic() + pause
