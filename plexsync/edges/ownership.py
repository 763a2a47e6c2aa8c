"""Ownership of the data folder: one process at a time, handed over without interrupting requests.

Two locks, because Stash stops a task with SIGKILL: a task holds `takeover.lock` for as long as it
needs the folder, and works under `worker.lock`. However it ends, the worker on standby takes over
again at once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from types import TracebackType

from plexsync import inbox, system
from plexsync.edges.in_flight_note import read_note, remove_note
from plexsync.model.formatting import counted

PROBE_PATIENCE = 0.2
"""Seconds for which a starting worker retries the lock, which a hook's check holds briefly."""

STAND_BY_PAUSE = 0.25

TELL_AFTER = 0.5
"""Seconds of waiting after which a task reports what it waits for."""


class TakeoverRefused(Exception):
    """The background worker did not step aside in time, or another task is running."""


def _acquire(lock: system.LockFile, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not lock.acquire():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.01)
    return True


class Ownership:
    """The background worker's side: own the folder, and step aside for a task."""

    def __init__(self, folder: str) -> None:
        self._worker = system.LockFile(os.path.join(folder, "worker.lock"))
        self._takeover = system.LockFile(os.path.join(folder, "takeover.lock"))

    def claim(self) -> bool:
        """Become the owner; False if another process is."""
        return _acquire(self._worker, PROBE_PATIENCE)

    def fileno(self) -> int:
        """The open file that holds the lock; -1 while another process owns the folder."""
        return self._worker.fileno()

    def lost(self) -> bool:
        """Whether the data folder was removed (and perhaps recreated), so our open files are not
        in it.
        """
        try:
            return self._worker.held and not self.lock_elsewhere and not self._worker.is_its_file()
        except FileNotFoundError:
            return True
        except OSError:
            return False  # a failing disk: wait for it

    @property
    def lock_elsewhere(self) -> str:
        """The file that is locked instead if the data folder does not support locks, or ""."""
        return self._worker.instead

    def wanted(self) -> bool:
        """Whether a task is waiting for the folder."""
        return self._takeover.busy()

    def stand_by(self) -> bool:
        """Step aside for a task, if any, then own the folder; False if another process does."""
        self.release()
        missed = 0
        while missed < 2:  # a task may have ended between the two checks of the first miss
            if self.wanted():
                missed = 0
                time.sleep(STAND_BY_PAUSE)
            elif _acquire(self._worker, PROBE_PATIENCE / 4):
                return True
            else:
                missed += 1
        return False

    def release(self) -> None:
        """Release the folder."""
        self._worker.release()


class Takeover:
    """A task's side, as a context manager: own the folder for as long as the block runs.

    `start_worker` is called first when no worker is alive, so that one stands by from the start.
    `patience` is how many seconds the worker may take to finish its requests in flight; `tell` is
    called with what is waited for. Raises TakeoverRefused with a message for the user.
    """

    def __init__(
        self,
        folder: str,
        start_worker: Callable[[], None],
        patience: float,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._folder = folder
        self._start_worker = start_worker
        self._patience = patience
        self._tell = tell
        self._worker = system.LockFile(os.path.join(folder, "worker.lock"))
        self._takeover = system.LockFile(os.path.join(folder, "takeover.lock"))

    def __enter__(self) -> Takeover:
        stands_by = self._ask()
        while self._worker.acquire():
            if stands_by:
                return self
            self._worker.release()  # the worker has just exited; a kill now would leave none
            self._takeover.release()
            stands_by = self._ask()
        remove_note(self._folder)
        inbox.nudge(self._folder)
        if not self._wait():
            self._takeover.release()
            raise TakeoverRefused(
                f"The background worker did not step aside within {self._patience:.0f} s; it may "
                "hang in a request to Plex. Try again in a minute."
            )
        return self

    def _ask(self) -> bool:
        """Take the lock that makes workers step aside; returns whether a worker was started first.

        Hooks that see this lock start no worker, so one must be on standby from the beginning.
        """
        alone = not self._worker.busy()
        if alone:
            self._start_worker()
        if not _acquire(self._takeover, 2.0):
            raise TakeoverRefused(
                "Another PlexSync task is running; start this one again when it is done."
            )
        return alone

    def _wait(self) -> bool:
        """Wait for the worker and report what it is doing; True when it has stepped aside."""
        told = ""
        for _ in range(max(1, round(self._patience / TELL_AFTER))):
            if _acquire(self._worker, min(TELL_AFTER, self._patience)):
                return True
            words = _waits_for(read_note(self._folder))
            if words != told:
                self._tell(words)
            told = words
        return False

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._worker.release()
        self._takeover.release()


def _waits_for(requests: int | None) -> str:
    if not requests:
        return "Waiting for the background worker to step aside."
    return f"Waiting for the background worker to finish {counted(requests, 'request')}."
