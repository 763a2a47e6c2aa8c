"""The buttons that compare Stash with Plex."""

from __future__ import annotations

from functools import partial

from plexsync.flows.reconcile.reconciliation import NoSuchLibrary
from plexsync.flows.reconcile.report import lines, progress
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.flows.tasks.progress import Progress
from plexsync.model.errors import SyncError
from plexsync.model.formatting import counted, quoted
from plexsync.policy.gaps import EMPTY, KINDS, ORPHANED
from plexsync.policy.reconcile_schedule import ALL, MANUAL, RECENT, WEEK, Order, Run, since


def reconcile_all(context: TaskContext) -> dict[str, object]:
    """Compare every scene with Plex and queue what differs.

    Arguments of all four: `kinds`, `fields` and `library` restrict the comparison to these, `by`
    ("updated" or "created") chooses the time that counts, `dry_run` "true" only reports.
    """
    return _reconcile(context, ALL)


def reconcile_7days(context: TaskContext) -> dict[str, object]:
    """As `reconcile_all`, for scenes created or updated within 7 days."""
    return _reconcile(context, WEEK)


def reconcile_24h(context: TaskContext) -> dict[str, object]:
    """As `reconcile_all`, for scenes created or updated within 24 hours."""
    return _reconcile(context, RECENT)


def reconcile_missing(context: TaskContext) -> dict[str, object]:
    """As `reconcile_all`, but only for fields that are empty in Plex."""
    return _reconcile(context, ALL, kinds=(EMPTY,))


def _reconcile(context: TaskContext, scope: str, kinds: tuple[str, ...] = ()) -> dict[str, object]:
    owned, now = context.owner(), context.clock.now()
    order, dry = _order(context, scope, kinds, now), context.args["dry_run"]
    auto, compare = owned.reconcile, owned.reconciliation(context.config)
    run = Run(order=order, started=now, seen=now) if dry else auto.schedule.resumed(order, now)
    if run.cursor:
        context.log.info(
            f"Continuing where it was interrupted, after {counted(run.checked, 'scene')}."
        )
    latest = [run]
    with Progress(context.log, lambda: min(0.99, progress(latest[0]))):
        while not run.done:
            try:
                run = context.attend(partial(auto.step, run, compare, dry=dry))
            except NoSuchLibrary as problem:
                raise TaskFailed(str(problem)) from None
            except SyncError as problem:
                raise TaskFailed(_interrupted(context, run, problem, dry)) from None
            latest[0] = run
    for line in lines(run, dry=dry, strict=context.config.strict_matching):
        context.log.info(line)
    if run.tally.examples.get(ORPHANED):
        context.log.info(
            f"Only in Plex, for example: {', '.join(map(quoted, run.tally.examples[ORPHANED]))}."
        )
    if run.tally.queued and not dry:
        context.log_held_backfills()
    owned.sync(context.config).retry_arrived(context.clock.now(), refresh=False)
    return _answer(run, dry)


def _interrupted(context: TaskContext, run: Run, problem: SyncError, dry: bool) -> str:
    health = context.plex.check("Reconcile")
    why = problem.message
    if health.state != "healthy":
        why = f"{health.words}. {health.remedy}".rstrip(".")
    if not run.checked:
        return f"Nothing was compared: {why}."
    text = f"The comparison stopped after {counted(run.checked, 'scene')}: {why}."
    if dry:
        return f"{text} Press it again later."
    return f"{text} What was found is queued; press it again to continue from there."


def _answer(run: Run, dry: bool) -> dict[str, object]:
    tally = run.tally
    return {
        "scope": run.order.scope,
        "checked": run.checked,
        "gaps": {kind: tally.found.get(kind, 0) for kind in KINDS},
        "fields": {kind: dict(fields) for kind, fields in tally.fields.items()},
        "queued": {kind: tally.queued.get(kind, 0) for kind in KINDS if kind != ORPHANED},
        "uncertain": tally.unsure,
        "unread": tally.unread,
        "examples": {kind: list(some) for kind, some in tally.examples.items()},
        "seconds": run.seconds,
        "dry_run": dry,
    }


def _order(context: TaskContext, scope: str, kinds: tuple[str, ...], now: float) -> Order:
    args = context.args
    return Order(
        trigger=MANUAL,
        scope=scope,
        since=since(scope, now),
        kinds=args["kinds"] or kinds,
        fields=args["fields"],
        library=args["library"],
        by=args["by"],
    )
