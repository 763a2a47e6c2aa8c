"""How Plex stands, from the owner's state files as plain values; light like flows/status/status.py."""

from __future__ import annotations

from plexsync.model.plex_state import (
    BY_SETTINGS,
    DOWN,
    READ_ONLY,
    TOKEN_TROUBLES,
    WRITING,
    headline,
    kind_of,
    remedy,
    title,
)
from plexsync.model.stored import count, moment, moment_or_none, one_line, triple, versioned, words
from plexsync.policy.timing import UNKNOWN_BEFORE, next_owner_check, next_probe, ramp_rate, trial_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from plexsync.model.status import (
        Breaker,
        Checks,
        HealthCheck,
        Outages,
        OutageShown,
        Recovery,
        Trouble,
    )

_LONGEST = 400
"""Letters of a reason, as its owner keeps it."""


def parse_breaker(raw: object) -> dict[str, Any]:
    """A stored breaker, None for none yet; raises ValueError on any doubt."""
    fields = versioned(raw, 1) if raw is not None else {}
    if not fields:
        fields = {"state": "CLOSED", "failures": 0, "reason": "", "cause": ""}
    if words(fields, "state") not in ("CLOSED", "OPEN", "HALF_OPEN"):
        raise ValueError("its state is unknown")
    return {
        "state": words(fields, "state"),
        "failures": count(fields, "failures"),
        "reason": one_line(words(fields, "reason"), _LONGEST),
        "cause": words({"cause": "", **fields}, "cause"),
        "opened_at": moment_or_none(fields, "opened_at"),
        "permit_at": moment_or_none(fields, "permit_at"),
        "since": moment_or_none(fields, "failing_since"),
    }


def shown_breaker(breaker: dict[str, Any], now: float) -> Breaker:
    """What people are shown of it."""
    closed = breaker["state"] == "CLOSED"
    seconds = trial_in(breaker["opened_at"], breaker["permit_at"], now)
    return {
        "state": breaker["state"],
        "since": breaker["since"],
        "failures": breaker["failures"],
        "reason": breaker["reason"],
        "retry_at": None if closed else now + seconds,
    }


_TIMES = ("last_check", "recovery_started_at", "last_recovery_at")
_COUNTS = ("consecutive_failures", "recovery_count", "relapses")


def parse_recovery(raw: object) -> dict[str, Any]:
    """A stored recovery state, None for none yet; raises ValueError on any doubt."""
    if raw is None:
        return dict.fromkeys(_TIMES, 0.0) | dict.fromkeys(_COUNTS, 0) | UNKNOWN_BEFORE
    fields = UNKNOWN_BEFORE | versioned(raw, 1)
    times = {name: moment(fields, name) for name in (*_TIMES, "trouble_since")}
    counts = {name: count(fields, name) for name in _COUNTS}
    texts = {name: words(fields, name) for name in ("trouble", "trouble_words")}
    return times | counts | texts | {"ramp": triple(fields, "ramp")}


def shown_recovery(recovery: dict[str, Any], now: float) -> Recovery:
    """The gentle phase after an outage."""
    started = recovery["recovery_started_at"] or None
    ramp: tuple[float, float, float] = recovery["ramp"]
    rate = None if started is None else ramp_rate(*ramp, now - started)
    return {
        "ramping": rate is not None,
        "started_at": started,
        "ends_at": started + ramp[0] * 60 if started and rate is not None else None,
        "rate": rate,
        "recoveries": recovery["recovery_count"],
        "last": recovery["last_recovery_at"] or None,
    }


def shown_checks(
    breaker: dict[str, Any], recovery: dict[str, Any], look: HealthCheck, now: float
) -> Checks:
    """The last look at Plex, and the next probe: Plex is probed while its breaker is not closed, or
    it refuses the token.
    """
    last, failures, kind = (
        recovery["last_check"],
        recovery["consecutive_failures"],
        recovery["trouble"],
    )
    due = next_probe(last, failures, recovery["relapses"], recovery["last_recovery_at"], now)
    if kind == READ_ONLY:
        due = next_owner_check(last, now)
    away = breaker["state"] != "CLOSED" and breaker["cause"] != WRITING
    return {
        "last": look["at"] or None,
        "by": look["by"],
        "found": look["state"],
        "next": due if away or kind in TOKEN_TROUBLES else None,
        "failures": failures,
    }


def shown_trouble(breaker: dict[str, Any], recovery: dict[str, Any]) -> Trouble | None:
    """What holds all jobs up, None when nothing does."""
    kind, text = recovery["trouble"], recovery["trouble_words"]
    since = recovery["trouble_since"] or None
    if not kind:
        if breaker["state"] == "CLOSED":
            return None
        kind, text, since = kind_of(DOWN, breaker["cause"]), breaker["reason"], breaker["since"]
    return {
        "kind": kind,
        "title": title(kind),
        "headline": headline(kind),
        "words": text,
        "remedy": remedy(kind),
        "since": since,
        "settings": kind in BY_SETTINGS,
    }


def parse_outages(raw: object) -> Outages:
    """A stored history, None for none yet; raises ValueError on any doubt."""
    listed = versioned(raw, 1).get("outages") if raw is not None else []
    if not isinstance(listed, list):
        raise ValueError("outages is not a list")
    last = _outage(listed[-1]) if listed else None
    return {
        "count": len(listed),
        "ongoing": last is not None and last["end"] is None,
        "last": last,
    }


def parse_history(raw: object) -> tuple[list[OutageShown], float, float | None]:
    """The outages of a stored history (None: none yet), the seconds of those that are no longer
    listed, and since when Plex is looked at; raises ValueError on any doubt.
    """
    if raw is None:
        return [], 0.0, None
    fields = versioned(raw, 1)
    listed = fields.get("outages")
    if not isinstance(listed, list):
        raise ValueError("outages is not a list")
    since = moment_or_none(fields, "observed_since")
    return [_outage(each) for each in listed], moment(fields, "earlier_downtime"), since


def _outage(raw: object) -> OutageShown:
    if not isinstance(raw, dict):
        raise ValueError("an outage is not an object")
    return {
        "start": moment(raw, "start"),
        "end": moment_or_none(raw, "end"),
        "cause": one_line(words(raw, "cause"), _LONGEST),
        "jobs_affected": count(raw, "jobs_affected"),
        "jobs_recovered": count(raw, "jobs_recovered"),
    }
