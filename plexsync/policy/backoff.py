"""Decides what follows a failure: retry, give up, or wait for a server."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping

from plexsync.model.errors import (
    LIBRARY,
    SCENE,
    WRITE,
    AmbiguousMatch,
    PlexAuthError,
    PlexNotFound,
    PlexPermanentError,
    PlexServerDown,
    PlexTemporaryError,
    SceneGone,
    SceneUnusable,
    StashAuthError,
    StashDown,
    SyncError,
)
from plexsync.model.job import Job
from plexsync.model.named_tuple import NamedTuple
from plexsync.policy.timing import probe_delay as probe_delay

POISON_STARTS = 3
"""After so many starts alone without an end a job becomes a dead letter: it kills the worker."""

MAX_RETRY_AFTER = 600.0
"""Longest Retry-After of a server that is obeyed, in seconds."""

WRITE_PAUSE = 5.0
"""Seconds before a scene that could not be written is retried, so that others go first."""

LIBRARY_PAUSE = 60.0
"""Seconds until a scene is retried whose file may be in a library that cannot be listed."""

DEAD_LETTER, DONE, WAITS = "dead letter", "done", "waits"


class Budget(NamedTuple):
    """`retries` after the first attempt; the nominal delay doubles from `base` to `cap` seconds."""

    base: float
    cap: float
    retries: int


STANDARD = "standard"
NOT_FOUND = "not found"
NO_RETRY = "none"

BUDGETS: Mapping[str, Budget] = {
    STANDARD: Budget(base=5.0, cap=80.0, retries=5),  # retries: the setting max_retries
    NOT_FOUND: Budget(base=30.0, cap=600.0, retries=12),  # 43 to 86 minutes in all
    NO_RETRY: Budget(base=0.0, cap=0.0, retries=0),
}


class ErrorRule(NamedTuple):
    """How a class of errors is handled.

    `costs_attempt`: it counts against `budget`. `end`: what becomes of the job when no attempt is
    left: DEAD_LETTER, DONE, or WAITS (it stays queued until the server works again). `waits_for`:
    "plex", "stash" or "auth".
    """

    costs_attempt: bool = True
    budget: str = NO_RETRY
    end: str = DEAD_LETTER
    waits_for: str = ""


_STASH_WAITS = ErrorRule(costs_attempt=False, end=WAITS, waits_for="stash")

RULES: Mapping[type[SyncError], ErrorRule] = {
    PlexServerDown: ErrorRule(budget=STANDARD),
    PlexTemporaryError: ErrorRule(budget=STANDARD),
    PlexNotFound: ErrorRule(budget=NOT_FOUND),
    PlexPermanentError: ErrorRule(),
    AmbiguousMatch: ErrorRule(),
    SceneUnusable: ErrorRule(),
    PlexAuthError: ErrorRule(costs_attempt=False, end=WAITS, waits_for="auth"),
    StashDown: _STASH_WAITS,
    StashAuthError: _STASH_WAITS,
    SceneGone: ErrorRule(costs_attempt=False, end=DONE),
}


class Later(NamedTuple):
    """Retry at `job.not_before`."""

    job: Job


class Bury(NamedTuple):
    """Turn the job into a dead letter."""

    job: Job
    error: SyncError


class Finish(NamedTuple):
    """Nothing is left to do; `state` is the reason in one word."""

    state: str


class Wait(NamedTuple):
    """Not the job's fault: it stays unchanged until "plex", "stash" or "auth" works again."""

    what: str


Verdict = Later | Bury | Finish | Wait


def rule_for(error: SyncError) -> ErrorRule:
    """The rule of the error's class or its nearest base class; unknown errors are temporary."""
    for kind in type(error).__mro__:
        if kind in RULES:
            return RULES[kind]
    return RULES[PlexTemporaryError]


def delay(attempt: int, rule: ErrorRule, rng: random.Random) -> float:
    """Seconds before retry number `attempt` (1 is the first), half of them fixed, half random."""
    budget = BUDGETS[rule.budget]
    nominal = min(budget.cap, budget.base * 2.0 ** min(max(attempt, 1) - 1, 30))
    return nominal / 2 + rng.uniform(0, nominal / 2)


def verdict(
    job: Job,
    error: SyncError,
    now: float,
    rng: random.Random,
    max_retries: int,
) -> Verdict:
    """Decide what happens to a failed job.

    Only the scene's own fault costs an attempt; an early attempt that still finds no file is free.
    `max_retries` is the standard budget. The returned job is not running, and holds its attempts
    and last failure.
    """
    rule = rule_for(error)
    if isinstance(error, PlexNotFound) and _before_its_time(job, now):
        return Later(_said(job, error, now))
    if rule.end == DONE:
        return Finish("gone")
    if rule.end == WAITS:
        return Wait(rule.waits_for)
    if error.fault == WRITE:  # others go first, to show whether only this scene fails
        pause = max(WRITE_PAUSE, _asked(error.retry_after))
        return Later(_said(job, error, now)._replace(not_before=now + pause))
    if error.fault == LIBRARY:  # only this job waits, all others go on
        pause = max(LIBRARY_PAUSE, _asked(error.retry_after))
        return Later(_said(job, error, now)._replace(not_before=now + pause))
    if error.fault != SCENE:
        return Wait("plex")
    failed = _note(job, error, now)
    spent = _spent(failed, rule.budget, error.kind)
    retries = max_retries if rule.budget == STANDARD else BUDGETS[rule.budget].retries
    if spent > retries:
        return Bury(failed, error)
    pause = max(delay(spent, rule, rng), _asked(error.retry_after))
    return Later(failed._replace(not_before=now + pause))


def is_last_try(job: Job) -> bool:
    """Whether the job will be given up if its file is still not in Plex."""
    return _spent(job, NOT_FOUND, PlexNotFound.__name__) >= BUDGETS[NOT_FOUND].retries


def _before_its_time(job: Job, now: float) -> bool:
    """Whether the job was tried early. A time further away than any delay means that the clock was
    set back.
    """
    return 0 < job.not_before - now <= BUDGETS[NOT_FOUND].cap


def _note(job: Job, error: SyncError, now: float) -> Job:
    attempts = {**job.attempts, error.kind: job.attempts.get(error.kind, 0) + 1}
    return _said(job, error, now)._replace(attempts=attempts)


def _said(job: Job, error: SyncError, now: float) -> Job:
    """The job with its last failure, without counting an attempt."""
    return job._replace(
        running=False,
        starts=0,
        last_error=error.kind,
        last_message=error.message[:500],
        last_cause=error.cause,
        last_status=error.status,
        first_failure=now if job.first_failure is None else job.first_failure,
        last_failure=now,
        paths=error.paths if isinstance(error, PlexNotFound) else (),
    )


def _spent(job: Job, budget: str, kind: str) -> int:
    """Attempts of all classes that share a budget: alternating errors must not multiply it."""
    shared = {known.__name__ for known, rule in RULES.items() if rule.budget == budget} | {kind}
    return sum(count for name, count in job.attempts.items() if name in shared)


def _asked(retry_after: float | None) -> float:
    if retry_after is None or math.isnan(retry_after):
        return 0.0
    return min(max(retry_after, 0.0), MAX_RETRY_AFTER)
