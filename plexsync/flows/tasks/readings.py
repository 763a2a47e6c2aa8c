"""View Queue Status and Outage Summary as tasks among the others.

As a process of Stash's they take the short way (plexsync/reading.py), with the same texts.
"""

from __future__ import annotations

from plexsync.flows.status import readings
from plexsync.flows.tasks.context import TaskContext


def view_queue_status(context: TaskContext) -> dict[str, object]:
    """See flows/status/readings.py."""
    return readings.view_queue_status(
        context.log, context.folder, context.clock.now(), context.config.readiness
    )


def outage_summary(context: TaskContext) -> dict[str, object]:
    """See flows/status/readings.py."""
    return readings.outage_summary(
        context.log, context.folder, context.clock.now(), context.config.readiness
    )
