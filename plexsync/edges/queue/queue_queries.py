"""The queries of the queue's database beside its owner, which keeps all jobs in memory. They use
the owner's index, and are light like read_state.
"""

from __future__ import annotations

from plexsync.edges.storage import id_sets
from plexsync.edges.storage.queries import marks
from plexsync.model.json_text import loads
from plexsync.model.reasons import SERVER_DOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from plexsync.edges.storage.queries import Ask

LONGEST_WAIT = 660.0
"""Longest delay in seconds; a later due time means that the clock was set back."""

TABLE = "ack_queue_default"
SET = "jobs"
"""The name of the set of their scenes, see edges/storage/id_sets.py."""

LIVE = "(status IS NULL OR status NOT IN (5, 9))"
"""Neither acknowledged nor failed; an unknown status counts as live."""

_ORDERS = {
    "due": "waits, rank, not_before, born, row",
    "newest": "born DESC, scene DESC",
    "oldest": "born, scene",
    "scene": "scene",
    "scene_desc": "scene DESC",
    "class": "error, scene",
    "class_desc": "error DESC, scene DESC",
}
ORDERS = tuple(_ORDERS)
"""`due` is the order in which they will be tried."""

_STREAMED = ("due", "newest", "oldest")
"""Orders whose index is read until a page of a class is full; sorting the class takes longer."""

_SHOWN: dict[str, object] = {
    "scene": None,
    "reason": None,
    "born": None,
    "not_before": None,
    "attempts": {},
    "last_error": "",
    "last_message": "",
    "last_cause": "",
    "last_status": None,
    "first_failure": None,
    "last_failure": None,
}
"""What is shown of a job, and what it is where it is not stored: for a new job."""
_RESTS = "waits = 1 AND rank IN (0, 1, 2) AND not_before > ? AND not_before <= ?"
_DATA = f"SELECT _id, CAST(data AS BLOB) FROM {TABLE} WHERE _id IN ({{}})"


