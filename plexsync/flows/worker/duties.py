"""The worker's periodic duties, which do not depend on the queue."""

from __future__ import annotations

import math
from collections.abc import Callable

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.stash.client import StashClient
from plexsync.edges.stores import Stores
from plexsync.flows.outage.dlq_recovery import DlqRecovery, Window
from plexsync.flows.services import WorkerServices
from plexsync.flows.worker.admission import Admission
from plexsync.flows.worker.sweep import SOON, Sweep
from plexsync.model.errors import PlexNotFound, SyncError
from plexsync.model.formatting import counted
from plexsync.model.ledger import SHARED
from plexsync.model.named_tuple import NamedTuple
from plexsync.policy.filters import Filters
from plexsync.policy.recipe.recipe import recipe_of
from plexsync.policy.recovery_scheduler import recovered_classes
from plexsync.policy.waiting import CLOCK_PAUSE, until_clocks

CLEAN_UP_EVERY = 86400.0
"""Seconds between clean-ups; the first is at the worker's start."""

RECOVERIES = "recoveries"
"""The ledger's key for the number of recoveries that were handled."""


class Duties:
    """Sweeps, clean-ups, probes while the breaker is open, and what follows an outage.

    None of them depends on a job being due; all wait for usable settings.
    """

    def __init__(
        self,
        stores: Stores,
        services: WorkerServices,
        admission: Admission,
        stash: StashClient,
        clock: Clock,
        log: Log,
    ) -> None:
        self._stores = stores
        self._services = services
        self._admission = admission
        self._stash = stash
        self._clock = clock
        self._log = log
        self._outages = services.outages
        self._sweep = Sweep(stash, stores.ledger, stores.dead_letters, log)
        self._recovery = DlqRecovery(stores, stash)
        self._clean_at = -math.inf
        self._revived = False
        known = stores.ledger.get_meta(RECOVERIES)
        self._recoveries = int(known) if known else services.outages.recovery.recovery_count

    def alarms(self) -> tuple[Alarm, ...]:
        """The alarms in the order in which they ring: later ones can use what a probe found."""
        return (
            Alarm("clean-up", self._clean_up_in, self._clean_up),
            Alarm("probe", self._admission.probe_due_in, self._admission.probe),
            Alarm("after an outage", self._after_outage_in, self._after_outage),
            Alarm("arrivals meanwhile", self._arrivals_in, self._revive),
            Alarm("sweep", self._sweep_in, self._sweep_now),
        )

    def request_sweep(self) -> None:
        """Make a sweep due now."""
        self._sweep.request()

    def hierarchy_changed(self) -> None:
        """React to a changed tag or studio: no scene's own time shows that its tags moved in the
        hierarchy.
        """
        self._stash.forget_hierarchy()
        if self._needs_hierarchy():
            self.request_sweep()

    def _needs_hierarchy(self) -> bool:
        config = self._admission.config
        if config is None:
            return False
        filters = Filters.of(config.sync_only, config.sync_never)
        return filters.uses_hierarchy or recipe_of(config).needs_hierarchy

    def sweep_at_next_start(self) -> None:
        """Make a sweep due at the next start: no hook will report changes until then."""
        self._sweep.go_by(-math.inf)

    def last_sweep(self, now: float) -> bool:
        """Sweep before the worker exits; whether that found work, or may still find some."""
        if self._admission.stopped:
            self._sweep.go_by(now)
            return False
        if self._sweep.due_in(now, SOON) > 0:
            return False
        before = len(self._stores.ledger.backfills())
        self._sweep_now(now)
        return len(self._stores.ledger.backfills()) > before

    def _clean_up_in(self, now: float) -> float:
        return self._admission.open_in(self._clean_at + CLEAN_UP_EVERY - self._clock.monotonic())

    def _clean_up(self, now: float) -> None:
        config = self._admission.config
        assert config is not None
        self._stores.dead_letters.purge(now - config.dlq_retention_days * 86400.0)
        log_dead_letters(self._stores.dead_letters, self._log)
        self._clean_at = self._clock.monotonic()

    def _after_outage_in(self, now: float) -> float:
        known = self._recoveries == self._outages.recovery.recovery_count
        return self._admission.open_in(
            math.inf if known or not self._outages.history.last() else 0.0
        )

    def _after_outage(self, now: float) -> None:
        """Plex is back: recover the outage's dead letters, and sweep for what no hook reported."""
        config, outage = self._admission.config, self._outages.history.last()
        assert config is not None and outage is not None
        count = self._outages.recovery.recovery_count
        self._services.reconcile.outage_is_over(outage)
        wanted = recovered_classes(config.recovery_strategy)
        try:
            found = self._recovery.recover(Window.of(outage, now), wanted, now)
            self._sweep.sweep(now, self._needs_no_sweep(), self._needs_hierarchy())
        except SyncError as error:
            self._admission.stash_failed(error)
            return
        self._recoveries = count
        self._stores.ledger.set_meta(RECOVERIES, str(count))
        if found.queued:
            self._log.info(f"After the outage: {found.sentence()}")

    def _arrivals_in(self, now: float) -> float:
        return math.inf if self._revived else self._admission.open_in(self._outages.pause(now))

    def _revive(self, now: float) -> None:
        """Once per worker: retry scenes whose files Plex found while no worker was running."""
        config = self._admission.config
        assert config is not None
        self._revived = True
        if "PlexNotFound" in self._stores.dead_letters.counts():
            self._services.sync(config).retry_arrived(now, refresh=True)

    def _sweep_in(self, now: float) -> float:
        return self._admission.open_in(self._sweep.due_in(now))

    def _sweep_now(self, now: float) -> None:
        try:
            self._sweep.sweep(now, self._needs_no_sweep(), self._needs_hierarchy())
        except SyncError as error:
            self._admission.stash_failed(error)

    def _needs_no_sweep(self) -> Callable[[int, float], bool]:
        """A test whether a scene updated at a time is already waiting, or was given up or cleared
        since: only a newer change or a request has it tried again.
        """
        stores, cleared = self._stores, self._stores.ledger.cleared()

        def needs_no_sweep(scene: int, at: float) -> bool:
            dead_letter = stores.dead_letters.get(scene)
            given_up = -math.inf if dead_letter is None else dead_letter.buried_at
            return scene in stores.queue.jobs or at <= max(given_up, cleared.get(scene, -math.inf))

        return needs_no_sweep


