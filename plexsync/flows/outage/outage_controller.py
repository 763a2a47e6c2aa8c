"""The outage controller: breaker, probes, ramp after an outage, and history."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.plex.client import Health
from plexsync.flows.outage.outage_state import OutageState, TransitionLog
from plexsync.flows.outage.write_pacer import WritePacer
from plexsync.model.config import PlexSyncConfig
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
from plexsync.policy import batch_size
from plexsync.policy.circuit_breaker import (
    CLOSED,
    COOLDOWN,
    CircuitBreaker,
    Permit,
)
from plexsync.policy.outage_history import OutageHistory
from plexsync.policy.rate_limiter import Ramp
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

WRITING_PATIENCE = 3600.0
"""Seconds for which a Plex that answers but cannot write costs no scene an attempt."""


class Checks(Protocol):
    """Something that can probe Plex."""

    def check(self, asked_by: str, *, to_write: bool = False) -> Health:
        """Check whether Plex runs and can be read, and whether our token may write."""


class OutageController:
    """Applies the policies and stores their state; belongs to the worker's thread.

    Only `pacer` may be used from several threads. `interrupted` says that a wait must end early.
    """

    def __init__(
        self, folder: str, clock: Clock, log: Log, interrupted: Callable[[], bool]
    ) -> None:
        self._clock = clock
        self._log = log
        self._state = OutageState(folder, log.warning)
        self._keep = self._state.keep
        self._aim: object = None
        """Fingerprint of the server and token in use."""
        self._permit: Permit | None = None
        self._transitions = TransitionLog(log)
        self.pacer = WritePacer(clock, log, interrupted)
        self.pacer.begin(self.recovery.recovery_started_at)
        self._keep(history=self.history.observe(clock.now()))

    @property
    def breaker(self) -> CircuitBreaker:
        """The circuit breaker."""
        return self._state.breaker

    @property
    def recovery(self) -> RecoveryState:
        """The schedule of probes, and other trouble that holds jobs back."""
        return self._state.recovery

    @property
    def history(self) -> OutageHistory:
        """The history of outages."""
        return self._state.history

    def configure(self, config: PlexSyncConfig) -> None:
        """Use these settings from now on; a new address or token is tried at once."""
        ramp = _ramp(config)
        self.pacer.configure(ramp)
        self._keep(
            recovery=self.recovery._replace(ramp=(ramp.minutes, ramp.start_rate, ramp.end_rate))
        )
        aim = (config.plex_url, config.plex_token, config.plex_certificate)
        if aim != self._aim and self.blocked:
            self.probe_next()
        self._aim = aim

    @property
    def refused(self) -> bool:
        """Whether all jobs wait for a new token."""
        return self.recovery.token_refused

    @property
    def writing_fails(self) -> bool:
        """Whether Plex answers but cannot write."""
        return self.breaker.cause == WRITING and self.breaker.state != CLOSED

    @property
    def blocked(self) -> bool:
        """Whether the breaker is not CLOSED."""
        return self.refused or self.breaker.state != CLOSED

    @property
    def steady(self) -> bool:
        """Whether nothing failed lately, and the rate is not limited."""
        failing = self.blocked or self.breaker.failures or self.recovery.trouble
        return not failing and self.pacer.rate() is None

    @property
    def why(self) -> str:
        """What holds jobs back, and what the user can do about it."""
        words, kind = self.recovery.trouble_words, self.recovery.trouble
        if not kind:
            words, kind = self.breaker.reason, kind_of(DOWN, self.breaker.cause)
        return f"{words or 'Plex no longer answers'}. {remedy(kind)}"

    def patience(self, now: float) -> float | None:
        """Seconds after which a scene that could not be written is retried at no cost.

        While Plex cannot write, others go first at the next trial; None if that has lasted for an
        hour.
        """
        if not self.writing_fails:
            return 0.0
        since = self.breaker.failing_since or now
        return COOLDOWN + 1 if 0 <= now - since < WRITING_PATIENCE else None

    def pause(self, now: float) -> float:
        """Seconds until `capacity` may return another value."""
        if not self.blocked:
            return 0.0
        trial = self.breaker.retry_in(now)
        if self.writing_fails and not self.refused:
            return trial
        probe = next_check(self.recovery, now) - now
        return probe if self.refused else min(probe, trial)

    def probe_in(self, now: float, waiting: int) -> float:
        """Seconds until a probe is due, infinity if none is needed; `waiting` counts jobs."""
        if not self.blocked or self._only_a_trial_tells(waiting):
            return math.inf
        return next_check(self.recovery, now) - now

    def _only_a_trial_tells(self, waiting: int) -> bool:
        """Whether only a job, not a probe, can show that Plex writes again."""
        return bool(waiting) and self.writing_fails and not self.refused

    def probe_next(self) -> None:
        """Make the next probe due now, or the next trial if a probe cannot decide."""
        breaker = (
            self.breaker.trial_due_now(self._clock.now()) if self.writing_fails else self.breaker
        )
        self._keep(breaker, self.recovery._replace(last_check=0.0))

    def probe_if_due(self, now: float, waiting: int, plex: Checks, asked_by: str = "") -> None:
        """While the breaker is open: probe Plex if that is due, and act on the result."""
        if self.probe_in(now, waiting) <= 0:
            asked_by = asked_by or (WORKER if self.recovery.last_check else WAKE_UP)
            to_write = self.recovery.trouble == READ_ONLY
            self._probe(plex.check(asked_by, to_write=to_write), waiting)

    def capacity(self, now: float, waiting: int, plex: Checks) -> int:
        """How many jobs may run now: none, one as a trial, or at most a batch."""
        self.probe_if_due(now, waiting, plex)
        now = self._clock.now()
        if self.refused:
            return 0
        breaker, self._permit, transition = self.breaker.allow(now)
        self._transitions.log(transition)
        self._keep(breaker=breaker)
        if self._permit is None:
            return 0
        return 1 if self._permit.trial else self._batch()

    def _batch(self) -> int:
        rate = self.pacer.rate()
        if rate is None:
            if self.recovery.recovery_started_at:
                if self.pacer.ramp.minutes:
                    self._log.info(
                        "The ramp after the outage is over: Plex gets requests at full speed again."
                    )
                self._keep(recovery=clear_recovery_period(self.recovery))
            return batch_size.MOST
        return batch_size.at_rate(rate)

    def _probe(self, health: Health, waiting: int) -> None:
        now = self._clock.now()
        healthy = health.state == "healthy"
        if health.state == UNAUTHORISED:
            self.hold(health.kind, health.detail)
        if not healthy:
            self._log.debug(f"Plex is {health.state}: {health.detail}")
            recovery = checked(self.recovery, False, now)
            self._keep(recovery=recovery)
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
        self._keep(breaker, recovery, history)
        self._transitions.log(transition)
        if transition is not None:
            self.pacer.begin(self.recovery.recovery_started_at)

    def record_success(self, sent: int) -> None:
        """Record an answer with a status below 500; `sent` jobs succeeded."""
        now = self._clock.now()
        generation = self._permit.generation if self._permit else self.breaker.generation
        step = self.breaker.success if sent else self.breaker.answered
        breaker, transition = step(generation, now)
        recovery, history = self.recovery, self.history
        if transition is not None:
            recovery = recovered(recovery, now)
        if breaker.state == CLOSED:
            history = history.end(now)
        self._keep(breaker, recovery, history)
        self._transitions.log(transition)
        if transition is not None:
            self.pacer.begin(self.recovery.recovery_started_at)

    def count_jobs(self, affected: int, recovered: int) -> None:
        """Store how many jobs the last outage held back, and how many of them are in step again."""
        self._keep(history=self.history.counted(affected, recovered))

    def record_failure(self, why: str, cause: str = "") -> None:
        """Record a failed batch that a probe found to be Plex's fault, of the kind `cause`."""
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
        elif transition is not None:  # a failed trial counts as a failed probe
            recovery = checked(recovery, False, now)
        self._keep(breaker, recovery, history)
        self._transitions.log(transition)

    def _first_probe_later(self, now: float) -> RecoveryState:
        """Start the schedule of probes: the failure just seen counts as the first one."""
        return self.recovery._replace(last_check=now, consecutive_failures=0)

    def hold(self, kind: str, why: str) -> None:
        """Record trouble that holds jobs back; logged once, when it begins."""
        if self.recovery.trouble == kind:
            return
        why = self._log.safe(why)
        self._keep(recovery=troubled(self.recovery, kind, why, self._clock.now()))
        self._log.warning(f"{why}. {remedy(kind)} Jobs wait until then and nothing is lost.")

    def lift(self, words: str) -> None:
        """Record that the trouble is over."""
        self._keep(recovery=untroubled(self.recovery))
        self._log.info(words)


def _ramp(config: PlexSyncConfig) -> Ramp:
    return ramp_for(
        config.recovery_strategy,
        config.recovery_minutes,
        config.recovery_start_rate,
        config.recovery_end_rate,
    )