class QueueQueries:
    """Live jobs as they are stored; `error` is the class of their last error and `scenes` are ids, None
    for any.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def jobs(self) -> list[dict[str, Any]]:
        """The live jobs as stored, oldest row first; rows that are not jobs are skipped."""
        sql = f"SELECT CAST(data AS BLOB) FROM {TABLE} WHERE {LIVE} ORDER BY _id"
        return [job for (data,) in self._ask(sql) if (job := _stored_job(data)) is not None]

    def page(
        self,
        limit: int,
        offset: int = 0,
        error: str | None = None,
        scenes: Sequence[int] | None = None,
        order: str = "due",
    ) -> list[dict[str, object]]:
        """A page of jobs, a few hundred at most, in one of ORDERS; rows that are not jobs are
        skipped.
        """
        where, values = _where(error, scenes, by_order=order in _STREAMED)
        sql = f"SELECT row FROM job_index WHERE {where} ORDER BY {_ORDERS[order]} LIMIT ? OFFSET ?"
        return [_job(job) for job in self._loaded(sql, (*values, limit, offset))]

    def count(self, error: str | None, scenes: Sequence[int] | None) -> int:
        """How many there are."""
        where, values = _where(error, scenes)
        return self._number(f"SELECT COUNT(*) FROM job_index WHERE {where}", values)

    def live_jobs(self) -> int:
        """How many jobs are live, even in a queue without an index. The set of their scenes is counted
        if there is one, since SQLite would count row by row.
        """
        sets = id_sets.stored(self._ask, "job_index") or {}
        if SET in sets:
            return id_sets.size(sets[SET])
        found = self._ask("SELECT COUNT(*) FROM job_index")
        found = found or self._ask(f"SELECT COUNT(*) FROM {TABLE} WHERE {LIVE}")
        return sum(row[0] for row in found)

    def any_besides(self, reasons: Sequence[str]) -> bool:
        """Whether there is any live job other than those of backfills with these reasons."""
        sql = f"SELECT COUNT(*) FROM job_index WHERE rank <> 0 AND reason IN ({marks(reasons)})"
        return self.live_jobs() > (self._number(sql, reasons) if reasons else 0)

    def untried(self) -> dict[str, list[int]]:
        """The scenes of backfill jobs that were not tried yet, by reason."""
        found: dict[str, list[int]] = {}
        for reason, scene in self._ask(
            "SELECT reason, scene FROM job_index WHERE waits IN (0, 1) AND rank = 1", (), "si"
        ):
            found.setdefault(reason, []).append(scene)
        return found

    def running(self) -> int:
        """How many jobs are running."""
        return self._number("SELECT COUNT(*) FROM job_index WHERE waits = 0")

    def classes(self) -> dict[str, int]:
        """The number of jobs by the class of their last error, "" for those without one.

        Most have none, and to count all jobs takes a tenth of counting those without one.
        """
        failed = self.failed()
        untried = self._number("SELECT COUNT(*) FROM job_index") - sum(failed.values())
        return {"": untried, **failed} if untried > 0 else failed

    def failed(self) -> dict[str, int]:
        """The number of those that have a last error, by its class."""
        sql = "SELECT error, COUNT(*) FROM job_index WHERE error > '' GROUP BY error"
        return dict(self._ask(sql, shape="si"))

    def backfill(self) -> int:
        """How many of the jobs are backfill, of which there are never many at once."""
        return self._number(
            "SELECT COUNT(*) FROM job_index WHERE waits IN (0, 1) AND rank IN (1, 2)"
        )

    def retried_edits(self, after: float, until: float) -> int:
        """How many edits wait within that span for another try, through no fault of the server."""
        sql = (
            "SELECT COUNT(*) FROM job_index WHERE waits = 1 AND rank = 0 AND not_before > ?"
            " AND not_before <= ? AND error NOT IN ('', ?)"
        )
        return self._number(sql, (after, until, SERVER_DOWN))

    def held(self, reasons: Sequence[str], after: float, until: float) -> int:
        """How many jobs would run if the backfills with these reasons did: all but those that become
        due within that span.
        """
        sql = (
            "SELECT COUNT(*) FROM job_index WHERE waits = 1 AND rank IN (1, 2)"
            f" AND reason IN ({marks(reasons)}) AND NOT (not_before > ? AND not_before <= ?)"
        )
        return self._number(sql, (*reasons, after, until)) if reasons else 0

    def resting(self, after: float, until: float) -> dict[str, int]:
        """The number of jobs that become due within that span, by the class of their last error."""
        known = ["", *self.failed()]
        sums = ", ".join("COALESCE(SUM(error = ?), 0)" for _ in known)
        sql = f"SELECT {sums or 0} FROM job_index WHERE {_RESTS}"
        found = [number for row in self._ask(sql, (*known, after, until)) for number in row]
        return {error: number for error, number in zip(known, found, strict=False) if number}

    def first_resting(self, after: float, until: float, limit: int) -> list[dict[str, Any]]:
        """The stored jobs that become due first within that span."""
        sql = f"SELECT row FROM job_index WHERE {_RESTS} ORDER BY not_before, scene LIMIT ?"
        return self._loaded(sql, (after, until, limit))

    def first_retry(self, after: float, until: float) -> float | None:
        """When the first job that failed before is due within that span; None if there is none."""
        sql = f"SELECT MIN(not_before) FROM job_index WHERE {_RESTS} AND error <> ''"
        found = self._ask(sql, (after, until), "N")
        return found[0][0] if found else None

    def _loaded(self, sql: str, values: Sequence[object]) -> list[dict[str, Any]]:
        """The stored jobs of the rows that a query returns, in its order."""
        numbers = [row[0] for row in self._ask(sql, values, "i")]
        data = dict(self._ask(_DATA.format(marks(numbers)), numbers, "ib"))
        found = (_stored_job(data.get(number)) for number in numbers)
        return [job for job in found if job is not None and _has_times(job)]

    def _number(self, sql: str, values: Sequence[object] = ()) -> int:
        return sum(row[0] for row in self._ask(sql, values))


def _where(
    error: str | None, scenes: Sequence[int] | None, *, by_order: bool = False
) -> tuple[str, tuple[object, ...]]:
    """An SQL condition and its values. `by_order`: use the index of the order, not that of errors."""
    terms: list[str] = []
    if error is not None:
        terms.append("+error = ?" if by_order else "error = ?")
    if scenes is not None:
        terms.append(f"scene IN ({marks(scenes)})")
    given = () if error is None else (error,)
    return " AND ".join(terms) or "1", (*given, *(scenes or ()))


def _stored_job(data: object) -> dict[str, Any] | None:
    """A row's payload, None if it is not a job."""
    try:
        job = loads(data) if isinstance(data, bytes) else None
    except (ValueError, RecursionError):
        return None
    return job if isinstance(job, dict) and type(job.get("scene")) is int else None


def _has_times(job: dict[str, Any]) -> bool:
    numbers = [job.get(name) for name in ("priority", "not_before", "born")]
    return all(isinstance(number, (int, float)) for number in numbers)


def _job(job: dict[str, Any]) -> dict[str, object]:
    shown = {name: job.get(name, absent) for name, absent in _SHOWN.items()}
    priority = "backfill" if job["priority"] else "edit"
    return {**shown, "priority": priority, "running": bool(job.get("running"))}
