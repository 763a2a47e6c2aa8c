"""Local time on this machine; light, for the page's requests. See Clock.offset."""

from __future__ import annotations

import time


def local_offset(at: float) -> float:
    """Seconds by which local time is ahead of UTC at a wall-clock time."""
    try:
        return float(time.localtime(at).tm_gmtoff)
    except (OverflowError, OSError, ValueError):
        return 0.0
