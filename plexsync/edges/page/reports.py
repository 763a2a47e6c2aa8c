"""Stores the last report of each task as a small file in `reports/`, so that the page can show it.

Stash shows pages neither a task's answer nor more than the last few lines of its log.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from plexsync.edges.page.results import REPORTS
from plexsync.edges.storage import files

MOST_LINES = 1000
"""Maximum lines kept, the latest."""

MOST_BYTES = 1 << 20
"""A larger answer, in bytes, is dropped: it would slow down every page that asks."""

_VERSION = 1


class Report:
    """One run of a task: a sink for what it logs, and how it ended."""

    def __init__(self, folder: str, task: str, now: Callable[[], float]) -> None:
        self._folder = os.path.join(folder, REPORTS)
        self._task = task
        self._now = now
        self._began_at = now()
        self._lines: deque[dict[str, str]] = deque(maxlen=MOST_LINES)

    def write(self, level: str, text: str) -> None:
        """Keep one line, unless it is a debug line."""
        if level != "debug":
            self._lines.append({"level": level, "text": text})

    def progress(self, value: float) -> None:
        """Ignored: Stash shows the progress itself."""

    def done(self, output: object) -> None:
        """Store that the task succeeded with this answer."""
        with suppress(TypeError, ValueError):
            fits = len(json.dumps(output)) <= MOST_BYTES
            self._keep("done", output if fits else None, None)

    def failed(self, error: str) -> None:
        """Store that the task failed."""
        self._keep("failed", None, error)

    def _keep(self, state: str, output: object, error: str | None) -> None:
        """Errors are ignored: Stash has the task's log lines too."""
        entry = {
            "version": _VERSION,
            "state": state,
            "began_at": self._began_at,
            "ended_at": self._now(),
            "lines": list(self._lines),
            "output": output,
            "error": error,
        }
        with suppress(OSError, ValueError):
            files.own_folder(self._folder, lambda warning: self.write("warning", warning))
            files.replace_json(os.path.join(self._folder, f"{self._task}.json"), entry)
