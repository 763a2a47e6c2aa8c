"""Reads the queue for the page and tasks: read-only, beside a working owner, by the owner's index.

Light on purpose, like pages.py: Stash starts a process for each of the page's requests.
"""

from __future__ import annotations

from plexsync.edges.page import pages, read_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    Wanted = tuple[str | None, Sequence[int] | None]

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

_SHOWN = (
    "scene",
    "reason",
    "born",
    "not_before",
    "attempts",
    "last_error",
    "last_message",
    "last_cause",
    "last_status",
    "first_failure",
    "last_failure",
)
_RESTS = "waits = 1 AND rank IN (0, 1, 2) AND not_before > ? AND not_before <= ?"
_LIVE = "status IS NULL OR status NOT IN (5, 9)"
_DATA = "SELECT _id, CAST(data AS BLOB) FROM ack_queue_default WHERE _id IN ({})"


def page(
    folder: str,
    offset: int,
    limit: int,
    wanted: Wanted = (None, None),
    order: str = "due",
) -> list[dict[str, object]]:
    """Live jobs, a few hundred at most, in one of ORDERS; rows that are not jobs are skipped.

    `wanted` are an error class and scenes, None for any.
    """
    where, values = _where(*wanted, by_order=order in _STREAMED)
    sql = f"SELECT row FROM job_index WHERE {where} ORDER BY {_ORDERS[order]} LIMIT ? OFFSET ?"
    return [_job(job) for job in _loaded(folder, sql, (*values, limit, offset))]


def count(folder: str, error: str | None, scenes: Sequence[int] | None) -> int:
    """How many live jobs have this error class and are of these scenes, None for any."""
    where, values = _where(error, scenes)
    return _number(folder, f"SELECT COUNT(*) FROM job_index WHERE {where}", values)


def live_jobs(folder: str) -> int:
    """How many jobs are live, even in a queue without an index."""
    found = _rows(folder, "SELECT COUNT(*) FROM job_index")
    found = found or _rows(folder, f"SELECT COUNT(*) FROM ack_queue_default WHERE {_LIVE}")
    return sum(row[0] for row in found)


def running(folder: str) -> int:
    """How many jobs are running."""
    return _number(folder, "SELECT COUNT(*) FROM job_index WHERE waits = 0")


def classes(folder: str) -> dict[str, int]:
    """The number of jobs by the class of their last error, "" for those without one."""
    return dict(_rows(folder, "SELECT error, COUNT(*) FROM job_index GROUP BY error", shape="si"))


def edits(folder: str) -> int:
    """How many of the jobs are edits, not backfill."""
    sql = "SELECT COUNT(*) FROM job_index WHERE waits IN (0, 1) AND rank = 0"
    return _number(folder, sql)


def resting(folder: str, after: float, until: float) -> dict[str, int]:
    """The number of jobs that become due within that span, by the class of their last error."""
    known = list(classes(folder))
    sums = ", ".join("COALESCE(SUM(error = ?), 0)" for _ in known)
    sql = f"SELECT {sums or 0} FROM job_index WHERE {_RESTS}"
    found = [number for row in _rows(folder, sql, (*known, after, until)) for number in row]
    return {error: number for error, number in zip(known, found, strict=False) if number}


def first_resting(folder: str, after: float, until: float, limit: int) -> list[dict[str, Any]]:
    """The stored jobs that become due first within that span."""
    sql = f"SELECT row FROM job_index WHERE {_RESTS} ORDER BY not_before, scene LIMIT ?"
    return _loaded(folder, sql, (after, until, limit))


def first_retry(folder: str, after: float, until: float) -> float | None:
    """When the first job that failed before is due within that span; None if there is none."""
    sql = f"SELECT MIN(not_before) FROM job_index WHERE {_RESTS} AND error <> ''"
    found = _rows(folder, sql, (after, until), "N")
    return found[0][0] if found else None


def _where(
    error: str | None, scenes: Sequence[int] | None, *, by_order: bool = False
) -> tuple[str, tuple[object, ...]]:
    """An SQL condition and its values. `by_order`: use the index of the order, not that of errors."""
    terms: list[str] = []
    if error is not None:
        terms.append("+error = ?" if by_order else "error = ?")
    if scenes is not None:
        terms.append(f"scene IN ({_marks(scenes)})")
    given = () if error is None else (error,)
    return " AND ".join(terms) or "1", (*given, *(scenes or ()))


def _loaded(folder: str, sql: str, values: Sequence[object]) -> list[dict[str, Any]]:
    """The stored jobs of the rows that a query returns, in its order."""
    numbers = [row[0] for row in _rows(folder, sql, values, "i")]
    data = dict(_rows(folder, _DATA.format(_marks(numbers)), numbers, "ib"))
    found = (read_state.stored_job(data.get(number)) for number in numbers)
    return [job for job in found if job is not None and _has_times(job)]


def _has_times(job: dict[str, Any]) -> bool:
    numbers = [job.get(name) for name in ("priority", "not_before", "born")]
    return all(isinstance(number, (int, float)) for number in numbers)


def _job(job: dict[str, Any]) -> dict[str, object]:
    shown = {name: job.get(name) for name in _SHOWN}
    priority = "backfill" if job["priority"] else "edit"
    return {**shown, "priority": priority, "running": bool(job.get("running"))}


def _number(folder: str, sql: str, values: Sequence[object] = ()) -> int:
    return sum(row[0] for row in _rows(folder, sql, values))


def _rows(
    folder: str, sql: str, values: Sequence[object] = (), shape: str = ""
) -> list[tuple[Any, ...]]:
    return read_state.rows(folder, read_state.QUEUE, sql, values, shape)


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)


SWEPT_AT = "swept at"
"""The ledger's key for the time of the last sweep, by our own clock."""


def anything_waits(folder: str) -> bool:
    """Whether anything waits that no later event would trigger; raises Unreadable."""
    return bool(
        read_state.records_waiting(folder)
        or live_jobs(folder)
        or pages.commands_waiting(folder)
        or read_state.backfills(folder)
    )


def swept_at(folder: str) -> float | None:
    """When the last sweep was; None before the first. Raises Unreadable."""
    sql = "SELECT value FROM meta WHERE key = ?"
    found = read_state.rows(folder, read_state.LEDGER, sql, (SWEPT_AT,))
    try:
        return float(found[0][0]) if found else None
    except ValueError:
        return None
