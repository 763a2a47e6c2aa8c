"""The shape of what flows/status/status.py returns.

Times are wall-clock seconds, lengths of time seconds; None means unknown or never. A section is
None if its file cannot be read; `problems` says why.
"""

from __future__ import annotations

from typing import TypedDict


class Waiting(TypedDict):
    """A job that is not due yet: `why` in words, `error` "" if nothing has failed yet."""

    scene: int
    reason: str
    error: str
    why: str
    until: float
    tries: int


class Queue(TypedDict):
    """`pending` = `running` + `due` + `held` + `waiting` = `edits` + `backfill`; `estimate` in seconds.

    `held` would be due, but belong to backfills that are paused or wait for quiet hours to end.

    `retried_edits` are those of the edits that wait for another try. `by_error` counts waiting jobs by error class, "" for those in the debounce; `first_waiting` has
    the first ten.
    """

    pending: int
    running: int
    due: int
    held: int
    waiting: int
    edits: int
    retried_edits: int
    backfill: int
    next_due: float | None
    by_error: dict[str, int]
    first_waiting: list[Waiting]
    estimate: float


class BackfillShown(TypedDict):
    """A backfill: of `total` scenes (None: not known) `done` had their turn, `rate` a minute, and
    the rest takes `left` seconds, `left_words` in words. `waits` says for what, until when (None:
    not known). `sentence` says it all, with times of this machine's clock.
    """

    backfill: str
    words: str
    began: float
    done: int
    total: int | None
    rate: float | None
    left: float | None
    left_words: str
    waits: str
    until: float | None
    sentence: str


class DeadLetterCounts(TypedDict):
    """Dead letters by error class."""

    total: int
    by_class: dict[str, int]


class Badge(TypedDict):
    """What the badges count, see policy/badge.py; `later` jobs wait for a retry."""

    waiting: int
    later: int
    failed: int


class Refused(TypedDict):
    """A field that Plex refuses, in how many scenes, and Plex's latest message."""

    field: str
    scenes: int
    why: str


class LeftOut(TypedDict):
    """The scenes that the filters leave out: how many, how many of them still have values in Plex
    that PlexSync wrote before, and how many for each reason, the most frequent first.
    """

    scenes: int
    written: int
    why: dict[str, int]


class OnlyInPlex(TypedDict):
    """The Plex items whose files no scene has, and when a reconciliation found them."""

    items: int
    found_at: float | None


class Breaker(TypedDict):
    """`since` is the first of the failures in a row, `retry_at` when one job may be tried."""

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
    """The last health check, who it was `by`, how it `found` Plex, and the next scheduled probe."""

    last: float | None
    by: str
    found: str
    next: float | None
    failures: int


class Trouble(TypedDict):
    """Why no job is sent to Plex: a kind of model/plex_state.py, its short title, its headline, the
    details, the remedy, since when, and whether only a changed setting helps.
    """

    kind: str
    title: str
    headline: str
    words: str
    remedy: str
    since: float | None
    settings: bool


class AlertShown(TypedDict):
    """A state that needs somebody (policy/notifications.py): its title, what to do if the headline
    does not say it, since when (0.0: unknown), and whether a message said so.
    """

    subject: str
    title: str
    text: str
    since: float
    told: bool


class OutageShown(TypedDict):
    """One outage; `end` is None while it lasts."""

    start: float
    end: float | None
    cause: str
    jobs_affected: int
    jobs_recovered: int


class Outages(TypedDict):
    """How many outages are on record, and the last of them."""

    count: int
    ongoing: bool
    last: OutageShown | None


class Totals(TypedDict):
    """Totals of stats.json, see model/stats.py; `last_hour` and `last_day` are scenes written."""

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
    """The library index; `age` is that of its least recently read library, in seconds."""

    items: int
    libraries: int
    age: float | None


class OtherScenes(TypedDict):
    """Scenes that are not in step: their list, its words, how many."""

    state: str
    words: str
    scenes: int


class SceneCounts(TypedDict):
    """Scenes: `in_step` of `all`, and what the `others` are; `unmet` of them were never synced."""

    in_step: int
    all: int
    unmet: int
    others: list[OtherScenes]


class Headline(TypedDict):
    """How things are: a state of policy/headline.py, its tone, one sentence, since when it is so (if
    something holds the work up), what else there is to say, how many scenes Sync All Scenes would
    still bring in step, and the scenes in numbers and words.
    """

    state: str
    tone: str
    text: str
    since: float | None
    more: str
    older: int
    scenes: SceneCounts
    counts: str


class Facts(TypedDict):
    """The status without its headline; `worker` says whether a process owns the data folder at this
    moment.
    """

    version: str
    folder: str
    now: float
    worker: bool | None
    queue: Queue | None
    inbox: int
    badge: Badge
    first_sync: str
    backfills: list[BackfillShown]
    dead_letters: DeadLetterCounts | None
    scenes: dict[str, int] | None
    states: dict[str, int] | None
    only_in_plex: OnlyInPlex | None
    left_out: LeftOut | None
    refused: list[Refused]
    breaker: Breaker
    recovery: Recovery
    checks: Checks
    trouble: Trouble | None
    alerts: list[AlertShown]
    outages: Outages
    reconcile: dict[str, object] | None
    statistics: Totals
    index: Index | None
    problems: list[str]
    log: list[str]


class Status(Facts):
    """The whole status."""

    headline: Headline
