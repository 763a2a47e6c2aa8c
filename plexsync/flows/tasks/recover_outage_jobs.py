"""Recover Outage Jobs: requeues the dead letters of an outage."""

from __future__ import annotations

from plexsync.flows.outage.dlq_recovery import DlqRecovery, Window
from plexsync.flows.tasks.arguments import chosen_error_types
from plexsync.flows.tasks.context import TaskContext
from plexsync.policy.outage_history import Outage


def recover_outage_jobs(context: TaskContext) -> dict[str, object]:
    """Requeue dead letters of the last outage; needs a healthy Plex.

    Arguments: `error_types`, classes or causes separated by commas (default PlexServerDown), and
    `window`: "last", "all" or a number of hours.
    """
    owned = context.owner()
    stores, now = owned.stores, context.clock.now()
    recovery = DlqRecovery(stores, context.stash)
    known = stores.dead_letters.all()
    wanted = chosen_error_types(context.args["error_types"], known) or {"PlexServerDown"}
    window = _window(context.args["window"], owned.outages.history.last(), now)
    if window is None:
        context.log.info("No outage is on record, so there is nothing to recover.")
        return {"queued": 0}
    found = recovery.recover(window, wanted, now)
    context.log.info(found.sentence())
    return {
        "queued": len(found.queued),
        "already_queued": len(found.already_queued),
        "gone": len(found.gone),
        "others": found.others,
    }


def _window(wanted: str | float, last: Outage | None, now: float) -> Window | None:
    if isinstance(wanted, float):
        return Window(now - wanted * 3600, now)
    if wanted == "all":
        return Window(0.0, now)
    return Window.of(last, now) if last else None
