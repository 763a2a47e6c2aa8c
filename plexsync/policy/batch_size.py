"""How many scenes make a batch: each costs the same few reads, and edits and tasks wait for it."""

from __future__ import annotations

SECONDS = 2.0
"""Target duration of a batch, so that what comes between two batches need not wait long."""

FEWEST = 50
"""Scenes at full speed, even if Plex takes longer for them: reads of fewer would slow it down more."""

MOST = 100
"""Scenes that one query to Stash reads, and half of the items that one request to Plex reads: those of
the batch, and as many that are read back.
"""


def at_pace(pace: float) -> int:
    """The scenes of a batch while nothing limits them; `pace` is scenes per second of the last batch,
    0 if unknown.
    """
    return max(FEWEST, min(MOST, round(pace * SECONDS)))


def at_rate(rate: float) -> int:
    """The scenes of a batch while Plex is spared; `rate` is the limit in requests per second."""
    return max(1, min(FEWEST, round(rate * SECONDS)))
