"""What a worker that steps aside tells who waits for it: how many requests it still finishes.

A file of its own: a page's request and a starting worker read it, and in_flight.py loads threads and
dataclasses.
"""

from __future__ import annotations

import os
from contextlib import suppress

from plexsync import system

NOTE = "in_flight"
"""The file in which a worker that was asked to step aside says how many requests it finishes."""


def write_note(folder: str, count: int) -> None:
    """Say how many requests are left; a disk that refuses it only makes the wait silent."""
    with suppress(OSError):
        remove_note(folder)
        fd = system.create(os.path.join(folder, NOTE))
        try:
            os.write(fd, b"%d" % count)
        finally:
            os.close(fd)


def read_note(folder: str) -> int | None:
    """What the worker said last; None when it has said nothing."""
    try:
        data = system.read_regular(os.path.join(folder, NOTE), 20)
    except (OSError, ValueError):
        return None
    return int(data) if data.isdigit() else None


def remove_note(folder: str) -> None:
    """Forget what an earlier worker said."""
    with suppress(OSError):
        os.unlink(os.path.join(folder, NOTE))
