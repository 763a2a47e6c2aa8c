"""What the page asks at regular intervals: whether jobs wait, and whether a worker runs. It starts one
where one is needed. Light like operations.py.
"""

from __future__ import annotations

import os

from plexsync import inbox
from plexsync.edges.page import owner, read_state
from plexsync.edges.queue.queue_queries import LONGEST_WAIT
from plexsync.flows.page.request import Operation
from plexsync.policy.badge import badge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from plexsync.flows.page.request import Answer, Request


def _tick(request: Request) -> Answer:
    with read_state.KeptOpen(request.folder):
        return _counted(request)


def _counted(request: Request) -> Answer:
    folder = request.folder
    if not os.path.isdir(folder):
        return {"pending": False, "worker": "not needed", "waiting": 0, "failed": 0}
    queue = read_state.queue(folder)
    resting = queue.resting(request.now, request.now + LONGEST_WAIT)
    failed = read_state.dead_letters(folder).count()
    jobs, events = queue.live_jobs(), read_state.records_waiting(folder)
    counts = badge(jobs, resting, events, failed)
    pending = read_state.anything_waits(folder)
    worker = "alive" if owner.worker_lives(folder) else ""
    if not worker:
        worker = "started" if pending or _duty_calls(request) else "not needed"
    if worker == "started":
        inbox.wake(request.plugin_dir, folder, request.connection)
    elif worker == "alive":
        inbox.hand_over(folder, request.connection)
    shown = {name: counts[name] for name in ("waiting", "failed")}
    return {"pending": pending, "worker": worker, **shown}


def _duty_calls(request: Request) -> bool:
    """Whether a worker is needed although no work waits."""
    from plexsync.flows.status.duties import duty_calls

    return duty_calls(request.folder, request.now)


READS = {"tick": Operation(_tick, {})}
