"""Queues many scenes at once, behind edits and in turn with other backfills."""

from __future__ import annotations

from collections.abc import Iterable

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.model.job import BACKFILL, Job
from plexsync.model.reasons import RECONCILE

BACKFILL_TURN = 50
"""Scenes that a backfill queues before the next one's turn."""


BACKFILL_WINDOW = 500
"""Maximum untried backfill jobs in the queue; further scenes wait in their backfill."""


def backfill_job(scene: int, reason: str, now: float) -> Job:
    """A job that runs behind the edits."""
    return Job(scene=scene, reason=reason, born=now, priority=BACKFILL, not_before=now)


def neighbours(ledger: Ledger, scenes: Iterable[int]) -> set[int]:
    """The scenes that share a Plex item with these, or wait for theirs."""
    return {other for scene in scenes for other in ledger.neighbours(scene)}


def wake(queue: JobQueue, scenes: Iterable[int], now: float) -> None:
    """Have these scenes compared with Plex."""
    queue.put_all(backfill_job(scene, RECONCILE, now) for scene in sorted(scenes))


def backfill(
    queue: JobQueue, ledger: Ledger, scenes: Iterable[int], reason: str, now: float
) -> list[int]:
    """Queue these scenes, except those already waiting; returns the ones queued.

    Up to one turn of a backfill go straight into the queue; more become a backfill of their own, so
    that thousands of dead letters do not delay a rename.
    """
    wanted = [scene for scene in scenes if scene not in queue.jobs]
    ahead = ledger.ahead(reason) if wanted else set()
    new = [scene for scene in wanted if scene not in ahead]
    if len(new) > BACKFILL_TURN:
        ledger.add_backfill(reason, "scene", new, now)
    else:
        queue.put_all(backfill_job(scene, reason, now) for scene in new)
    return new
