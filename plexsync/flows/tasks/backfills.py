"""The page's commands about backfills: pause, resume and stop."""

from __future__ import annotations

from plexsync.flows.tasks.clear_queue import remove
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.model.command import HOUR, TOMORROW
from plexsync.model.job import EDIT
from plexsync.model.ledger import UNTIL_RESUMED
from plexsync.model.reasons import REASONS, RECONCILE, backfill_words
from plexsync.policy.quiet_hours import tomorrow

Answer = dict[str, object]


def pause_backfill(context: TaskContext) -> Answer:
    """Let a backfill wait, or all that are under way; edits go on. The pause is stored."""
    until = _end(context)
    backfills = _meant(context)
    for reason in backfills:
        context.owner().stores.ledger.pause_backfill(reason, until, context.clock.now())
    return {"backfills": backfills, "until": None if until == UNTIL_RESUMED else until}


def resume_backfill(context: TaskContext) -> Answer:
    """Let a paused backfill continue, or all of them."""
    backfills = _meant(context)
    for reason in backfills:
        context.owner().stores.ledger.pause_backfill(reason, None, context.clock.now())
    return {"backfills": backfills}


def stop_backfill(context: TaskContext) -> Answer:
    """Remove what a backfill has left; a copy is kept, and what is in Plex stays."""
    owned = context.owner()
    stores, (reason,) = owned.stores, _meant(context)
    if reason == RECONCILE:
        owned.reconcile.stop()
    live = stores.queue.jobs.values()
    jobs = [job for job in live if job.reason == reason and job.priority != EDIT]
    backfills = [each for each in stores.ledger.backfills() if each.reason == reason]
    scenes = len(jobs) + sum(map(stores.ledger.backfill_ahead, backfills))
    removed = remove(context, jobs, backfills) if jobs or backfills else {}
    stores.ledger.end_run(reason)
    return {"scenes": scenes, "copy": removed.get("copy")}


def _end(context: TaskContext) -> float:
    now, word = context.clock.now(), context.args["until"]
    if word == HOUR:
        return now + 3600.0
    return tomorrow(now, context.clock.offset) if word == TOMORROW else UNTIL_RESUMED


def _meant(context: TaskContext) -> list[str]:
    """The reasons of the backfill that is named, or of all that are under way."""
    owned, named = context.owner(), context.args["backfill"]
    under_way = {
        *owned.stores.ledger.backfill_runs(),
        *(backfill.reason for backfill in owned.stores.ledger.backfills()),
        *(reason for reason in REASONS if owned.stores.queue.counts.untried(reason)),
    }
    if owned.reconcile.schedule.waiting(context.clock.now()):
        under_way.add(RECONCILE)
    if not under_way:
        raise TaskFailed("No backfill is under way.")
    if named is not None and named not in under_way:
        raise TaskFailed(f"This backfill is not under way any more: {backfill_words(named)}.")
    return sorted(under_way) if named is None else [named]
