"""The shape of what flows/status/status.py tells, for type checkers and readers.

Times are wall-clock seconds, lengths of time seconds; None is "unknown" or "never". A whole section
is None when its file cannot be read, and `problems` says why.
"""

from __future__ import annotations

from typing import TypedDict


class Waiting(TypedDict):
    """A job that waits for its time: `why` in words, `error` "" when nothing failed yet."""

    scene: int
    reason: str
    error: str
    why: str
    until: float
    tries: int


class Queue(TypedDict):
    """`pending` = `running` + `due` + `waiting` = `edits` + `backfill`; `estimate` seconds of work.

    `by_error` counts those that wait, "" for those that only wait for the debounce; `first_waiting` has ten.
    """

    pending: int
    running: int
    due: int
    waiting: int
    edits: int
    backfill: int
    next_due: float | None
    by_error: dict[str, int]
    first_waiting: list[Waiting]
    estimate: float


class DeadLetterCounts(TypedDict):
    """Dead letters by error class."""

    total: int
    by_class: dict[str, int]


class Badge(TypedDict):
    """What the badges count, see policy/badge.py; `later` jobs wait for another try."""

    waiting: int
    later: int
    failed: int


class Refused(TypedDict):
    """A field that Plex refuses of so many scenes, and what it said the last time."""

    field: str
    scenes: int
    why: str


class LeftOut(TypedDict):
    """The scenes that the filters leave out: how many, how many of them have in Plex what PlexSync
    wrote before, and how many for each reason, the most frequent first.
    """

    scenes: int
    written: int
    why: dict[str, int]


class Breaker(TypedDict):
    """`since` is the first failure in a row, `retry_at` when a job may try."""

    state: str
    since: float | None
    failures: int
    reason: str
    retry_at: float | None


class Recovery(TypedDict):
    """The ramp after an outage, and its `rate` in writing requests per second."""

    ramping: bool
    started_at: float | None
    ends_at: float | None
    rate: float | None
    recoveries: int
    last: float | None


class HealthCheck(TypedDict):
    """A health check: when, `by` whom, and how Plex was (edges/plex/health.py names the states)."""

    at: float
    by: str
    state: str


class Checks(TypedDict):
    """The health checks: when the last was, `by` whom, and how it `found` Plex. `next` is None while
    no probe is needed.
    """

    last: float | None
    by: str
    found: str
    next: float | None
    failures: int


class Trouble(TypedDict):
    """Why no job goes to Plex: a kind of model/plex_state.py, two or three words for it, a sentence
    for it, what happened, what a person can do, since when, and whether only a setting helps.
    """

    kind: str
    title: str
    headline: str
    words: str
    remedy: str
    since: float | None
    settings: bool


class OutageShown(TypedDict):
    """One outage; `end` is None while it lasts."""

    start: float
    end: float | None
    cause: str
    jobs_affected: int
    jobs_recovered: int


class Outages(TypedDict):
    """How many are on record, and the last of them."""

    count: int
    ongoing: bool
    last: OutageShown | None


class Totals(TypedDict):
    """What stats.json adds up to, see model/stats.py; `last_hour` and `last_day` are jobs done."""

    since: float | None
    last: float | None
    done: int
    written: int
    retried: int
    requeued: int
    failed: dict[str, int]
    errors: dict[str, int]
    matches: dict[str, int]
    mean: float | None
    p95: float | None
    last_hour: int
    last_day: int
    requests: int
    received: int
    lookups: int
    hits: int
    misses: int


class Index(TypedDict):
    """The library index; `age` in seconds of its oldest library."""

    items: int
    libraries: int
    age: float | None


class Status(TypedDict):
    """Everything; `worker` is whether somebody owns the data folder at this instant."""

    version: str
    folder: str
    now: float
    worker: bool | None
    queue: Queue | None
    inbox: int
    badge: Badge
    backfills: list[dict[str, object]]
    dead_letters: DeadLetterCounts | None
    scenes: dict[str, int] | None
    left_out: LeftOut | None
    refused: list[Refused]
    breaker: Breaker
    recovery: Recovery
    checks: Checks
    trouble: Trouble | None
    outages: Outages
    reconcile: dict[str, object] | None
    statistics: Totals
    index: Index | None
    problems: list[str]
    log: list[str]
