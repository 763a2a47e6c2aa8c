"""Recover Outage Jobs: takes the dead letters of an outage back into the queue."""

from __future__ import annotations

from plexsync.flows.outage.dlq_recovery import DlqRecovery, Window
from plexsync.flows.tasks.arguments import error_types_of
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.policy.outage_history import Outage


def recover_outage_jobs(context: TaskContext) -> dict[str, object]:
    """Take dead letters of the last outage back into the queue; needs a healthy Plex.

    Arguments: `error_types`, classes or causes with commas between them (PlexServerDown), and
    `window`: "last", "all" or a number of hours.
    """
    owned = context.owner()
    health = context.plex.check("Recover Outage Jobs")
    if health.state != "healthy":
        raise TaskFailed(f"Nothing was recovered: {health.words}. {health.remedy}")
    stores, now = owned.stores, context.clock.now()
    recovery = DlqRecovery(stores, context.stash)
    wanted = error_types_of(context, recovery.dead_letters()) or {"PlexServerDown"}
    window = _window(str(context.args.get("window") or "last"), owned.outages.history.last(), now)
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


def _window(text: str, last: Outage | None, now: float) -> Window | None:
    if text == "all":
        return Window(0.0, now)
    if text == "last":
        return Window.of(last, now) if last else None
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours < 24 * 366:
        raise TaskFailed(f'window must be "last", "all" or a number of hours, not {text[:40]!r}.')
    return Window(now - hours * 3600, now)
