"""Signals as a program in a terminal receives them, and those that end any process."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

KILL = signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL
"""Ends a process at once, without asking it: on Windows `os.kill` does so with this signal."""
STOPPED = 1 if sys.platform == "win32" else -KILL
"""The exit status of a process that Stash's Stop has ended."""


@contextmanager
def ctrl_c() -> Iterator[None]:
    """Make Ctrl-C stop programs that are started in the block.

    A suite that runs in the background of a script ignores it, and what it starts would inherit
    that.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
