"""A progress bar that moves while a task is busy elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from plexsync.edges.log.log import Log

EVERY = 0.8
"""Seconds between two reports; Stash should hear of a task each second."""


class Progress:
    """As a context manager: reports what `measure` says (0 to 1) from its start to its end.

    Never reports less than before. `measure` is called from a thread of its own.
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
