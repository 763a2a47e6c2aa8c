"""Schedules probes of a Plex that is away, and what follows its return."""

from __future__ import annotations

from collections.abc import Mapping

from plexsync.model.errors import PlexNotFound, PlexServerDown, PlexTemporaryError
from plexsync.model.plex_state import WRITING
from plexsync.model.stored import one_line
from plexsync.policy.circuit_breaker import CLOSED, CircuitBreaker, Transition
from plexsync.policy.outage_history import format_duration
from plexsync.policy.rate_limiter import Ramp
from plexsync.policy.recovery_state import LONGEST_WORDS, MOST_RELAPSES, next_check
from plexsync.policy.recovery_state import RecoveryState as RecoveryState
from plexsync.policy.timing import FLAPPING as FLAPPING


def due(state: RecoveryState, now: float) -> bool:
    """Whether to probe now; only called while the breaker is not CLOSED or sync is paused."""
    return next_check(state, now) <= now


def checked(state: RecoveryState, healthy: bool, now: float) -> RecoveryState:
    """Record the result of a scheduled probe. Never changes the breaker."""
    return state._replace(
        last_check=now,
        consecutive_successes=state.consecutive_successes + 1 if healthy else 0,
        consecutive_failures=0 if healthy else state.consecutive_failures + 1,
    )


def recovered(state: RecoveryState, now: float) -> RecoveryState:
    """Plex is back, shown by a probe or a successful trial: start the ramp."""
    relapsed = bool(state.last_recovery_at) and 0 <= now - state.last_recovery_at < FLAPPING
    return state._replace(
        consecutive_failures=0,
        recovery_count=state.recovery_count + 1,
        recovery_started_at=now,
        last_recovery_at=now,
        relapses=min(MOST_RELAPSES, state.relapses + 1) if relapsed else 0,
    )


def clear_recovery_period(state: RecoveryState) -> RecoveryState:
    """End the ramp."""
    return state._replace(recovery_started_at=0.0)


def troubled(state: RecoveryState, kind: str, why: str, now: float) -> RecoveryState:
    """Record trouble that the breaker does not count; schedule the next probe as after a failed
    one.
    """
    if state.trouble == kind:
        return state
    return state._replace(
        last_check=now,
        consecutive_failures=0,
        trouble=kind,
        trouble_words=one_line(why, LONGEST_WORDS),
        trouble_since=now,
    )


def untroubled(state: RecoveryState) -> RecoveryState:
    """The trouble is over."""
    return state._replace(trouble="", trouble_words="", trouble_since=0.0)


def probed(
    state: RecoveryState, breaker: CircuitBreaker, healthy: bool, now: float, why: str
) -> tuple[RecoveryState, CircuitBreaker, Transition | None]:
    """Record a probe and close the breaker if Plex was healthy; no other place closes it after a
    probe.

    `why` becomes part of the transition's log line, see `recovery_words`.
    """
    state = checked(state, healthy, now)
    if not healthy or breaker.state == CLOSED or breaker.cause == WRITING:
        return state, breaker, None
    closed, transition = breaker.close(now, why)
    return recovered(state, now), closed, transition


def recovery_words(state: RecoveryState, outage: float, waiting: int) -> str:
    """The log text for the recovery that follows `state`; `outage` in seconds, `waiting` jobs."""
    jobs = "1 job waits and is" if waiting == 1 else f"{waiting} jobs wait and are"
    return (
        f"Plex is healthy again after {format_duration(outage)} "
        f"(recovery {state.recovery_count + 1}); {jobs} sent from now on"
    )


CONSERVATIVE, NORMAL, AGGRESSIVE = "conservative", "normal", "aggressive"

STRATEGIES = (CONSERVATIVE, NORMAL, AGGRESSIVE)

DEFAULT = CONSERVATIVE

AGGRESSIVE_START = 10.0
"""Requests per second at the start of an aggressive recovery, unless the setting is higher."""

_CONSERVATIVE = frozenset({PlexServerDown.__name__})
_NORMAL = _CONSERVATIVE | {PlexTemporaryError.__name__}
_CLASSES: Mapping[str, frozenset[str]] = {
    CONSERVATIVE: _CONSERVATIVE,
    NORMAL: _NORMAL,
    AGGRESSIVE: _NORMAL | {PlexNotFound.__name__},
}


def recovered_classes(strategy: str) -> frozenset[str]:
    """Error classes of the last outage's dead letters that are requeued automatically.

    Raises ValueError for a name that is not in STRATEGIES.
    """
    if strategy not in _CLASSES:
        raise ValueError(f"the recovery strategy must be one of {', '.join(STRATEGIES)}")
    return _CLASSES[strategy]


def ramp_for(strategy: str, minutes: float, start_rate: float, end_rate: float) -> Ramp:
    """The ramp for a strategy and these settings."""
    if strategy == AGGRESSIVE:
        start_rate = max(start_rate, AGGRESSIVE_START)
    return Ramp(minutes, start_rate, end_rate)
