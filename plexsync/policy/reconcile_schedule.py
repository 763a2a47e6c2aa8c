"""When an automatic reconciliation is due, and over which scenes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from plexsync.policy.gaps import GapCount

NEVER = "never"
INTERVALS: Mapping[str, float] = {"hourly": 3600.0, "daily": 86400.0, "weekly": 7 * 86400.0}
"""Seconds for each value of the setting reconcile_interval, except NEVER."""

ALL, RECENT, WEEK, SINCE = "all", "24h", "7days", "since"
WIDTHS: Mapping[str, float] = {RECENT: 86400.0, WEEK: 7 * 86400.0}
"""How many seconds back each scope reaches; ALL is unlimited, SINCE has its own time."""

MANUAL, INTERVAL, STARTUP = "manual", "interval", "startup"
OUTAGE, DAMAGE = "outage", "damage"
AUTOMATIC = (DAMAGE, OUTAGE, INTERVAL, STARTUP)
"""Automatic triggers, most urgent first."""

STALE_AFTER = 3600.0
"""Seconds after the last run from which recent scenes are compared when a worker starts."""

LONG_OUTAGE = 3600.0
"""After an outage longer than this many seconds, scenes that changed meanwhile are compared."""

OVERLAP = 3 * 3600.0
"""Seconds by which the range is extended, since clocks may differ or be changed."""

RESUME_WITHIN = 86400.0
"""An interrupted run is resumed if it was active within this many seconds, else started over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to compare. `since` 0 means all scenes, otherwise those whose `by` ("updated" or
    "created") is not older; empty `kinds`, `fields` and `library` mean all.

    `known` skips scenes that were never requested to be synced.
    """

    trigger: str
    scope: str
    since: float = 0.0
    by: str = "updated"
    kinds: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    library: str = ""

    @property
    def known(self) -> bool:
        """Whether only scenes in the ledger are compared, as after an outage or damage."""
        return self.trigger in (DAMAGE, OUTAGE)

    @property
    def whole(self) -> bool:
        """Whether the run covers its whole scope."""
        return not (self.kinds or self.fields or self.library) and self.by == "updated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A reconciliation and its progress. Times are wall-clock seconds, `seconds` is working time.

    `cursor` is the last scene id (scope ALL) or the last page; `held` are scenes before it that are
    not compared yet; `total` is the number of scenes in Stash.
    """

    order: Order
    started: float
    seen: float
    cursor: int = 0
    held: tuple[int, ...] = ()
    checked: int = 0
    total: int = 0
    seconds: float = 0.0
    done: bool = False
    tally: GapCount = field(default_factory=GapCount)


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is stored between runs.

    `stamps`: trigger -> start of its last finished run. `covered`: scope -> start of the last
    finished run that covered all of it. `wanted`: DAMAGE or OUTAGE -> since when to compare (0:
    everything). `runs`: trigger -> the unfinished run.
    """

    stamps: Mapping[str, float] = field(default_factory=dict)
    covered: Mapping[str, float] = field(default_factory=dict)
    wanted: Mapping[str, float] = field(default_factory=dict)
    runs: Mapping[str, Run] = field(default_factory=dict)
    last: Run | None = None

    def want(self, trigger: str, since: float) -> Schedule:
        """Request a comparison of what may be missing since `since`; an earlier time is kept."""
        earlier = min(since, self.wanted.get(trigger, since))
        runs = {name: run for name, run in self.runs.items() if name != trigger}
        return replace(self, wanted={**self.wanted, trigger: earlier}, runs=runs)

    def due(self, interval: str, scope: str, now: float, *, starting: bool) -> Order | None:
        """The run to start now, or None; `starting`: the worker has just started.

        A failed run leaves no stamp, so it is due again. NEVER still allows repairs: of a damaged
        queue, and after an outage.
        """
        if DAMAGE in self.wanted:
            return Order(trigger=DAMAGE, scope=ALL)
        if OUTAGE in self.wanted:
            return Order(trigger=OUTAGE, scope=SINCE, since=self.wanted[OUTAGE])
        if interval not in INTERVALS:
            return None
        if _passed(self.stamps.get(INTERVAL), INTERVALS[interval], now):
            return Order(trigger=INTERVAL, scope=scope, since=since(scope, now))
        covered = [self.covered[s] for s in (*WIDTHS, ALL) if s in self.covered]
        stopped = [self.stamps[STARTUP]] if STARTUP in self.stamps else []
        recent = max(covered + stopped, default=None)
        if starting and _passed(recent, STALE_AFTER, now):
            return Order(trigger=STARTUP, scope=RECENT, since=since(RECENT, now))
        return None

    def waiting(self, now: float) -> bool:
        """Whether an automatic run is requested or unfinished, whatever the settings."""
        return bool(self.wanted) or any(
            name in AUTOMATIC and _fresh(run, now) for name, run in self.runs.items()
        )

    @property
    def unfinished(self) -> bool:
        """Whether an automatic run has not ended, however long ago it was active."""
        return any(name in AUTOMATIC for name in self.runs)

    def under_way(self, interval: str, now: float) -> Run | None:
        """The unfinished automatic run to continue, or None."""
        for trigger in AUTOMATIC:
            run = self.runs.get(trigger)
            allowed = trigger in (DAMAGE, OUTAGE) or interval in INTERVALS
            if run is not None and allowed and _fresh(run, now):
                return run
        return None

    def resumed(self, order: Order, now: float) -> Run:
        """The interrupted run of an equal order, or a new one."""
        run = self.runs.get(order.trigger)
        if run is not None and _fresh(run, now):
            asked = replace(order, since=run.order.since)
            if asked == run.order and bool(order.since) == bool(run.order.since):
                return run
        return Run(order=order, started=now, seen=now)

    def kept(self, run: Run) -> Schedule:
        """The schedule with the progress of a run, or its end."""
        trigger = run.order.trigger
        if not run.done:
            return replace(self, runs={**self.runs, trigger: run})
        covered = {run.order.scope: run.started} if run.order.whole else {}
        return Schedule(
            stamps={**self.stamps, trigger: run.started},
            covered={**self.covered, **covered},
            wanted={name: at for name, at in self.wanted.items() if name != trigger},
            runs={name: each for name, each in self.runs.items() if name != trigger},
            last=run,
        )

    def stopped(self, now: float) -> Schedule:
        """The schedule without the automatic runs that are requested or unfinished.

        The next one is due as if they had been done just now: a run may take longer than its interval.
        """
        ended = {name: run for name, run in self.runs.items() if name in AUTOMATIC}
        stamps = dict.fromkeys(ended, now)
        runs = {name: run for name, run in self.runs.items() if name not in ended}
        return replace(self, stamps={**self.stamps, **stamps}, wanted={}, runs=runs)


def since(scope: str, now: float) -> float:
    """When a scope starts, 0 for everything."""
    return max(1.0, now - WIDTHS[scope]) if scope in WIDTHS else 0.0


def after_outage(start: float, end: float) -> float | None:
    """Since when to compare after an outage; None if it was too short to matter."""
    return max(1.0, start - OVERLAP) if end - start > LONG_OUTAGE else None


def _passed(last: float | None, seconds: float, now: float) -> bool:
    """Whether `last` is at least so many seconds ago, or never; a time in the future means that the
    clock was set back.
    """
    return last is None or not 0 <= now - last < seconds


def _fresh(run: Run, now: float) -> bool:
    return not _passed(run.seen, RESUME_WITHIN, now)
