"""Plex's state as shown to the user; light like status.py."""

from __future__ import annotations

from plexsync.edges.page.read_state import document
from plexsync.model.plex_state import (
    BY_SETTINGS,
    TOKEN_TROUBLES,
    WRITING,
    headline,
    remedy,
    title,
)
from plexsync.policy.circuit_breaker import CLOSED, CircuitBreaker
from plexsync.policy.recovery_state import RecoveryState, next_check, trouble_of
from plexsync.policy.timing import ramp_rate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from plexsync.model.status import Breaker, Checks, HealthCheck, Recovery, Trouble


def read_breaker(folder: str) -> CircuitBreaker:
    """The stored breaker; raises Unreadable."""
    return document(folder, "circuit_breaker.json", CircuitBreaker.parse, CircuitBreaker())


def read_recovery(folder: str) -> RecoveryState:
    """The stored state of probes and recovery; raises Unreadable."""
    return document(folder, "recovery_state.json", RecoveryState.parse, RecoveryState())


def shown_breaker(breaker: CircuitBreaker, now: float) -> Breaker:
    """The breaker, and when one job may be tried."""
    closed = breaker.state == CLOSED
    return {
        "state": breaker.state,
        "since": breaker.failing_since,
        "failures": breaker.failures,
        "reason": breaker.reason,
        "retry_at": None if closed else now + breaker.retry_in(now),
    }


def shown_recovery(recovery: RecoveryState, now: float) -> Recovery:
    """The ramp after an outage."""
    started, ramp = recovery.recovery_started_at or None, recovery.ramp
    rate = None if started is None else ramp_rate(*ramp, now - started)
    return {
        "ramping": rate is not None,
        "started_at": started,
        "ends_at": started + ramp[0] * 60 if started and rate is not None else None,
        "rate": rate,
        "recoveries": recovery.recovery_count,
        "last": recovery.last_recovery_at or None,
    }


def shown_checks(
    breaker: CircuitBreaker, recovery: RecoveryState, last: HealthCheck, now: float
) -> Checks:
    """The last health check, and the next probe: Plex is probed while its breaker is not CLOSED, or
    while it refuses the token.
    """
    away = breaker.state != CLOSED and breaker.cause != WRITING
    probed = away or recovery.trouble in TOKEN_TROUBLES
    return {
        "last": last["at"] or None,
        "by": last["by"],
        "found": last["state"],
        "next": next_check(recovery, now) if probed else None,
        "failures": recovery.consecutive_failures,
    }


def shown_trouble(breaker: CircuitBreaker, recovery: RecoveryState) -> Trouble | None:
    """What holds all jobs back; None if nothing does."""
    kind, text, since = trouble_of(breaker, recovery)
    if not kind:
        return None
    return {
        "kind": kind,
        "title": title(kind),
        "headline": headline(kind),
        "words": text,
        "remedy": remedy(kind),
        "since": since,
        "settings": kind in BY_SETTINGS,
    }
