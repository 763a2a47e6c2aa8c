"""The jobs of the queue; light like operations.py."""

from __future__ import annotations

from plexsync.edges.local_time import local_offset
from plexsync.edges.page import read_state
from plexsync.edges.queue.queue_queries import ORDERS
from plexsync.flows.page.in_words import job_in_words
from plexsync.flows.page.request import PAGE, WANTED, Operation
from plexsync.flows.status.backfills import shown_backfills
from plexsync.model.arguments import Rule, one_of
from plexsync.model.reasons import choices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from plexsync.edges.queue.queue_queries import QueueQueries
    from plexsync.flows.page.request import Answer, Request


def _queue(request: Request) -> Answer:
    with read_state.KeptOpen(request.folder):
        return _shown(request)


def _shown(request: Request) -> Answer:
    args, folder = request.args, request.folder
    wanted, start, limit = (args["class"], args["scenes"]), args["offset"], args["limit"]
    queue = read_state.queue(folder)
    failed = queue.failed()
    return {
        "total": _total(queue, wanted, failed),
        "offset": start,
        "limit": limit,
        "running": queue.running(),
        "classes": choices(failed),
        "inbox": read_state.records_waiting(folder),
        "backfills": shown_backfills(folder, request.now, local_offset),
        "jobs": [job_in_words(job) for job in queue.page(limit, start, *wanted, args["sort"])],
    }


def _total(queue: QueueQueries, wanted: Any, failed: Mapping[str, int]) -> int:
    error, scenes = wanted
    if scenes is not None:
        return queue.count(error, scenes)
    if error:
        return failed.get(error, 0)
    return queue.live_jobs() - (0 if error is None else sum(failed.values()))


READS = {"queue": Operation(_queue, {**PAGE, **WANTED, "sort": Rule(one_of(*ORDERS), "due")})}
