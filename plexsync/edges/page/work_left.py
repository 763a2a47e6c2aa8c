"""Whether a worker is needed, as everybody but the folder's owner sees it; imports little."""

from __future__ import annotations

from plexsync.edges.page import pages, queue_view, read_state

SWEPT_AT = "swept at"
"""The ledger's name for when the last sweep was, on our own clock."""


def anything_waits(folder: str) -> bool:
    """Whether anything waits that no event would bring up again; raises Unreadable."""
    return bool(
        read_state.records_waiting(folder)
        or queue_view.live_jobs(folder)
        or pages.commands_waiting(folder)
        or read_state.walks(folder)
    )


def swept_at(folder: str) -> float | None:
    """When the last sweep was, None before the first; raises Unreadable."""
    sql = "SELECT value FROM meta WHERE key = ?"
    found = read_state.rows(folder, read_state.LEDGER, sql, (SWEPT_AT,))
    try:
        return float(found[0][0]) if found else None
    except ValueError:
        return None
