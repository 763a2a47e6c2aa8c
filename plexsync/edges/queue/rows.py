"""Rows of the queue's table: decodes jobs, and saves rows that are not jobs."""

from __future__ import annotations

import json
from collections.abc import Iterable

from plexsync.edges.storage.row_audit import keep_rows
from plexsync.model.job import Job

Row = tuple[int, object, object]
"""Row id, payload bytes (None for NULL), status."""


def decode(data: object) -> Job:
    """Decode a row's payload; raises ValueError if it is not a job."""
    if not isinstance(data, bytes):
        raise ValueError("the payload is empty")
    try:
        return Job.from_dict(json.loads(data))
    except RecursionError:
        raise ValueError("the payload is nested too deeply") from None


def keep_bad_rows(folder: str, rows: Iterable[tuple[Row, str]]) -> str:
    """Write rows that are not jobs, with the reason, to `damaged/`; returns the file's path."""
    return keep_rows(folder, FILE, [_described(row, reason) for row, reason in rows])


def _described(row: Row, reason: str) -> dict[str, object]:
    number, data, status = row
    raw = data if isinstance(data, bytes) else b""
    try:
        payload = {"text": raw.decode("utf-8")}
    except UnicodeDecodeError:
        payload = {"hex": raw.hex()}
    return {"row": number, "status": repr(status), "reason": reason, **payload}


FILE = "data.db"
