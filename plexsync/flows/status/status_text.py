"""The status as text, for Stash's log.

Stash's log page keeps 30 lines and shows the newest first, so there are at most MOST of them and what
matters most comes last; the page shows everything.
"""

from __future__ import annotations

from plexsync.flows.status.reconcile_text import reconcile_lines
from plexsync.model.formatting import brief, counted, grouped, label, listed
from plexsync.model.plex_state import told
from plexsync.model.reasons import class_words, classes_in_words
from plexsync.policy.circuit_breaker import CLOSED
from plexsync.policy.outage_history import format_duration, format_elapsed_since

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from plexsync.model.status import (
        Breaker,
        Checks,
        Facts,
        LeftOut,
        Outages,
        Queue,
        Recovery,
        Status,
        Totals,
        Waiting,
    )

    Line = tuple[str, str]

MOST = 24
"""Lines of a status, after the one with which the task begins."""

_LOG_LINES = 5
_FIRST = 3
"""Of what may be many, so many are named."""


def status_lines(found: Status, settings: str) -> list[Line]:
    """(level, text) of each line, what matters most last; `settings` is a sentence about them."""
    now = found["now"]
    lines = [
        *_infos(_totals(found["statistics"], now)),
        *_infos(_index(found)),
        *_infos(reconcile_lines(found["reconcile"], now)),
        *_infos(_plex(found, now)),
        *_infos(_refused(found)),
        *_infos(_left_out(found["left_out"])),
        *_infos(_queue(found, now)),
        *_problems(found, settings),
        *_headline(found),
    ]
    logged = found["log"][-min(_LOG_LINES, MOST - len(lines) - 2) :]
    if len(lines) + 2 < MOST and logged:
        lines[:0] = _infos(
            ["The last lines of the background worker's log, plexsync.log:", *logged]
        )
    return [("info", f"{_worker(found['worker'])} Data folder: {found['folder']}."), *lines][-MOST:]


def _infos(texts: Iterator[str] | list[str]) -> list[Line]:
    return [("info", text) for text in texts]


def _some(texts: list[str], what: str) -> Iterator[str]:
    """The first of many, and how many more there are."""
    yield from texts[:_FIRST]
    if len(texts) > _FIRST:
        yield f"... and {grouped(len(texts) - _FIRST)} more {what}."


def _headline(found: Status) -> Iterator[Line]:
    """What else there is to say, the scenes in numbers, and last how things are."""
    headline, dead_letters = found["headline"], found["dead_letters"]
    if dead_letters is not None:
        kinds = f" ({listed(classes_in_words(dead_letters['by_class']))})"
        total = dead_letters["total"]
        yield "info", f"Dead letters: {grouped(total)}{kinds if total else ''}."
    yield "info", headline["counts"]
    level = "warning" if headline["tone"] in ("bad", "warn") else "info"
    if headline["more"]:
        yield level, headline["more"]
    text, since = headline["text"], headline["since"]
    if since:
        text = f"{text.rstrip('.')} for {format_duration(found['now'] - since)}."
    yield level, text


def _problems(found: Status, settings: str) -> Iterator[Line]:
    problems = [*found["problems"], *([settings] if settings else [])]
    for text in _some(problems, "problems"):
        yield "warning", text


def _worker(owned: bool | None) -> str:
    if owned is None:
        return "It is not known whether a worker is running."
    if owned:
        return "A worker is running."
    return "No worker is running; the next event in Stash or the next task starts one."


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


def _refused(found: Facts) -> Iterator[str]:
    texts = [
        f"Plex refuses the {label(each['field'])} of {counted(each['scenes'], 'scene')}: "
        f"{each['why']}. The rest is in step; it is tried again when it changes in Stash, or "
        "by Sync now and Sync All Scenes (forced)."
        for each in found["refused"]
    ]
    yield from _some(texts, "fields that Plex refuses")


def _queue(found: Facts, now: float) -> Iterator[str]:
    queue = found["queue"]
    if queue is not None:
        more = queue["waiting"] - _FIRST
        if more > 0:
            yield f"... and {grouped(more)} more that wait."
        for job in reversed(queue["first_waiting"][:_FIRST]):
            yield _waiting(job, now)
    yield from _some([f"Backfill {each['sentence']}" for each in found["backfills"]], "backfills")
    if found["inbox"]:
        yield f"{counted(found['inbox'], 'event')} from Stash not taken into the queue yet."
    if queue is not None:
        yield _pending(queue, bool(found["worker"]))


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
        (queue["held"], f"{queue['held']} of backfills that wait"),
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


def _plex(found: Facts, now: float) -> Iterator[str]:
    """The outages on record, and how Plex is."""
    yield _outages(found["outages"], now)
    yield f"{_checks(found['checks'], now)}{_recovery(found['recovery'], now)}"
    breaker, trouble = found["breaker"], found["trouble"]
    if trouble is not None:
        since = format_duration(now - (trouble["since"] or now))
        yield (
            f"{told(trouble['kind'], trouble['words'])}; for {since} by now. All jobs wait"
            f"{_next_try(breaker, now)}."
        )
    elif breaker["failures"]:
        tries = counted(breaker["failures"], "try")
        yield f"Plex: circuit breaker CLOSED, but the last {tries} failed ({breaker['reason']})."
    else:
        yield "Plex: circuit breaker CLOSED, no outage holds jobs back."


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
            f" Recovery: ramp for {format_duration(now - (recovery['started_at'] or now))}, "
            f"at {recovery['rate']:.1f} writes/s now, full speed in "
            f"{format_duration(recovery['ends_at'] - now)}."
        )
    if recovery["last"] is None:
        return ""
    times = counted(recovery["recoveries"], "recovery")
    return (
        f" Recovery: {times}, the last {format_elapsed_since(recovery['last'], now)}; full speed."
    )


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


def _totals(totals: Totals, now: float) -> Iterator[str]:
    if totals["since"] is None:
        return
    speed = ""
    if totals["mean"] is not None and totals["p95"] is not None:
        speed = (
            f" Time per job: {brief(totals['mean'])} on average, 95 of 100 within "
            f"{brief(totals['p95'])}. Matches: {totals['matches']['HIGH']} sure, "
            f"{totals['matches']['LOW']} unsure."
        )
    requests = counted(totals["requests"], "request")
    yield f"Traffic: {requests} to Plex, {totals['received'] / 1e6:.2f} MB from it.{speed}"
    failed = f" ({listed(classes_in_words(totals['failed']))})" if totals["failed"] else ""
    errors = f" ({listed(classes_in_words(totals['errors']))})" if totals["errors"] else ""
    yield (
        f"Statistics: since {format_elapsed_since(totals['since'], now)} "
        f"{counted(totals['written'], 'scene')} written to Plex "
        f"({totals['last_hour']} in the last hour, {totals['last_day']} in the last day), "
        f"{totals['done'] - totals['written']} found in step; "
        f"{sum(totals['failed'].values())} given up{failed}; "
        f"{counted(sum(totals['errors'].values()), 'failed attempt')}{errors}."
    )


def _index(found: Facts) -> Iterator[str]:
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
