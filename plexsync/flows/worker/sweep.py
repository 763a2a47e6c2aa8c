"""What no hook reported: scenes that Stash changed while nobody listened.

Hooks are hints; they can be lost, and some changes fire none. So Stash is asked now and then for
what was updated since the last time: scenes, and the performers, studios, tags and groups of scenes
that were written. Once a day it is asked which scenes it still has. What may differ is queued; a
scene that is in step costs one check.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.edges.page.queue_view import SWEPT_AT
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.stash.client import ENTITIES, StashClient
from plexsync.flows.updated import PAGE, updated_since
from plexsync.model.reasons import SWEEP
from plexsync.model.words import counted
from plexsync.policy.timing import SWEEP_EVERY

SOON = 60.0
"""At its start a worker sweeps unless somebody did so many seconds ago: a button that takes over
and gives back begins no new round."""

OVERLAP = 3 * 3600.0
"""Seconds swept again each time, for clocks that differ or were changed."""

DAY = 86400.0
"""Seconds between two checks of which scenes still exist."""

JUST_NOW = 5.0
"""Stash's times have whole seconds: what was updated so recently may be so once more."""

WATERMARK = "watermark"
"""The ledger's name for the time up to which everything was seen, UTC seconds of Stash's clock."""

COUNTED_AT, COUNTED_AFTER = "counted_at", "counted_after"
"""The ledger's names for the last check of which scenes exist, and how far an interrupted one
came."""

_BEYOND = 2**63 - 1


def _never(scene: int, at: float) -> bool:
    return False


class Sweep:
    """Queues scenes behind the edits, as stored backfills."""

    def __init__(
        self, stash: StashClient, ledger: Ledger, dead_letters: DeadLetters, log: Log
    ) -> None:
        self._stash = stash
        self._ledger = ledger
        self._dead_letters = dead_letters
        self._log = log
        self._every = SOON
        self._last = float(ledger.get_meta(SWEPT_AT) or "-inf")

    def due_in(self, now: float, every: float | None = None) -> float:
        """Seconds until it is time again; a last one that lies ahead is of a clock set back since."""
        since = now - self._last
        return max(0.0, (every or self._every) - since) if since >= 0 else 0.0

    def request(self) -> None:
        """Let the next one be due now."""
        self._last = -math.inf

    def go_by(self, now: float) -> None:
        """Go by that time as if the last one had been then."""
        self._last = now
        self._ledger.set_meta(SWEPT_AT, repr(now))

    def sweep(self, now: float, needless: Callable[[int, float], bool] = _never) -> int:
        """Sweep once; returns how many scenes were queued. Raises StashDown or StashAuthError.

        `needless` says that a scene, as it was updated then, needs no check. Never goes back
        beyond the installation: nobody asked for older scenes.
        """
        installed = self._installed(now)
        watermark = float(self._ledger.get_meta(WATERMARK) or installed)
        if watermark > now + OVERLAP:
            watermark = (
                installed  # by a clock that was set back since: when it really was, none knows
            )
        bottom = max(installed, min(watermark, now) - OVERLAP)
        found = {"scene": self._updated("scene", bottom)}
        changed = self._news("scene", found["scene"])
        for kind in ENTITIES:
            entities = self._ledger.entities_of(kind)
            if entities:  # otherwise no scene was written with any
                found[kind] = self._updated(kind, bottom)
                changed |= self._touched(kind, found[kind], entities, now)
        updated = found["scene"]
        new = [scene for scene in changed if not needless(scene, updated.get(scene, now))]
        self._queue(new, now, "updated lately")
        for kind, times in found.items():
            self._ledger.see(kind, {n: at for n, at in times.items() if abs(now - at) > JUST_NOW})
        new += self._vanished(now)
        self._ledger.set_meta(WATERMARK, repr(min(now, max([watermark, *updated.values()]))))
        self.go_by(now)
        self._every = SWEEP_EVERY
        return len(new)

    def _installed(self, now: float) -> float:
        """When PlexSync began; a moment to come is one of a clock that was set right since."""
        installed = float(self._ledger.get_meta("installed_at") or now)
        if installed > now:
            installed = now - SWEEP_EVERY
            self._ledger.set_meta("installed_at", repr(installed))
        return installed

    def _updated(self, kind: str, bottom: float) -> dict[int, float]:
        """What was updated since then, and when."""
        pages = updated_since(self._stash, bottom, kind)
        return {number: at for page in pages for number, at in page}

    def _news(self, kind: str, found: dict[int, float]) -> set[int]:
        """Those that no sweep has seen as they are now."""
        seen = self._ledger.seen(kind)
        return {number for number, at in found.items() if seen.get(number) != at}

    def _touched(
        self, kind: str, updated: dict[int, float], entities: set[int], now: float
    ) -> set[int]:
        """Scenes written with an entity that was updated, or that is gone, since the last sweep."""
        news = self._news(kind, updated)
        self._ledger.touch_collections(kind, news, now)
        gone = self._gone(kind, entities, now) if news or self._counts(now) else set()
        return set(self._ledger.scenes_with(kind, gone | (news & entities), 0, _BEYOND))

    def _gone(self, kind: str, known: set[int], now: float) -> set[int]:
        """Entities of our scenes that Stash no longer has: a merge leaves no other trace of them.

        Each is told once: a scene that lost it may be in step all the same, and name it still.
        """
        there: set[int] = set()
        page = 1
        while updated := self._stash.recently_updated(page, PAGE, kind):
            there.update(number for number, _ in updated)
            page += 1
        told = self._ledger.seen(f"no {kind}")
        gone = dict.fromkeys(known - there, now)
        self._ledger.see(
            f"no {kind}", {number: told.get(number, at) for number, at in gone.items()}
        )
        return set(gone) - set(told)

    def _counts(self, now: float) -> bool:
        """Whether a day has passed since the last check of what still exists."""
        return not 0 <= now - float(self._ledger.get_meta(COUNTED_AT) or 0.0) < DAY

    def _vanished(self, now: float) -> list[int]:
        """Scenes that were written, or have a dead letter, and that Stash no longer lists.

        Page by page, so that an interrupted check goes on where it was. That a scene is gone is
        only believed when Stash, asked for it, says so: this only queues it.
        """
        found: list[int] = []
        if not self._counts(now):
            return found
        after = int(self._ledger.get_meta(COUNTED_AFTER) or 0)
        dead_letters = self._dead_letters.scenes()
        while self._ledger.live_scenes(after, 1) or any(scene > after for scene in dead_letters):
            ids, left = self._stash.scene_ids(after, PAGE)
            last = ids[-1] if len(ids) < left else _BEYOND
            known = {scene for scene in dead_letters if after < scene <= last}
            known.update(self._ledger.live_between(after, last))
            gone = sorted(known - set(ids))
            self._queue(gone, now, "no longer listed by Stash")
            found += gone
            after = last
            self._ledger.set_meta(COUNTED_AFTER, str(after))
        self._ledger.set_meta(COUNTED_AFTER, "0")
        self._ledger.set_meta(COUNTED_AT, repr(now))
        return found

    def _queue(self, scenes: Iterable[int], now: float, why: str) -> None:
        wanted = list(scenes)
        if wanted:
            self._ledger.add_backfill(SWEEP, "scene", wanted, now)
            self._log.debug(f"Looking at {counted(len(wanted), 'scene')} {why}.")
