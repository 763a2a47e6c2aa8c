"""Which backfills wait, and how fast the others work."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.stores import Stores
from plexsync.flows.outage.outage_controller import OutageController
from plexsync.flows.reconcile.auto_reconcile import AutoReconcile
from plexsync.flows.results import RETURNED, UNTRIED, Outcome
from plexsync.model.job import EDIT, Job
from plexsync.model.ledger import QUIET_HOURS, BackfillRun
from plexsync.model.reasons import REASONS, RECONCILE
from plexsync.model.stats import Pace, Stats
from plexsync.policy.estimate import measured
from plexsync.policy.quiet_hours import next_quiet, quiet_until, spans_of


class BackfillTurns:
    """Holds the jobs of backfills that the user paused, and of all in quiet hours; belongs to the
    folder's owner. What holds them is stored, so that it outlives every process.
    """

    def __init__(
        self,
        stores: Stores,
        reconcile: AutoReconcile,
        outages: OutageController,
        stats: Stats,
        clock: Clock,
        log: Log,
    ) -> None:
        self._stores = stores
        self._reconcile = reconcile
        self._outages = outages
        self._stats = stats
        self._clock = clock
        self._log = log
        self._quiet: float | None = None
        self._free_at = clock.monotonic()
        """When the last batch or sleep was over."""

    def look(self, now: float) -> None:
        """Hold what waits now and let the rest go; forget backfills that are over."""
        runs = self._stores.ledger.backfill_runs()
        for run in [run for run in runs.values() if self._is_over(run)]:
            self._stores.ledger.end_run(run.reason)
            del runs[run.reason]
        quiet = quiet_until(self._spans(), now, self._clock.offset)
        self._tell(quiet)
        paused = {run.reason for run in runs.values() if run.paused(now) is not None}
        self._stores.queue.hold(paused if quiet is None else {*REASONS, *runs})

    def quiet_for(self, now: float) -> float:
        """Seconds until the quiet hours end, 0 outside of them."""
        return (quiet_until(self._spans(), now, self._clock.offset) or now) - now

    def _changes_in(self, now: float) -> float:
        """Seconds until a pause ends, or quiet hours begin or end."""
        spans, offset = self._spans(), self._clock.offset
        quiet = quiet_until(spans, now, offset) or next_quiet(spans, now, offset)
        pauses = [run.paused(now) for run in self._stores.ledger.backfill_runs().values()]
        ends = [end - now for end in (quiet, *pauses) if end is not None]
        return min(ends, default=math.inf)

    @property
    def any_free(self) -> bool:
        """Whether any job does not wait for its backfill."""
        return self._stores.queue.counts.any_besides(self._stores.queue.held)

    @property
    def waiting(self) -> bool:
        """Whether there is any job or backfill that does not wait for the user to resume it."""
        ledger = self._stores.ledger
        parked = ledger.parked()
        return self._stores.queue.counts.any_besides(parked) or any(
            backfill.reason not in parked for backfill in ledger.backfills()
        )

    def next_due(self, now: float) -> float | None:
        """When the next job is due, or what is held may continue; None if nothing waits."""
        due = self._stores.queue.next_due()
        if not (self.waiting and self._stores.queue.held):
            return due
        change = now + self._changes_in(now)
        return change if due is None else min(due, change)

    def rested(self) -> None:
        """What passed until now was no work."""
        self._free_at = self._clock.monotonic()

    def known(self, batch: Sequence[Job]) -> Collection[int]:
        """The scenes of a batch of which the ledger has what to write, before it is done."""
        backfilled = [job.scene for job in batch if job.priority != EDIT]
        return self._stores.ledger.in_step(backfilled) if backfilled else ()

    def measure(self, outcomes: Sequence[Outcome], known: Collection[int]) -> None:
        """Note how long it took since the last batch, unless a server or the ramp after an outage
        held this one up. The time of retries is charged to the scenes that had their first turn.
        """
        now, ended = self._clock.now(), self._clock.monotonic()
        seconds, self._free_at = ended - self._free_at, ended
        held_up = any(outcome.kind == RETURNED for outcome in outcomes)
        if held_up or self._outages.pacer.rate() is not None:
            return
        jobs = [outcome.result.job for outcome in outcomes if outcome.kind != UNTRIED]
        backfilled = [job for job in jobs if job.priority != EDIT]
        first = [job for job in backfilled if not job.attempts]
        if not first:
            return
        each = seconds * len(backfilled) / len(jobs) / len(first)
        turns = Counter((job.reason, job.scene in known) for job in first)
        for reason in {reason for reason, _ in turns}:
            of_known, of_new = turns[reason, True], turns[reason, False]
            self._stats.paces[reason] = measured(
                self._stats.paces.get(reason, Pace()),
                of_known,
                of_new,
                each * (of_known + of_new),
                now,
            )

    def _spans(self) -> list[tuple[int, int]]:
        return spans_of(self._stores.ledger.get_meta(QUIET_HOURS))

    def _is_over(self, run: BackfillRun) -> bool:
        """Whether each of its scenes had its turn, and nothing adds more."""
        if self._stores.queue.counts.untried(run.reason):
            return False
        compares = run.reason == RECONCILE and self._compares(run)
        stored = self._stores.ledger.backfills()
        return not (compares or any(backfill.reason == run.reason for backfill in stored))

    def _compares(self, run: BackfillRun) -> bool:
        """Whether an automatic reconciliation is under way: a paused one also after it became too old
        to be resumed, since the user decides when the next one may begin.
        """
        schedule, now = self._reconcile.schedule, self._clock.now()
        return schedule.waiting(now) or (run.paused(now) is not None and schedule.unfinished)

    def _tell(self, quiet: float | None) -> None:
        if (quiet is None) is not (self._quiet is None):
            self._log.info(
                "Quiet hours: backfills and reconciliations wait, edits are written."
                if quiet is not None
                else "The quiet hours are over; backfills and reconciliations continue."
            )
        self._quiet = quiet
