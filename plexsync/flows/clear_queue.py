"""Everything that waits to be synced, forgotten."""

from __future__ import annotations

from collections import Counter

from plexsync.edges.ledger import Ledger
from plexsync.flows.call import Call
from plexsync.flows.removed import keep_copy
from plexsync.flows.sweep import OVERLAP
from plexsync.model.ledger import Bulk
from plexsync.model.words import counted, some_scenes
from plexsync.policy.outage_history import format_duration


def clear_queue(call: Call) -> dict[str, object]:
    """Remove every waiting job and stored walk, also what no worker has taken in yet.

    Nothing is in flight: whoever owns the data folder is the only one that runs jobs.
    """
    loop = call.owner().worker(lambda: "", lambda results, seconds: None)
    loop.start()
    loop.take_in(call.clock.now())
    return remove_all(call)


def remove_all(call: Call) -> dict[str, object]:
    """Remove every waiting job and stored walk that is taken in; nothing may be in flight."""
    stores, now = call.owner().stores, call.clock.now()
    queue, ledger = stores.queue, stores.ledger
    jobs, walks = list(queue.jobs.values()), ledger.bulks()
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
    queue.finish([job.scene for job in jobs])
    if jobs:
        reasons = ", ".join(
            f"{n} {why}" for why, n in sorted(Counter(j.reason for j in jobs).items())
        )
        scenes = some_scenes([job.scene for job in jobs])
        call.log.info(f"Removed {counted(len(jobs), 'waiting job')} ({reasons}), of {scenes}.")
    for walk in walks:
        call.log.info(f"Removed a walk over many scenes ({walk.reason}).")
    call.log.info(
        f"A copy is kept for 7 days in {call.path(copy)}. Scenes changed in Stash within the last "
        f"{format_duration(OVERLAP)} are found again by themselves; to stop writing to Plex, pause "
        "PlexSync in its settings."
    )
    return {"removed": len(jobs), "walks": len(walks), "copy": copy}


def _walk(ledger: Ledger, walk: Bulk) -> dict[str, object]:
    begun = walk.after if walk.kind == "scene" else 0
    return {
        "reason": walk.reason,
        "kind": walk.kind,
        "ids": ledger.bulk_ids(walk, begun) if walk.listed else None,
        "after": walk.after,
        "born": walk.born,
    }
