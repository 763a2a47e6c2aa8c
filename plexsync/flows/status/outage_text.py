"""The last outages as a table, and their summary in words, for Stash's log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plexsync.model.formatting import counted
from plexsync.model.local_time import local_time
from plexsync.policy.outage_history import Outage, OutageHistory, format_duration

MOST = 20
"""Outages in the table; the page shows all."""

_LENGTH = len("23 h 59 min")
"""Width of the column; longer durations, up to a hundred days, fit too."""

_COLUMNS = ("Began", "Ended", "Length", "Affected", "Recovered", "Cause")


def outage_lines(history: OutageHistory, now: float) -> Iterator[str]:
    """The table, newest last, and then the summary."""
    yield from table([_row(outage, now) for outage in history.outages[-MOST:]])
    older = len(history.outages) - MOST
    if older > 0:
        yield f"{counted(older, 'older outage')} not shown here."
    mttr, mtbf = history.mttr(), history.mtbf()
    lasted = f" An outage lasted {format_duration(mttr)} on average (MTTR)." if mttr else ""
    apart = f" {format_duration(mtbf)} passed between two of them (MTBF)." if mtbf else ""
    yield (
        f"{counted(len(history.outages), 'outage')} on record.{lasted}{apart} "
        f"Plex was available {history.availability(now):.2%} of the time."
    )


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
    """For example "2026-11-28 16:20:51", in local time, as Stash's log shows times."""
    return local_time(at).strftime("%Y-%m-%d %H:%M:%S")
