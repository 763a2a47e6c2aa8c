"""The durable queue: one live job per scene, kept until it is done or buried.

Only the holder of the worker lock opens it. A row is written in place for as long as its job lives
and stays claimed, so no instant exists at which a kill could lose or double a job.
"""

from __future__ import annotations

import heapq
import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType, TracebackType

from persistqueue import AckStatus

from plexsync.edges.queue_reader import TABLE, pending
from plexsync.edges.queue_rows import Row, decode, keep_bad_rows
from plexsync.edges.queue_rules import LONGEST_WAIT, ended, is_due, order, renewed
from plexsync.edges.queue_store import open_queue
from plexsync.edges.transactions import transaction
from plexsync.model.job import BULK, Job

__all__ = ["LONGEST_WAIT", "POISON_STARTS", "JobQueue", "pending"]

POISON_STARTS = 3
"""Starts alone without an end after which a job is poison."""

_CLEAR_EVERY = 500
_CLAIMED = int(AckStatus.unack)
_DONE = int(AckStatus.acked)


class JobQueue:
    """Live jobs in memory and on disk; every change is on disk before it is in memory.

    `damaged` tells that wishes may have been lost before this opening: a reconciliation is due.
    Raises OSError or sqlite3.OperationalError when the disk refuses (full, read-only).
    """

    def __init__(
        self, folder: str, warn: Callable[[str], None], poison_starts: int = POISON_STARTS
    ) -> None:
        self._folder = folder
        self._warn = warn
        self._poison_starts = poison_starts
        self._jobs: dict[int, Job] = {}
        self._rows: dict[int, int] = {}
        self._started: set[int] = set()
        self._renewed: set[int] = set()
        self._acked = 0
        opened = open_queue(folder, warn)
        self._queue, self._epoch, self.damaged = opened.queue, opened.epoch, opened.lost
        try:
            self._load(opened.rows)
            self._clear()
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
        """Close the files; everything stays as it is."""
        self._queue.close()

    @property
    def jobs(self) -> Mapping[int, Job]:
        """Live jobs by scene id, as on disk."""
        return MappingProxyType(self._jobs)

    def put_all(self, jobs: Iterable[Job]) -> None:
        """Take in wishes, one live job per scene, in one transaction.

        An edit of a waiting scene moves its job to the edit's `not_before` and clears its attempts;
        a bulk wish leaves a waiting job as it is. A job that is running will run once more.
        """
        wanted: dict[int, Job] = {}
        for job in jobs:
            new, old = ended(job), wanted.get(job.scene) or self._jobs.get(job.scene)
            if old is None:
                wanted[job.scene] = new
            elif job.priority != BULK or job.scene in self._started:
                wanted[job.scene] = renewed(old, new)
        self._store(wanted.values())
        self._renewed |= self._started & wanted.keys()

    def rewrite(self, job: Job) -> None:
        """End a run that is to be repeated: keep the job as given, no longer running.

        If the scene was edited meanwhile, that newer wish stays instead.
        """
        kept = ended(self._jobs[job.scene] if job.scene in self._renewed else job)
        if job.scene in self._rows:
            strict = json.loads(kept.to_json())  # the library would let NaN pass
            self._queue.update(strict, id=self._rows[job.scene])
            self._jobs[job.scene] = kept
            self._wrote(1)
        else:
            self._store([kept])
        self._forget_run(job.scene)

    def release(self, scenes: Iterable[int]) -> None:
        """End runs that came to nothing through nobody's fault: the jobs wait as before."""
        jobs = [self._jobs[scene] for scene in scenes if scene in self._jobs]
        self._store([ended(job) for job in jobs])
        for job in jobs:
            self._forget_run(job.scene)

    def start(self, scenes: Sequence[int]) -> None:
        """Mark jobs as running, in one transaction, before they run. A start alone is counted."""
        alone = int(len(scenes) == 1)
        jobs = [self._jobs[scene] for scene in scenes if scene in self._jobs]
        self._store([replace(job, running=True, starts=job.starts + alone) for job in jobs])
        self._started.update(job.scene for job in jobs)
        self._renewed.difference_update(scenes)

    def finish(self, scenes: Iterable[int]) -> None:
        """Acknowledge finished jobs in one transaction; unknown scenes are passed over.

        A scene that was edited during its run stays, to run again.
        """
        live = {scene for scene in scenes if scene in self._rows}
        again, done = live & self._renewed, live - self._renewed
        with transaction(self._queue.connection) as connection:
            for scene in again:
                self._write(connection, ended(self._jobs[scene]))
            connection.executemany(
                f"UPDATE {TABLE} SET status = {_DONE} WHERE _id = ?",
                [(self._rows[scene],) for scene in done],
            )
        for scene in again:
            self._jobs[scene] = ended(self._jobs[scene])
            self._forget_run(scene)
        self._drop(done)

    def bury(self, scene: int) -> None:
        """Give a job up; its dead letter must have been written before.

        A scene that was edited during its run stays, to run again.
        """
        if scene in self._renewed:
            self.release([scene])
        elif scene in self._rows:
            self._queue.ack_failed(id=self._rows[scene])
            self._drop({scene})

    def due(self, now: float, limit: int) -> list[Job]:
        """What to run next, at most `limit` jobs: edits before bulk, then by time.

        A job that was running when the last worker died comes first, as a list of one.
        """
        waiting = [job for job in self._waiting() if is_due(job, now)]
        suspects = [job for job in waiting if job.running]
        if suspects:
            return [min(suspects, key=lambda job: (job.starts, *order(job)))]
        return heapq.nsmallest(limit, waiting, key=order)

    def next_due(self) -> float | None:
        """When the earliest waiting job is due; None without any. Wait at most LONGEST_WAIT."""
        return min((job.not_before for job in self._waiting()), default=None)

    def poisoned(self) -> list[Job]:
        """Jobs that took the worker down too often; they are never due and want burying."""
        return [job for job in self._jobs.values() if self._is_poison(job)]

    def count(self, priority: int) -> int:
        """How many live jobs have this priority."""
        return sum(job.priority == priority for job in self._jobs.values())

    def _waiting(self) -> Iterable[Job]:
        return (
            job
            for job in self._jobs.values()
            if job.scene not in self._started and not self._is_poison(job)
        )

    def _is_poison(self, job: Job) -> bool:
        return job.running and job.scene not in self._started and job.starts >= self._poison_starts

    def _store(self, jobs: Iterable[Job]) -> None:
        jobs = list(jobs)
        if not jobs:
            return
        with transaction(self._queue.connection) as connection:
            rows = {job.scene: self._write(connection, job) for job in jobs}
        self._rows.update(rows)
        self._jobs.update((job.scene, job) for job in jobs)
        self._wrote(len(jobs))

    def _write(self, connection: sqlite3.Connection, job: Job) -> int:
        data, row = job.to_json().encode(), self._rows.get(job.scene)
        if row is not None:
            connection.execute(f"UPDATE {TABLE} SET data = ? WHERE _id = ?", (data, row))
            return row
        made = connection.execute(
            f"INSERT INTO {TABLE} (data, timestamp, status) VALUES (?, ?, {_CLAIMED})",
            (data, job.born),
        )
        return int(made.lastrowid or 0)

    def _wrote(self, rows: int) -> None:
        self._epoch.wrote(self._queue.connection, rows)

    def _forget_run(self, scene: int) -> None:
        self._started.discard(scene)
        self._renewed.discard(scene)

    def _drop(self, scenes: set[int]) -> None:
        for scene in scenes:
            del self._jobs[scene], self._rows[scene]
            self._forget_run(scene)
        self._wrote(len(scenes))
        self._acked += len(scenes)
        if self._acked >= _CLEAR_EVERY:
            self._clear()

    def _clear(self) -> None:
        self._queue.clear_acked_data(max_delete=10**9, keep_latest=0, clear_ack_failed=True)
        self._acked = 0

    def _load(self, rows: Iterable[Row]) -> None:
        """Claim what is left of earlier sessions; what is no job goes to `damaged/`."""
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
        if job.scene in self._rows:  # a second row for the scene: the first takes it in
            self._store([renewed(self._jobs[job.scene], job)])
            self._queue.ack(id=number)
            return
        if status != _CLAIMED:
            self._queue.get(block=False, id=number, raw=True)
        self._jobs[job.scene], self._rows[job.scene] = job, number
