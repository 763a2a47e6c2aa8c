"""The circuit breaker: five failures in a row open it, any proof that Plex works closes it."""

from __future__ import annotations

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex_state import WRITING
from plexsync.model.stored import count, moment_or_none, one_line, versioned, words
from plexsync.policy.timing import COOLDOWN as COOLDOWN
from plexsync.policy.timing import PERMIT as PERMIT

CLOSED, OPEN, HALF_OPEN = "CLOSED", "OPEN", "HALF_OPEN"

FAILURES_TO_OPEN = 5

LULL = 3600.0
"""Failures further apart than this, in seconds, belong to different outages."""

LONGEST_REASON = 400
"""Characters of a reason that are stored."""

_VERSION = 1


class Permit(NamedTuple):
    """Permission to send. Report results with its `generation`; a `trial` covers a single job."""

    generation: int
    trial: bool = False


class Transition(NamedTuple):
    """A change of state; `text` is one line for the log: why, and what happens next."""

    before: str
    after: str
    text: str


Stepped = tuple["CircuitBreaker", Transition | None]


class CircuitBreaker(NamedTuple):
    """The breaker as a value: each step returns the next one, which the caller keeps.

    Times are wall-clock seconds. `failing_since` is the first of the failures in a row, and so the
    start of the outage; `reason` is the last failure in words, `cause` its kind. Only failures that
    are the server's fault belong here. Any other answer of Plex (not found, refused, bad token)
    proves that it works, except if the cause is WRITING: then only a successful write does. Results
    of an older `generation` are ignored.
    """

    state: str = CLOSED
    failures: int = 0
    generation: int = 0
    opened_at: float | None = None
    permit_at: float | None = None
    failing_since: float | None = None
    last_failure: float | None = None
    reason: str = ""
    cause: str = ""

    def allow(self, now: float) -> tuple[CircuitBreaker, Permit | None, Transition | None]:
        """Ask for permission to send; None means not now.

        A stored time in the future becomes `now`, so that a clock change cannot block jobs.
        """
        if self.state == CLOSED:
            return self, Permit(self.generation), None
        here = self._not_ahead_of(now)
        if here.retry_in(now) > 0:
            return here, None, None
        trial = here._replace(
            state=HALF_OPEN, generation=self.generation + 1, opened_at=None, permit_at=now
        )
        permit = Permit(trial.generation, trial=True)
        if self.state == HALF_OPEN:
            return trial, permit, None
        why = f"one job is tried after {COOLDOWN:.0f} s. If Plex answers it, all others follow"
        return trial, permit, _transition(self.state, HALF_OPEN, why)

    def retry_in(self, now: float) -> float:
        """Seconds until `allow` may give a permit, at most a minute; 0 if it would now."""
        if self.state == CLOSED:
            return 0.0
        since, rest = self.opened_at, COOLDOWN
        if self.permit_at is not None:
            since, rest = self.permit_at, PERMIT
        return 0.0 if since is None else min(rest, max(0.0, since + rest - now))

    def success(self, generation: int, now: float) -> Stepped:
        """A job succeeded."""
        return self._alive(generation, "a job succeeded. The others follow")

    def answered(self, generation: int, now: float) -> Stepped:
        """Plex gave any answer with a status below 500."""
        if self.cause == WRITING:
            return self._untried(generation, now), None
        return self._alive(generation, "Plex answers again. All jobs are sent")

    def failure(self, generation: int, now: float, why: str, cause: str = "") -> Stepped:
        """A failure that is the server's fault: no answer, or one that says it is not ready."""
        if generation != self.generation or self.state == OPEN:
            return self, None
        failed = self._replace(
            failures=self.failures + 1,
            failing_since=self._start(now),
            last_failure=now,
            reason=one_line(why, LONGEST_REASON),
            cause=cause,
        )
        if self.state == CLOSED and failed.failures < FAILURES_TO_OPEN:
            return failed, None
        opened = failed._replace(
            state=OPEN, generation=self.generation + 1, opened_at=now, permit_at=None
        )
        trial = "the job that was tried failed too"
        if self.state == CLOSED:
            trial = f"{failed.failures} failures in a row"
        until = "or all when a probe finds Plex healthy"
        if cause == WRITING:
            until = "and all others follow once it is written"
        text = f"{trial} ({failed.reason}). Jobs wait; one is tried in {COOLDOWN:.0f} s, {until}"
        return opened, _transition(self.state, OPEN, text)

    def trial_due_now(self, now: float) -> CircuitBreaker:
        """Let the next job be the trial now, without the rest of the cooldown."""
        if self.state != OPEN:
            return self
        return self._replace(opened_at=now - COOLDOWN)

    def close(self, now: float, why: str) -> Stepped:
        """Close after a healthy probe, for the recovery scheduler only. `why` ends the log line."""
        if self.state == CLOSED:
            return self, None
        closed = CircuitBreaker(generation=self.generation + 1)
        return closed, _transition(self.state, CLOSED, one_line(why))

    def to_json(self) -> object:
        """The state as JSON values."""
        return {"version": _VERSION, **self._asdict()}

    @classmethod
    def parse(cls, raw: object) -> CircuitBreaker:
        """Parse a stored state; raises ValueError if anything is wrong with it."""
        fields = versioned(raw, _VERSION)
        breaker = cls(
            state=words(fields, "state"),
            failures=count(fields, "failures"),
            generation=count(fields, "generation"),
            opened_at=moment_or_none(fields, "opened_at"),
            permit_at=moment_or_none(fields, "permit_at"),
            failing_since=moment_or_none(fields, "failing_since"),
            last_failure=moment_or_none(fields, "last_failure"),
            reason=one_line(words(fields, "reason"), LONGEST_REASON),
            cause=one_line(words({"cause": "", **fields}, "cause")),
        )
        has = (breaker.opened_at is not None, breaker.permit_at is not None)
        if has != _TIMES.get(breaker.state):
            raise ValueError("its state does not fit its times")
        failing = breaker.failing_since is not None and breaker.last_failure is not None
        if failing != (breaker.failures > 0) or breaker.failures not in _counts(breaker.state):
            raise ValueError("its state does not fit its failures")
        return breaker

    def _alive(self, generation: int, why: str) -> Stepped:
        if generation != self.generation or self.state == OPEN:
            return self, None
        if self.state == CLOSED:
            return CircuitBreaker(generation=self.generation), None
        closed = CircuitBreaker(generation=self.generation + 1)
        return closed, _transition(self.state, CLOSED, why)

    def _untried(self, generation: int, now: float) -> CircuitBreaker:
        """A trial that had nothing to write proves nothing: the next job may be tried at once."""
        if generation != self.generation or self.state != HALF_OPEN:
            return self
        again = self._replace(state=OPEN, generation=self.generation + 1, permit_at=None)
        return again._replace(opened_at=now - COOLDOWN)

    def _start(self, now: float) -> float:
        if self.failing_since is None or self.last_failure is None:
            return now
        lull = self.state == CLOSED and now - self.last_failure > LULL
        return now if lull else min(self.failing_since, now)

    def _not_ahead_of(self, now: float) -> CircuitBreaker:
        times = (self.opened_at, self.permit_at, self.failing_since, self.last_failure)
        if all(time is None or time <= now for time in times):
            return self
        opened, permit, since, last = (None if t is None else min(t, now) for t in times)
        return self._replace(
            opened_at=opened, permit_at=permit, failing_since=since, last_failure=last
        )


_TIMES = {CLOSED: (False, False), OPEN: (True, False), HALF_OPEN: (False, True)}
"""Which of `opened_at` and `permit_at` a state has."""


def _counts(state: str) -> range:
    return range(FAILURES_TO_OPEN) if state == CLOSED else range(FAILURES_TO_OPEN, 2**53)


def _transition(before: str, after: str, why: str) -> Transition:
    return Transition(before, after, f"Circuit breaker {before} -> {after}: {why.rstrip('.')}.")
