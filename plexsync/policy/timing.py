"""When the next trial, the next probe and the next request are due, as plain numbers.

Whoever only shows them starts a process for it, so this imports next to nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import sqrt

DEFAULT_RAMP = (5.0, 5.0, 20.0)
"""Minutes, first and last rate of the ramp after an outage while nobody set them."""

UNKNOWN_BEFORE: dict[str, object] = {
    "trouble": "",
    "trouble_words": "",
    "trouble_since": 0.0,
    "ramp": DEFAULT_RAMP,
}
"""What an earlier PlexSync did not write into recovery_state.json."""

COOLDOWN = 60.0
"""Seconds after opening until one job may try."""

PERMIT = 60.0
"""Seconds until the permit of a trial that never reported lapses."""

FLAPPING = 300.0
"""A recovery so soon after another, in seconds, did not last: the next outage is probed less."""

OWNER_CHECK = 600.0
"""Seconds between two looks at whether a token that may not write has become the owner's."""

SWEEP_EVERY = 900.0
"""Seconds between two looks at Stash for what no hook told."""

LOWEST_RATE = 1.0


def trial_in(opened_at: float | None, permit_at: float | None, now: float) -> float:
    """Seconds, at most a minute, until a breaker opened or half-opened then lets a job try."""
    since, rest = (opened_at, COOLDOWN) if permit_at is None else (permit_at, PERMIT)
    return 0.0 if since is None else min(rest, max(0.0, since + rest - now))


def probe_delay(failures: int) -> float:
    """Seconds until the next probe, after `failures` failed ones (0 at first): 5, 10, 20, 40, 60."""
    return min(60.0, 5.0 * 2.0 ** min(max(failures, 0), 30))


def next_probe(
    last_check: float, failures: int, relapses: int, last_recovery: float, now: float
) -> float:
    """When the next probe is due; `now` when it is overdue or the last lies in the future."""
    if last_check > now:
        return now
    recent = 0 <= now - last_recovery < FLAPPING
    return max(now, last_check + probe_delay(failures + (relapses if recent else 0)))


def next_owner_check(last_check: float, now: float) -> float:
    """When a token that may not write is looked at again; `now` as for `next_probe`."""
    return now if last_check > now else max(now, last_check + OWNER_CHECK)


def ramp_rate(minutes: float, start: float, end: float, elapsed: float) -> float | None:
    """Requests per second `elapsed` seconds after a recovery; None: no limit any more."""
    half = minutes * 30
    elapsed = max(0.0, elapsed)
    if elapsed >= 2 * half:
        return None
    low = max(LOWEST_RATE, start)
    high = max(low, end)
    middle = sqrt(low * high)
    if elapsed < half:
        return low + (middle - low) * elapsed / half
    return middle + (high - middle) * (elapsed - half) / half


IDLE = 300.0
"""Seconds without work after which the worker ends."""

PAUSED_IDLE = 60.0
"""The same while PlexSync is paused or not set up: long enough that a bulk edit of thousands of
scenes does not start a process for each."""

SETTINGS_CHECK = 10.0
"""Seconds between two looks at the settings while anything waits; each costs one small query."""

IDLE_SETTINGS_CHECK = 60.0
"""The same while nothing waits."""

NEXT_TRY = 1.0
"""Seconds before the next try while Plex has failed, but not often enough to be left alone."""

CLOCK_PAUSE = 10.0
"""Seconds between two questions for the clocks of Plex's libraries while jobs wait for a file."""

LONGEST = 60.0
"""No wait is longer, so that a stepped clock cannot freeze anything."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What all jobs wait for: "stash", "settings", "paused", "session", "plex", or nothing.

    `until` is on the monotonic clock.
    """

    reason: str = ""
    until: float = 0.0
    failures: int = 0

    def active(self, monotonic: float) -> bool:
        """Whether nothing may be tried yet."""
        return bool(self.reason) and monotonic < self.until


def hold(before: Hold, reason: str, monotonic: float) -> Hold:
    """Wait (again) for `reason`: 5, 10, 20, 40, 60 s for Stash, steadily for the others."""
    failures = before.failures + 1 if before.reason == reason else 0
    steady = {"settings": SETTINGS_CHECK, "paused": SETTINGS_CHECK, "plex": NEXT_TRY}
    seconds = steady.get(reason) or probe_delay(failures)
    return Hold(reason, monotonic + seconds, failures)


def idle_limit(held: Hold, pending: bool) -> float:
    """Seconds without events after which the worker ends; infinity while anything waits."""
    if pending:
        return math.inf
    return PAUSED_IDLE if held.reason in ("settings", "paused") else IDLE


def until_settings(read_at: float, held: Hold, waits: bool, monotonic: float) -> float:
    """Seconds until the settings are to be looked at again; `read_at` is -inf before the first time.

    Whatever stops the work is asked about when its hold ends.
    """
    if held.reason:
        return max(0.0, held.until - monotonic)
    return max(0.0, read_at + (SETTINGS_CHECK if waits else IDLE_SETTINGS_CHECK) - monotonic)


def until_clocks(asked_at: float, waits: bool, blocked: float, monotonic: float) -> float:
    """Seconds until the clocks of Plex's libraries are to be asked for again.

    Infinity while no job waits for a file (`waits`); `blocked` are the seconds for which nothing
    may be tried anyway.
    """
    if not waits:
        return math.inf
    return max(0.0, asked_at + CLOCK_PAUSE - monotonic, blocked)


def pause(now: float, next_due: float | None, busy_at: float, blocked: float) -> float:
    """Seconds to sleep when nothing is due; an event wakes earlier.

    `next_due` is the wall-clock time of the next job, None without any; `blocked` the seconds for
    which nothing may be tried anyway.
    """
    if next_due is None:
        return min(LONGEST, max(0.25, IDLE - (now - busy_at)))
    return min(LONGEST, max(0.02, next_due - now, blocked))
