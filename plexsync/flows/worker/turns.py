"""What the drain loop does between its batches: pages of an automatic reconciliation, and rounds that
write posters and summaries of collections.
"""

from __future__ import annotations

import math

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.stores import Stores
from plexsync.flows.services import WorkerServices
from plexsync.flows.worker.admission import Admission
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import (
    PlexAuthError,
    PlexServerDown,
    StashAuthError,
    StashDown,
    SyncError,
)
from plexsync.model.plex_state import FAILURE, UNAUTHORISED
from plexsync.model.reasons import RECONCILE

PAUSE = 10.0
"""Seconds between rounds while scenes wait, so that the studios of many scenes share a round."""

PATIENCE = 60.0
"""Seconds until the next round after one that ended with a server's failure."""


class ReconcileTurns:
    """Runs a due reconciliation, as long as nothing holds the worker back."""

    def __init__(
        self, stores: Stores, services: WorkerServices, admission: Admission, clock: Clock
    ) -> None:
        self._stores = stores
        self._services = services
        self._admission = admission
        self._clock = clock

    @property
    def waits(self) -> bool:
        """Whether a due reconciliation waits for the end of quiet hours or of a pause."""
        config = self._admission.config
        held = RECONCILE in self._stores.queue.held - self._stores.ledger.parked()
        return held and config is not None and self._services.reconcile.next_run(config) is not None

    @property
    def due(self) -> bool:
        """Whether there is a page to compare, unless something holds the worker back."""
        auto, config = self._services.reconcile, self._admission.config
        return auto.next_run(config) is not None if config else auto.waiting

    @property
    def _held_back(self) -> bool:
        held = RECONCILE in self._stores.queue.held
        return held or self._admission.blocked(self._clock.now()) > 0

    def compare_page(self) -> bool:
        """Compare a page of a due reconciliation; False if there is none, or it waits."""
        auto, admission = self._services.reconcile, self._admission
        if self._held_back:
            return False
        if not self.due:
            if admission.config:
                auto.started()
            return False
        config = admission.recent_settings()
        run = auto.next_run(config) if config else None
        if config is None or run is None:
            return False
        try:
            auto.turn(run, self._services.reconciliation(config))
        except StashAuthError:
            admission.session_ended()
            return False
        except SyncError as error:
            if isinstance(error, PlexAuthError):
                self._judge_token(config)
            return False
        auto.started()
        self._services.sync(config).retry_arrived(self._clock.now(), refresh=False)
        return True

    def _judge_token(self, config: PlexSyncConfig) -> None:
        """Probe after a refusal: only a probe can show that the token is at fault."""
        health = self._services.plex(config).check(FAILURE)
        if health.state == UNAUTHORISED:
            self._services.outages.hold(health.kind, health.detail)


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
        quiet = self._services.backfills.quiet_for(now)
        away = self._services.outages.pause(now)
        return self._admission.open_in(max(due - now, pause, away, quiet))

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
