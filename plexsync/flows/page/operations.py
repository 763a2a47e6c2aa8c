"""The page's operations: one table, each answered within milliseconds.

An operation only reads, or it stores a command for the worker and answers with an id, for which
`result` returns the outcome. Nothing heavy is imported here: each request is a process.
"""

from __future__ import annotations

import json
import os

from plexsync import inbox, system
from plexsync.edges.local_time import local_offset
from plexsync.edges.page import read_state, results
from plexsync.edges.queue.dead_letter_queries import ORDERS as DEAD_LETTER_ORDERS
from plexsync.edges.queue.queue_queries import ORDERS as QUEUE_ORDERS
from plexsync.flows.page import lists
from plexsync.flows.page.lists import MOST_ROWS, PAGE
from plexsync.flows.page.scene_state import dead_letter_in_words, job_in_words, scene_states
from plexsync.flows.status.alerts import message_is_due
from plexsync.flows.status.backfills import shown_backfills
from plexsync.flows.status.plex_standing import read_breaker, read_history, shown_outage
from plexsync.flows.status.set_up import set_up
from plexsync.flows.status.status import LONGEST_WAIT, status
from plexsync.model.arguments import Rule, one_of, read_arguments, scene_ids, text, whole, word
from plexsync.model.command import (
    COMMANDS,
    KIND,
    is_accepted_id,
    read_command,
    to_input,
    without_secret,
)
from plexsync.model.places import PAUSED
from plexsync.model.reasons import choices
from plexsync.model.sign_in import FILE as SIGN_IN
from plexsync.model.stats import SLICE, Stats
from plexsync.policy.badge import badge
from plexsync.policy.circuit_breaker import CLOSED
from plexsync.policy.headline import EMPTY
from plexsync.policy.timing import SWEEP_EVERY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from plexsync.edges.queue.queue_queries import QueueQueries

    Answer = dict[str, object]

MOST_STATES = 200
"""Maximum scenes of one `scene_state` request."""

_WANTED = {
    "class": Rule(word, None),
    "scenes": Rule(scene_ids(MOST_ROWS), None),
}


class Request:
    """One request: the folders, the arguments, Stash's connection block, and when."""

    __slots__ = ("plugin_dir", "folder", "args", "connection", "now")

    def __init__(
        self, plugin_dir: str, folder: str, args: Mapping[str, Any], connection: bytes, now: float
    ) -> None:
        self.plugin_dir = plugin_dir
        self.folder = folder
        self.args = args
        self.connection = connection
        self.now = now


class Operation:
    """How a request is answered, and the arguments it takes."""

    __slots__ = ("answer", "rules")

    def __init__(self, answer: Callable[[Request], Answer], rules: Mapping[str, Rule]) -> None:
        self.answer = answer
        self.rules = rules


def perform(mode: str, request: Request) -> Answer:
    """Answer a request whose `args` are still as Stash sent them.

    Raises ValueError with a sentence for the user if the arguments are wrong, Unreadable or
    OSError if the data folder cannot be read.
    """
    args = {name: value for name, value in request.args.items() if name != "mode"}
    if mode in COMMANDS:
        return _accept(mode, args, request)
    operation = READS[mode]
    request.args = read_arguments(mode, operation.rules, args)
    return operation.answer(request)


def _accept(name: str, args: Mapping[str, object], request: Request) -> Answer:
    """Store a command for the worker, which checks its requirements."""
    command = read_command(name, args)
    system.private_folder(request.folder)
    record = {"id": 1, "type": KIND, "input": to_input(command)}
    try:
        answer: Answer = {"accepted": inbox.drop(request.folder, json.dumps(record).encode())}
    except OSError as problem:
        raise OSError(
            f"PlexSync cannot store commands in {request.folder}: {system.in_words(problem)}."
        ) from None
    try:
        inbox.wake(request.plugin_dir, request.folder, request.connection)
    except (ValueError, OSError) as problem:
        answer["warning"] = (
            f"The command is stored, but no worker could be started: {system.text_of(problem)}"
        )
    return answer


def _status(request: Request) -> Answer:
    settings, in_stash = request.args["settings"], request.args["in_stash"]
    return {**status(request.folder, request.now, settings or "", in_stash)}


def _set_up(request: Request) -> Answer:
    return set_up(request.folder, request.now)


def _dead_letters(request: Request) -> Answer:
    args, folder = request.args, request.folder
    wanted, start, limit = (args["class"], args["scenes"]), args["offset"], args["limit"]
    dead_letters = read_state.dead_letters(folder)
    return {
        "total": dead_letters.count(*wanted),
        "offset": start,
        "limit": limit,
        "classes": choices(dead_letters.counts()),
        "dead_letters": [
            dead_letter_in_words(dead_letter)
            for dead_letter in dead_letters.page(limit, start, *wanted, args["sort"])
        ],
    }


def _queue(request: Request) -> Answer:
    args, folder = request.args, request.folder
    wanted, start, limit = (args["class"], args["scenes"]), args["offset"], args["limit"]
    queue = read_state.queue(folder)
    classes = queue.classes()
    return {
        "total": _total(queue, wanted, classes),
        "offset": start,
        "limit": limit,
        "running": queue.running(),
        "classes": choices({error: number for error, number in classes.items() if error}),
        "inbox": read_state.records_waiting(folder),
        "backfills": shown_backfills(folder, request.now, local_offset),
        "jobs": [job_in_words(job) for job in queue.page(limit, start, *wanted, args["sort"])],
    }