def log_dead_letters(dead_letters: DeadLetters, log: Log) -> None:
    """Log the number of dead letters, if there are any."""
    counts = dead_letters.counts()
    if counts:
        listed = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
        log.info(f"{counted(sum(counts.values()), 'dead letter')}: {listed}.")


class Alarm(NamedTuple):
    """A periodic duty. `due_in` says in how many seconds `ring` is due: 0 is now, infinity never.

    Both receive wall-clock seconds. A `ring` that fails must make sure that the next one is not due
    at once.
    """

    name: str
    due_in: Callable[[float], float]
    ring: Callable[[float], None]


class Alarms:
    """Rings the alarms that are due, in the order given."""

    def __init__(self, *alarms: Alarm) -> None:
        self._alarms = alarms

    def ring(self, now: float) -> bool:
        """Ring each alarm that is due, which may make a later one due; returns whether any was."""
        rang = False
        for alarm in self._alarms:
            if alarm.due_in(now) <= 0:
                alarm.ring(now)
                rang = True
        return rang

    def due_in(self, now: float) -> float:
        """Seconds until the next alarm is due."""
        return min(alarm.due_in(now) for alarm in self._alarms)


class Arrivals:
    """Polls the change times of Plex's libraries, but only while a job waits for a file, or a scene
    for an item of its own.
    """

    def __init__(
        self, stores: Stores, admission: Admission, services: WorkerServices, clock: Clock
    ) -> None:
        self._stores = stores
        self._admission = admission
        self._services = services
        self._clock = clock
        self._asked_at = clock.monotonic() - CLOCK_PAUSE

    def due_in(self, now: float) -> float:
        """Seconds until the next poll; infinity while none is needed."""
        waits = bool(self._stores.queue.waiting_after(PlexNotFound.__name__, 1))
        waits = waits or self._stores.ledger.any_in(SHARED)
        blocked = self._admission.blocked(now)
        return until_clocks(self._asked_at, waits, blocked, self._clock.monotonic())

    def ask(self, now: float) -> None:
        """Poll, and make jobs due whose file has appeared."""
        self._asked_at = self._clock.monotonic()
        config = self._admission.recent_settings()
        if config is not None:
            self._services.sync(config).follow_clocks(now)
