"""Counters of finished jobs, errors and durations, bounded in size however long they run.

Read-only operations import this, so it is not a dataclass: importing `dataclasses` takes longer
than all the rest of such a process.
"""

from __future__ import annotations

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.stored import DOCUMENTS, count, moment, versioned

FILE = "stats.json"

DONE, RETRIED, REQUEUED, FAILED = "done", "retried", "requeued", "failed"
"""Results of an attempt: nothing is left to do; the job will be retried; it was put back untouched
because a server was away; it was given up and is a dead letter now."""

TRAFFIC = ("requests", "received", "lookups", "hits")
"""Requests to Plex, bytes received, look-ups in the library index, and those with a result."""

FIRST_GUESS = 2.0
"""Assumed seconds per job until ENOUGH jobs were measured."""

ENOUGH = 5
"""Jobs that must be measured before their mean is used."""

BOUNDS = tuple(0.001 * 10 ** (step / 20) for step in range(121))
"""Upper bounds of the histogram of durations, 1 ms to 1000 s, in steps of 12 %."""

SLICE = 600.0
"""Width in seconds of the slices from which the rates of the last hour and day are computed."""

_DAY = 144
_OUTCOMES = (DONE, RETRIED, REQUEUED)
_MOST_NAMES = 100
_VERSION = DOCUMENTS[FILE]
_NAMED_AT_FIRST = {"put_back": REQUEUED}
"""Counts that version 1 stored under another name."""


class Pace(NamedTuple):
    """What was measured of a backfill: how many scenes had their turn in how many seconds, both
    fading. `at` is the time of the last measurement. policy/estimate.py makes and uses it.
    """

    known: float = 0.0
    known_seconds: float = 0.0
    new: float = 0.0
    new_seconds: float = 0.0
    at: float = 0.0

    @property
    def scenes(self) -> float:
        """Scenes of both kinds."""
        return self.known + self.new

    @property
    def seconds(self) -> float:
        """Seconds for both kinds."""
        return self.known_seconds + self.new_seconds


