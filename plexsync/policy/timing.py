"""Times of the next trial, probe and request, as plain numbers.

Each of the page's requests starts a process to show them, so this imports next to nothing.
"""

from __future__ import annotations

DEFAULT_RAMP = (5.0, 5.0, 20.0)
"""The default ramp after an outage: minutes, first and last rate."""

COOLDOWN = 60.0
"""Seconds after opening until one job may be tried."""

PERMIT = 60.0
"""Seconds after which the permit of a trial that never reported expires."""

FLAPPING = 300.0
"""A recovery within this many seconds of another did not last: the next outage is probed slower."""

OWNER_CHECK = 600.0
"""Seconds between checks whether a token that may not write has been replaced by the owner's."""

SWEEP_EVERY = 900.0
"""Seconds between sweeps, which ask Stash for changes that fired no hook."""

LOWEST_RATE = 1.0


def probe_delay(failures: int) -> float:
    """Seconds until the next probe after `failures` failed ones: 5, 10, 20, 40, then 60."""
    return min(60.0, 5.0 * 2.0 ** min(max(failures, 0), 30))


def ramp_rate(minutes: float, start: float, end: float, elapsed: float) -> float | None:
    """Requests per second `elapsed` seconds after a recovery; None: no limit any more."""
    half = minutes * 30
    elapsed = max(0.0, elapsed)
    if elapsed >= 2 * half:
        return None
    low = max(LOWEST_RATE, start)
    high = max(low, end)
    middle: float = (low * high) ** 0.5
    if elapsed < half:
        return low + (middle - low) * elapsed / half
    return middle + (high - middle) * (elapsed - half) / half
