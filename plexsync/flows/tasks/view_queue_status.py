"""View Queue Status: logs the whole status as text."""

from __future__ import annotations

from collections.abc import Iterator

from plexsync.flows.status.status import status
from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.worker.statistics import brief, listed
from plexsync.model.config import PlexSyncConfig
from plexsync.model.formatting import counted, grouped, label
from plexsync.model.plex_state import told
from plexsync.model.reasons import class_words, classes_in_words, reason_words, state_words
from plexsync.model.status import (
    Breaker,
    Checks,
    LeftOut,
    Outages,
    Queue,
    Recovery,
    Status,
    Totals,
    Waiting,
)
from plexsync.policy import reconcile_state
from plexsync.policy.circuit_breaker import CLOSED
from plexsync.policy.outage_history import format_duration, format_elapsed_since

PAUSED = (
    'PlexSync is paused in its settings: events are kept, and nothing is synced until "Pause '
    'syncing" and "Do not write anything" are off.'
)


def view_queue_status(context: TaskContext) -> dict[str, object]:
    """Log what waits and why, Plex's state, what was done, and the worker's last log lines."""
    config = context.config
    found = status(context.folder, context.clock.now())
    settings = _settings_problem(config)
    for line in (settings, *found["problems"]):
        if line:
            context.log.warning(line)
    for line in lines(found):
        context.log.info(line)
    return {**found, "settings": settings}


def _settings_problem(config: PlexSyncConfig) -> str:
    if config.not_ready():
        return config.not_ready()
    return PAUSED if config.paused else ""


def lines(found: Status) -> Iterator[str]:
    """The status as text, one line per subject."""
    now = found["now"]
    yield f"PlexSync {found['version']}, data in {found['folder']}. {_worker(found['worker'])}"
    yield from _queue(found, now)
    dead_letters = found["dead_letters"]
    if dead_letters is not None:
        kinds = (
            f" ({listed(classes_in_words(dead_letters['by_class']))})"
            if dead_letters["total"]
            else ""
        )
        yield f"Dead letters: {dead_letters['total']}{kinds}."
    if found["scenes"]:
        yield f"Scenes by state: {listed({state_words(state): n for state, n in found['scenes'].items()})}."
    yield from _left_out(found["left_out"])
    for each in found["refused"]:
        yield (
            f"Plex refuses the {label(each['field'])} of {counted(each['scenes'], 'scene')}: "
            f"{each['why']}. The rest is in step; it is tried again when it changes in Stash, or "
            "by Sync now and Sync All Scenes (forced)."
        )
    yield _plex(found)
    yield _recovery(found["recovery"], now)
    yield _checks(found["checks"], now)
    yield _outages(found["outages"], now)
    yield from _reconcile(found["reconcile"], now)
    yield from _totals(found["statistics"], now)
    yield from _index(found)
    if found["log"]:
        yield "The last lines of the background worker's log, plexsync.log:"
        yield from found["log"]
    else:
        yield "The background worker has logged nothing yet."


def _left_out(found: LeftOut | None) -> Iterator[str]:
    if found is None or not found["scenes"]:
        return
    kept = ""
    if found["written"]:
        kept = (
            f" {grouped(found['written'])} of them still have values in Plex that PlexSync wrote; "
            '"Undo Scenes Left Out" restores what Plex had before.'
        )
    more = ", ..." if sum(found["why"].values()) < found["scenes"] else ""
    yield (
        f"Left out by the filters: {counted(found['scenes'], 'scene')} ({listed(found['why'])}{more})."
        f"{kept}"
    )


def _worker(owned: bool | None) -> str:
    if owned is None:
        return "It is not known whether a worker is running."
    if owned:
        return "A worker is running."
    return "No worker is running; the next event in Stash or the next task starts one."


def _queue(found: Status, now: float) -> Iterator[str]:
    queue = found["queue"]
    if queue is not None:
        yield _pending(queue, bool(found["worker"]))
    if found["inbox"]:
        yield f"{counted(found['inbox'], 'event')} from Stash not taken into the queue yet."
    for backfill in found["backfills"]:
        begun = f"as far as scene {backfill['after']}" if backfill["after"] else "not started yet"
        yield (
            f"A backfill feeds the queue bit by bit ({reason_words(str(backfill['reason']))}, "
            f"{begun})."
        )
    if queue is not None:
        for job in queue["first_waiting"]:
            yield _waiting(job, now)
        more = queue["waiting"] - len(queue["first_waiting"])
        if more:
            yield f"and {more} more that wait."


def _pending(queue: Queue, owned: bool) -> str:
    if not queue["pending"]:
        return "Queue: nothing is pending."
    begun = "in flight" if owned else "interrupted, to be retried"
    later = f"{queue['waiting']} to be tried later"
    failed = {error: number for error, number in queue["by_error"].items() if error}
    if failed:
        later += f": {listed(classes_in_words(failed))}"
    parts = [
        (queue["running"], f"{queue['running']} {begun}"),
        (queue["due"], f"{queue['due']} due now"),
        (queue["waiting"], later),
    ]
    shown = ", ".join(text for number, text in parts if number)
    work = f", about {format_duration(queue['estimate'])} of work"
    return (
        f"Queue: {counted(queue['pending'], 'job')} pending ({shown})"
        f"{work if queue['estimate'] >= 1 else ''}."
    )


def _waiting(job: Waiting, now: float) -> str:
    tries = f", {counted(job['tries'], 'try')} so far" if job["tries"] else ""
    why = f"{class_words(job['error'])}: {job['why']}" if job["error"] else job["why"]
    return f"Waiting {format_duration(job['until'] - now)}: scene {job['scene']}{tries}. {why}"


