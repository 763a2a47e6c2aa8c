"""Rows of the queue's table: what is a job, and where the rest goes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable

from plexsync.edges import files
from plexsync.model.job import Job

Row = tuple[int, object, object]
"""Row id, payload bytes (None when NULL), status."""

_KEEP = 5
_SHOWN = 2**20


def decode(data: object) -> Job:
    """A row's payload as a job; raises ValueError for anything that is not one."""
    if not isinstance(data, bytes):
        raise ValueError("the payload is empty")
    try:
        job = Job.from_dict(json.loads(data))
    except RecursionError:
        raise ValueError("the payload is nested too deeply") from None
    if job.scene >= 2**63:
        raise ValueError("the scene id is too large")
    return job


def keep_bad_rows(folder: str, rows: Iterable[tuple[Row, str]]) -> str:
    """Write rows that are no jobs, with the reason, to `damaged/`; returns the file's path."""
    damaged = os.path.join(folder, "damaged")
    os.makedirs(damaged, mode=0o700, exist_ok=True)
    path = os.path.join(damaged, f"rows-{time.time_ns():020d}.json")
    files.replace_json(path, [_described(row, reason) for row, reason in rows])
    for old in sorted(n for n in os.listdir(damaged) if n.startswith("rows-"))[:-_KEEP]:
        os.unlink(os.path.join(damaged, old))
    return path


def _described(row: Row, reason: str) -> dict[str, object]:
    number, data, status = row
    raw = data[:_SHOWN] if isinstance(data, bytes) else b""
    try:
        payload = {"text": raw.decode("utf-8")}
    except UnicodeDecodeError:
        payload = {"hex": raw.hex()}
    return {"row": number, "status": repr(status), "reason": reason, **payload}
