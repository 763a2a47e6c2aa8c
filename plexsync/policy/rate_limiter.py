"""Limits the rate of writes to a Plex that has just recovered."""

from __future__ import annotations

import math

from plexsync.model.named_tuple import NamedTuple
from plexsync.policy.timing import DEFAULT_RAMP, LOWEST_RATE, ramp_rate

CAPACITY = 1.0
"""Size of the bucket in tokens: after a pause one request may be sent at once, never a burst."""

LONGEST_WAIT = 2 * CAPACITY / LOWEST_RATE
"""Seconds per token at half the lowest rate."""

WINDOW = 60
"""Seconds over which errors are counted."""

SAMPLE = 10
"""Results in the window that are needed to judge the error rate."""

SLOW_ABOVE, FAST_BELOW = 30, 10
"""Percent of errors above which the rate is halved, and below which it is restored."""

SLOW_FOR = 60.0
_ROUNDING = 1e-4
"""A token that lacks less than this counts as whole: the wait could be too short for the clock."""


class Ramp(NamedTuple):
    """Requests per second after a recovery: from `start_rate` up to `end_rate`, then no limit.

    At half time the rate is the geometric mean of both (10 for 5 and 20), and linear in between.
    `minutes` 0 means no ramp.
    """

    minutes: float = DEFAULT_RAMP[0]
    start_rate: float = DEFAULT_RAMP[1]
    end_rate: float = DEFAULT_RAMP[2]

    def rate(self, elapsed: float) -> float | None:
        """Requests per second, `elapsed` seconds after the recovery; None: no limit."""
        return ramp_rate(self.minutes, self.start_rate, self.end_rate, elapsed)


class _Second(NamedTuple):
    """Results within one second."""

    at: int
    results: int
    errors: int


class RecoveryRateLimiter(NamedTuple):
    """A token bucket as a value: each step returns the next one, which the caller keeps.

    All times are on the monotonic clock, so that a stepped wall clock neither ends nor restarts the
    ramp. A token is one write request.
    """

    ramp: Ramp = Ramp()
    started: float | None = None
    tokens: float = 0.0
    filled_at: float = 0.0
    slow_since: float | None = None
    seconds: tuple[_Second, ...] = ()

    @classmethod
    def resume(
        cls, ramp: Ramp, recovery_started_at: float, now: float, monotonic: float
    ) -> RecoveryRateLimiter:
        """Begin or continue the ramp of a recovery at wall-clock `recovery_started_at`.

        0.0 means no recovery, so no limit; a time in the future counts as `now`. The bucket is
        empty.
        """
        if recovery_started_at <= 0:
            return cls(ramp)
        started = monotonic - max(0.0, now - recovery_started_at)
        return cls(ramp, started=started, filled_at=monotonic)

    def configured(self, ramp: Ramp) -> RecoveryRateLimiter:
        """The same limiter with another ramp."""
        return self if ramp == self.ramp else self._replace(ramp=ramp)

    def rate(self, monotonic: float) -> float | None:
        """Current limit in requests per second; None once the recovery is over."""
        if self.started is None:
            return None
        rate = self.ramp.rate(monotonic - self.started)
        return rate / 2 if rate is not None and self.slow_since is not None else rate

    def take(self, monotonic: float) -> tuple[RecoveryRateLimiter, float]:
        """Ask to send one request: 0.0 means send it; more means wait so many seconds and ask
        again.
        """
        rate = self.rate(monotonic)
        if rate is None:
            return self, 0.0
        tokens = self._tokens(rate, monotonic)
        if tokens >= CAPACITY - _ROUNDING:
            return self._replace(tokens=0.0, filled_at=monotonic), 0.0
        filled = self._replace(tokens=tokens, filled_at=monotonic)
        return filled, min(LONGEST_WAIT, (CAPACITY - tokens) / rate)

    def result(self, ok: bool, monotonic: float) -> tuple[RecoveryRateLimiter, str]:
        """Count a request's result; returns a line for the log, usually "".

        `ok` is any answer of a working server, including the refusal of a single item.
        """
        if self.rate(monotonic) is None:
            return self, ""
        noted = self._replace(seconds=_noted(self.seconds, ok, math.floor(monotonic)))
        return noted._judged(monotonic)

    def _judged(self, monotonic: float) -> tuple[RecoveryRateLimiter, str]:
        results = sum(second.results for second in self.seconds)
        errors = sum(second.errors for second in self.seconds)
        share = f"{errors} of {results} requests to Plex failed in the last minute"
        if self.slow_since is None:
            if results < SAMPLE or errors * 100 <= results * SLOW_ABOVE:
                return self, ""
            text = f"{share}: the rate is halved for at least {SLOW_FOR:.0f} s, until few fail."
            return self._replace(slow_since=monotonic), text
        if 0 <= monotonic - self.slow_since < SLOW_FOR or errors * 100 >= results * FAST_BELOW:
            return self, ""
        return self._replace(slow_since=None), f"{share}: the rate is restored."

    def _tokens(self, rate: float, monotonic: float) -> float:
        """The current number of tokens, earned at the lower of the rates then and now."""
        earned = max(0.0, monotonic - self.filled_at) * min(rate, self.rate(self.filled_at) or rate)
        return min(CAPACITY, self.tokens + earned)


def _noted(seconds: tuple[_Second, ...], ok: bool, at: int) -> tuple[_Second, ...]:
    """The window with one more result; it has at most one entry per second."""
    kept = [second for second in seconds if 0 <= at - second.at < WINDOW]
    last = kept.pop() if kept and kept[-1].at == at else _Second(at, 0, 0)
    return (*kept, _Second(at, last.results + 1, last.errors + (not ok)))
