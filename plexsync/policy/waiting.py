"""How long the worker waits for anything but Plex, and when it exits.

Separate from timing.py, which each request of the page loads: `dataclasses` would double its cost.
"""

from __future__ import annotations

import math

from plexsync.model.named_tuple import NamedTuple
from plexsync.policy.timing import probe_delay

IDLE = 300.0
"""Seconds without work after which the worker exits."""

PAUSED_IDLE = 60.0
"""The same while PlexSync is paused or not set up: long enough that a bulk edit of thousands of
scenes does not start a process for each scene."""

IDLE_END = "nothing to do"
"""The reason why a worker exits that is no longer needed."""

SETTINGS_CHECK = 10.0
"""Seconds between reads of the settings while anything waits; each costs one small query."""

IDLE_SETTINGS_CHECK = 60.0
"""The same while nothing waits."""

RECENT = 15.0
"""Seconds for which a reconciliation reuses the settings between pages."""

NEXT_TRY = 1.0
"""Seconds before the next attempt while Plex has failed, but not often enough to open the breaker.
"""

CLOCK_PAUSE = 10.0
"""Seconds between requests for the libraries' change times in Plex while jobs wait for a file."""

LONGEST = 60.0
"""Longest wait, so that a stepped clock cannot block the worker."""


class Hold(NamedTuple):
    """What all jobs wait for: "stash", "settings", "paused", "session", "plex", or nothing.

    `until` is on the monotonic clock.
    """

    reason: str = ""
    until: float = 0.0
    failures: int = 0

    def active(self, monotonic: float) -> bool:
        """Whether jobs are still held back."""
        return bool(self.reason) and monotonic < self.until


def hold(before: Hold, reason: str, monotonic: float) -> Hold:
    """Wait (again) for `reason`: 5, 10, 20, 40, 60 s for Stash, steadily for the others."""
    failures = before.failures + 1 if before.reason == reason else 0
    steady = {"settings": SETTINGS_CHECK, "paused": SETTINGS_CHECK, "plex": NEXT_TRY}
    seconds = steady.get(reason) or probe_delay(failures)
    return Hold(reason, monotonic + seconds, failures)


def idle_limit(held: Hold, pending: bool) -> float:
    """Seconds without events after which the worker exits; infinity while anything waits."""
    if pending:
        return math.inf
    return PAUSED_IDLE if held.reason in ("settings", "paused") else IDLE


def until_settings(read_at: float, held: Hold, waits: bool, monotonic: float) -> float:
    """Seconds until the settings are to be read again; `read_at` is -inf before the first time.

    While a hold is active they are read when it ends.
    """
    if held.reason:
        return max(0.0, held.until - monotonic)
    return max(0.0, read_at + (SETTINGS_CHECK if waits else IDLE_SETTINGS_CHECK) - monotonic)


def until_clocks(asked_at: float, waits: bool, blocked: float, monotonic: float) -> float:
    """Seconds until the libraries' change times are to be requested from Plex again.

    Infinity while no job waits for a file (`waits`); `blocked` is how many seconds jobs are held
    back anyway.
    """
    if not waits:
        return math.inf
    return max(0.0, asked_at + CLOCK_PAUSE - monotonic, blocked)


def pause(now: float, next_due: float | None, busy_at: float, blocked: float) -> float:
    """Seconds to sleep when nothing is due; an event wakes the worker earlier.

    `next_due` is the wall-clock time of the next job, None if there is none; `blocked` is how many
    seconds jobs are held back anyway.
    """
    if next_due is None:
        return min(LONGEST, max(0.25, IDLE - (now - busy_at)))
    return min(LONGEST, max(0.02, next_due - now, blocked))
