"""The last outages as a table, and what they add up to."""

from __future__ import annotations

from plexsync.flows.call import Call
from plexsync.flows.plex_watch import HISTORY
from plexsync.model.words import counted
from plexsync.policy.outage_history import (
    Outage,
    OutageHistory,
    format_duration,
    format_elapsed_since,
)


def outage_summary(call: Call) -> dict[str, object]:
    """The last outages, one line each, and what they add up to."""
    now = call.clock.now()
    history = call.stored(HISTORY, OutageHistory.parse, OutageHistory())
    for outage in history.outages:
        call.log.info(_line(outage, now))
    mttr, mtbf = history.mttr(), history.mtbf()
    call.log.info(
        f"{counted(len(history.outages), 'outage')} on record. Mean time to recovery: "
        f"{format_duration(mttr) if mttr is not None else 'unknown'}; between failures: "
        f"{format_duration(mtbf) if mtbf is not None else 'unknown (needs two outages)'}; "
        f"Plex was there {history.availability(now):.2%} of the time."
    )
    return {
        "outages": history.to_json(),
        "mttr": mttr,
        "mtbf": mtbf,
        "availability": history.availability(now),
    }


def _line(outage: Outage, now: float) -> str:
    length = format_duration(outage.length(now))
    state = "still going on" if outage.ongoing else "over"
    return (
        f"Outage that began {format_elapsed_since(outage.start, now)}, {length}, {state}: "
        f"{outage.cause}. Jobs affected {outage.jobs_affected}, recovered {outage.jobs_recovered}."
    )
