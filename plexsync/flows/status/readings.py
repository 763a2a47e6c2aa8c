"""The tasks that only show what is stored: View Queue Status and Outage Summary.

They need neither Plex nor a package: each says its text to the log and returns its answer.
"""

from __future__ import annotations

from plexsync.edges.page.read_state import Unreadable
from plexsync.flows.status.outage_text import outage_lines
from plexsync.flows.status.outages import read_history
from plexsync.flows.status.status import status
from plexsync.flows.status.status_text import status_lines
from plexsync.policy.outage_history import OutageHistory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plexsync.edges.log.log import Log
    from plexsync.model.readiness import Readiness

    Reading = Callable[[Log, str, float, Readiness], dict[str, object]]


def view_queue_status(log: Log, folder: str, now: float, settings: Readiness) -> dict[str, object]:
    """Say what waits and why, Plex's state, what was done, and how things are."""
    found = status(folder, now, settings.state)
    for level, line in status_lines(found, settings.words):
        (log.warning if level == "warning" else log.info)(line)
    return {**found, "settings": settings.words}


def outage_summary(log: Log, folder: str, now: float, settings: Readiness) -> dict[str, object]:
    """Show the last outages as a table, newest last, and their mean length and distance."""
    try:
        history = read_history(folder)
    except Unreadable as problem:
        log.warning(str(problem))
        history = OutageHistory()
    for line in outage_lines(history, now):
        log.info(line)
    return {
        "outages": history.to_json(),
        "mttr": history.mttr(),
        "mtbf": history.mtbf(),
        "availability": history.availability(now),
    }


READINGS: Mapping[str, Reading] = {
    "queue_status": view_queue_status,
    "outage_summary": outage_summary,
}
"""Mode -> task."""
