"""How fast a backfill works, as far as it was measured; policy/estimate.py makes it and uses it."""

from __future__ import annotations

from plexsync.model.named_tuple import NamedTuple


class Pace(NamedTuple):
    """What was measured of a backfill: how many scenes had their turn in how many seconds, both
    fading. `at` is the time of the last measurement.
    """

    known: float = 0.0
    known_seconds: float = 0.0
    new: float = 0.0
    new_seconds: float = 0.0
    at: float = 0.0

    @property
    def scenes(self) -> float:
        """Scenes of both kinds."""
        return self.known + self.new

    @property
    def seconds(self) -> float:
        """Seconds for both kinds."""
        return self.known_seconds + self.new_seconds
