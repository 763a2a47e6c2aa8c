"""Outage Summary: the last outages as a table, and MTTR, MTBF and availability."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from plexsync.flows.status.plex_standing import read_history
from plexsync.flows.tasks.context import TaskContext
from plexsync.model.formatting import counted
from plexsync.policy.outage_history import (
    Outage,
    OutageHistory,
    format_duration,
)

_LENGTH = len("23 h 59 min")
"""Width of the column; longer durations, up to a hundred days, fit too."""

_COLUMNS = ("Began", "Ended", "Length", "Affected", "Recovered", "Cause")


def outage_summary(context: TaskContext) -> dict[str, object]:
    """Log the last outages as a table, newest last, and MTTR, MTBF and availability."""
    now = context.clock.now()
    history = context.readable(read_history, OutageHistory())
    for line in table([_row(outage, now) for outage in history.outages]):
        context.log.info(line)
    mttr, mtbf = history.mttr(), history.mtbf()
    context.log.info(
        f"{counted(len(history.outages), 'outage')} on record. Mean time to recovery: "
        f"{format_duration(mttr) if mttr is not None else 'unknown'}; between failures: "
        f"{format_duration(mtbf) if mtbf is not None else 'unknown (needs two outages)'}; "
        f"Plex was available {history.availability(now):.2%} of the time."
    )
    return {
        "outages": history.to_json(),
        "mttr": mttr,
        "mtbf": mtbf,
        "availability": history.availability(now),
    }


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines with aligned columns and a header; none without rows."""
    if not rows:
        return
    whole = [_COLUMNS, *rows]
    widths = [max(len(row[n]) for row in whole) for n in range(len(_COLUMNS))]
    for row in whole:
        yield "  ".join(
            f"{text:<{width}}" for text, width in zip(row, widths, strict=True)
        ).rstrip()


def _row(outage: Outage, now: float) -> tuple[str, ...]:
    return (
        _time_of_day(outage.start),
        "ongoing" if outage.end is None else _time_of_day(outage.end),
        format_duration(outage.length(now)).ljust(_LENGTH),
        str(outage.jobs_affected),
        str(outage.jobs_recovered),
        outage.cause,
    )


def _time_of_day(at: float) -> str:
    """For example "2026-11-28 16:20:51", in local time."""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
