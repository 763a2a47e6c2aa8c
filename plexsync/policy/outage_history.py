"""The history of Plex's outages, and its summary: MTTR, MTBF and availability."""

from __future__ import annotations

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.stored import (
    count,
    moment,
    moment_or_none,
    one_line,
    versioned,
    words,
)

KEPT = 30
"""Outages kept in the list; of older ones only the total length is kept."""

LONGEST_CAUSE = 400
"""Characters of an outage's cause that are stored."""

_VERSION = 1


class Outage(NamedTuple):
    """An outage from the first failure to the recovery, in wall-clock seconds; `end` is None while
    it lasts.

    `jobs_affected` jobs were held back; `jobs_recovered` of them are in step again.
    """

    start: float
    end: float | None = None
    cause: str = ""
    jobs_affected: int = 0
    jobs_recovered: int = 0

    @property
    def ongoing(self) -> bool:
        """Whether the outage has not ended yet."""
        return self.end is None

    def length(self, now: float) -> float:
        """Length in seconds, up to `now` while the outage lasts; never negative."""
        return max(0.0, (now if self.end is None else self.end) - self.start)

    @classmethod
    def parse(cls, raw: object) -> Outage:
        """Parse one stored outage; raises ValueError if anything is wrong with it."""
        if not isinstance(raw, dict):
            raise ValueError("an outage is not an object")
        outage = cls(
            start=moment(raw, "start"),
            end=moment_or_none(raw, "end"),
            cause=one_line(words(raw, "cause"), LONGEST_CAUSE),
            jobs_affected=count(raw, "jobs_affected"),
            jobs_recovered=count(raw, "jobs_recovered"),
        )
        if not outage.start or (outage.end is not None and outage.end < outage.start):
            raise ValueError("an outage ends before it starts")
        if outage.jobs_recovered > outage.jobs_affected:
            raise ValueError("an outage has more jobs recovered than affected")
        return outage


class OutageHistory(NamedTuple):
    """The last outages, oldest first, as a value: each step returns the next one.

    `observed_since` is when PlexSync began to watch Plex (None: not yet), `earlier_downtime` the
    total seconds of outages no longer listed. Only the last outage can be ongoing.
    """

    outages: tuple[Outage, ...] = ()
    observed_since: float | None = None
    earlier_downtime: float = 0.0

    def observe(self, now: float) -> OutageHistory:
        """Start counting observed time, unless it is counted already."""
        if self.observed_since is not None and self.observed_since <= now:
            return self
        return self._replace(observed_since=now)

    def begin(self, first_failure: float, cause: str) -> OutageHistory:
        """Begin an outage at its first failure; no change while one is ongoing."""
        if self.ongoing():
            return self
        observed = self.observe(first_failure)
        listed = (*self.outages, Outage(first_failure, cause=one_line(cause, LONGEST_CAUSE)))
        dropped = sum(outage.length(first_failure) for outage in listed[:-KEPT])
        return observed._replace(
            outages=listed[-KEPT:],
            earlier_downtime=self.earlier_downtime + dropped,
        )

    def counted(self, affected: int, recovered: int) -> OutageHistory:
        """Set how many jobs the last outage held back, and how many of them are in step again.

        Each job counts once. The numbers never fall, so the caller may repeat them after a restart.
        """
        last = self.last()
        if last is None:
            return self
        affected = max(last.jobs_affected, affected)
        recovered = min(affected, max(last.jobs_recovered, recovered))
        return self._with_last(last._replace(jobs_affected=affected, jobs_recovered=recovered))

    def end(self, now: float) -> OutageHistory:
        """End the ongoing outage; no change without one."""
        last = self.ongoing()
        return self if last is None else self._with_last(last._replace(end=max(last.start, now)))

    def last(self) -> Outage | None:
        """The newest outage, ongoing or not."""
        return self.outages[-1] if self.outages else None

    def ongoing(self) -> Outage | None:
        """The ongoing outage, or None."""
        last = self.last()
        return last if last and last.ongoing else None

    def mttr(self) -> float | None:
        """Mean seconds from first failure to recovery of the listed outages that have ended."""
        return _mean([each.end - each.start for each in self.outages if each.end])

    def mtbf(self) -> float | None:
        """Mean seconds from one recovery to the next failure; None with fewer than two outages."""
        pairs = zip(self.outages, self.outages[1:], strict=False)
        return _mean([max(0.0, after.start - before.end) for before, after in pairs if before.end])

    def availability(self, now: float) -> float:
        """Fraction of the observed time in which Plex was available, 0 to 1; 1 before any time."""
        if self.observed_since is None or now <= self.observed_since:
            return 1.0
        down = self.earlier_downtime + sum(each.length(now) for each in self.outages)
        return min(1.0, max(0.0, 1.0 - down / (now - self.observed_since)))

    def to_json(self) -> object:
        """The state as JSON values."""
        outages = [outage._asdict() for outage in self.outages]
        return {"version": _VERSION, **self._asdict(), "outages": outages}

    @classmethod
    def parse(cls, raw: object) -> OutageHistory:
        """Parse a stored history; raises ValueError if anything is wrong with it."""
        fields = versioned(raw, _VERSION)
        listed = fields.get("outages")
        if not isinstance(listed, (list, tuple)) or len(listed) > KEPT:
            raise ValueError(f"outages is not a list of at most {KEPT}")
        outages = tuple(Outage.parse(each) for each in listed)
        if any(outage.ongoing for outage in outages[:-1]):
            raise ValueError("an outage before the last has no end")
        return cls(
            outages,
            moment_or_none(fields, "observed_since"),
            moment(fields, "earlier_downtime"),
        )

    def _with_last(self, outage: Outage) -> OutageHistory:
        return self._replace(outages=(*self.outages[:-1], outage))


_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def format_duration(seconds: float) -> str:
    """A duration in its two largest units, such as "2 h 5 min"; "0 s" for zero or less."""
    left = round(min(seconds, 1e12)) if seconds > 0 else 0
    for (size, name), (small, small_name) in zip(_UNITS, _UNITS[1:], strict=False):
        if left >= size:
            rest = left % size // small
            text = f"{left // size} {name}"
            return f"{text} {rest} {small_name}" if rest else text
    return f"{left} s"


def format_elapsed_since(then: float | None, now: float) -> str:
    """Time since `then`, such as "5 min 3 s ago"; "never" for None or 0, "just now" if in the
    future.
    """
    if not then:
        return "never"
    return f"{format_duration(now - then)} ago" if now - then >= 1 else "just now"


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None
