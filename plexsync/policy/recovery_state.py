"""The state of probes and recovery, as stored in recovery_state.json."""

from __future__ import annotations

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex_state import DOWN, READ_ONLY, TOKEN_TROUBLES, kind_of
from plexsync.model.stored import count, moment, one_line, triple, versioned, words
from plexsync.policy.circuit_breaker import CLOSED, CircuitBreaker
from plexsync.policy.timing import DEFAULT_RAMP, FLAPPING, OWNER_CHECK, probe_delay

LONGEST_WORDS = 400
"""Characters of a trouble's text that are stored."""

MOST_RELAPSES = 4

_UNKNOWN_BEFORE: dict[str, object] = {
    "trouble": "",
    "trouble_words": "",
    "trouble_since": 0.0,
    "ramp": DEFAULT_RAMP,
}
"""Defaults of fields that earlier versions did not write."""

_VERSION = 1


class RecoveryState(NamedTuple):
    """The state of probes and recovery. Times are wall-clock seconds, 0.0 means never.

    `recovery_started_at` is the start of the ramp after an outage, 0.0 if there is none; `relapses`
    counts recoveries in a row that did not last. `trouble` is a kind of model/plex_state.py that
    lasts until the user acts, or that the breaker does not count ("" for none), stored with its
    text and start. `ramp` is as set: minutes, first and last rate.
    """

    last_check: float = 0.0
    consecutive_successes: int = 0
    consecutive_failures: int = 0
    recovery_count: int = 0
    recovery_started_at: float = 0.0
    last_recovery_at: float = 0.0
    relapses: int = 0
    trouble: str = ""
    trouble_words: str = ""
    trouble_since: float = 0.0
    ramp: tuple[float, float, float] = DEFAULT_RAMP

    @property
    def token_refused(self) -> bool:
        """Whether all jobs wait for a new token."""
        return self.trouble in TOKEN_TROUBLES

    def to_json(self) -> object:
        """The state as JSON values."""
        return {"version": _VERSION, **self._asdict()}

    @classmethod
    def parse(cls, raw: object) -> RecoveryState:
        """Parse a stored state; raises ValueError if anything is wrong with it."""
        fields = _UNKNOWN_BEFORE | versioned(raw, _VERSION)
        return cls(
            last_check=moment(fields, "last_check"),
            consecutive_successes=count(fields, "consecutive_successes"),
            consecutive_failures=count(fields, "consecutive_failures"),
            recovery_count=count(fields, "recovery_count"),
            recovery_started_at=moment(fields, "recovery_started_at"),
            last_recovery_at=moment(fields, "last_recovery_at"),
            relapses=min(MOST_RELAPSES, count(fields, "relapses")),
            trouble=one_line(words(fields, "trouble")),
            trouble_words=one_line(words(fields, "trouble_words"), LONGEST_WORDS),
            trouble_since=moment(fields, "trouble_since"),
            ramp=triple(fields, "ramp"),
        )


def next_check(state: RecoveryState, now: float) -> float:
    """When the next probe is due: 5, 10, 20, 40, 60 s after the last.

    `now` if it is overdue, or if the last check lies in the future. A token that may not write is
    checked every ten minutes.
    """
    if state.last_check > now:
        return now
    if state.trouble == READ_ONLY:
        return max(now, state.last_check + OWNER_CHECK)
    recent = 0 <= now - state.last_recovery_at < FLAPPING
    failures = state.consecutive_failures + (state.relapses if recent else 0)
    return max(now, state.last_check + probe_delay(failures))


def trouble_of(breaker: CircuitBreaker, recovery: RecoveryState) -> tuple[str, str, float | None]:
    """What holds all jobs back: its kind ("" if nothing does), its text, and since when."""
    if recovery.trouble:
        return recovery.trouble, recovery.trouble_words, recovery.trouble_since or None
    if breaker.state == CLOSED:
        return "", "", None
    return kind_of(DOWN, breaker.cause), breaker.reason, breaker.failing_since
