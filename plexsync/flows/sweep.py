"""What no hook told: scenes that Stash changed while nobody listened.

Hooks are hints; they can be lost, and some changes fire none. So Stash is asked now and then for
what was updated since the last time, and those scenes are queued. A scene that is in step costs
one look.
"""

from __future__ import annotations

from collections.abc import Container

from plexsync.edges.ledger import Ledger
from plexsync.edges.log import Log
from plexsync.edges.stash import StashClient
from plexsync.model.words import counted

EVERY = 900.0
"""Seconds between two sweeps of a worker; the first is at its start."""

OVERLAP = 3 * 3600.0
"""Seconds looked at again each time, for clocks that differ or were changed."""

ZONES = 26 * 3600.0
"""Stash sorts times as text, with their offsets: so far apart can equal times stand in its list
when the time zone was changed in between."""

PAGE = 1000

SWEPT = "swept"
"""The ledger's name for the time up to which everything was seen, UTC seconds of Stash's clock."""


class Sweep:
    """Queues recently updated scenes behind the edits, as a stored walk."""

    def __init__(self, stash: StashClient, ledger: Ledger, log: Log) -> None:
        self._stash = stash
        self._ledger = ledger
        self._log = log
        self._last: float | None = None
        self._seen: dict[int, float] = {}

    def due(self, monotonic: float) -> bool:
        """Whether it is time again."""
        return self._last is None or monotonic - self._last >= EVERY

    def run(self, now: float, monotonic: float, queued: Container[int] = ()) -> int:
        """Look once; returns how many scenes were queued. Raises StashDown or StashAuthError.

        `queued` scenes are about to be looked at anyway. Never goes back beyond the installation: older scenes are nobody's wish.
        """
        installed = self._installed(now)
        swept = float(self._ledger.get_meta(SWEPT) or installed)
        if swept > now + OVERLAP:
            swept = installed  # by a clock that was set back since: when it really was, none knows
        bottom = max(installed, min(swept, now) - OVERLAP)
        found: dict[int, float] = {}
        page = 1
        while True:
            updated = self._stash.recently_updated(page, PAGE)
            found.update((scene, at) for scene, at in updated if at >= bottom)
            if len(updated) < PAGE or updated[-1][1] < bottom - ZONES:
                break
            page += 1
        new = self._queue_new(found, queued, now)
        self._last = monotonic
        self._ledger.set_meta(SWEPT, repr(min(now, max([swept, *found.values()]))))
        return new

    def _installed(self, now: float) -> float:
        """When PlexSync began; a moment to come is one of a clock that was set right since."""
        installed = float(self._ledger.get_meta("watermark") or now)
        if installed > now:
            installed = now - EVERY
            self._ledger.set_meta("watermark", repr(installed))
        return installed

    def _queue_new(self, found: dict[int, float], queued: Container[int], now: float) -> int:
        fresh = (scene for scene, at in found.items() if self._seen.get(scene) != at)
        new = [scene for scene in fresh if scene not in queued]
        if new:
            self._ledger.add_bulk("sweep", "scene", new, now)
            self._log.debug(f"Looking at {counted(len(new), 'scene')} updated lately.")
        self._seen = found
        return len(new)
