"""The last report of each task, one small file each in `reports/`, so that a page can show it.

Stash keeps a task's answer from pages, and only the last few lines of its log.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from plexsync.edges.page.pages import REPORTS
from plexsync.edges.storage import files

MOST_LINES = 200
"""The last so many lines are kept."""

MOST_BYTES = 1 << 20
"""A larger answer is left out: it would hold up every page that asks."""

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
        """Keep one line, unless only a developer wants it."""
        if level != "debug":
            self._lines.append({"level": level, "text": text})

    def progress(self, value: float) -> None:
        """Stash shows it."""

    def done(self, output: object) -> None:
        """The task came to its end with this answer."""
        with suppress(TypeError, ValueError):
            fits = len(json.dumps(output)) <= MOST_BYTES
            self._keep("done", output if fits else None, None)

    def failed(self, error: str) -> None:
        """The task could not do its work."""
        self._keep("failed", None, error)

    def _keep(self, state: str, output: object, error: str | None) -> None:
        """A report is not worth failing for: Stash has the task's lines too."""
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
