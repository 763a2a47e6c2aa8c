"""Plex's outages as shown to the user; light like status.py."""

from __future__ import annotations

from plexsync.edges.page.read_state import document
from plexsync.policy.outage_history import Outage, OutageHistory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from plexsync.model.status import Outages, OutageShown


def read_history(folder: str) -> OutageHistory:
    """The stored outages; raises Unreadable."""
    return document(folder, "outage_history.json", OutageHistory.parse, OutageHistory())


def shown_outages(history: OutageHistory) -> Outages:
    """How many outages are on record, and the last of them."""
    last = history.last()
    return {
        "count": len(history.outages),
        "ongoing": history.ongoing() is not None,
        "last": None if last is None else shown_outage(last),
    }


def shown_outage(outage: Outage) -> OutageShown:
    """One outage as JSON values."""
    return {
        "start": outage.start,
        "end": outage.end,
        "cause": outage.cause,
        "jobs_affected": outage.jobs_affected,
        "jobs_recovered": outage.jobs_recovered,
    }
