"""The buttons that queue many scenes: all of them, or those of the last day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.tasks.progress import Progress
from plexsync.flows.updated import PAGE, updated_since
from plexsync.model.formatting import counted
from plexsync.model.reasons import FORCED, RECENT, SYNC_ALL

DAY = 86400.0


@dataclass(slots=True)
class _Reading:
    done: int = 0
    total: int = 0

    def measure(self) -> float:
        return 0.99 * self.done / max(self.done, self.total, 1)


def sync_all(context: TaskContext) -> dict[str, object]:
    """Queue every scene of Stash; an unchanged one costs one comparison."""
    return _queue_all(context, SYNC_ALL, "What differs from what PlexSync last wrote goes to Plex")


def sync_all_forced(context: TaskContext) -> dict[str, object]:
    """Queue every scene of Stash, to be compared with Plex itself, whatever was written before."""
    return _queue_all(
        context, FORCED, "Each is compared with Plex itself, and what differs is written"
    )


def sync_recent(context: TaskContext) -> dict[str, object]:
    """Queue the scenes created or updated within the last 24 hours.

    Stash stamps a scene as updated when it is created, so one list has both.
    """
    now = context.clock.now()
    reading = _Reading()
    with Progress(context.log, reading.measure):
        found = context.attend(partial(_updated_since, context, now - DAY, reading))
    if found:
        context.owner().stores.ledger.add_backfill(RECENT, "scene", found, now)
    if not found:
        context.log.info(
            "No scene was created or updated within the last 24 hours, so nothing was queued."
        )
        return {"queued": 0}
    context.log.info(
        f"{counted(len(found), 'scene')} of the last 24 hours queued. "
        "What differs from what PlexSync last wrote goes to Plex in the background."
    )
    context.log_what_holds_it()
    return {"queued": len(found)}


def _queue_all(context: TaskContext, reason: str, what_follows: str) -> dict[str, object]:
    ledger, now = context.owner().stores.ledger, context.clock.now()
    reading = _Reading()
    with Progress(context.log, reading.measure):
        scenes = _every_scene(context, reading)
    if not scenes:
        context.log.info("Stash has no scenes, so nothing was queued.")
        return {"queued": 0}
    backfill = ledger.add_backfill(reason, "scene", scenes, now)
    for older in ledger.backfills():
        # this one covers whatever an earlier press has left
        if older.id != backfill and older.reason in (reason, SYNC_ALL):
            ledger.end_backfill(older.id)
    context.log.info(f"{counted(len(scenes), 'scene')} queued. {what_follows} in the background.")
    context.log_what_holds_it()
    return {"queued": len(scenes)}


def _every_scene(context: TaskContext, reading: _Reading) -> list[int]:
    found: list[int] = []
    while True:
        after = found[-1] if found else 0
        page, left = context.attend(partial(context.stash.scene_ids, after, PAGE))
        found += page
        reading.done, reading.total = len(found), len(found) - len(page) + left
        if not page or len(page) >= left:
            return found


def _updated_since(context: TaskContext, bottom: float, reading: _Reading) -> list[int]:
    found: set[int] = set()
    for number, page in enumerate(updated_since(context.stash, bottom), 1):
        found.update(scene for scene, _ in page)
        reading.done, reading.total = number, number + 1
    return sorted(found)
