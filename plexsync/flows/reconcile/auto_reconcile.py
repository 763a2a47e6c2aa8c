"""Reconciliations that nobody pressed a button for, and the memory of all of them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

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
"""Seconds after a failure until the page is tried again."""


class AutoReconcile:
    """Keeps reconcile_state.json and knows what is due; belongs to the owner of the folder."""

    def __init__(self, folder: str, clock: Clock, log: Log) -> None:
        self._path = os.path.join(folder, STATE)
        self._clock = clock
        self._log = log
        self._starting = True
        self._not_before = clock.monotonic()
        self._told = ""
        self.schedule = files.read_json(self._path, parse, Schedule(), log.warning)

    def keep(self, schedule: Schedule) -> None:
        """Remember this, on disk first."""
        if schedule != self.schedule:
            files.replace_json(self._path, to_json(schedule))
            self.schedule = schedule

    def queue_was_damaged(self) -> None:
        """Jobs may be lost: every scene that PlexSync cares for is to be compared."""
        self.keep(self.schedule.want(DAMAGE, 0.0))

    def outage_is_over(self, outage: Outage) -> None:
        """After a long one what happened around it is to be compared."""
        now = self._clock.now()
        since = after_outage(outage.start, now if outage.end is None else outage.end)
        if since is not None:
            self.keep(self.schedule.want(OUTAGE, since))

    @property
    def waiting(self) -> bool:
        """Whether a run is under way or wanted, as far as that can be told without the settings."""
        rests = self._clock.monotonic() < self._not_before
        return not rests and self.schedule.waiting(self._clock.now())

    def next_run(self, config: PlexSyncConfig) -> Run | None:
        """The run to go on with, or one that is due by these settings; None without any."""
        if self._clock.monotonic() < self._not_before:
            return None
        now, interval = self._clock.now(), config.reconcile_interval
        run = self.schedule.under_way(interval, now)
        if run is not None:
            return run
        scope, starting = config.reconcile_scope, self._starting
        order = self.schedule.due(interval, scope, now, starting=starting)
        return self.schedule.resumed(order, now) if order else None

    def started(self) -> None:
        """What is due only at the start of work has been started, or is not due."""
        self._starting = False

    def mark(self, config: PlexSyncConfig) -> None:
        """Note what is due for the worker that follows; nothing is compared yet."""
        run = self.next_run(config)
        if run is not None:
            self.keep(self.schedule.kept(run))

    def catch_up(
        self, config: PlexSyncConfig, reconciliation: Callable[[], Reconciliation], seconds: float
    ) -> None:
        """Do what is due by itself, before a task does its own work.

        After so many seconds the rest is left to the worker: somebody waits for the task.
        """
        run, ends = self.next_run(config), self._clock.monotonic() + seconds
        if run is not None:
            self._log.info("An automatic reconciliation is due; it comes first.")
        while run is not None:
            if self._clock.monotonic() >= ends:
                self._log.info("The reconciliation goes on in the background.")
                return
            try:
                self.turn(run, reconciliation())
            except SyncError:
                return
            self._starting = False
            run = self.next_run(config)

    def turn(self, run: Run, reconciliation: Reconciliation) -> None:
        """Do a page of an automatic run. Raises SyncError; the page is due again a little later."""
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
        """Do a page of any run; how far it came is remembered unless it is `dry`."""
        began = self._clock.monotonic()
        run = reconciliation.page(run, self._clock.now(), dry=dry, tell=tell)
        run = replace(run, seconds=run.seconds + self._clock.monotonic() - began)
        if not dry:
            self.keep(self.schedule.kept(run))
        return run
