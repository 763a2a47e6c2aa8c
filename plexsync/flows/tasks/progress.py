"""A task's progress bar, and its texts about waiting jobs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from plexsync.edges.log.log import Log
from plexsync.edges.page import read_state
from plexsync.edges.queue.queue_queries import LONGEST_WAIT
from plexsync.model.formatting import counted
from plexsync.model.local_time import local_time

EVERY = 0.8
"""Seconds between reports, so that Stash's progress bar moves every second."""


class Progress:
    """A context manager that reports `measure` (0 to 1) while its block runs.

    Never reports less than before. `measure` is called from another thread.
    """

    def __init__(self, log: Log, measure: Callable[[], float]) -> None:
        self._log = log
        self._measure = measure
        self._furthest = 0.0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Progress:
        self.report()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        if kind is None:
            self._furthest = 1.0
        self.report()

    def report(self) -> None:
        """Report now."""
        with self._lock:
            self._furthest = min(1.0, max(self._furthest, self._measure()))
            self._log.progress(self._furthest)

    def _tick(self) -> None:
        while not self._over.wait(EVERY):
            self.report()


def next_tries(jobs: int, first: float) -> str:
    """For example "5 jobs wait for their next try, the first at 14:05", in local time."""
    at = local_time(first).strftime("%H:%M")
    if jobs == 1:
        return f"1 job waits for its next try at {at}"
    return f"{jobs} jobs wait for their next try, the first at {at}"


def going_on(folder: str, now: float) -> tuple[int, str]:
    """How many jobs the woken worker continues with now, and a sentence about the queue for the
    log.

    Jobs that only wait for the debounce are included. Raises Unreadable.
    """
    span = now, now + LONGEST_WAIT
    queue = read_state.queue(folder)
    by_error = queue.resting(*span)
    later = sum(number for error, number in by_error.items() if error)
    first = queue.first_retry(*span)
    due = max(0, queue.live_jobs() - later)
    rest = next_tries(later, first) if later and first is not None else ""
    if not due:
        return 0, f"Nothing is due; {rest}." if rest else ""
    verb = "waits" if due == 1 else "wait"
    text = f"{counted(due, 'job')} {verb}; the worker continues with them."
    return due, f"{text} Besides, {rest}." if rest else text
