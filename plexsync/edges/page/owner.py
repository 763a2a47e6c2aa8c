"""Whether a worker or a task owns the data folder; light like read_state."""

from __future__ import annotations

import os

from plexsync import system


def owned(folder: str) -> bool | None:
    """Whether a worker or a task owns the folder at this moment; None if unknown."""
    try:
        return _is_busy(folder, "worker.lock")
    except OSError:
        return None


def worker_lives(folder: str) -> bool:
    """Whether a worker is alive, or a task that will leave one behind. Raises OSError."""
    return _is_busy(folder, "worker.lock") or task_works(folder)


def task_works(folder: str) -> bool:
    """Whether a task owns the data folder, or waits for it. Raises OSError."""
    return _is_busy(folder, "takeover.lock")


def _is_busy(folder: str, name: str) -> bool:
    lock = os.path.join(folder, name)
    return os.path.exists(lock) and system.LockFile(lock).busy()
