"""Commands of a page, carried out by the owner of the data folder between two batches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.page.command_store import CommandStore
from plexsync.edges.stash.client import StashClient
from plexsync.edges.storage.files import is_disk_trouble
from plexsync.flows.services import OwnerServices, WorkerServices
from plexsync.flows.tasks.adopt_stash import adopt
from plexsync.flows.tasks.clear_queue import remove_all
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.flows.tasks.dead_letters import (
    all_dead_letters,
    remove_dead_letters,
    retry_dead_letters,
)
from plexsync.flows.tasks.preview import preview
from plexsync.flows.tasks.undo import undo_scene
from plexsync.flows.updated import last_updated
from plexsync.model.command import ADOPT, AT_ONCE, MOST_PREVIEWS, from_input
from plexsync.model.errors import AnotherStash, Interrupted, StashAuthError, SyncError
from plexsync.model.job import EDIT, Job
from plexsync.model.ledger import Pin
from plexsync.model.paths import PathMap
from plexsync.model.reasons import FORCED
from plexsync.policy.events import stronger_reason

Args = Mapping[str, Any]


class CommandServices(WorkerServices, OwnerServices, Protocol):
    """What the composition root gives to the owner."""


class Commands:
    """Carries out what lies in the book. A command that cannot be done now fails at once, with the
    reason: a person waits for the answer, and can ask again.
    """

    def __init__(
        self,
        folder: str,
        book: CommandStore,
        services: CommandServices,
        stash: StashClient,
        clock: Clock,
        log: Log,
    ) -> None:
        self._folder = folder
        self._book = book
        self._services = services
        self._stash = stash
        self._clock = clock
        self._log = log
        self.session_refused = False
        """Stash refused our session while a command was carried out."""

    @property
    def waiting(self) -> bool:
        """Whether anything is left to be carried out."""
        return self._book.waiting

    def run(self, leave: Callable[[], str]) -> int:
        """Carry out what waits, some at most and none once it is time to leave; how many."""
        count = 0
        while count < AT_ONCE and not leave():
            entry = self._book.next()
            if entry is None:
                break
            self._carry_out(entry)
            count += 1
        if count:
            self._book.sweep(self._clock.now())
        return count

    def _carry_out(self, entry: Mapping[str, object]) -> None:
        """One command, to its result. Raises only what the disk is to blame for, and Interrupted when
        it is time to leave: it is begun anew later.
        """
        try:
            if self._book.worn_out(entry):
                raise TaskFailed("The worker ended in the middle of this command; it is given up.")
            answer = self._answer(entry)
        except Interrupted:
            self._book.put_back(entry)
            raise
        except (TaskFailed, SyncError, AnotherStash, ValueError) as problem:
            self.session_refused |= isinstance(problem, StashAuthError)
            self._fail(entry, self._log.safe(str(problem)))
        except Exception as problem:  # noqa: BLE001 - a bug must not stop the queue
            if is_disk_trouble(problem):
                raise
            self._fail(entry, self._log.safe(f"Unexpected: {problem!r}"))
        else:
            self._book.done(entry, answer, self._clock.now())
            self._log.info(f"A page asked for {entry['command']}: done.")

    def _fail(self, entry: Mapping[str, object], reason: str) -> None:
        self._book.failed(entry, reason, self._clock.now())
        self._log.warning(f"A page asked for {entry.get('command')}, which failed: {reason}")

    def _answer(self, entry: Mapping[str, object]) -> Answer:
        command = from_input({name: entry.get(name) for name in ("command", "args")})
        return HANDLERS[command.name](self._call(command.args, anybody=command.name == ADOPT))

    def _call(self, args: Args, *, anybody: bool) -> TaskContext:
        config = self._services.config(anybody=anybody)
        return TaskContext(
            plugin_dir="",
            folder=self._folder,
            args=args,
            config=config,
            plex=self._services.plex(config),
            stash=self._stash,
            clock=self._clock,
            log=self._log,
            wake=lambda: None,
            owned=self._services,
        )


AS_EDITS = 50
"""Up to this many scenes go before every backfill; more of them are a backfill themselves."""

Answer = dict[str, object]


def _retry(context: TaskContext) -> Answer:
    scene = context.args["scene"]
    if context.owner().stores.dead_letters.get(_number(scene)) is None:
        raise TaskFailed(f"Scene {scene} has no dead letter.")
    return retry_dead_letters(context)


def _retry_class(context: TaskContext) -> Answer:
    wanted = str(context.args["class"])
    dead_letters = context.owner().stores.dead_letters
    if not dead_letters.scenes(wanted):
        raise TaskFailed(f"There is no dead letter of the class {wanted}.")
    return retry_dead_letters(replace(context, args={"error_types": wanted}))


def _sync(context: TaskContext) -> Answer:
    """Compare scenes with Plex itself, whatever the ledger says of them."""
    scenes = [_number(scene) for scene in _listed(context.args["scenes"])]
    return {"queued": _queue_now(context, scenes)}


def _queue_now(context: TaskContext, scenes: Iterable[int]) -> int:
    stores, now = context.owner().stores, context.clock.now()
    wanted = list(scenes)
    if len(wanted) > AS_EDITS:
        stores.ledger.add_backfill(FORCED, "scene", wanted, now)
        return len(wanted)
    live = stores.queue.jobs
    # a person waits for these, also behind a bulk edit of hundreds
    first = min(now, stores.queue.next_due() or now) - 0.001
    reasons = {s: stronger_reason(FORCED, live[s].reason) if s in live else FORCED for s in wanted}
    stores.queue.put_all(
        Job(scene=scene, reason=reason, born=now, priority=EDIT, not_before=first)
        for scene, reason in reasons.items()
    )
    return len(wanted)


def _preview(context: TaskContext) -> Answer:
    """The dry run for some scenes; what it tells people goes to the page, not to the log."""
    scenes = context.args["scenes"] or _scope(context)
    if not scenes:
        raise TaskFailed("There is no such scene to preview.")
    args = {"scenes": scenes, "forced": context.args["forced"]}
    return preview(replace(context, args=args, log=Log()))


def _scope(context: TaskContext) -> list[int]:
    """The scenes that were updated last, or those that wait."""
    if context.args["scope"] == "recent":
        return list(last_updated(context.stash, MOST_PREVIEWS))
    return [job.scene for job in context.owner().stores.queue.first(MOST_PREVIEWS)]


def _undo(context: TaskContext) -> Answer:
    scene = _number(context.args["scene"])
    state = context.owner().stores.ledger.scenes([scene]).get(scene)
    if state is None or not any(t.written or t.unconfirmed for t in state.targets):
        raise TaskFailed(f"PlexSync has written nothing of scene {scene} to Plex.")
    answer = undo_scene(replace(context, args={"scene": scene}))
    failed = answer["failed"]
    if isinstance(failed, dict) and failed:
        raise TaskFailed(f"Scene {scene} could not be undone: {failed[str(scene)]}.")
    return answer


def _pin(context: TaskContext) -> Answer:
    """Keep a person's word for a scene's Plex item, and act on it."""
    scene = _number(context.args["scene"])
    hint = context.args["rating_key"]
    pin = Pin(str(context.args["part"]), 0 if hint is None else _number(hint))
    context.owner().stores.ledger.pin(scene, pin)
    _queue_now(context, [scene])
    return {"scene": scene, "part": pin.part, "rating_key": pin.rating_key or None}


def _unpin(context: TaskContext) -> Answer:
    scene = _number(context.args["scene"])
    if not context.owner().stores.ledger.unpin(scene):
        raise TaskFailed(f"Scene {scene} has no pin.")
    _queue_now(context, [scene])
    return {"scene": scene}


def _adopt_path_map(context: TaskContext) -> Answer:
    """Change one of our settings in Stash. Stash can only replace them all: read, change, write."""
    wanted = str(context.args["path_map"])
    unusable = PathMap.parse(wanted)[1]
    if unusable:
        raise TaskFailed(f"The path map was not changed: {'; '.join(unusable)}.")
    before = dict(context.stash.settings().plugin)
    context.stash.save_settings({**before, "path_map": wanted})
    after = dict(context.stash.settings().plugin)
    if after != {**before, "path_map": wanted}:
        raise TaskFailed(
            "Stash's settings are not as they should be now: somebody may have changed them at the "
            "same moment. Look at Settings > Plugins > PlexSync."
        )
    context.log.info(f"The path map in Stash's settings is now {wanted!r}; every other one stayed.")
    return {
        "before": str(before.get("path_map") or ""),
        "after": wanted,
        "text": "Reload a settings page that is open in Stash before changing anything there, or "
        "it writes the old path map back.",
    }


def _clear(context: TaskContext) -> Answer:
    """Without a second press: the page has asked whether it is meant."""
    if context.args["what"] == "queue":
        return remove_all(context)
    wanted = context.args["class"]
    dead_letters = all_dead_letters(
        context.owner().stores.dead_letters, None if wanted is None else str(wanted)
    )
    return (
        remove_dead_letters(context, dead_letters, context.clock.now())
        if dead_letters
        else {"removed": 0}
    )


def _number(value: object) -> int:
    assert isinstance(value, int)
    return value


def _listed(value: object) -> tuple[object, ...]:
    assert isinstance(value, tuple)
    return value


HANDLERS: Mapping[str, Callable[[TaskContext], Answer]] = {
    "retry": _retry,
    "retry_class": _retry_class,
    "sync": _sync,
    "preview": _preview,
    "undo": _undo,
    "pin": _pin,
    "unpin": _unpin,
    "adopt_path_map": _adopt_path_map,
    ADOPT: adopt,
    "clear": _clear,
}
"""Command -> what carries it out. Each answers JSON values, or raises TaskFailed with a sentence."""
