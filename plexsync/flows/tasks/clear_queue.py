"""Clear Queue: removes all waiting jobs and backfills."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from plexsync.edges.ledger.ledger import Ledger
from plexsync.flows.tasks.confirmation import is_second_press, keep_copy
from plexsync.flows.tasks.context import TaskContext
from plexsync.model.formatting import counted, some_scenes
from plexsync.model.job import EDIT, Job
from plexsync.model.ledger import Backfill
from plexsync.model.reasons import reason_words
from plexsync.policy.debounce import BURST


def clear_queue(context: TaskContext) -> dict[str, object]:
    """Remove all waiting jobs and backfills, including events not taken over yet. The first press
    says what would be removed, the second does it.

    Nothing is in flight, since only the owner of the data folder runs jobs.
    """
    loop = context.owner().worker(lambda: "", lambda results, seconds: None)
    loop.start()
    loop.take_in(context.clock.now())
    stores = context.owner().stores
    jobs, backfills = list(stores.queue.jobs.values()), stores.ledger.backfills()
    if not jobs and not backfills:
        return {**remove_all(context), "would_remove": 0}
    first_press = is_second_press(context, "clear_queue")
    if first_press is not None:
        return {**remove_all(context, first_press), "would_remove": 0}
    context.log.warning(
        f"Nothing was removed yet. This would remove {_listed(jobs, backfills)}. "
        "Press Clear Queue again within 5 minutes to do it."
    )
    return {"removed": 0, "backfills": 0, "would_remove": len(jobs)}


def remove_all(context: TaskContext, until: float | None = None) -> dict[str, object]:
    """Remove all waiting jobs and stored backfills; nothing may be in flight.

    `until`: jobs of edits after this time are kept.
    """
    stores = context.owner().stores
    end = context.clock.now() if until is None else until
    jobs = [job for job in stores.queue.jobs.values() if not _is_younger(job, end)]
    backfills = [backfill for backfill in stores.ledger.backfills() if backfill.born <= end]
    if not jobs and not backfills:
        context.log.info("The queue is empty, so nothing was removed.")
        return {"removed": 0, "backfills": 0}
    return remove(context, jobs, backfills)


def remove(
    context: TaskContext, jobs: Sequence[Job], backfills: Sequence[Backfill]
) -> dict[str, object]:
    """Remove these jobs and stored backfills; a copy of them is kept."""
    stores, now = context.owner().stores, context.clock.now()
    queue, ledger = stores.queue, stores.ledger
    document = {
        "jobs": [job.to_dict() for job in jobs],
        "backfills": [_backfill(ledger, backfill) for backfill in backfills],
    }
    copy = keep_copy(context.folder, "queue", document, now)
    for backfill in backfills:
        ledger.end_backfill(backfill.id)
    ledger.clear_scenes([job.scene for job in jobs], now)
    queue.finish([job.scene for job in jobs])
    context.log.info(f"Removed {_listed(jobs, backfills)}.")
    context.log.info(
        f"A copy is kept for 7 days in {context.path(copy)}; Restore Removed restores it. To stop "
        "writing to Plex, pause PlexSync in its settings."
    )
    return {"removed": len(jobs), "backfills": len(backfills), "copy": copy}


def _is_younger(job: Job, moment: float) -> bool:
    """Whether the scene was edited after that moment. An edit of a waiting scene keeps its job's
    age, but clears its failures and moves its due time.
    """
    if job.priority != EDIT:
        return False
    return job.born > moment or (not job.attempts and job.not_before > moment + BURST)


def _listed(jobs: Sequence[Job], backfills: Sequence[Backfill]) -> str:
    parts = []
    if jobs:
        reasons = Counter(reason_words(job.reason) for job in jobs)
        listed = ", ".join(f"{count} {why}" for why, count in sorted(reasons.items()))
        scenes = some_scenes([job.scene for job in jobs])
        parts.append(f"{counted(len(jobs), 'waiting job')} ({listed}), of {scenes}")
    if backfills:
        reasons = Counter(reason_words(backfill.reason) for backfill in backfills)
        listed = ", ".join(sorted(reasons))
        parts.append(f"{counted(len(backfills), 'backfill')} ({listed})")
    return ", and ".join(parts)


def _backfill(ledger: Ledger, backfill: Backfill) -> dict[str, object]:
    begun = backfill.after if backfill.kind == "scene" else 0
    return {
        "reason": backfill.reason,
        "kind": backfill.kind,
        "ids": ledger.backfill_ids(backfill, begun) if backfill.listed else None,
        "after": backfill.after,
        "born": backfill.born,
    }
