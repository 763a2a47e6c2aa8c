"""Admission control: whether jobs may run, by the settings, Stash, and Plex, in this order."""

from __future__ import annotations

import math
from collections.abc import Sequence

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.stash.client import StashClient
from plexsync.edges.stores import Stores
from plexsync.flows.results import Failed, Outcome
from plexsync.flows.services import WorkerServices
from plexsync.flows.worker.blame import Judged
from plexsync.flows.worker.recorder import HeldBack
from plexsync.flows.worker.settings_changes import Enabled, SettingsChanges
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import (
    LIBRARY,
    REQUEST,
    AnotherStash,
    PlexAuthError,
    PlexServerDown,
    StashAuthError,
    StashDown,
    SyncError,
)
from plexsync.model.plex_state import STUCK, WRITING
from plexsync.policy.circuit_breaker import CLOSED
from plexsync.policy.waiting import IDLE_END, RECENT, Hold, hold, idle_limit, until_settings

STASH_PATIENCE = 600.0
"""Seconds without an answer from Stash until the worker exits; the next event starts another."""

JUST_READ = 1.0
"""Seconds for which the next batch reuses the settings: of a worker's start, or a small batch."""


class Admission:
    """Decides how many jobs may run now, for how long none may, and when the worker exits."""

    def __init__(
        self, stores: Stores, services: WorkerServices, stash: StashClient, clock: Clock, log: Log
    ) -> None:
        self._stores = stores
        self._services = services
        self._stash = stash
        self._clock = clock
        self._log = log
        self._outages = services.outages
        self._held_back = HeldBack(stores, services.outages)
        self._hold = Hold()
        self._stuck = Hold()
        """Set while a request that names no item fails although Plex is healthy."""
        self._met = self._foreign = False
        self._silent_since: float | None = None
        self._read_at = -math.inf
        self._enabled = Enabled(stash, clock)
        self._changes = SettingsChanges(stores, clock, log)
        self.config: PlexSyncConfig | None = None
        """The current settings, None until they could be read."""

    def stop_reason(self, now: float, busy_at: float) -> str:
        """Why the worker should exit, or ""; it was last busy at `busy_at`."""
        if not self._met:
            self._meet()
        if self._foreign:
            return "this data folder belongs to another Stash"
        if self._hold.reason == "session" and not self._stash.renewable:
            return "Stash no longer accepts this worker's session; the next event brings a new one"
        silent = self._silent_since
        if silent is not None and self._clock.monotonic() - silent >= STASH_PATIENCE:
            return "Stash has not answered for ten minutes; the next event starts a new worker"
        limit = idle_limit(self._hold, self._waits())
        return "" if math.isinf(limit) or 0 <= now - busy_at < limit else IDLE_END

    @property
    def disabled(self) -> bool:
        """Whether PlexSync was found to be disabled in Stash."""
        return self._enabled.off

    def disabled_by_now(self) -> bool:
        """As `disabled`, checked again before a request is sent."""
        return self._enabled.off_by_now()

    def _waits(self) -> bool:
        """Whether anything needs this worker: jobs, backfills, or an outage whose end it detects."""
        outage = self._outages.breaker.state != CLOSED and not self.stopped
        return outage or self._services.backfills.waiting

    @property
    def stopped(self) -> bool:
        """Whether the settings prevent all work, or are not known yet."""
        return self.config is None or self._hold.reason in ("settings", "paused")

    def open_in(self, seconds: float) -> float:
        """The given seconds, or more if the settings or Stash hold work back for longer."""
        if self.config is None:
            return math.inf
        held = self._hold.until - self._clock.monotonic() if self._hold.reason else 0.0
        return max(seconds, held, 0.0)

    def _meet(self) -> None:
        """Check which Stash the data folder belongs to; if Stash does not answer, again later."""
        self._met = True
        try:
            self._services.check_owner()
        except AnotherStash as problem:
            self._refuse(problem)
        except SyncError:
            pass  # reading the settings fails in the same way, and reports it

    def _refuse(self, problem: AnotherStash) -> None:
        if not self._foreign:
            self._log.error(str(problem))
        self._foreign = True

    def blocked(self, now: float) -> float:
        """Seconds for which no job may be tried."""
        monotonic = self._clock.monotonic()
        held = [h.until - monotonic for h in (self._hold, self._stuck) if h.active(monotonic)]
        return max(*held, self._outages.pause(now), 0.0)

    def waits_for(self, now: float) -> str:
        """What holds all jobs back: "plex", "stash", "settings", "paused" or ""."""
        monotonic = self._clock.monotonic()
        if self._hold.active(monotonic):
            return self._hold.reason
        held = self._stuck.active(monotonic) or self._outages.pause(now) > 0
        return "plex" if held else ""

    def capacity(self) -> int:
        """How many jobs may run now. Probes Plex if it was away."""
        config = self.recent_settings(JUST_READ)
        if config is None:
            return 0
        self._held_back.note(self._clock.now())
        waiting = len(self._stores.queue.jobs)
        return self._outages.capacity(self._clock.now(), waiting, self._services.plex(config))

    def probe_due_in(self, now: float) -> float:
        """Seconds until Plex is to be probed while the breaker is open."""
        return self.open_in(self._outages.probe_in(now, len(self._stores.queue.jobs)))

    def probe(self, now: float) -> None:
        """Probe Plex, even with an empty queue: an outage ends when Plex is healthy."""
        config = self.config
        assert config is not None
        self._held_back.note(now)
        self._outages.probe_if_due(now, len(self._stores.queue.jobs), self._services.plex(config))

    def recent_settings(self, age: float = RECENT) -> PlexSyncConfig | None:
        """The settings, at most so many seconds old."""
        fresh = self._clock.monotonic() - self._read_at < age
        return self.config if self.config and fresh else self._settings()

    def settings_due_in(self, now: float) -> float:
        """Seconds until the settings are to be read again."""
        waits = self._services.backfills.any_free or self._outages.blocked
        return until_settings(self._read_at, self._hold, waits, self._clock.monotonic())

    def read_settings(self, now: float) -> None:
        """Read the settings again."""
        self._settings()

    def settings_may_differ(self) -> None:
        """Read the settings at the next turn: the page is in use, perhaps after a change of them."""
        self._read_at = -math.inf
        if self._hold.reason in ("settings", "paused"):
            self._hold = Hold()

    def settings_now(self) -> PlexSyncConfig:
        """Read the settings, without applying them; raises SyncError or AnotherStash."""
        self._enabled.reading()
        config = self._services.config()
        self._silent_since, self._read_at = None, self._clock.monotonic()
        self._enabled.known()
        return config

    def _settings(self) -> PlexSyncConfig | None:
        try:
            config = self.settings_now()
        except AnotherStash as problem:
            self._refuse(problem)
            return None
        except SyncError as error:
            self.stash_failed(error)
            return None
        if self._enabled.off or not self._usable(config):
            self._read_at = -math.inf
            return None
        self._hold = Hold()
        self._outages.configure(config)
        self.config = config
        return config

    def stash_failed(self, error: SyncError) -> None:
        """Record that Stash failed at a request that all work needs."""
        if isinstance(error, StashAuthError):
            self.session_ended()
        else:
            self._stash_is_silent(error.message)

    def _usable(self, config: PlexSyncConfig) -> bool:
        reason, problem = "settings", config.not_ready()
        if not problem and config.paused:
            reason, problem = "paused", "PlexSync is paused in its settings; events are kept."
        if problem:
            self._log.warn_once(reason, problem)
            self._wait_for(reason)
            return False
        self._changes.notice(config, self.config)
        return True

    def record(self, outcomes: Sequence[Outcome], judged: Judged) -> None:
        """Draw conclusions about both servers from a batch."""
        errors = [result.error for result in judged.results if isinstance(result, Failed)]
        self._note_stuck([error for error in errors if error.fault == REQUEST])
        for error in errors:
            if error.fault == LIBRARY:
                self._log.warn_once(
                    f"unlisted {error.message}",
                    f"Plex cannot list a library ({error.message}). Scenes whose file is not known "
                    "yet wait at no cost; all others go on.",
                )
        if isinstance(judged.server, PlexServerDown):
            self._outages.record_failure(judged.server.message, judged.server.cause)
        elif isinstance(judged.server, PlexAuthError):
            self._outages.hold(judged.server.cause, judged.server.message)
        if judged.unwritten is not None:
            why = f"Plex answers but does not write: {judged.unwritten.message}"
            self._outages.record_failure(why, WRITING)
            self._wait_for("plex")
        self._held_back.note(self._clock.now())
        self._held_back.note_in_step(outcomes)
        for what in dict.fromkeys(o.waits_for for o in outcomes if o.waits_for not in ("", "auth")):
            if what == "plex":
                if judged.server is not None:
                    self._wait_for("plex")
            elif any(isinstance(error, StashAuthError) for error in errors):
                self.session_ended()
            else:
                silent = (error.message for error in errors if isinstance(error, StashDown))
                self._stash_is_silent(next(silent, "no answer"))

    def _note_stuck(self, failed: Sequence[SyncError]) -> None:
        """Slow down trials while a healthy Plex fails at requests that name no item."""
        if not failed:
            self._stuck = Hold()
            if self._outages.recovery.trouble == STUCK:
                self._outages.lift(
                    "Plex again answers the requests that every scene needs; jobs continue."
                )
            return
        self._outages.hold(
            STUCK,
            f"Plex is healthy, but a request that every scene needs fails: {failed[0].message}",
        )
        self._stuck = hold(self._stuck, REQUEST, self._clock.monotonic())

    def heard_of_stash(self) -> None:
        """An event arrived, so Stash is running."""
        if self._hold.reason in ("stash", "session"):
            self._hold = Hold()

    def session_ended(self) -> None:
        """Stash refuses our session: wait for another one, if there can be one."""
        if self._hold.reason != "session":
            self._log.warn_once(
                "session", "Stash refuses the worker's session; jobs wait for the next one."
            )
        self._silent_since = None
        self._wait_for("session")

    def session_came(self) -> bool:
        """Whether a connection was handed over that waiting work needs."""
        return self._hold.reason in ("stash", "session") and self._stash.renewed()

    def session_due_in(self, now: float) -> float:
        """Seconds until the session's keep-alive is due."""
        due = self._stash.next_keep_alive(now)
        return math.inf if due is None else max(0.0, due - now)

    def keep_session(self, now: float) -> None:
        """Send Stash a small query now and then, so that the session outlives an outage."""
        try:
            self._stash.keep_alive(now)
        except StashAuthError:
            self.session_ended()
        except SyncError as error:
            self._log.debug(f"Stash: {error.message}")

    def _stash_is_silent(self, detail: str) -> None:
        if self._silent_since is None:
            self._silent_since = self._clock.monotonic()
            self._log.warning(f"Stash is away ({detail}); jobs wait for it.")
        self._wait_for("stash")

    def _wait_for(self, reason: str) -> None:
        self._hold = hold(self._hold, reason, self._clock.monotonic())
