"""The durable queue: one live job per scene, kept until it is done or a dead letter.

Only the holder of the worker lock opens it. The row of a live job is updated in place and stays
claimed, so a kill at any moment can neither lose nor duplicate a job.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType, TracebackType

from plexsync.edges.queue.job_counts import JobCounts
from plexsync.edges.queue.job_index import (
    AGAIN,
    EDITS,
    FRESH,
    JobIndex,
    columns,
    ended,
    is_due,
    merged,
    rank,
    renewed,
    share,
)
from plexsync.edges.queue.library import AckStatus
from plexsync.edges.queue.queue_queries import LONGEST_WAIT, TABLE
from plexsync.edges.queue.queue_store import Row, decode, keep_bad_rows, open_queue
from plexsync.edges.transactions import transaction
from plexsync.model.job import EDIT, Job

__all__ = ["LONGEST_WAIT", "POISON_STARTS", "JobQueue"]

POISON_STARTS = 3
"""How often a job may be started alone without ending before it counts as poison."""

_CLAIMED = int(AckStatus.unack)
_PUT = (
    f"INSERT INTO {TABLE} (_id, data, timestamp, status) VALUES (?, ?, ?, {_CLAIMED})"
    " ON CONFLICT (_id) DO UPDATE SET data = excluded.data"
)
_LAST = (
    f"SELECT max(coalesce(max(_id), 0), coalesce((SELECT seq FROM sqlite_sequence"
    f" WHERE name = '{TABLE}'), 0)) FROM {TABLE}"
)
"""The highest number that a row ever had."""


class JobQueue:
    """Live jobs in memory and on disk; every change is on disk before it is in memory.

    `damaged` means that jobs may have been lost before it was opened: a reconciliation is due.
    Raises OSError or sqlite3.OperationalError if the disk refuses (full, read-only).
    """

    def __init__(
        self, folder: str, warn: Callable[[str], None], poison_starts: int = POISON_STARTS
    ) -> None:
        self._folder = folder
        self._warn = warn
        self._poison_starts = poison_starts
        self._jobs: dict[int, Job] = {}
        self._rows: dict[int, int] = {}
        self.counts = JobCounts()
        self._suspects: set[int] = set()
        self._started: dict[int, Job] = {}
        """Running jobs, as stored when they were started."""
        self._due_early: set[int] = set()
        opened = open_queue(folder, warn)
        self._queue, self._epoch, self.damaged = opened.queue, opened.epoch, opened.lost
        self._index = JobIndex(opened.queue.connection)
        try:
            self._load(opened.rows)
            self._queue.clear_acked_data(max_delete=10**9, keep_latest=0, clear_ack_failed=True)
            self._index.check(columns(job, self._rows[scene]) for scene, job in self._jobs.items())
        except BaseException:
            self._queue.close()
            raise

    def __enter__(self) -> JobQueue:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files; all jobs stay."""
        self._queue.close()

    @property
    def jobs(self) -> Mapping[int, Job]:
        """Live jobs by scene id, as on disk."""
        return MappingProxyType(self._jobs)

    @property
    def running(self) -> bool:
        """Whether jobs were started whose runs have not ended yet."""
        return bool(self._started)

    def put_all(self, jobs: Iterable[Job]) -> None:
        """Add jobs, merged to one live job per scene, in one transaction.

        An edit of a waiting scene moves its job to the edit's `not_before` and clears its attempts;
        a backfill leaves a waiting job unchanged. A job that is running has another run afterwards,
        since this one may have read the scene before.
        """
        wanted = merged(jobs, self._jobs, self._started)
        self._store(wanted.values())
        self._due_early -= wanted.keys()

    def rewrite(self, *jobs: Job) -> None:
        """End runs that are to be retried, in one transaction; the jobs wait as given."""
        self._due_early -= self._started.keys() & {job.scene for job in jobs}
        self._end([self._jobs[job.scene] if self._is_renewed(job.scene) else job for job in jobs])

    def make_due(self, scenes: Iterable[int]) -> None:
        """Make waiting jobs due now, once; their stored time does not change. Lost at a restart."""
        self._due_early |= (self._jobs.keys() - self._started.keys()).intersection(scenes)

    def release(self, scenes: Iterable[int]) -> None:
        """End runs that failed through no fault of the jobs: they wait as before."""
        self._end([self._jobs[scene] for scene in scenes if scene in self._jobs])

    def start(self, scenes: Sequence[int]) -> None:
        """Mark jobs as running, in one transaction, before they run; one started alone is counted."""
        alone = int(len(scenes) == 1)
        jobs = [self._jobs[scene] for scene in scenes if scene in self._jobs]
        self._store([job._replace(running=True, starts=job.starts + alone) for job in jobs])
        self._started |= {job.scene: self._jobs[job.scene] for job in jobs}
        self._suspects.difference_update(scenes)

    def finish(self, scenes: Iterable[int]) -> None:
        """Delete finished jobs in one transaction, but none added again during its run."""
        known = {scene for scene in scenes if scene in self._rows}
        self.release(again := set(filter(self._is_renewed, known)))
        done = known - again
        with transaction(self._queue.connection) as connection:
            connection.executemany(
                f"DELETE FROM {TABLE} WHERE _id = ?", [(self._rows[scene],) for scene in done]
            )
            self._index.remove(done)
        for scene in done:
            self._drop(scene)
        self._epoch.wrote(self._queue.connection, len(done))

    def bury(self, scene: int) -> None:
        """Delete a job that was given up; its dead letter must have been written before."""
        self.finish([scene])

    def due(self, now: float, limit: int) -> list[Job]:
        """The jobs to run next, at most `limit`: edits, then backfill, each by time.

        In a backfill, jobs made due come first; of the other places a share goes to retries, the
        rest to scenes not tried yet. A job that was running when the last worker died goes first,
        as a list of one.
        """
        suspects = [job for job in self._alive_suspects() if is_due(job, now)]
        if suspects:
            return [min(suspects, key=lambda job: (job.starts, rank(job), job.not_before))]
        found = self._index.due(EDITS, now, limit)
        room = limit - len(found)
        if room:
            fresh, again = (self._index.due(each, now, room) for each in (FRESH, AGAIN))
            new, old = share(room, len(fresh), len(again))
            found += [*self._free_early(), *fresh[:new], *again[:old]]
        return [self._jobs[scene] for scene in list(dict.fromkeys(found))[:limit]]

    def next_due(self) -> float | None:
        """When the earliest waiting job is due; None if none waits. Wait at most LONGEST_WAIT."""
        if any(True for _ in self._free_early()):
            return 0.0
        times = [job.not_before for job in self._alive_suspects()]
        waiting = self._index.next_due()
        return min(times if waiting is None else [*times, waiting], default=None)

    def count_due(self, now: float) -> int:
        """How many jobs are due."""
        suspects = sum(is_due(job, now) for job in self._alive_suspects())
        return suspects + self._index.count_due(now)

    def waiting_after(self, error: str, limit: int) -> list[Job]:
        """Waiting jobs whose last attempt failed with this error class, at most `limit`."""
        return [self._jobs[scene] for scene in self._index.waiting_after(error, limit)]

    def first(self, limit: int) -> list[Job]:
        """The jobs that will be tried first, at most `limit`."""
        return [self._jobs[scene] for scene in self._index.first(limit)]

    def poisoned(self) -> list[Job]:
        """Jobs during which the worker died too often; never due, to be turned into dead letters."""
        return [job for job in self._suspected() if job.starts >= self._poison_starts]

    def count(self, priority: int) -> int:
        """How many live jobs have this priority."""
        return self.counts.edits if priority == EDIT else len(self._jobs) - self.counts.edits

    def hold(self, reasons: Collection[str]) -> None:
        """Let jobs of backfills with these reasons wait, and all others run; edits always do."""
        self._index.held = frozenset(reasons)

    @property
    def held(self) -> frozenset[str]:
        """The reasons of the backfills that wait."""
        return self._index.held

    @property
    def fresh(self) -> int:
        """How many backfill jobs may run that have not been tried yet."""
        return self.counts.fresh(self.held)

    def _is_held(self, job: Job) -> bool:
        return job.priority != EDIT and job.reason in self.held

    def _free_early(self) -> Iterator[int]:
        early = self._due_early - self._started.keys()
        return (scene for scene in early if not self._is_held(self._jobs[scene]))

    def _suspected(self) -> list[Job]:
        return [self._jobs[scene] for scene in self._suspects]

    def _alive_suspects(self) -> list[Job]:
        alive = (job for job in self._suspected() if job.starts < self._poison_starts)
        return [job for job in alive if not self._is_held(job)]

    def _is_renewed(self, scene: int) -> bool:
        """Whether the job was added again during its run."""
        return scene in self._started and self._started[scene] is not self._jobs[scene]

    def _end(self, jobs: Sequence[Job]) -> None:
        self._store([ended(job) for job in jobs])
        for job in jobs:
            self._started.pop(job.scene, None)

    def _store(self, jobs: Iterable[Job]) -> None:
        jobs = list(jobs)
        if not jobs:
            return
        with transaction(self._queue.connection) as connection:
            ((last,),) = connection.execute(_LAST)
            new, old = itertools.count(last + 1), self._rows
            rows = [(job, old[job.scene] if job.scene in old else next(new)) for job in jobs]
            data = [(row, job.to_json().encode(), job.born) for job, row in rows]
            connection.executemany(_PUT, data)
            self._index.put(rows)
        for job, row in rows:
            self._keep(job, row)
        self._epoch.wrote(self._queue.connection, len(jobs))

    def _keep(self, job: Job, row: int) -> None:
        """Update memory to what is already on disk."""
        before = self._jobs.get(job.scene)
        self.counts.replace(before, job)
        self._jobs[job.scene], self._rows[job.scene] = job, row
        if not job.running:
            self._suspects.discard(job.scene)

    def _drop(self, scene: int) -> None:
        self.counts.replace(self._jobs.pop(scene), None)
        del self._rows[scene]
        self._suspects.discard(scene)
        self._due_early.discard(scene)
        self._started.pop(scene, None)

    def _load(self, rows: Iterable[Row]) -> None:
        """Claim the rows of earlier sessions; those that are not jobs are moved to `damaged/`."""
        bad: list[tuple[Row, str]] = []
        for row in rows:
            try:
                job = decode(row[1])
            except ValueError as problem:
                bad.append((row, str(problem)))
                continue
            self._claim(row, job)
        if bad:
            kept = keep_bad_rows(self._folder, bad)
            for row, _ in bad:
                self._queue.ack_failed(id=row[0])
            self._warn(f"{len(bad)} unreadable rows of the job queue are kept in {kept}.")
            self.damaged = True

    def _claim(self, row: Row, job: Job) -> None:
        number, _, status = row
        if job.scene in self._rows:  # a second row for the scene: merged into the first
            self._store([renewed(self._jobs[job.scene], job)])
            self._queue.ack(id=number)
            return
        if status != _CLAIMED:
            self._queue.get(block=False, id=number, raw=True)
        self._keep(job, number)
        if job.running:
            self._suspects.add(job.scene)
