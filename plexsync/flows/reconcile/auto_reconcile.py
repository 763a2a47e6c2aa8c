"""Automatic reconciliations, and the stored state of all reconciliations."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.storage import files
from plexsync.flows.reconcile.reconciliation import Reconciliation, Tell
from plexsync.flows.reconcile.report import sentence
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import SyncError
from plexsync.policy.outage_history import Outage
from plexsync.policy.reconcile_schedule import (
    DAMAGE,
    OUTAGE,
    Run,
    Schedule,
    after_outage,
)
from plexsync.policy.reconcile_state import parse, to_json

STATE = "reconcile_state.json"

PAUSE = 60.0
"""Seconds after a failure until the page is retried."""


class AutoReconcile:
    """Keeps reconcile_state.json and knows what is due; belongs to the folder's owner."""

    def __init__(self, folder: str, clock: Clock, log: Log) -> None:
        self._path = os.path.join(folder, STATE)
        self._clock = clock
        self._log = log
        self._starting = True
        self._not_before = clock.monotonic()
        self._told = ""
        self.schedule = files.read_json(self._path, parse, Schedule(), log.warning)

    def keep(self, schedule: Schedule) -> None:
        """Store the schedule, on disk first."""
        if schedule != self.schedule:
            files.replace_json(self._path, to_json(schedule))
            self.schedule = schedule

    def queue_was_damaged(self) -> None:
        """Jobs may be lost: request a comparison of every scene in the ledger."""
        self.keep(self.schedule.want(DAMAGE, 0.0))

    def outage_is_over(self, outage: Outage) -> None:
        """After a long outage request a comparison of what changed around it."""
        now = self._clock.now()
        since = after_outage(outage.start, now if outage.end is None else outage.end)
        if since is not None:
            self.keep(self.schedule.want(OUTAGE, since))

    @property
    def waiting(self) -> bool:
        """Whether a run is unfinished or requested, as far as known without the settings."""
        rests = self._clock.monotonic() < self._not_before
        return not rests and self.schedule.waiting(self._clock.now())

    def next_run(self, config: PlexSyncConfig) -> Run | None:
        """The run to continue, or one that is due by these settings; None if there is none."""
        if self._clock.monotonic() < self._not_before:
            return None
        now, interval = self._clock.now(), config.reconcile_interval
        run = self.schedule.under_way(interval, now)
        if run is not None:
            return run
        scope, starting = config.reconcile_scope, self._starting
        order = self.schedule.due(interval, scope, now, starting=starting)
        return self.schedule.resumed(order, now) if order else None

    def stop(self) -> None:
        """End automatic runs that are unfinished or requested."""
        self.keep(self.schedule.stopped(self._clock.now()))

    def started(self) -> None:
        """Note that runs due only at the worker's start were started, or are not due."""
        self._starting = False

    def mark(self, config: PlexSyncConfig) -> None:
        """Store what is due for the next worker, without comparing anything yet."""
        run = self.next_run(config)
        if run is not None:
            self.keep(self.schedule.kept(run))

    def catch_up(
        self,
        config: PlexSyncConfig,
        reconciliation: Callable[[], Reconciliation],
        seconds: float,
        attend: Callable[[Callable[[], None]], None],
    ) -> None:
        """Do due reconciliations before a task does its own work, each page through `attend`.

        After so many seconds the rest is left to the worker, since the user waits for the task.
        """
        run, ends = self.next_run(config), self._clock.monotonic() + seconds
        if run is not None:
            self._log.info("An automatic reconciliation is due and runs first.")
        while run is not None:
            if self._clock.monotonic() >= ends:
                self._log.info("The reconciliation continues in the background.")
                return
            try:
                attend(partial(self.turn, run, reconciliation()))
            except SyncError:
                return
            self._starting = False
            run = self.next_run(config)

    def turn(self, run: Run, reconciliation: Reconciliation) -> None:
        """Compare a page of an automatic run. Raises SyncError; the page is then due again later."""
        try:
            run = self.step(run, reconciliation)
        except SyncError as error:
            self._not_before = self._clock.monotonic() + PAUSE
            if error.message != self._told:
                self._log.info(f"The reconciliation pauses: {error.message}")
            self._told = error.message
            raise
        self._told = ""
        if run.done:
            self._log.info(sentence(run))

    def step(
        self,
        run: Run,
        reconciliation: Reconciliation,
        *,
        dry: bool = False,
        tell: Tell = lambda run: None,
    ) -> Run:
        """Compare a page of any run; its progress is stored unless it is `dry`."""
        began = self._clock.monotonic()
        run = reconciliation.page(run, self._clock.now(), dry=dry, tell=tell)
        run = replace(run, seconds=run.seconds + self._clock.monotonic() - began)
        if not dry:
            self.keep(self.schedule.kept(run))
        return run
