"""What each command of a page does; the names are those of model/command.py."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from plexsync.edges.log.log import Log
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
from plexsync.model.command import ADOPT, MOST_PREVIEWS
from plexsync.model.job import EDIT, Job
from plexsync.model.ledger import Pin
from plexsync.model.paths import PathMap
from plexsync.model.reasons import FORCED
from plexsync.policy.events import stronger_reason

AS_EDITS = 50
"""So many scenes are synced before all bulk work; more of them are bulk work themselves."""

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
        return [scene for scene, _ in context.stash.recently_updated(1, MOST_PREVIEWS)]
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
