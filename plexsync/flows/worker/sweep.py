"""The sweep: finds scenes that Stash changed without a hook.

Hooks can be lost, and some changes fire none. So Stash is asked now and then for what was updated
since the last sweep: scenes, and the performers, studios, tags and groups of written scenes. Once a
day it is asked which scenes it still has. Scenes that may differ are queued; one that is in step
costs one check.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.edges.page.read_state import SWEPT_AT
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.stash.client import ENTITIES, StashClient
from plexsync.flows.updated import PAGE, updated_since
from plexsync.model.formatting import counted
from plexsync.model.reasons import SWEEP
from plexsync.policy.pictures import PICTURE_OF
from plexsync.policy.timing import SWEEP_EVERY

SOON = 60.0
"""A worker sweeps at its start unless the last sweep was within this many seconds: a task that
takes over and hands back must not cause another one."""

OVERLAP = 3 * 3600.0
"""Seconds swept again each time, since clocks may differ or be changed."""

DAY = 86400.0
"""Seconds between checks of which scenes still exist."""

JUST_NOW = 5.0
"""Stash's times have whole seconds: what was updated this recently may change again in the same
one."""

WATERMARK = "watermark"
"""The ledger's key for the watermark, up to which all updates were seen, in Stash's seconds."""

COUNTED_AT, COUNTED_AFTER = "counted_at", "counted_after"
"""The ledger's keys for the last check of which scenes exist, and for its progress."""

_BEYOND = 2**63 - 1


def _never(scene: int, at: float) -> bool:
    return False


class Sweep:
    """Finds changed scenes and queues them as backfills, behind edits."""

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
        """Seconds until the next sweep is due; it is due now if the last one lies in the future,
        since the clock was set back.
        """
        since = now - self._last
        return max(0.0, (every or self._every) - since) if since >= 0 else 0.0

    def request(self) -> None:
        """Make the next sweep due now."""
        self._last = -math.inf

    def go_by(self, now: float) -> None:
        """Schedule the next sweep as if the last one had been at this time."""
        self._last = now
        self._ledger.set_meta(SWEPT_AT, repr(now))

    def sweep(
        self, now: float, needless: Callable[[int, float], bool] = _never, placed: bool = False
    ) -> int:
        """Sweep once; returns how many scenes were queued. Raises StashDown or StashAuthError.

        `needless` tests whether a scene updated at a time needs no check; `placed` says that the
        hierarchy of tags matters. Never goes back beyond the installation: older scenes are not
        synced unasked.
        """
        installed = self._installed(now)
        watermark = float(self._ledger.get_meta(WATERMARK) or installed)
        if watermark > now + OVERLAP:
            watermark = (
                installed  # by a clock that has been set back since; the true time is unknown
            )
        bottom = max(installed, min(watermark, now) - OVERLAP)
        found = {"scene": self._updated("scene", bottom)}
        changed = self._news("scene", found["scene"])
        for kind in ENTITIES:
            entities = self._ledger.entities_of(kind)
            entities |= self._ledger.entities_of(PICTURE_OF[kind]) if kind in PICTURE_OF else set()
            if entities:  # otherwise no written scene has any
                found[kind] = self._updated(kind, bottom)
                changed |= self._touched(kind, found[kind], entities, now, placed)
        updated = found["scene"]
        new = [scene for scene in changed if not needless(scene, updated.get(scene, now))]
        self._queue(new, now, "updated recently")
        for kind, times in found.items():
            self._ledger.see(kind, {n: at for n, at in times.items() if abs(now - at) > JUST_NOW})
        new += self._vanished(now)
        self._ledger.set_meta(WATERMARK, repr(min(now, max([watermark, *updated.values()]))))
        self.go_by(now)
        self._every = SWEEP_EVERY
        return len(new)

    def _installed(self, now: float) -> float:
        """When PlexSync was installed; a time in the future is replaced by `now`."""
        installed = float(self._ledger.get_meta("installed_at") or now)
        if installed > now:
            installed = now - SWEEP_EVERY
            self._ledger.set_meta("installed_at", repr(installed))
        return installed

    def _updated(self, kind: str, bottom: float) -> dict[int, float]:
        """Ids of what was updated since then, with the times."""
        pages = updated_since(self._stash, bottom, kind)
        return {number: at for page in pages for number, at in page}

    def _news(self, kind: str, found: dict[int, float]) -> set[int]:
        """Those whose update no sweep has seen yet."""
        seen = self._ledger.seen(kind)
        return {number for number, at in found.items() if seen.get(number) != at}

    def _touched(
        self, kind: str, updated: dict[int, float], entities: set[int], now: float, placed: bool
    ) -> set[int]:
        """Scenes written with an entity that was updated or removed since the last sweep; with
        `placed` also those with a tag below an updated one, since moving a tag does not update its
        descendants.
        """
        news = self._news(kind, updated)
        self._ledger.touch_collections(kind, news, now)
        if news and kind in ("tag", "studio"):
            self._stash.forget_hierarchy()
        if kind == "tag" and placed and news - entities:
            above = self._stash.hierarchy().tag_ancestors
            news |= {tag for tag in entities if above(tag) & news}
        gone = self._gone(kind, entities, now) if news or self._counts(now) else set()
        ids = gone | (news & entities)
        found = self._ledger.scenes_with(kind, ids, 0, _BEYOND)
        shown = PICTURE_OF.get(kind, "")
        return {*found, *(self._ledger.scenes_with(shown, ids, 0, _BEYOND) if shown else ())}

    def _gone(self, kind: str, known: set[int], now: float) -> set[int]:
        """Entities of our scenes that Stash no longer has: a merge leaves no other trace of them.

        Each is reported once: a scene that has lost it may still be in step, and still list it.
        """
        there: set[int] = set()
        page = 1
        while more := self._stash.recently_updated(page, PAGE, kind).ids - there:
            there |= more
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
        """Scenes with a write, a dead letter or a pin that Stash no longer lists.

        Runs page by page, so that an interrupted check continues where it was. It only queues them:
        a scene counts as removed once Stash says so when asked for it.
        """
        found: list[int] = []
        if not self._counts(now):
            return found
        after = int(self._ledger.get_meta(COUNTED_AFTER) or 0)
        others = {*self._dead_letters.scenes(), *self._ledger.only_pinned()}
        while self._ledger.live_scenes(after, 1) or any(scene > after for scene in others):
            ids, left = self._stash.scene_ids(after, PAGE)
            last = ids[-1] if len(ids) < left else _BEYOND
            known = {scene for scene in others if after < scene <= last}
            known.update(self._ledger.live_between(after, last))
            gone = sorted(known - set(ids))
            self._queue(gone, now, "no longer listed by Stash")
            found += gone
            after = last
            if after < _BEYOND:
                self._ledger.set_meta(COUNTED_AFTER, str(after))
        self._ledger.set_meta(COUNTED_AFTER, "0")
        self._ledger.set_meta(COUNTED_AT, repr(now))
        return found

    def _queue(self, scenes: Iterable[int], now: float, why: str) -> None:
        wanted = list(scenes)
        if wanted:
            self._ledger.add_backfill(SWEEP, "scene", wanted, now)
            self._log.debug(f"Checking {counted(len(wanted), 'scene')} {why}.")