class Stats:
    """Counts since `since`; `last` is when something was last counted, 0.0 for never.

    `written` of the jobs `done` changed something in Plex. `failed` counts jobs given up and
    `errors` all failed attempts, by error class; `matches` counts by confidence. `slices` holds a
    (slice number since the epoch, jobs done, jobs given up, jobs written) for each SLICE of the last
    day that has any. `paces` has what policy/estimate.py measured of backfills, by their reason.
    """

    __slots__ = (
        "counts", "errors", "failed", "histogram", "last", "matches", "paces", "seconds", "since",
        "slices", "timed", "traffic", "written",
    )  # fmt: skip

    def __init__(self, since: float) -> None:
        self.since = since
        self.last = 0.0
        self.counts = dict.fromkeys(_OUTCOMES, 0)
        self.written = 0
        self.failed: dict[str, int] = {}
        self.errors: dict[str, int] = {}
        self.matches: dict[str, int] = {}
        self.traffic = dict.fromkeys(TRAFFIC, 0)
        self.seconds = 0.0
        self.timed = 0
        self.histogram = [0] * (len(BOUNDS) + 1)
        self.slices: list[tuple[int, int, int, int]] = []
        self.paces: dict[str, Pace] = {}

    @property
    def done(self) -> int:
        """Jobs with nothing left to do."""
        return self.counts[DONE]

    @property
    def given_up(self) -> int:
        """Jobs that became dead letters."""
        return sum(self.failed.values())

    @property
    def tried(self) -> int:
        """Attempts, without those that were requeued untouched."""
        return self.done + self.given_up + self.counts[RETRIED]

    def note(
        self, outcome: str, now: float, *, error: str = "", match: str = "", written: bool = False
    ) -> None:
        """Count one attempt with the class of its error and the confidence of its match, if any."""
        self.last = now
        self.written += written
        if outcome == FAILED:
            _add(self.failed, error)
        else:
            self.counts[outcome] += 1
        if error and outcome != REQUEUED:
            _add(self.errors, error)
        if match:
            _add(self.matches, match)
        if outcome in (DONE, FAILED):
            self._slice(int(now // SLICE), outcome == DONE, written)

    def took(self, seconds: float, jobs: int) -> None:
        """Count `jobs` jobs that took `seconds` each."""
        self.seconds += seconds * jobs
        self.timed += jobs
        self.histogram[sum(bound < seconds for bound in BOUNDS)] += jobs

    def mean(self) -> float | None:
        """Mean seconds per job; None before any was measured."""
        return self.seconds / self.timed if self.timed else None

    def pace(self) -> float:
        """Seconds per job for estimates: the mean, or FIRST_GUESS until ENOUGH jobs were measured."""
        return self.seconds / self.timed if self.timed >= ENOUGH else FIRST_GUESS

    def percentile(self, part: float) -> float | None:
        """Seconds within which the fraction `part` (0 to 1) of the jobs was done; up to 12 % high."""
        rank, seen = part * self.timed, 0
        for bound, jobs in zip((*BOUNDS, BOUNDS[-1]), self.histogram, strict=True):
            seen += jobs
            if jobs and seen >= rank:
                return bound
        return None

    def recent(self, seconds: float, now: float) -> int:
        """Jobs written in the last `seconds` (at most a day), to the nearest SLICE."""
        newest = int(now // SLICE)
        return sum(each[3] for each in self.slices if newest - seconds / SLICE < each[0] <= newest)

    def _slice(self, at: int, done: bool, written: bool) -> None:
        kept = [each for each in self.slices if at - _DAY < each[0] <= at]
        last = kept.pop() if kept and kept[-1][0] == at else (at, 0, 0, 0)
        self.slices = [*kept, (at, last[1] + done, last[2] + (not done), last[3] + written)]

    def to_json(self) -> object:
        """The counters as JSON values."""
        return {
            "version": _VERSION,
            "since": self.since,
            "last": self.last,
            **self.counts,
            "written": self.written,
            "failed": self.failed,
            "errors": self.errors,
            "matches": self.matches,
            **self.traffic,
            "seconds": self.seconds,
            "timed": self.timed,
            "histogram": self.histogram,
            "slices": [each[:3] for each in self.slices],
            "writes": [each[3] for each in self.slices],
            "paces": self.paces,
        }

    @classmethod
    def parse(cls, raw: object) -> Stats:
        """Parse stored counters; raises ValueError if anything is wrong with them."""
        stored = versioned(raw, _VERSION)
        fields = {_NAMED_AT_FIRST.get(name, name): value for name, value in stored.items()}
        stats = cls(moment(fields, "since"))
        stats.last = moment(fields, "last")
        stats.counts = {name: count(fields, name) for name in _OUTCOMES}
        stats.written = count(fields, "written")
        stats.failed = _names(fields, "failed")
        stats.errors = _names(fields, "errors")
        stats.matches = _names(fields, "matches")
        stats.traffic = {name: count(fields, name) for name in TRAFFIC}
        stats.seconds = moment(fields, "seconds")
        stats.timed = count(fields, "timed")
        stats.histogram = _counts(fields.get("histogram"), len(BOUNDS) + 1)
        if sum(stats.histogram) != stats.timed:
            raise ValueError("its histogram does not add up to its number of jobs")
        stats.slices = _slices(fields.get("slices"), fields.get("writes"))
        stats.paces = _paces(fields.get("paces", {}))
        return stats


def _add(counts: dict[str, int], name: str) -> None:
    if name in counts or len(counts) < _MOST_NAMES:
        counts[name] = counts.get(name, 0) + 1


def _names(fields: dict[str, object], key: str) -> dict[str, int]:
    found = fields.get(key)
    if not isinstance(found, dict) or len(found) > _MOST_NAMES:
        raise ValueError(f"{key} is not an object of counts")
    return {str(name): count(found, name) for name in found}


def _counts(raw: object, length: int) -> list[int]:
    if not isinstance(raw, list) or len(raw) != length:
        raise ValueError(f"it has no list of {length} counts")
    named: dict[str, object] = {str(place): value for place, value in enumerate(raw)}
    return [count(named, place) for place in named]


def _paces(raw: object) -> dict[str, Pace]:
    if not isinstance(raw, dict) or len(raw) > _MOST_NAMES:
        raise ValueError("paces is not an object")
    found = {}
    for reason, values in raw.items():
        if not isinstance(values, list) or len(values) != len(Pace()):
            raise ValueError("a pace is not a list of five numbers")
        found[str(reason)] = Pace(*(moment({"pace": value}, "pace") for value in values))
    return found


def _slices(raw: object, writes: object) -> list[tuple[int, int, int, int]]:
    """The slices; earlier versions did not count what was written of what was done."""
    if not isinstance(raw, list) or len(raw) > _DAY:
        raise ValueError(f"slices is not a list of at most {_DAY}")
    rows = [_counts(row, 3) for row in raw]
    written = [done for _, done, _ in rows] if writes is None else _counts(writes, len(rows))
    return [(*row, n) for row, n in zip(rows, written, strict=True)]  # type: ignore[misc]
