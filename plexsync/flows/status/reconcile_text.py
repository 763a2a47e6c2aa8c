"""The reconciliations as text, for Stash's log."""

from __future__ import annotations

from collections.abc import Iterator

from plexsync.model.formatting import counted, listed
from plexsync.model.reasons import gaps_in_words
from plexsync.policy import reconcile_state
from plexsync.policy.outage_history import format_elapsed_since

MOST = 3


def reconcile_lines(raw: object, now: float) -> Iterator[str]:
    """The runs under way and the last one, of what reconcile_state.json holds."""
    try:
        schedule = reconcile_state.parse(raw) if raw is not None else None
    except ValueError:
        yield "Reconciliation: its state cannot be read."
        return
    if schedule is None or (schedule.last is None and not schedule.runs):
        yield "Reconciliation: never run."
        return
    for run in (*schedule.runs.values(), *((schedule.last,) if schedule.last else ()))[:MOST]:
        state = "last run" if run.done else "under way,"
        gaps = listed(gaps_in_words(run.tally.found)) or "none"
        queued = listed(gaps_in_words(run.tally.queued)) or "none"
        yield (
            f"Reconciliation: {state} {format_elapsed_since(run.started, now)} "
            f"({run.order.trigger}, scope {run.order.scope}), {counted(run.checked, 'scene')} "
            f"checked. Gaps: {gaps}. Queued: {queued}."
        )
