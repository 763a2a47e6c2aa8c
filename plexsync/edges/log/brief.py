"""Keeps what a task says to Stash's log as short as Stash's log page is: 30 lines, the newest first."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from plexsync.edges.log.stash_sink import StashSink

FIRST = LAST = 12
"""The first and the last lines of a task are shown: 25 with the one between them."""

TALK_EVERY = 30.0
"""Seconds of silence after which the next line of a long task is shown at once."""


class Brief:
    """Passes the first lines on, holds the others back, and shows the last of them at the end.

    What matters most about a task comes last, and so stands on top in Stash. The page has the whole
    text, since the task's report gets every line.
    """

    def __init__(self, sink: StashSink, clock: Callable[[], float] = time.monotonic) -> None:
        self._sink = sink
        self._clock = clock
        self._shown = 0
        self._left_out = 0
        self._held: deque[tuple[str, str]] = deque()
        self._last = clock()

    def write(self, level: str, text: str) -> None:
        """Show the line now or, if it is among the last, at the end."""
        if self._shown < FIRST or self._clock() - self._last >= TALK_EVERY:
            self._left_out += len(self._held)
            self._held.clear()
            self._show(level, text)
            return
        self._held.append((level, text))
        if len(self._held) > LAST:
            self._held.popleft()
            self._left_out += 1

    def progress(self, value: float) -> None:
        """Move the task's progress bar."""
        self._sink.progress(value)

    def end(self) -> None:
        """The task has said everything."""
        if self._left_out:
            what = "line is" if self._left_out == 1 else "lines are"
            self._show(
                "info", f"({self._left_out} more {what} on PlexSync's page, under Texts of tasks.)"
            )
        while self._held:
            self._show(*self._held.popleft())

    def _show(self, level: str, text: str) -> None:
        self._sink.write(level, text)
        self._shown += 1
        self._last = self._clock()