def _total(queue: QueueQueries, wanted: Any, classes: Mapping[str, int]) -> int:
    error, scenes = wanted
    if scenes is not None:
        return queue.count(error, scenes)
    return sum(classes.values()) if error is None else classes.get(error, 0)


def _outages(request: Request) -> Answer:
    history = read_history(request.folder)
    return {
        "outages": [shown_outage(outage) for outage in history.outages[::-1]],
        "ongoing": history.ongoing() is not None,
        "mttr": history.mttr(),
        "mtbf": history.mtbf(),
        "availability": history.availability(request.now),
        "observed_since": history.observed_since,
    }


def _throughput(request: Request) -> Answer:
    stats = read_state.document(request.folder, "stats.json", Stats.parse, Stats(0.0))
    slices = [
        {"at": at * SLICE, "done": done, "failed": bad, "written": written}
        for at, done, bad, written in stats.slices
    ]
    return {"now": request.now, "seconds": SLICE, "slices": slices}


def _scene_state(request: Request) -> Answer:
    return scene_states(request.folder, request.args["scenes"])


TASK_AT_WORK = (
    "A PlexSync task is running, see Stash's task queue. This command waits, and starts as soon as "
    "that task can be interrupted, at the latest when it has ended."
)
"""What a command waits for. Most tasks can be interrupted between two requests; one that reads
Plex's libraries cannot, nor can one that takes only seconds."""


def _result(request: Request) -> Answer:
    accepted = request.args["id"]
    if not is_accepted_id(accepted):
        raise ValueError("result: id must be one that an operation answered as accepted.")
    found = without_secret(results.result(request.folder, accepted) or {"state": "unknown"})
    shown = ("state", "command", "args", "at", "ended_at", "output", "error")
    why = TASK_AT_WORK if found["state"] == "waiting" and _task_works(request.folder) else None
    return {"id": accepted, **{name: found.get(name) for name in shown}, "why": why}


def _report(request: Request) -> Answer:
    task = request.args["task"]
    found = results.report(request.folder, task) or {"state": "unknown"}
    shown = ("state", "began_at", "ended_at", "lines", "output", "error")
    return {"task": task, **{name: found.get(name) for name in shown}}


def _tick(request: Request) -> Answer:
    folder = request.folder
    if not os.path.isdir(folder):
        return {"pending": False, "worker": "not needed", "waiting": 0, "failed": 0}
    queue = read_state.queue(folder)
    resting = queue.resting(request.now, request.now + LONGEST_WAIT)
    failed = read_state.dead_letters(folder).count()
    jobs, events = queue.live_jobs(), read_state.records_waiting(folder)
    counts = badge(jobs, resting, events, failed)
    pending = read_state.anything_waits(folder)
    needed = pending or _duty_calls(request)
    worker = "alive" if _worker_lives(folder) else "started" if needed else "not needed"
    if worker == "started":
        inbox.wake(request.plugin_dir, folder, request.connection)
    elif worker == "alive":
        inbox.hand_over(folder, request.connection)
    shown = {name: counts[name] for name in ("waiting", "failed")}
    return {"pending": pending, "worker": worker, **shown}


def _duty_calls(request: Request) -> bool:
    """Whether a worker is needed although no work waits."""
    folder, now, swept = request.folder, request.now, read_state.swept_at(request.folder)
    sweeps = swept is not None and not 0 <= now - swept < SWEEP_EVERY
    signs_in = os.path.exists(os.path.join(folder, SIGN_IN))  # nobody else deletes its tokens
    away = read_breaker(folder).state != CLOSED  # nobody else would notice the end
    due = message_is_due(folder, now) or read_state.is_outdated(folder)
    return sweeps or signs_in or away or due


def _worker_lives(folder: str) -> bool:
    """Whether a worker is alive, or a task that will leave one behind."""
    return _is_busy(folder, "worker.lock") or _task_works(folder)


def _task_works(folder: str) -> bool:
    """Whether a task owns the data folder, or waits for it."""
    return _is_busy(folder, "takeover.lock")


def _is_busy(folder: str, name: str) -> bool:
    lock = os.path.join(folder, name)
    return os.path.exists(lock) and system.LockFile(lock).busy()


READS: Mapping[str, Operation] = {
    "status": Operation(
        _status,
        {
            "settings": Rule(one_of(EMPTY, PAUSED), None),
            "in_stash": Rule(whole(0, 10**9), None),
        },
    ),
    "dead_letters": Operation(
        _dead_letters,
        {
            **PAGE,
            **_WANTED,
            "sort": Rule(one_of(*DEAD_LETTER_ORDERS), "newest"),
        },
    ),
    "queue": Operation(_queue, {**PAGE, **_WANTED, "sort": Rule(one_of(*QUEUE_ORDERS), "due")}),
    "outages": Operation(_outages, {}),
    "throughput": Operation(_throughput, {}),
    "scenes_in_state": Operation(
        lambda request: lists.scenes_in_state(request.folder, request.args), lists.IN_STATE
    ),
    "only_in_plex": Operation(
        lambda request: lists.only_in_plex(request.folder, request.args), lists.ONLY_IN_PLEX
    ),
    "known_scenes": Operation(lambda request: lists.known_scenes(request.folder), {}),
    "scene_state": Operation(_scene_state, {"scenes": Rule(scene_ids(MOST_STATES))}),
    "result": Operation(_result, {"id": Rule(text(60))}),
    "report": Operation(_report, {"task": Rule(word)}),
    "tick": Operation(_tick, {}),
    "set_up": Operation(_set_up, {}),
}
"""The operations that only read."""

OPERATIONS = frozenset(READS) | frozenset(COMMANDS)
"""All modes that are operations; the others are tasks."""
