"""The buttons that compare Stash with Plex."""

from __future__ import annotations

from dataclasses import replace

from plexsync.flows.reconcile.reconciliation import NoSuchLibrary, progress
from plexsync.flows.reconcile.report import lines
from plexsync.flows.tasks.arguments import switch_of, text_of, words_of
from plexsync.flows.tasks.context import Call, TaskFailed
from plexsync.flows.tasks.progress import Ticker
from plexsync.model.errors import SyncError
from plexsync.model.plex import FIELDS
from plexsync.model.words import counted
from plexsync.policy.gaps import EMPTY, KINDS, ORPHANED
from plexsync.policy.reconcile_schedule import ALL, MANUAL, RECENT, WEEK, Order, Run, since


def reconcile_all(call: Call) -> dict[str, object]:
    """Compare every scene with Plex and queue what differs.

    Arguments of all four: `kinds`, `fields` and `library` leave only these in, `by` ("updated" or
    "created") says which time counts, `dry_run` "true" only reports.
    """
    return _reconcile(call, ALL)


def reconcile_7days(call: Call) -> dict[str, object]:
    """The same for scenes created or updated within 7 days."""
    return _reconcile(call, WEEK)


def reconcile_24h(call: Call) -> dict[str, object]:
    """The same for scenes created or updated within 24 hours."""
    return _reconcile(call, RECENT)


def reconcile_missing(call: Call) -> dict[str, object]:
    """Every scene again, but only fields that are empty in Plex count."""
    return _reconcile(call, ALL, kinds=(EMPTY,))


def _reconcile(call: Call, scope: str, kinds: tuple[str, ...] = ()) -> dict[str, object]:
    owned, now = call.owner(), call.clock.now()
    order, dry = _order(call, scope, kinds, now), switch_of(call, "dry_run") is True
    auto, compare = owned.reconcile, owned.reconciliation(call.config)
    run = Run(order=order, started=now, seen=now) if dry else auto.schedule.resumed(order, now)
    if run.cursor:
        call.log.info(f"Going on where it was interrupted, after {counted(run.checked, 'scene')}.")
    latest = [run]
    with Ticker(call.log, lambda: min(0.99, progress(latest[0]))):
        while not run.done:
            try:
                run = auto.step(run, compare, dry=dry)
            except NoSuchLibrary as problem:
                raise TaskFailed(str(problem)) from None
            except SyncError as problem:
                raise TaskFailed(_interrupted(call, run, problem, dry)) from None
            latest[0] = run
    for line in lines(run, dry=dry, strict=call.config.strict_matching):
        call.log.info(line)
    if run.tally.examples.get(ORPHANED):
        call.log.info("Orphaned files, for example:", path=list(run.tally.examples[ORPHANED]))
    owned.sync(call.config).look_for_arrivals(call.clock.now(), refresh=False)
    return _answer(run, dry)


def _interrupted(call: Call, run: Run, problem: SyncError, dry: bool) -> str:
    health = call.plex.check("Reconcile")
    why = problem.message
    if health.state != "healthy":
        why = f"{health.words}. {health.remedy}".rstrip(".")
    if not run.checked:
        return f"Nothing was compared: {why}."
    text = f"The comparison stopped after {counted(run.checked, 'scene')}: {why}."
    if dry:
        return f"{text} Press it again later."
    return f"{text} What was found is queued; pressed again, the task goes on from there."


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


def _order(call: Call, scope: str, kinds: tuple[str, ...], now: float) -> Order:
    order = Order(
        trigger=MANUAL,
        scope=scope,
        since=since(scope, now),
        kinds=words_of(call, "kinds", KINDS) or kinds,
        fields=words_of(call, "fields", FIELDS),
        library=text_of(call, "library"),
    )
    by = text_of(call, "by") or order.by
    if by not in ("updated", "created"):
        raise TaskFailed(f'by must be "updated" or "created", not {by[:40]!r}.')
    return replace(order, by=by)
