"""What no hook told: scenes that Stash changed while nobody listened.

Hooks are hints; they can be lost, and some changes fire none. So Stash is asked now and then for
what was updated since the last time, and those scenes are queued. A scene that is in step costs
one look.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from plexsync.edges.ledger import Ledger
from plexsync.edges.log import Log
from plexsync.edges.stash import StashClient
from plexsync.edges.work_left import SWEPT_AT
from plexsync.model.words import counted
from plexsync.policy.timing import SWEEP_EVERY

SOON = 60.0
"""At its start a worker sweeps unless somebody did so many seconds ago: a button that takes over
and gives back begins no new round."""

OVERLAP = 3 * 3600.0
"""Seconds looked at again each time, for clocks that differ or were changed."""

ZONES = 26 * 3600.0
"""Stash sorts times as text, with their offsets: so far apart can equal times stand in its list
when the time zone was changed in between."""

PAGE = 1000

SWEPT = "swept"
"""The ledger's name for the time up to which everything was seen, UTC seconds of Stash's clock."""


def _never(scene: int, at: float) -> bool:
    return False


class Sweep:
    """Queues recently updated scenes behind the edits, as a stored walk."""

    def __init__(self, stash: StashClient, ledger: Ledger, log: Log) -> None:
        self._stash = stash
        self._ledger = ledger
        self._log = log
        self._every = SOON
        self._last = float(ledger.get_meta(SWEPT_AT) or "-inf")
        self._seen: dict[int, float] = {}

    def due_in(self, now: float, every: float | None = None) -> float:
        """Seconds until it is time again; a last one that lies ahead is of a clock set back since."""
        since = now - self._last
        return max(0.0, (every or self._every) - since) if since >= 0 else 0.0

    def hurry(self) -> None:
        """Let the next one be due now."""
        self._last = -math.inf

    def go_by(self, now: float) -> None:
        """Go by that time as if the last one had been then."""
        self._last = now
        self._ledger.set_meta(SWEPT_AT, repr(now))

    def run(self, now: float, needless: Callable[[int, float], bool] = _never) -> int:
        """Look once; returns how many scenes were queued. Raises StashDown or StashAuthError.

        `needless` says that a scene, as it was updated then, needs no look. Never goes back beyond
        the installation: older scenes are nobody's wish.
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
        new = self._queue_new(found, needless, now)
        self._ledger.set_meta(SWEPT, repr(min(now, max([swept, *found.values()]))))
        self.go_by(now)
        self._every = SWEEP_EVERY
        return new

    def _installed(self, now: float) -> float:
        """When PlexSync began; a moment to come is one of a clock that was set right since."""
        installed = float(self._ledger.get_meta("watermark") or now)
        if installed > now:
            installed = now - SWEEP_EVERY
            self._ledger.set_meta("watermark", repr(installed))
        return installed

    def _queue_new(
        self, found: dict[int, float], needless: Callable[[int, float], bool], now: float
    ) -> int:
        fresh = ((scene, at) for scene, at in found.items() if self._seen.get(scene) != at)
        new = [scene for scene, at in fresh if not needless(scene, at)]
        if new:
            self._ledger.add_bulk("sweep", "scene", new, now)
            self._log.debug(f"Looking at {counted(len(new), 'scene')} updated lately.")
        self._seen = found
        return len(new)
