"""Many scenes at once, behind the edits and taking turns with whatever else is many."""

from __future__ import annotations

from collections.abc import Iterable

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.model.job import BACKFILL, Job
from plexsync.model.reasons import RECONCILE

BACKFILL_TURN = 50
"""Scenes that a backfill puts into the queue before it is the next one's turn."""


BACKFILL_WINDOW = 500
"""At most so many untried backfill jobs lie in the queue; the rest waits in its cursor."""


def wake_neighbours(queue: JobQueue, ledger: Ledger, scenes: Iterable[int], now: float) -> None:
    """Have those synced that share a Plex item with these scenes, or wait for theirs."""
    found = [other for scene in scenes for other in ledger.neighbours(scene)]
    queue.put_all(
        Job(scene=scene, reason=RECONCILE, born=now, priority=BACKFILL, not_before=now)
        for scene in dict.fromkeys(found)
        if scene not in queue.jobs
    )


def backfill(
    queue: JobQueue, ledger: Ledger, scenes: Iterable[int], reason: str, now: float
) -> list[int]:
    """Have these scenes synced, those that wait already left out; returns the others.

    As many as one turn of a backfill go straight into the queue; more are a backfill of their own,
    so that thousands of dead letters hold up no rename.
    """
    wanted = [scene for scene in scenes if scene not in queue.jobs]
    ahead = ledger.ahead(reason) if wanted else set()
    new = [scene for scene in wanted if scene not in ahead]
    if len(new) > BACKFILL_TURN:
        ledger.add_backfill(reason, "scene", new, now)
    else:
        queue.put_all(
            Job(scene=scene, reason=reason, born=now, priority=BACKFILL, not_before=now)
            for scene in new
        )
    return new
