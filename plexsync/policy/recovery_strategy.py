"""What a recovery takes back by itself after an outage, and how fast it starts."""

from __future__ import annotations

from collections.abc import Mapping

from plexsync.model.errors import PlexNotFound, PlexServerDown, PlexTemporaryError
from plexsync.policy.rate_limiter import Ramp

CONSERVATIVE, NORMAL, AGGRESSIVE = "conservative", "normal", "aggressive"

STRATEGIES = (CONSERVATIVE, NORMAL, AGGRESSIVE)

DEFAULT = CONSERVATIVE

AGGRESSIVE_START = 10.0
"""Requests per second with which an aggressive recovery starts, or more when so set."""

_CONSERVATIVE = frozenset({PlexServerDown.__name__})
_NORMAL = _CONSERVATIVE | {PlexTemporaryError.__name__}
_CLASSES: Mapping[str, frozenset[str]] = {
    CONSERVATIVE: _CONSERVATIVE,
    NORMAL: _NORMAL,
    AGGRESSIVE: _NORMAL | {PlexNotFound.__name__},
}


def recovered_classes(strategy: str) -> frozenset[str]:
    """Error classes of the last outage's dead letters that go back to the queue by themselves.

    Raises ValueError for a name that is not in STRATEGIES.
    """
    if strategy not in _CLASSES:
        raise ValueError(f"the recovery strategy must be one of {', '.join(STRATEGIES)}")
    return _CLASSES[strategy]


def ramp_for(strategy: str, minutes: float, start_rate: float, end_rate: float) -> Ramp:
    """The ramp of these settings under a strategy."""
    if strategy == AGGRESSIVE:
        start_rate = max(start_rate, AGGRESSIVE_START)
    return Ramp(minutes, start_rate, end_rate)