def _plex(found: Status) -> str:
    breaker, now, trouble = found["breaker"], found["now"], found["trouble"]
    if trouble is not None:
        since = format_duration(now - (trouble["since"] or now))
        return (
            f"{told(trouble['kind'], trouble['words'])}; for {since} by now. All jobs wait"
            f"{_next_try(breaker, now)}. {trouble['remedy']}"
        )
    if breaker["failures"]:
        tries = counted(breaker["failures"], "try")
        return f"Plex: circuit breaker CLOSED, but the last {tries} failed ({breaker['reason']})."
    return "Plex: circuit breaker CLOSED, no outage holds jobs back."


def _next_try(breaker: Breaker, now: float) -> str:
    """When one job is tried while the breaker is not CLOSED."""
    if breaker["state"] == CLOSED:
        return ""
    wait = (breaker["retry_at"] or now) - now
    when = f"in {format_duration(wait)}" if wait >= 1 else "now"
    return f"; circuit breaker {breaker['state']}: one is tried {when}"


def _recovery(recovery: Recovery, now: float) -> str:
    if recovery["rate"] is not None and recovery["ends_at"] is not None:
        return (
            f"Recovery: ramp for {format_duration(now - (recovery['started_at'] or now))}, "
            f"at {recovery['rate']:.1f} writes/s now, full speed in "
            f"{format_duration(recovery['ends_at'] - now)}."
        )
    if recovery["last"] is None:
        return "Recovery: none was needed so far."
    times = counted(recovery["recoveries"], "recovery")
    return f"Recovery: {times}, the last {format_elapsed_since(recovery['last'], now)}; full speed."


def _checks(checks: Checks, now: float) -> str:
    last = f"Health checks: the last was {format_elapsed_since(checks['last'], now)}"
    last += f", by {checks['by']}" if checks["by"] else ""
    if checks["last"] is None:
        last = "Health checks: none was needed so far"
    if checks["next"] is None:
        return f"{last}; the next is due when Plex fails."
    failed = f" ({checks['failures']} in a row found it unhealthy)" if checks["failures"] else ""
    wait = checks["next"] - now
    return (
        f"{last}{failed}; the next {f'in {format_duration(wait)}' if wait >= 1 else 'is due now'}."
    )


def _outages(outages: Outages, now: float) -> str:
    last = outages["last"]
    if last is None:
        return "Outages: none on record."
    length = format_duration((now if last["end"] is None else last["end"]) - last["start"])
    state = f"{length} so far" if outages["ongoing"] else f"lasted {length}"
    return (
        f"Outages: {outages['count']} on record; the last began "
        f"{format_elapsed_since(last['start'], now)}, {state} ({last['cause']}). Jobs affected "
        f"{last['jobs_affected']}, recovered {last['jobs_recovered']}."
    )


def _reconcile(raw: object, now: float) -> Iterator[str]:
    try:
        schedule = reconcile_state.parse(raw) if raw is not None else None
    except ValueError:
        yield "Reconciliation: its state cannot be read."
        return
    if schedule is None or (schedule.last is None and not schedule.runs):
        yield "Reconciliation: never run."
        return
    for run in (*schedule.runs.values(), *((schedule.last,) if schedule.last else ())):
        state = "last run" if run.done else "under way,"
        gaps = listed(run.tally.found) or "none"
        queued = listed(run.tally.queued) or "none"
        yield (
            f"Reconciliation: {state} {format_elapsed_since(run.started, now)} "
            f"({run.order.trigger}, scope {run.order.scope}), {counted(run.checked, 'scene')} "
            f"checked. Gaps: {gaps}. Queued: {queued}."
        )


def _totals(totals: Totals, now: float) -> Iterator[str]:
    if totals["since"] is None:
        yield "Statistics: nothing counted yet."
        return
    failed = f" ({listed(classes_in_words(totals['failed']))})" if totals["failed"] else ""
    errors = f" ({listed(classes_in_words(totals['errors']))})" if totals["errors"] else ""
    yield (
        f"Statistics: counted since {format_elapsed_since(totals['since'], now)}. "
        f"{counted(totals['done'], 'job')} done, {totals['written']} of them written to Plex; "
        f"{sum(totals['failed'].values())} given up{failed}; "
        f"{counted(sum(totals['errors'].values()), 'failed attempt')}{errors}; "
        f"{totals['last_hour']} done in the last hour, {totals['last_day']} in the last day."
    )
    if totals["mean"] is not None and totals["p95"] is not None:
        yield (
            f"Time per job: {brief(totals['mean'])} on average, 95 of 100 within "
            f"{brief(totals['p95'])}. Matches: {totals['matches']['HIGH']} sure, "
            f"{totals['matches']['LOW']} unsure."
        )
    yield (
        f"Traffic: {counted(totals['requests'], 'request')} to Plex, "
        f"{totals['received'] / 1e6:.2f} MB from it."
    )


def _index(found: Status) -> Iterator[str]:
    index, totals = found["index"], found["statistics"]
    if index is None:
        return
    if index["age"] is None:
        yield "Plex index: empty; it is read when the first scene is synced."
        return
    libraries = counted(index["libraries"], "library")
    yield (
        f"Plex index: {counted(index['items'], 'item')} in {libraries}, read whole "
        f"{format_duration(index['age'])} ago; {counted(totals['lookups'], 'lookup')}, "
        f"{counted(totals['hits'], 'hit')}, {counted(totals['misses'], 'miss')}."
    )
