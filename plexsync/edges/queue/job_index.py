"""The columns of a job by which the queue is searched, in a table beside persist-queue's own.

The owner updates it in the transactions that write the jobs, and rebuilds it when it opens a queue
whose table is missing or inconsistent. The worker's loop and the page's operations use the same
indexes, so that neither ever reads a whole queue.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Container, Iterable, Mapping, Sequence

from plexsync.edges.queue.queue_queries import LONGEST_WAIT, SET
from plexsync.edges.storage import id_sets
from plexsync.edges.storage.queries import marks
from plexsync.edges.transactions import transaction
from plexsync.model.job import BACKFILL, EDIT, Job

SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS job_index (
    scene INTEGER PRIMARY KEY,
    row INTEGER NOT NULL,
    waits INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    not_before REAL NOT NULL,
    born REAL NOT NULL,
    error TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS job_index_due
    ON job_index (waits, rank, not_before, born, row, error, reason);
CREATE INDEX IF NOT EXISTS job_index_born ON job_index (born, scene, error);
CREATE INDEX IF NOT EXISTS job_index_error ON job_index (error, scene);
"""
    + id_sets.SCHEMA
)

_COLUMNS = "scene, row, waits, rank, not_before, born, error, reason"
_PUT = f"INSERT OR REPLACE INTO job_index ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_COUNTS = f"SELECT 0, '{SET}', COUNT(*) FROM job_index"
_OF_RANK = "FROM job_index WHERE waits = 1 AND rank = ? AND not_before"

Columns = tuple[int, int, int, int, float, float, str, str]


def columns(job: Job, row: int) -> Columns:
    """The table's row for a job that is stored in `row` of persist-queue's table."""
    waits = int(not job.running)
    texts = _storable(job.last_error), _storable(job.reason)
    return job.scene, row, waits, rank(job), float(job.not_before), float(job.born), *texts


def _storable(text: str) -> str:
    return str(text).encode("utf-8", "replace").decode()


def prepare(connection: sqlite3.Connection) -> None:
    """Create the tables, or recreate damaged ones: everything in them can be derived from the
    jobs.
    """
    try:
        connection.executescript(SCHEMA)
        connection.execute(f"SELECT {_COLUMNS} FROM job_index LIMIT 0")
        connection.execute(f"SELECT {id_sets.COLUMNS} FROM {id_sets.TABLE} LIMIT 0")
        found = connection.execute("PRAGMA integrity_check(job_index)").fetchall()
    except sqlite3.OperationalError as problem:
        if not str(problem).startswith("no such column"):
            raise
        found = []
    if found != [("ok",)]:
        connection.executescript(
            f"DROP TABLE job_index; DROP TABLE IF EXISTS {id_sets.TABLE}; {SCHEMA}"
        )


