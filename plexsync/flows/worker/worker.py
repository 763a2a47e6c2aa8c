"""The drain loop: inbox to queue, queue to Plex, and sleep until something is due."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from contextlib import closing

from plexsync import inbox
from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.page.command_store import NewCommands
from plexsync.edges.stash.client import StashClient
from plexsync.edges.stores import Stores
from plexsync.flows.results import Outcome
from plexsync.flows.services import LoopServices
from plexsync.flows.setup.sign_in_file import SignInFile
from plexsync.flows.worker.admission import Admission
from plexsync.flows.worker.batches import Batches, Observe
from plexsync.flows.worker.duties import Alarm, Alarms, Arrivals, Duties
from plexsync.flows.worker.intake import Intake
from plexsync.flows.worker.notifier import Notifier
from plexsync.flows.worker.pass_over import PassOver
from plexsync.flows.worker.recorder import ResultRecorder
from plexsync.flows.worker.settings_changes import DISABLED
from plexsync.flows.worker.turns import CollectionTurns, ReconcileTurns
from plexsync.model.command import AT_ONCE
from plexsync.model.errors import AnotherStash, Interrupted, PlexPermanentError, SyncError
from plexsync.model.job import EDIT, Job
from plexsync.policy.batch_size import FEWEST
from plexsync.policy.waiting import IDLE_END, pause

DESTROYED_KEPT = 30 * 86400.0


def ignore(outcomes: Sequence[Outcome], seconds: float) -> None:
    """Observes nothing."""


class Worker:
    """Drains the queue for as long as it owns the data folder.

    `leave` says why to stop now ("" to continue); it is called before each request and each batch.
    """

    def __init__(
        self,
        folder: str,
        stores: Stores,
        services: LoopServices,
        stash: StashClient,
        clock: Clock,
        log: Log,
        rng: random.Random,
        leave: Callable[[], str],
        observe: Observe = ignore,
    ) -> None:
        self._folder = folder
        self._stores = stores
        self._services = services
        self._clock = clock
        self._log = log
        self._in_flight = stash.in_flight
        self._outages = services.outages
        self._leave = leave
        self._observe = observe
        self._admission = Admission(stores, services, stash, clock, log)
        self._reconcile = ReconcileTurns(stores, services, self._admission, clock)
        self._duties = Duties(stores, services, self._admission, stash, clock, log)
        self._collections = CollectionTurns(stores, services, self._admission, clock, log)
        self._sign_in = SignInFile(folder)
        self._notifier = Notifier(folder, stores, services, clock, log)
        self._alarms = self._table(Arrivals(stores, self._admission, services, clock))
        self._intake = Intake(folder, stores.queue, stores.ledger, stores.dead_letters, log)
        self._recorder = ResultRecorder(stores, self._intake, rng, log)
        self._commands = services.commands(self._intake.commands)
        self._batches = Batches(
            stores, services, self._admission, self._recorder, clock, log, observe
        )
        self._new_commands = NewCommands(folder)
        self._passing = PassOver(services, self._admission, self._batches, clock)
        self._draining = self._more = False
        """Whether it drains, and whether more scenes of backfills can be fed at once."""
        self._backfills = services.backfills
        self._busy_at = clock.now()

    def _table(self, arrivals: Arrivals) -> Alarms:
        """All alarms in the order in which they ring; jobs have their times in the queue."""
        return Alarms(
            Alarm("session", self._admission.session_due_in, self._admission.keep_session),
            Alarm("settings", self._admission.settings_due_in, self._admission.read_settings),
            Alarm("sign-in", self._sign_in.due_in, self._sign_in.forget_expired),
            *self._duties.alarms(),
            Alarm("arrivals", arrivals.due_in, arrivals.ask),
            Alarm("collections", self._collections.due_in, self._collections.bring_in_step),
            self._notifier.alarm(),
        )

    def start(self) -> None:
        """Do what is due once per worker, before the first job."""
        now = self._clock.now()
        self._stores.ledger.forget_destroyed(now - DESTROYED_KEPT)
        inbox.sweep(self._folder, now)
        if not self._stores.ledger.get_meta("installed_at"):
            waiting = inbox.collect(self._folder, limit=1)
            first = min([now, *(record.at for record in waiting)])
            self._stores.ledger.set_meta("installed_at", repr(first - 60.0))
        for job in self._stores.queue.poisoned():
            error = PlexPermanentError(
                "the worker died three times while it worked on this scene alone", cause="poison"
            )
            self._recorder.give_up(job, error, now)

    def drain(self) -> str:
        """Work until idle, asked to step aside, or left alone; returns the reason."""
        self._draining = True
        with closing(self._notifier), self._in_flight.until(self._asked):
            while True:
                try:
                    return self._drain()
                except Interrupted:
                    continue  # waiting jobs have their turn first

    def _asked(self) -> bool:
        """Whether anything waits for the requests in flight (a task, a page command, a new
        session), or no request may follow them.
        """
        if self._leave() or self._intake.commands.waiting or self._new_commands.came():
            return True
        if self._admission.session_due_in(self._clock.now()) <= 0:
            return True
        return self._admission.disabled_by_now()

    def _drain(self) -> str:
        while True:
            reason = self._leave() or self._disabled()
            if reason:
                return reason
            now = self._clock.now()
            self.take_in(now)
            self.ring_alarms(self._clock.now())
            now = self._clock.now()
            self._busy_at = now if self._reconcile.waits else self._busy_at
            reason = self._disabled() or self._admission.stop_reason(now, self._busy_at)
            stays = self._sign_in.due_in(now) < math.inf or self._notifier.pending
            if reason == IDLE_END and stays:
                self._busy_at = now  # until the sign-in's tokens are deleted, and messages are sent
            elif reason and not (reason == IDLE_END and self._duties.last_sweep(now)):
                return reason
            batch = self._next(now)
            if batch:
                self._batches.run(batch, self._following)
                self._busy_at = self._clock.now()
            edits = bool(batch) and batch[0].priority == EDIT
            if (not edits and self._reconcile.compare_page()) or self._more:
                self._busy_at = self._clock.now()
            elif not batch:
                self._sleep(now)

    def _disabled(self) -> str:
        """Why to exit if PlexSync is disabled in Stash, which then fires no hooks."""
        if not self._admission.disabled:
            return ""
        self._duties.sweep_at_next_start()
        return DISABLED

    def take_in(self, now: float) -> None:
        """Move waiting inbox records and scenes of backfills into the queue, and carry out the
        page's commands, in the order in which they were recorded.
        """
        if self._admission.session_came():
            self._admission.heard_of_stash()
        for _ in range(AT_ONCE):
            taken = self._intake.take_in(now)
            if taken:
                self._busy_at = now
                self._admission.heard_of_stash()
            if not self._run_commands(now) and not taken:
                break
            now = self._clock.now()
        self._backfills.look(now)
        self._feed_backfills(now)
        if self._intake.hierarchy_changed:
            self._intake.hierarchy_changed = False
            self._duties.hierarchy_changed()
        if self._intake.probe_wanted:
            self._intake.probe_wanted = False
            self._outages.probe_next()
            self.request_sweep()

    def request_sweep(self) -> None:
        """Make a sweep due at the next turn."""
        self._duties.request_sweep()

    def ring_alarms(self, now: float) -> None:
        """Run the duties that are due, and queue what they found."""
        if self._alarms.ring(now):
            self._feed_backfills(now)

    def _feed_backfills(self, now: float) -> None:
        passing = self._passing if self._draining else None
        self._more = self._intake.feed_backfills(now, passing)

    def _run_commands(self, now: float) -> int:
        """Carry out the page's commands; returns how many."""
        off = self._admission.disabled_by_now
        with self._in_flight.until(lambda: bool(self._leave()) or off()):
            count = self._commands.carry_out_waiting(self._leave)
        if count:
            self._busy_at = now
            self._admission.settings_may_differ()
        if self._commands.session_refused:
            self._admission.session_ended()
        return count

    def waits_for(self, now: float) -> str:
        """What all work waits for, see Admission.waits_for; "" if it can continue."""
        return self._admission.waits_for(now)

    def _next(self, now: float) -> Sequence[Job]:
        """The jobs to run now; none while work is held back."""
        queue = self._stores.queue
        if not queue.due(now, 1) or self._admission.blocked(now) > 0:
            return ()
        room = min(self._admission.capacity(), self._batches.size)
        self._backfills.look(self._clock.now())  # the settings may be others now
        return queue.due(self._clock.now(), room) if room else ()

    def _following(self, current: Sequence[Job]) -> Sequence[Job]:
        """The jobs to read while the current ones are written, if these are a full batch: after fewer,
        one request reads those too that come meanwhile. None if anything else is to be done first.
        """
        now = self._clock.now()
        steady = self._outages.steady and not self._admission.blocked(now)
        if len(current) < FEWEST or not steady or self._in_flight.asked():
            return ()
        self._busy_at = now
        self._intake.take_in(now)
        waits = self._intake.commands.waiting or self._intake.probe_wanted
        waits = waits or self._intake.hierarchy_changed or self._alarms.due_in(now) <= 0
        if waits or (current[0].priority != EDIT and self._reconcile.due):
            return ()
        self._backfills.look(now)
        found = self._stores.queue.due(now, self._batches.size)
        return () if not found or self._settings_differ() else found

    def _settings_differ(self) -> bool:
        """Whether the settings are others by now, or cannot be read; they are applied between two
        batches.
        """
        try:
            differ = self._admission.settings_now() != self._admission.config
        except (SyncError, AnotherStash):
            differ = True
        if differ:
            self._admission.settings_may_differ()
        return differ

    def _sleep(self, now: float) -> None:
        self._observe((), 0.0)
        seen = inbox.signature(self._folder)
        if inbox.collect(self._folder, limit=1) or self._commands.waiting:
            return
        due = self._backfills.next_due(now)
        seconds = pause(now, due, self._busy_at, self._admission.blocked(now))
        seconds = min(seconds, self._alarms.due_in(now))
        if abs(now - seen / 1e9) < inbox.COARSE_MTIME:
            seconds = min(
                seconds, 0.25
            )  # the inbox may have changed since `now` without a new signature
        self._clock.wait(
            seconds, lambda: inbox.signature(self._folder) != seen or self._admission.session_came()
        )
        self._backfills.rested()
