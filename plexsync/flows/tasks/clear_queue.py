"""Everything that waits to be synced, forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from plexsync.edges.ledger.ledger import Ledger
from plexsync.flows.tasks.confirmation import announced, keep_copy
from plexsync.flows.tasks.context import Call
from plexsync.flows.worker.intake import SETTLE
from plexsync.model.job import EDIT, Job
from plexsync.model.ledger import Bulk
from plexsync.model.words import counted, some_scenes


def clear_queue(call: Call) -> dict[str, object]:
    """Remove every waiting job and stored walk, also what no worker has taken in yet; the first
    press says what that means, the second does it.

    Nothing is in flight: whoever owns the data folder is the only one that runs jobs.
    """
    loop = call.owner().worker(lambda: "", lambda results, seconds: None)
    loop.start()
    loop.take_in(call.clock.now())
    stores = call.owner().stores
    jobs, walks = list(stores.queue.jobs.values()), stores.ledger.bulks()
    if not jobs and not walks:
        return {**remove_all(call), "would_remove": 0}
    told = announced(call, "clear_queue")
    if told is not None:
        return {**remove_all(call, told), "would_remove": 0}
    call.log.warning(
        f"Nothing was removed yet. This would remove {_listed(jobs, walks)}. "
        "Press Clear Queue again within 5 minutes to do it."
    )
    return {"removed": 0, "walks": 0, "would_remove": len(jobs)}


def remove_all(call: Call, until: float | None = None) -> dict[str, object]:
    """Remove every waiting job and stored walk that is taken in; nothing may be in flight.

    `until`: wishes that are younger than this stay.
    """
    stores, now = call.owner().stores, call.clock.now()
    queue, ledger = stores.queue, stores.ledger
    end = now if until is None else until
    jobs = [job for job in queue.jobs.values() if not _is_younger(job, end)]
    walks = [walk for walk in ledger.bulks() if walk.born <= end]
    if not jobs and not walks:
        call.log.info("The queue is empty, so nothing was removed.")
        return {"removed": 0, "walks": 0}
    document = {
        "jobs": [job.to_dict() for job in jobs],
        "walks": [_walk(ledger, walk) for walk in walks],
    }
    copy = keep_copy(call.folder, "queue", document, now)
    for walk in walks:
        ledger.end_bulk(walk.id)
    ledger.clear_scenes([job.scene for job in jobs], now)
    queue.finish([job.scene for job in jobs])
    call.log.info(f"Removed {_listed(jobs, walks)}.")
    call.log.info(
        f"A copy is kept for 7 days in {call.path(copy)}; Restore Removed brings it back. To stop "
        "writing to Plex, pause PlexSync in its settings."
    )
    return {"removed": len(jobs), "walks": len(walks), "copy": copy}


def _is_younger(job: Job, moment: float) -> bool:
    """Whether somebody edited the scene after that moment; an edit of a waiting scene keeps its
    job's age, but forgives its failures and moves its time."""
    if job.priority != EDIT:
        return False
    return job.born > moment or (not job.attempts and job.not_before > moment + SETTLE)


def _listed(jobs: Sequence[Job], walks: Sequence[Bulk]) -> str:
    parts = []
    if jobs:
        reasons = Counter(job.reason for job in jobs)
        listed = ", ".join(f"{count} {why}" for why, count in sorted(reasons.items()))
        scenes = some_scenes([job.scene for job in jobs])
        parts.append(f"{counted(len(jobs), 'waiting job')} ({listed}), of {scenes}")
    if walks:
        reasons = Counter(walk.reason for walk in walks)
        listed = ", ".join(sorted(reasons))
        parts.append(f"{counted(len(walks), 'walk')} over many scenes ({listed})")
    return ", and ".join(parts)


def _walk(ledger: Ledger, walk: Bulk) -> dict[str, object]:
    begun = walk.after if walk.kind == "scene" else 0
    return {
        "reason": walk.reason,
        "kind": walk.kind,
        "ids": ledger.bulk_ids(walk, begun) if walk.listed else None,
        "after": walk.after,
        "born": walk.born,
    }
