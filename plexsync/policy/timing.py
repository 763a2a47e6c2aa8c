"""When the next trial, probe and request are due, as plain numbers.

A page's request starts a process to show them, so this imports next to nothing.
"""

from __future__ import annotations

from math import sqrt

DEFAULT_RAMP = (5.0, 5.0, 20.0)
"""Minutes, first and last rate of the ramp after an outage by default."""

COOLDOWN = 60.0
"""Seconds after opening until one job may try."""

PERMIT = 60.0
"""Seconds after which the permit of a trial that never reported expires."""

FLAPPING = 300.0
"""A recovery within so many seconds of another did not last: the next outage is probed less."""

OWNER_CHECK = 600.0
"""Seconds between two checks whether a token that may not write has become the owner's."""

SWEEP_EVERY = 900.0
"""Seconds between two sweeps, which ask Stash for changes without a hook."""

LOWEST_RATE = 1.0


def probe_delay(failures: int) -> float:
    """Seconds until the next probe, after `failures` failed ones (0 at first): 5, 10, 20, 40,
    60.
    """
    return min(60.0, 5.0 * 2.0 ** min(max(failures, 0), 30))


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
