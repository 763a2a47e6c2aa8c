"""Ends scenes of a backfill without a job, if there is nothing to do for them."""

from __future__ import annotations

from collections.abc import Sequence

from plexsync.edges.clock import Clock
from plexsync.flows.backfill import backfill_job
from plexsync.flows.services import WorkerServices
from plexsync.flows.worker.admission import Admission
from plexsync.flows.worker.batches import Batches
from plexsync.model.errors import SyncError
from plexsync.model.ledger import Backfill
from plexsync.model.reasons import SYNC_ALL


class PassOver:
    """Passes over the scenes of Sync All that are in step; of other backfills few are."""

    def __init__(
        self, services: WorkerServices, admission: Admission, batches: Batches, clock: Clock
    ) -> None:
        self._services = services
        self._admission = admission
        self._batches = batches
        self._clock = clock
        self._began = clock.monotonic()

    def choose(self, backfill: Backfill, scenes: Sequence[int]) -> set[int]:
        """Those of the next scenes of a backfill that need no job; none while work is held back."""
        if backfill.reason != SYNC_ALL or self._admission.blocked(self._clock.now()) > 0:
            return set()
        self._began = self._clock.monotonic()
        config = self._admission.recent_settings()
        if config is None or not self._services.outages.steady:
            return set()
        try:
            return self._services.sync(config).in_step(scenes, backfill.after)
        except SyncError:
            return set()  # their jobs meet the same failure, and handle it

    def record(self, backfill: Backfill, scenes: Sequence[int]) -> None:
        """Record the scenes as jobs that ended, once they are no longer ahead."""
        now = self._clock.now()
        jobs = [backfill_job(scene, backfill.reason, now) for scene in scenes]
        self._batches.pass_over(jobs, self._clock.monotonic() - self._began)
