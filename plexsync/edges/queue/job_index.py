"""The columns of a job by which the queue is searched, in a table beside persist-queue's own.

The owner writes it in the transactions that write the jobs, and builds it again when it opens a
queue whose table is missing or disagrees. The owner's loop and the page's operations ask the same
indexes, so that neither ever reads a whole queue.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace

from plexsync.edges.transactions import transaction
from plexsync.model.job import EDIT, Job

SCHEMA = """
CREATE TABLE IF NOT EXISTS job_index (
    scene INTEGER PRIMARY KEY,
    row INTEGER NOT NULL,
    waits INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    not_before REAL NOT NULL,
    born REAL NOT NULL,
    error TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS job_index_due
    ON job_index (waits, rank, not_before, born, row, error);
CREATE INDEX IF NOT EXISTS job_index_born ON job_index (born, scene, error);
CREATE INDEX IF NOT EXISTS job_index_error ON job_index (error, scene);
"""

_COLUMNS = "scene, row, waits, rank, not_before, born, error"
_PUT = f"INSERT OR REPLACE INTO job_index ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
_OF_RANK = "FROM job_index WHERE waits = 1 AND rank = ? AND not_before"

Columns = tuple[int, int, int, int, float, float, str]


def columns(job: Job, row: int) -> Columns:
    """What the table says of a job that lies in this row of persist-queue's table."""
    error = str(job.last_error).encode("utf-8", "replace").decode()
    waits = int(not job.running)
    return job.scene, row, waits, rank(job), float(job.not_before), float(job.born), error


def prepare(connection: sqlite3.Connection) -> None:
    """Make the table, or make it anew where it is damaged: it holds nothing of its own."""
    connection.executescript(SCHEMA)
    found = connection.execute("PRAGMA integrity_check(job_index)").fetchall()
    if found != [("ok",)]:
        connection.executescript(f"DROP TABLE job_index; {SCHEMA}")


class JobIndex:
    """The table, on the queue's connection; nothing here begins a transaction but `check`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def check(self, jobs: Iterable[Columns]) -> None:
        """Make the table say what the jobs say, if it does not."""
        wanted = sorted(jobs)
        if self._content() == {(*rest, error.encode()) for *rest, error in wanted}:
            return
        with transaction(self._connection) as connection:
            connection.execute("DELETE FROM job_index")
            connection.executemany(_PUT, wanted)

    def _content(self) -> set[tuple[object, ...]]:
        """Texts as bytes: damaged ones decode to nothing."""
        self._connection.text_factory = bytes
        try:
            return set(self._connection.execute(f"SELECT {_COLUMNS} FROM job_index"))
        finally:
            self._connection.text_factory = str

    def put(self, job: Job, row: int) -> None:
        """Note a job as it is now."""
        self._connection.execute(_PUT, columns(job, row))

    def remove(self, scenes: Iterable[int]) -> None:
        """Forget jobs."""
        self._connection.executemany(
            "DELETE FROM job_index WHERE scene = ?", [(scene,) for scene in scenes]
        )

    def due(self, wanted: int, now: float, limit: int) -> list[int]:
        """Scenes of a rank whose time has come, in the order of their turns.

        A time that is further off than LONGEST_WAIT comes from a clock that was set back.
        """
        found = self._scenes(f"{_OF_RANK} <= ?", (wanted, now), limit)
        if len(found) < limit:
            far = (wanted, now + LONGEST_WAIT)
            found += self._scenes(f"{_OF_RANK} > ?", far, limit - len(found))
        return found

    def _scenes(self, sql: str, values: Sequence[float], limit: int) -> list[int]:
        rows = self._connection.execute(
            f"SELECT scene {sql} ORDER BY not_before, born, row LIMIT ?", (*values, limit)
        )
        return [int(row[0]) for row in rows]

    def count_due(self, now: float) -> int:
        """How many waiting jobs have had their time come."""
        count = f"SELECT COUNT(*) {_OF_RANK}"
        ranges = [
            query
            for each in RANKS
            for query in ((f"{count} <= ?", each, now), (f"{count} > ?", each, now + LONGEST_WAIT))
        ]
        return sum(
            int(self._connection.execute(sql, values).fetchone()[0]) for sql, *values in ranges
        )

    def next_due(self) -> float | None:
        """The earliest time of any waiting job."""
        sql = "SELECT MIN(not_before) FROM job_index WHERE waits = 1 AND rank = ?"
        times = [self._connection.execute(sql, (each,)).fetchone()[0] for each in RANKS]
        return min((at for at in times if at is not None), default=None)

    def waiting_after(self, error: str, limit: int) -> list[int]:
        """Scenes that wait after such a failure."""
        rows = self._connection.execute(
            "SELECT scene FROM job_index WHERE waits = 1 AND error = ? LIMIT ?", (error, limit)
        )
        return [int(row[0]) for row in rows]

    def first(self, limit: int) -> list[int]:
        """Scenes in the order in which they will be tried, running ones first."""
        rows = self._connection.execute(
            "SELECT scene FROM job_index ORDER BY waits, rank, not_before, born, row LIMIT ?",
            (limit,),
        )
        return [int(row[0]) for row in rows]


LONGEST_WAIT = 660.0
"""Seconds. No delay is longer, so a later due time comes from a clock that was set back."""


def renewed(old: Job, new: Job) -> Job:
    """The job after one more wish for its scene: a fresh try that forgets no crash."""
    return replace(
        new,
        born=old.born,
        priority=min(old.priority, new.priority),
        starts=max(old.starts, new.starts),
        running=old.running or new.running,
    )


def ended(job: Job) -> Job:
    """The job after a run that came to an end, whichever: no crash is held against it."""
    return replace(job, running=False, starts=0) if job.running or job.starts else job


def is_due(job: Job, now: float) -> bool:
    """Whether its time has come; a time beyond LONGEST_WAIT counts as come."""
    return not 0 < job.not_before - now <= LONGEST_WAIT


EDITS, FRESH, AGAIN = RANKS = (0, 1, 2)
"""Edits go first; of a backfill, scenes that were not tried yet go before those tried in vain."""

RETRY_SHARE = 5
"""One place in so many of a batch of backfill goes to retries, so that they wait for no end."""


def rank(job: Job) -> int:
    """To which of RANKS a job belongs."""
    if job.priority == EDIT:
        return EDITS
    return AGAIN if job.attempts else FRESH


def share(room: int, fresh: int, again: int) -> tuple[int, int]:
    """How many fresh jobs of a backfill and how many retries fill the room that edits left."""
    retries = min(again, max(room - fresh, room // RETRY_SHARE))
    return min(fresh, room - retries), retries
