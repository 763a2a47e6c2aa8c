"""Runs pages of an automatic reconciliation between the batches of the drain loop."""

from __future__ import annotations

from plexsync.edges.clock import Clock
from plexsync.flows.services import WorkerServices
from plexsync.flows.worker.admission import Admission
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import PlexAuthError, StashAuthError, SyncError
from plexsync.model.plex_state import FAILURE, UNAUTHORISED


class ReconcileTurns:
    """Runs a due reconciliation, as long as nothing holds the worker back."""

    def __init__(self, services: WorkerServices, admission: Admission, clock: Clock) -> None:
        self._services = services
        self._admission = admission
        self._clock = clock

    def compare_page(self) -> bool:
        """Compare a page of a due reconciliation; False if there is none."""
        auto, admission = self._services.reconcile, self._admission
        if admission.blocked(self._clock.now()) > 0:
            return False
        if not (auto.next_run(admission.config) if admission.config else auto.waiting):
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
