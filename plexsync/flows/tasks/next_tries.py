"""What waits for another try and when the first of it comes, for tasks that leave it waiting."""

from __future__ import annotations

from datetime import datetime

from plexsync.edges.page import queue_view
from plexsync.flows.status.status import LONGEST_WAIT
from plexsync.model.words import counted


def next_tries(jobs: int, first: float) -> str:
    """As "5 jobs wait for their next try, the first at 14:05", by the clock on the wall."""
    at = datetime.fromtimestamp(first).astimezone().strftime("%H:%M")
    if jobs == 1:
        return f"1 job waits for its next try at {at}"
    return f"{jobs} jobs wait for their next try, the first at {at}"


def told_to_go_on(folder: str, now: float) -> tuple[int, str]:
    """How many jobs go on now, and what a task that has woken the worker says of the queue.

    Jobs that only rest after an event go on. Raises Unreadable.
    """
    span = now, now + LONGEST_WAIT
    by_error = queue_view.resting(folder, *span)
    later = sum(number for error, number in by_error.items() if error)
    first = queue_view.first_retry(folder, *span)
    due = max(0, queue_view.live_jobs(folder) - later)
    rest = next_tries(later, first) if later and first is not None else ""
    if not due:
        return 0, f"Nothing is due; {rest}." if rest else ""
    verb = "waits" if due == 1 else "wait"
    text = f"{counted(due, 'job')} {verb}; the worker was told to go on."
    return due, f"{text} Besides, {rest}." if rest else text
