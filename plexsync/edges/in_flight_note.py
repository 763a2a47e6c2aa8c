"""The note by which a worker that steps aside reports how many requests it still finishes.

Separate from in_flight.py, which loads threads and dataclasses: the page's requests and a starting
worker read it.
"""

from __future__ import annotations

import os
from contextlib import suppress

from plexsync import system

NOTE = "in_flight"
"""Name of the note's file in the data folder."""


def write_note(folder: str, count: int) -> None:
    """Write how many requests are left; if the disk refuses, the wait is merely silent."""
    with suppress(OSError):
        remove_note(folder)
        fd = system.create(os.path.join(folder, NOTE))
        try:
            os.write(fd, b"%d" % count)
        finally:
            os.close(fd)


def read_note(folder: str) -> int | None:
    """How many requests are left by the latest note; None if there is none."""
    try:
        data = system.read_regular(os.path.join(folder, NOTE), 20)
    except (OSError, ValueError):
        return None
    return int(data) if data.isdigit() else None


def remove_note(folder: str) -> None:
    """Delete the note of an earlier worker."""
    with suppress(OSError):
        os.unlink(os.path.join(folder, NOTE))
