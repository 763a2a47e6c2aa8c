"""Statistics of the owner of the data folder: stats.json, and summary lines in the log."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from plexsync import system
from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.storage import files
from plexsync.edges.stores import Stores
from plexsync.flows.results import Outcome
from plexsync.model.errors import SceneGone
from plexsync.model.formatting import brief, counted, listed
from plexsync.model.stats import DONE, REQUEUED, RETRIED, TRAFFIC, Stats
from plexsync.policy.matching import HIGH, LOW

STATS = "stats.json"

TELL_EVERY = 10
"""Attempts between summary lines, and between writes of the file."""

KEEP_EVERY = 5.0
"""Seconds after which a summary is logged and the file written with fewer attempts."""

AT_MOST = 1.0
"""Minimum seconds between writes of the file during a drain."""

Observe = Callable[[Sequence[Outcome], float], None]


class Statistics:
    """The counters: read when the owner opens the data folder, written as a whole now and then.

    A batch is counted after the queue has recorded it, so nothing is ever counted twice; a kill
    loses at most what was counted since the last write: a few seconds or one batch. `traffic`
    returns the running totals of this process by the names in TRAFFIC.
    """

    def __init__(
        self,
        folder: str,
        stores: Stores,
        clock: Clock,
        log: Log,
        traffic: Callable[[], Mapping[str, int]],
    ) -> None:
        self._path = os.path.join(folder, STATS)
        self._stores = stores
        self._clock = clock
        self._log = log
        self._traffic = traffic
        now = clock.now()
        self.stats = files.read_json(self._path, Stats.parse, Stats(now), log.warning)
        self._seen = dict(traffic())
        self._stretch = Stats(now)
        """Counts since the last summary line."""
        self._drain = Stats(now)
        """Counts since no job was due."""
        self._unkept = 0
        self._kept_at = clock.monotonic() - KEEP_EVERY

    def observe(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        """Count a batch that took `seconds`; no outcomes mean that no job is due any more."""
        if outcomes:
            self._count(outcomes, seconds)
            if self._stretch.tried >= TELL_EVERY:
                self._log.info(summary(self._stretch))
                self._stretch = Stats(self._clock.now())
        else:
            self._end_drain()
        self._keep_some(ended=not outcomes)

    def beside(self, observe: Observe) -> Observe:
        """An observer that counts and calls `observe`, which reports the end of a drain itself."""

        def both(outcomes: Sequence[Outcome], seconds: float) -> None:
            if outcomes:
                self.observe(outcomes, seconds)
                observe(outcomes, seconds)

        return both

    def close(self) -> None:
        """Write unsaved counts."""
        self._take_traffic()
        if self._unkept:
            self._keep()

    def _count(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        now = self._clock.now()
        tried = [outcome for outcome in outcomes if outcome.counted_as]
        done = sum(outcome.counted_as == DONE for outcome in tried)
        for stats in (self.stats, self._stretch, self._drain):
            for outcome in tried:
                _note(stats, outcome, now)
            if done:
                stats.took(seconds / len(tried), done)
        self._unkept += len(tried)

    def _end_drain(self) -> None:
        """Log the end of a drain, unless no job ended: an absent Plex is tried every minute."""
        if self._drain.done or self._drain.given_up:
            left = len(self._stores.queue.jobs)
            rest = f" {counted(left, 'job')} still wait." if left > 1 else ""
            rest = " 1 job still waits." if left == 1 else rest
            self._log.info(f"Drain over: {summary(self._drain)}{rest}")
            self._drain, self._stretch = Stats(self._clock.now()), Stats(self._clock.now())

    def _keep_some(self, *, ended: bool) -> None:
        passed = self._clock.monotonic() - self._kept_at
        wanted = ended or self._unkept >= TELL_EVERY or passed >= KEEP_EVERY
        if self._unkept and wanted and (ended or passed >= AT_MOST):
            self._take_traffic()
            self._keep()

    def _take_traffic(self) -> None:
        found = self._traffic()
        for name in TRAFFIC:
            more = found[name] - self._seen[name]
            self.stats.traffic[name] += more
            self._unkept += more > 0
        self._seen = dict(found)

    def _keep(self) -> None:
        """Write the file; a failure must not stop the work, and a full disk shows elsewhere."""
        try:
            files.replace_json(self._path, self.stats.to_json())
        except OSError as problem:
            said = system.text_of(problem)
            self._log.warn_once(STATS, f"{STATS} cannot be written ({said}).")
            return
        self._unkept = 0
        self._kept_at = self._clock.monotonic()


def _note(stats: Stats, outcome: Outcome, now: float) -> None:
    gone = outcome.error is None or isinstance(outcome.error, SceneGone)
    stats.note(
        outcome.counted_as,
        now,
        error="" if outcome.error is None or gone else outcome.error.kind,
        match=outcome.confidence,
        written=bool(outcome.changed),
    )


def summary(stats: Stats) -> str:
    """Counts, mean time, matches and errors as one line."""
    written = f" ({stats.written} written to Plex)" if stats.done else ""
    parts = [f"{counted(stats.done, 'job')} done{written}"]
    later, back = stats.counts[RETRIED], stats.counts[REQUEUED]
    parts += [f"{later} failed, to be retried"] if later else []
    parts += [f"{stats.given_up} given up"] if stats.given_up else []
    parts += [f"{back} put back while a server was away"] if back else []
    text = ", ".join(parts)
    mean = stats.mean()
    if mean is not None:
        text += f"; {brief(mean)} per job"
    if stats.matches:
        sure, unsure = stats.matches.get(HIGH, 0), stats.matches.get(LOW, 0)
        text += f"; matches: {sure} sure, {unsure} unsure"
    if stats.errors:
        text += f"; errors: {listed(stats.errors)}"
    return text + "."
