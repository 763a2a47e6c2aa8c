"""Everything that Stash shows as a button: one table, held against PlexSync.yml by a test.

A task that reads takes no lock and changes nothing. One that queues owns the data folder while it
runs and leaves the rest to the background worker.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from plexsync import inbox
from plexsync.edges import files
from plexsync.edges.clock import Clock
from plexsync.edges.log import Log
from plexsync.edges.plex import PlexClient
from plexsync.edges.queue_reader import pending
from plexsync.edges.stash import StashClient
from plexsync.flows.dlq_recovery import DlqRecovery, Window
from plexsync.flows.plex_watch import BREAKER, HISTORY, PlexWatch
from plexsync.flows.settle import Stores
from plexsync.model.config import PlexSyncConfig
from plexsync.policy.circuit_breaker import CLOSED, CircuitBreaker
from plexsync.policy.outage_history import (
    Outage,
    OutageHistory,
    format_duration,
    format_elapsed_since,
)

T = TypeVar("T")

READS, QUEUES = "reads", "queues"

WAKE = b'{"id":1,"type":"PlexSync.Wake.Post"}'
"""The inbox record that makes the worker look at Plex at once."""


class TaskFailed(Exception):
    """A task could not do its work; the text says why and what to do."""


class Owned(Protocol):
    """What a task may use that owns the data folder."""

    stores: Stores
    watch: PlexWatch


@dataclass(slots=True)
class Call:
    """One press of a button. `owned` is there for tasks that queue."""

    folder: str
    args: Mapping[str, object]
    config: PlexSyncConfig
    plex: PlexClient
    stash: StashClient
    clock: Clock
    log: Log
    wake: Callable[[], None]
    owned: Owned | None = None

    def stored(self, name: str, parse: Callable[[object], T], default: T) -> T:
        """A state file as it is; nothing is moved or mended."""
        return files.peek_json(os.path.join(self.folder, name), parse, default)


@dataclass(frozen=True, slots=True)
class Task:
    """`run` returns JSON values for whoever called; people read what it logs."""

    kind: str
    run: Callable[[Call], dict[str, object]]


def health_check(call: Call) -> dict[str, object]:
    """Look at Plex now: down, starting, unauthorised or healthy, and what to do about it."""
    health = call.plex.check()
    breaker = call.stored(BREAKER, CircuitBreaker.parse, CircuitBreaker())
    waiting = pending(os.path.join(call.folder, "queue"))
    tell = call.log.info if health.state == "healthy" else call.log.warning
    tell(f"Plex is {health.state} ({health.latency * 1000:.0f} ms): {health.detail}")
    tell(NEXT_STEPS[health.state])
    if breaker.state != CLOSED:
        call.log.info(f"The circuit breaker is {breaker.state}: {breaker.reason}.")
    if health.state == "healthy" and (breaker.state != CLOSED or waiting):
        inbox.drop(call.folder, WAKE)
        call.wake()
        call.log.info(f"{waiting} jobs wait; the worker was told to go on.")
    return {
        "state": health.state,
        "latency": health.latency,
        "detail": health.detail,
        "breaker": breaker.state,
        "waiting": waiting,
    }


NEXT_STEPS = {
    "healthy": "Nothing to do.",
    "starting": "Plex is starting or repairs its database; PlexSync waits and goes on by itself.",
    "down": "Check that Plex runs and that Plex URL in Settings > Plugins > PlexSync is the "
    "address at which this machine reaches it.",
    "unauthorised": "Enter a new Plex token in Settings > Plugins > PlexSync.",
}


def outage_summary(call: Call) -> dict[str, object]:
    """The last outages, one line each, and what they add up to."""
    now = call.clock.now()
    history = call.stored(HISTORY, OutageHistory.parse, OutageHistory())
    for outage in history.outages:
        call.log.info(_line(outage, now))
    mttr, mtbf = history.mttr(), history.mtbf()
    call.log.info(
        f"{len(history.outages)} outages. Mean time to recovery: "
        f"{format_duration(mttr) if mttr is not None else 'unknown'}; between failures: "
        f"{format_duration(mtbf) if mtbf is not None else 'unknown (needs two outages)'}; "
        f"Plex was there {history.availability(now):.2%} of the time."
    )
    return {
        "outages": history.to_json(),
        "mttr": mttr,
        "mtbf": mtbf,
        "availability": history.availability(now),
    }


def _line(outage: Outage, now: float) -> str:
    length = format_duration(outage.length(now))
    state = "still going on" if outage.ongoing else "over"
    return (
        f"Outage that began {format_elapsed_since(outage.start, now)}, {length}, {state}: "
        f"{outage.cause}. Jobs affected {outage.jobs_affected}, recovered {outage.jobs_recovered}."
    )


def recover_outage_jobs(call: Call) -> dict[str, object]:
    """Take dead letters of the last outage back into the queue; needs a healthy Plex.

    Arguments: `error_types`, classes or causes with commas between them (PlexServerDown), and
    `window`: "last", "all" or a number of hours.
    """
    if call.owned is None:
        raise TaskFailed("This task must own the data folder.")
    health = call.plex.check()
    if health.state != "healthy":
        raise TaskFailed(
            f"Nothing was recovered: Plex is {health.state} ({health.detail}). "
            f"{NEXT_STEPS[health.state]}"
        )
    stores, now = call.owned.stores, call.clock.now()
    wanted = {
        word.strip()
        for word in str(call.args.get("error_types") or "PlexServerDown").split(",")
        if word.strip()
    }
    window = _window(str(call.args.get("window") or "last"), call.owned.watch.last_outage(), now)
    if window is None:
        call.log.info("No outage is on record, so there is nothing to recover.")
        return {"queued": 0}
    found = DlqRecovery(stores.letters, stores.queue, call.stash).run(window, wanted, now)
    call.log.info(found.sentence())
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


TASKS: Mapping[str, Task] = {
    "health_check": Task(READS, health_check),
    "outage_summary": Task(READS, outage_summary),
    "recover_outage_jobs": Task(QUEUES, recover_outage_jobs),
}
"""Mode, as PlexSync.yml passes it, to task. An unknown mode is an error, never a default."""
