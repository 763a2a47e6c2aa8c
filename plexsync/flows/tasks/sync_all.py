"""Scenes queued by the thousand: all of them, or those of the last day."""

from __future__ import annotations

from dataclasses import dataclass

from plexsync.flows.tasks.context import Call
from plexsync.flows.tasks.progress import Ticker
from plexsync.model.reasons import FORCED, RECENT, SYNC_ALL
from plexsync.model.words import counted

PAGE = 1000

DAY = 86400.0

SLACK = 3 * 3600.0
"""Seconds by which Stash's order of times, which are texts with offsets, may be wrong."""


@dataclass(slots=True)
class _Reading:
    done: int = 0
    total: int = 0

    def measure(self) -> float:
        return 0.99 * self.done / max(self.done, self.total, 1)


def sync_all(call: Call) -> dict[str, object]:
    """Queue every scene of Stash; one that is as it was when it was written costs one look."""
    return _queue_all(call, SYNC_ALL, "What differs from what PlexSync last wrote goes to Plex")


def sync_all_forced(call: Call) -> dict[str, object]:
    """Queue every scene of Stash, to be compared with Plex itself, whatever was written before."""
    return _queue_all(
        call, FORCED, "Each is compared with Plex itself, and what differs is written"
    )


def sync_recent(call: Call) -> dict[str, object]:
    """Queue the scenes created or updated within the last 24 hours.

    Stash stamps a scene as updated when it is created, so one list tells both.
    """
    now = call.clock.now()
    reading = _Reading()
    with Ticker(call.log, reading.measure):
        found = _updated_since(call, now - DAY, reading)
    if found:
        call.owner().stores.ledger.add_bulk(RECENT, "scene", found, now)
    if not found:
        call.log.info(
            "No scene was created or updated within the last 24 hours, so nothing was queued."
        )
        return {"queued": 0}
    call.log.info(
        f"{counted(len(found), 'scene')} of the last 24 hours queued. "
        "What differs from what PlexSync last wrote goes to Plex in the background."
    )
    call.tell_if_plex_is_away()
    return {"queued": len(found)}


def _queue_all(call: Call, reason: str, what_follows: str) -> dict[str, object]:
    ledger, now = call.owner().stores.ledger, call.clock.now()
    reading = _Reading()
    with Ticker(call.log, reading.measure):
        scenes = _every_scene(call, reading)
    if not scenes:
        call.log.info("Stash has no scenes, so nothing was queued.")
        return {"queued": 0}
    walk = ledger.add_bulk(reason, "scene", scenes, now)
    for older in ledger.bulks():
        # what is under way of an earlier press is all in this one
        if older.id != walk and older.reason in (reason, SYNC_ALL):
            ledger.end_bulk(older.id)
    call.log.info(f"{counted(len(scenes), 'scene')} queued. {what_follows} in the background.")
    call.tell_if_plex_is_away()
    return {"queued": len(scenes)}


def _every_scene(call: Call, reading: _Reading) -> list[int]:
    found: list[int] = []
    while True:
        page, left = call.stash.scene_ids(found[-1] if found else 0, PAGE)
        found += page
        reading.done, reading.total = len(found), len(found) - len(page) + left
        if not page or len(page) >= left:
            return found


def _updated_since(call: Call, bottom: float, reading: _Reading) -> list[int]:
    found: set[int] = set()
    page = 1
    while True:
        updated = call.stash.recently_updated(page, PAGE)
        found.update(scene for scene, at in updated if at >= bottom)
        if len(updated) < PAGE or updated[-1][1] < bottom - SLACK:
            return sorted(found)
        reading.done, reading.total = page, page + 1
        page += 1
