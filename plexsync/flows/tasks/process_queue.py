"""Process Queue: drains the queue in the foreground, with the worker's loop, until nothing is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from plexsync.edges.stores import Stores
from plexsync.flows.results import GIVEN_UP, IN_STEP, LATER, LEFT_OUT, WRITTEN
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.flows.tasks.drain import NOTHING_DUE, PAUSED, Drain, DrainCount, ahead, due_now
from plexsync.flows.tasks.progress import Progress, next_tries
from plexsync.model.formatting import counted
from plexsync.model.job import Job
from plexsync.model.reasons import NOT_TRIED, class_words, classes_in_words
from plexsync.policy.outage_history import format_duration

_KINDS = (WRITTEN, IN_STEP, LEFT_OUT, LATER, GIVEN_UP)


def process_queue(context: TaskContext) -> dict[str, object]:
    """Sync all that is due, in the foreground, and log what remains and when it is due."""
    owned = context.owner()
    drain, began = Drain(context), context.clock.monotonic()
    drain.loop.start()
    drain.loop.take_in(context.clock.now())
    _make_sure_it_can_work(context)
    drain.loop.request_sweep()
    drain.loop.ring_alarms(context.clock.now())
    due = due_now(owned.stores, context.clock.now()) + ahead(owned.stores)
    drain.expect(due)
    if due:
        context.log.info(f"{counted(due, 'scene')} to sync: {drain.pace.estimate(due)}.")
    with Progress(context.log, drain.measure):
        reason = drain.loop.drain()
    if reason != NOTHING_DUE:
        context.log.warning(f"Stopped early. {drain.stopped or reason}")
    _tell(context, drain.tally, context.clock.monotonic() - began)
    context.log_held_backfills()
    remains = _remains(context, owned.stores)
    tally = drain.tally
    return {
        "done": tally.done,
        "written": tally.count(WRITTEN),
        "in_step": tally.count(IN_STEP),
        "left_out": tally.count(LEFT_OUT),
        "tried_again_later": tally.count(LATER),
        "given_up": tally.count(GIVEN_UP),
        "errors": dict(tally.errors),
        "stopped": "" if reason == NOTHING_DUE else drain.stopped or reason,
        **remains,
    }


def _make_sure_it_can_work(context: TaskContext) -> None:
    """Raise TaskFailed at once if the loop could only wait: paused, or no healthy Plex."""
    outages, stores = context.owner().outages, context.owner().stores
    waiting = len(stores.queue.jobs) + ahead(stores)
    kept = f"{counted(waiting, 'scene')} to be synced {'is' if waiting == 1 else 'are'} kept"
    if context.config.paused:
        raise TaskFailed(f"Nothing was synced; {kept}. {PAUSED}")
    goes_on = f"{kept}, and PlexSync continues by itself as soon as it can. "
    context.require_plex("Process Queue", "Nothing was synced", goes_on)
    if outages.blocked:
        outages.probe_next()


def _tell(context: TaskContext, tally: DrainCount, seconds: float) -> None:
    if not tally.done:
        if not context.owner().stores.queue.jobs:
            context.log.info("Nothing was due.")
        return
    counts = [(tally.count(each), each) for each in _KINDS]
    parts = [f"{count} {each}" for count, each in counts if count]
    text = f"{counted(tally.done, 'scene')} done in {format_duration(seconds)}: {', '.join(parts)}."
    if tally.errors:
        kinds = ", ".join(
            f"{n} {kind}" for kind, n in sorted(classes_in_words(tally.errors).items())
        )
        text += f" Errors: {kinds}."
    context.log.info(text)


def _remains(context: TaskContext, stores: Stores) -> dict[str, object]:
    """Log what is left and when it is due."""
    jobs, backfilled = list(stores.queue.jobs.values()), ahead(stores, held=True)
    now, due = context.clock.now(), stores.queue.next_due()
    seconds = None if due is None else max(0.0, due - now)
    if jobs and due is not None and seconds and not backfilled:
        context.log.info(
            f"Nothing is due; {next_tries(len(jobs), due)} ({_reasons(jobs, 0)}). "
            "The background worker continues by itself."
        )
    elif jobs or backfilled:
        when = ""
        if seconds is not None:
            when = f", the next in {format_duration(seconds)}" if seconds >= 1 else ", some at once"
        verb = "remains" if len(jobs) + backfilled == 1 else "remain"
        context.log.info(
            f"{counted(len(jobs) + backfilled, 'scene')} {verb} "
            f"({_reasons(jobs, backfilled)}){when}. "
            "The background worker continues by itself."
        )
    else:
        context.log.info("Nothing remains.")
    return {"remaining": len(jobs) + backfilled, "next_due_in": seconds}


def _reasons(jobs: Iterable[Job], backfilled: int) -> str:
    counts = Counter(_reason(job) for job in jobs)
    counts[NOT_TRIED] += backfilled
    return ", ".join(f"{count} {why}" for why, count in sorted(counts.items()) if count)


def _reason(job: Job) -> str:
    """Why a job waits; one that was returned through no fault of its own has only a message."""
    return class_words(job.last_error) if job.last_error else job.last_message or NOT_TRIED