class JobIndex:
    """The table, on the queue's connection; only `check` begins a transaction.

    `held` are the reasons of backfills whose jobs wait: these are never due. Edits always may be.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.held: frozenset[str] = frozenset()

    def check(self, jobs: Iterable[Columns]) -> None:
        """Rebuild the table if it does not match the jobs."""
        wanted = sorted(jobs)
        stored = {(*rest, error.encode(), why.encode()) for *rest, error, why in wanted}
        if self._content() == stored and id_sets.agree(self._connection, _COUNTS):
            return
        with transaction(self._connection) as connection:
            connection.execute("DELETE FROM job_index")
            connection.executemany(_PUT, wanted)
            id_sets.make(connection, [(0, SET, scene) for scene, *_ in wanted])

    def _content(self) -> set[tuple[object, ...]]:
        """The rows, with texts as bytes, since damaged ones cannot be decoded."""
        self._connection.text_factory = bytes
        try:
            return set(self._connection.execute(f"SELECT {_COLUMNS} FROM job_index"))
        finally:
            self._connection.text_factory = str

    def put(self, rows: Iterable[tuple[Job, int]]) -> None:
        """Insert or update jobs."""
        found = [columns(job, row) for job, row in rows]
        self._connection.executemany(_PUT, found)
        id_sets.place(self._connection, {scene: SET for scene, *_ in found})

    def remove(self, scenes: Iterable[int]) -> None:
        """Delete jobs."""
        gone = list(scenes)
        self._connection.executemany(
            "DELETE FROM job_index WHERE scene = ?", [(scene,) for scene in gone]
        )
        id_sets.place(self._connection, dict.fromkeys(gone, ""))

    def due(self, wanted: int, now: float, limit: int) -> list[int]:
        """Scenes of a rank that are due, in the order in which they run.

        A due time further away than LONGEST_WAIT means that the clock was set back: such a job is
        due.
        """
        found = self._scenes(wanted, f"{_OF_RANK} <= ?", now, limit)
        if len(found) < limit:
            found += self._scenes(wanted, f"{_OF_RANK} > ?", now + LONGEST_WAIT, limit - len(found))
        return found

    def _scenes(self, wanted: int, sql: str, time: float, limit: int) -> list[int]:
        free, held = self._free(wanted)
        rows = self._connection.execute(
            f"SELECT scene {sql}{free} ORDER BY not_before, born, row LIMIT ?",
            (wanted, time, *held, limit),
        )
        return [int(row[0]) for row in rows]

    def _free(self, wanted: int) -> tuple[str, Sequence[str]]:
        """SQL that keeps held jobs of this rank out, and its values."""
        if wanted == EDITS or not self.held:
            return "", ()
        return f" AND reason NOT IN ({marks(sorted(self.held))})", sorted(self.held)

    def count_due(self, now: float) -> int:
        """How many waiting jobs are due."""
        return sum(self._count(each, now) for each in RANKS)

    def _count(self, wanted: int, now: float) -> int:
        free, held = self._free(wanted)
        sql = f"SELECT COUNT(*) FROM job_index WHERE waits = 1 AND rank = ?{free} AND"
        late = f"{sql} not_before <= ?", (wanted, *held, now)
        far = f"{sql} not_before > ?", (wanted, *held, now + LONGEST_WAIT)
        counts = (self._connection.execute(*query).fetchone()[0] for query in (late, far))
        return sum(map(int, counts))

    def next_due(self) -> float | None:
        """The earliest due time of any waiting job."""
        times = [self._earliest(each) for each in RANKS]
        return min((at for at in times if at is not None), default=None)

    def _earliest(self, wanted: int) -> float | None:
        free, held = self._free(wanted)
        sql = (
            f"SELECT not_before FROM job_index WHERE waits = 1 AND rank = ?{free}"
            " ORDER BY not_before LIMIT 1"
        )
        row = self._connection.execute(sql, (wanted, *held)).fetchone()
        return None if row is None else float(row[0])

    def waiting_after(self, error: str, limit: int) -> list[int]:
        """Scenes whose jobs wait after a failure of this error class."""
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


def renewed(old: Job, new: Job) -> Job:
    """A waiting job merged with a new one of its scene: attempts restart, crashes still count."""
    return new._replace(
        born=old.born,
        priority=min(old.priority, new.priority),
        starts=max(old.starts, new.starts),
        running=old.running or new.running,
    )


def merged(jobs: Iterable[Job], live: Mapping[int, Job], running: Container[int]) -> dict[int, Job]:
    """The jobs to store, one per scene, when `jobs` are added to the live ones."""
    wanted: dict[int, Job] = {}
    for job in jobs:
        new, old = ended(job), wanted.get(job.scene) or live.get(job.scene)
        if old is None:
            wanted[job.scene] = new
        elif job.priority != BACKFILL:
            wanted[job.scene] = renewed(old, new)
        elif job.scene in running:
            wanted[job.scene] = old._replace()
    return wanted


def ended(job: Job) -> Job:
    """The job after a run that ended, whatever the result: earlier crashes no longer count."""
    return job._replace(running=False, starts=0) if job.running or job.starts else job


def is_due(job: Job, now: float) -> bool:
    """Whether the job is due, or its time is further away than LONGEST_WAIT."""
    return not 0 < job.not_before - now <= LONGEST_WAIT


EDITS, FRESH, AGAIN = RANKS = (0, 1, 2)
"""Edits run first; in a backfill, scenes not tried yet run before retries."""

RETRY_SHARE = 5
"""One in this many places of a backfill batch goes to retries, so that they are never starved."""


def rank(job: Job) -> int:
    """The rank of a job, one of RANKS."""
    if job.priority == EDIT:
        return EDITS
    return AGAIN if job.attempts else FRESH


def share(room: int, fresh: int, again: int) -> tuple[int, int]:
    """How many untried jobs and how many retries of a backfill fill the places left by edits."""
    retries = min(again, max(room - fresh, room // RETRY_SHARE))
    return min(fresh, room - retries), retries
