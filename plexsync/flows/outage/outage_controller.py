"""Whether Plex can take work: the breaker, the probes, the ramp after an outage, the history."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.plex.client import Health
from plexsync.edges.storage import files
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import Interrupted, SyncError, TransientError
from plexsync.model.plex_state import (
    DOWN,
    READ_ONLY,
    UNAUTHORISED,
    WAKE_UP,
    WORKER,
    WRITING,
    kind_of,
    remedy,
)
from plexsync.policy.circuit_breaker import (
    CLOSED,
    COOLDOWN,
    HALF_OPEN,
    CircuitBreaker,
    Permit,
    Transition,
)
from plexsync.policy.outage_history import OutageHistory
from plexsync.policy.rate_limiter import Ramp, RecoveryRateLimiter
from plexsync.policy.recovery_scheduler import (
    RecoveryState,
    checked,
    clear_recovery_period,
    probed,
    ramp_for,
    recovered,
    recovery_words,
    troubled,
    untroubled,
)
from plexsync.policy.recovery_state import next_check

T = TypeVar("T")

NAMES = BREAKER, RECOVERY, HISTORY = (
    "circuit_breaker.json",
    "recovery_state.json",
    "outage_history.json",
)

BATCH = 50
"""Scenes per query to Stash and per read from Plex."""

WRITING_PATIENCE = 3600.0
"""Seconds for which a Plex that answers and writes nothing costs no scene an attempt."""

RAMP_SECONDS = 2.0
"""A batch during the ramp takes about so long, so that edits and tasks need not wait for it."""


class Checks(Protocol):
    """Who can look at Plex."""

    def check(self, asked_by: str, *, to_write: bool = False) -> Health:
        """Whether it is there and can be read, and whether our token may write."""


class OutageController:
    """Keeps four values and their files in step; the decisions are in policy.

    `throttle` and `wrote` may be called from several threads, the rest belongs to the worker's.
    `interrupted` says that a wait must end early.
    """

    def __init__(
        self, folder: str, clock: Clock, log: Log, interrupted: Callable[[], bool]
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._log = log
        self._interrupted = interrupted
        self._lock = threading.Lock()
        self.breaker = self._read(BREAKER, CircuitBreaker.parse, CircuitBreaker())
        self.recovery = self._read(RECOVERY, RecoveryState.parse, RecoveryState())
        self.history = self._read(HISTORY, OutageHistory.parse, OutageHistory())
        self._aim: object = None
        """Which server is asked with which token."""
        self._kept = [self.breaker.to_json(), self.recovery.to_json(), self.history.to_json()]
        self._permit: Permit | None = None
        self._trials_told = 0
        self._resume(None)
        self._note(history=self.history.observe(clock.now()))

    def _read(self, name: str, parse: Callable[[object], T], default: T) -> T:
        return files.read_json(os.path.join(self._folder, name), parse, default, self._log.warning)

    def _note(
        self,
        breaker: CircuitBreaker | None = None,
        recovery: RecoveryState | None = None,
        history: OutageHistory | None = None,
    ) -> None:
        """Keep what changed, on disk first."""
        new = (breaker or self.breaker, recovery or self.recovery, history or self.history)
        documents = [value.to_json() for value in new]
        for name, document, old in zip(NAMES, documents, self._kept, strict=True):
            if document != old:
                files.replace_json(os.path.join(self._folder, name), document)
        self._kept = documents
        self.breaker, self.recovery, self.history = new

    def _resume(self, config: PlexSyncConfig | None) -> None:
        ramp = Ramp() if config is None else _ramp(config)
        self._limiter = RecoveryRateLimiter.resume(
            ramp, self.recovery.recovery_started_at, self._clock.now(), self._clock.monotonic()
        )

    def configure(self, config: PlexSyncConfig) -> None:
        """Use these settings from now on; another address or token is tried at once."""
        ramp = _ramp(config)
        with self._lock:
            self._limiter = self._limiter.configured(ramp)
        self._note(
            recovery=self.recovery._replace(ramp=(ramp.minutes, ramp.start_rate, ramp.end_rate))
        )
        aim = (config.plex_url, config.plex_token, config.plex_certificate)
        if aim != self._aim and self.blocked:
            self.probe_next()
        self._aim = aim

    @property
    def refused(self) -> bool:
        """Whether all jobs wait for another token."""
        return self.recovery.token_refused

    @property
    def writing_fails(self) -> bool:
        """Whether Plex answers and yet does not write."""
        return self.breaker.cause == WRITING and self.breaker.state != CLOSED

    @property
    def blocked(self) -> bool:
        """Whether Plex is being left alone."""
        return self.refused or self.breaker.state != CLOSED

    @property
    def why(self) -> str:
        """What holds the jobs up, and what a person can do about it."""
        words, kind = self.recovery.trouble_words, self.recovery.trouble
        if not kind:
            words, kind = self.breaker.reason, kind_of(DOWN, self.breaker.cause)
        return f"{words or 'Plex does not answer any more'}. {remedy(kind)}"

    def patience(self, now: float) -> float | None:
        """Seconds after which a scene that could not be written is tried again at no cost.

        While Plex writes nothing, others go first at the next trial; None when that has lasted for
        an hour.
        """
        if not self.writing_fails:
            return 0.0
        since = self.breaker.failing_since or now
        return COOLDOWN + 1 if 0 <= now - since < WRITING_PATIENCE else None

    def pause(self, now: float) -> float:
        """Seconds until `room` may say something else."""
        if not self.blocked:
            return 0.0
        trial = self.breaker.retry_in(now)
        if self.writing_fails and not self.refused:
            return trial
        probe = next_check(self.recovery, now) - now
        return probe if self.refused else min(probe, trial)

    def probe_in(self, now: float, waiting: int) -> float:
        """Seconds until `look` is due, infinity while Plex needs none; `waiting` jobs."""
        if not self.blocked or self._trial_tells(waiting):
            return math.inf
        return next_check(self.recovery, now) - now

    def _trial_tells(self, waiting: int) -> bool:
        """Whether a job has to tell, since no probe can, that Plex writes again."""
        return bool(waiting) and self.writing_fails and not self.refused

    def probe_next(self) -> None:
        """Let the next probe be due now, or the next trial where no probe can tell."""
        breaker = (
            self.breaker.trial_due_now(self._clock.now()) if self.writing_fails else self.breaker
        )
        self._note(breaker, self.recovery._replace(last_check=0.0))

    def probe_if_due(self, now: float, waiting: int, plex: Checks, asked_by: str = "") -> None:
        """While Plex is left alone: probe it if that is due, and draw the consequence."""
        if self.probe_in(now, waiting) <= 0:
            asked_by = asked_by or (WORKER if self.recovery.last_check else WAKE_UP)
            to_write = self.recovery.trouble == READ_ONLY
            self._probe(plex.check(asked_by, to_write=to_write), waiting)

    def capacity(self, now: float, waiting: int, plex: Checks) -> int:
        """How many jobs may run now: none, one as a trial, or a batch."""
        self.probe_if_due(now, waiting, plex)
        now = self._clock.now()
        if self.refused:
            return 0
        breaker, self._permit, transition = self.breaker.allow(now)
        self._tell(transition)
        self._note(breaker=breaker)
        if self._permit is None:
            return 0
        return 1 if self._permit.trial else self._batch()

    def _batch(self) -> int:
        rate = self._limiter.rate(self._clock.monotonic())
        if rate is None:
            if self.recovery.recovery_started_at:
                if self._limiter.ramp.minutes:
                    self._log.info(
                        "The ramp after the outage is over: Plex gets requests at full speed again."
                    )
                self._note(recovery=clear_recovery_period(self.recovery))
            return BATCH
        return max(1, min(BATCH, round(rate * RAMP_SECONDS)))

    def _probe(self, health: Health, waiting: int) -> None:
        now = self._clock.now()
        healthy = health.state == "healthy"
        if health.state == UNAUTHORISED:
            self.hold(health.kind, health.detail)
        if not healthy:
            self._log.debug(f"Plex is {health.state}: {health.detail}")
            recovery = checked(self.recovery, False, now)
            self._note(recovery=recovery)
            return
        if self.refused:
            words = (
                "The token may write now."
                if self.recovery.trouble == READ_ONLY
                else ("Plex accepts the token again.")
            )
            self.lift(words)
        since = self.breaker.failing_since or now
        words = recovery_words(self.recovery, now - since, waiting)
        breaker = self.breaker if waiting else self.breaker._replace(cause="")
        recovery, breaker, transition = probed(self.recovery, breaker, True, now, words)
        history = self.history
        if transition is not None:
            history = history.end(now)
        self._note(breaker, recovery, history)
        self._tell(transition)
        if transition is not None:
            self._begin_ramp()

    def _begin_ramp(self) -> None:
        with self._lock:
            self._limiter = RecoveryRateLimiter.resume(
                self._limiter.ramp,
                self.recovery.recovery_started_at,
                self._clock.now(),
                self._clock.monotonic(),
            )

    def record_success(self, sent: int) -> None:
        """Plex answered something below 500; `sent` jobs of an outage went through."""
        now = self._clock.now()
        generation = self._permit.generation if self._permit else self.breaker.generation
        step = self.breaker.success if sent else self.breaker.answered
        breaker, transition = step(generation, now)
        recovery, history = self.recovery, self.history
        if transition is not None:
            recovery = recovered(recovery, now)
        if breaker.state == CLOSED:
            history = history.end(now)
        self._note(breaker, recovery, history)
        self._tell(transition)
        if transition is not None:
            self._begin_ramp()

    def count_jobs(self, affected: int, recovered: int) -> None:
        """So many jobs the last outage held back, and so many of them are in step again."""
        self._note(history=self.history.counted(affected, recovered))

    def record_failure(self, why: str, cause: str = "") -> None:
        """A batch failed, and a probe said that it is Plex's fault (`cause`: of which kind)."""
        why = self._log.safe(why)
        now = self._clock.now()
        generation = self._permit.generation if self._permit else self.breaker.generation
        breaker, transition = self.breaker.failure(generation, now, why, cause)
        history = self.history
        if breaker.state != CLOSED:
            history = history.begin(breaker.failing_since or now, why)
        recovery = self.recovery
        if transition is not None and transition.before == CLOSED:
            recovery = self._first_probe_later(now)
        elif transition is not None:  # a trial that failed is a probe that failed
            recovery = checked(recovery, False, now)
        self._note(breaker, recovery, history)
        self._tell(transition)

    def _first_probe_later(self, now: float) -> RecoveryState:
        """The schedule of probes begins: what was just seen needs no second look at once."""
        return self.recovery._replace(last_check=now, consecutive_failures=0)

    def hold(self, kind: str, why: str) -> None:
        """Something holds the jobs up that lasts; told once, when it begins."""
        if self.recovery.trouble == kind:
            return
        self._note(recovery=troubled(self.recovery, kind, why, self._clock.now()))
        self._log.warning(f"{why}. {remedy(kind)} Jobs wait until then and nothing is lost.")

    def lift(self, words: str) -> None:
        """What held the jobs up is over."""
        self._note(recovery=untroubled(self.recovery))
        self._log.info(words)

    @contextmanager
    def one_write(self, stopped: Exception | None = None) -> Iterator[None]:
        """Send one request that writes: at the pace of the ramp, which its result may slow down.

        Raises `stopped` (none: Interrupted) when the wait for its turn is interrupted.
        """
        if not self.throttle():
            raise stopped or Interrupted
        try:
            yield
        except SyncError as error:
            self.record_write(not isinstance(error, TransientError))
            raise
        self.record_write(True)

    def throttle(self) -> bool:
        """Wait for the ramp to admit one request that writes; False when interrupted meanwhile."""
        while True:
            with self._lock:
                self._limiter, seconds = self._limiter.take(self._clock.monotonic())
            if not seconds:
                return True
            self._clock.wait(seconds, self._interrupted)
            if self._interrupted():
                return False

    def record_write(self, ok: bool) -> None:
        """The result of a request that writes, for the ramp."""
        with self._lock:
            self._limiter, text = self._limiter.result(ok, self._clock.monotonic())
        if text:
            self._log.warning(text)

    def _tell(self, transition: Transition | None) -> None:
        """One line; a trial's lines only once an outage, since one may be tried each minute."""
        if transition is None:
            return
        if transition.after == CLOSED:
            self._trials_told = 0
            self._log.info(transition.text)
        elif HALF_OPEN not in (transition.before, transition.after):
            self._log.warning(transition.text)
        else:
            self._trials_told += 1
            (self._log.info if self._trials_told <= 2 else self._log.debug)(transition.text)


def _ramp(config: PlexSyncConfig) -> Ramp:
    return ramp_for(
        config.recovery_strategy,
        config.recovery_minutes,
        config.recovery_start_rate,
        config.recovery_end_rate,
    )
