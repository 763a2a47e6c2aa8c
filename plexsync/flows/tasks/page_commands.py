"""The page's commands, which the owner of the data folder carries out; see the table in
registry.py.

Each returns JSON values, or raises TaskFailed with a sentence. The arguments are those of
model/command.py, already read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from plexsync.edges.log.log import Log
from plexsync.flows.tasks import dead_letters
from plexsync.flows.tasks.clear_queue import remove_all
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.flows.tasks.preview import preview as preview_sync
from plexsync.flows.tasks.save_settings import RELOAD, change_settings
from plexsync.flows.tasks.undo import undo_scene
from plexsync.flows.updated import last_updated
from plexsync.model.command import MOST_PREVIEWS
from plexsync.model.formatting import quoted
from plexsync.model.job import EDIT, Job
from plexsync.model.ledger import Pin
from plexsync.model.paths import PathMap
from plexsync.model.reasons import FORCED, OVERWRITE
from plexsync.policy.events import stronger_reason

Answer = dict[str, object]

AS_EDITS = 50
"""Up to this many scenes go before every backfill; more become a backfill themselves."""


def retry(context: TaskContext) -> Answer:
    """Try the dead letter of one scene again."""
    scene = context.args["scene"]
    if context.owner().stores.dead_letters.get(scene) is None:
        raise TaskFailed(f"Scene {scene} has no dead letter.")
    return dead_letters.retry_dead_letters(
        replace(context, args={"scene": scene, "error_types": ""})
    )


def retry_class(context: TaskContext) -> Answer:
    """Try all dead letters of one class of errors again."""
    wanted = context.args["class"]
    if not context.owner().stores.dead_letters.scenes(wanted):
        raise TaskFailed(f"There is no dead letter of the class {wanted}.")
    args = {"scene": None, "error_types": wanted}
    return dead_letters.retry_dead_letters(replace(context, args=args))


def sync(context: TaskContext) -> Answer:
    """Compare scenes with Plex itself, whatever the ledger has about them."""
    reason = OVERWRITE if context.args["overwrite"] else FORCED
    return {"queued": _queue_now(context, context.args["scenes"], reason)}


def _queue_now(context: TaskContext, scenes: Iterable[int], reason: str = FORCED) -> int:
    stores, now = context.owner().stores, context.clock.now()
    wanted = list(scenes)
    if len(wanted) > AS_EDITS:
        stores.ledger.add_backfill(reason, "scene", wanted, now)
        return len(wanted)
    live = stores.queue.jobs
    # the user waits for these, so they go before a bulk edit of hundreds
    first = min(now, stores.queue.next_due() or now) - 0.001
    reasons = {s: stronger_reason(reason, live[s].reason) if s in live else reason for s in wanted}
    stores.queue.put_all(
        Job(scene=scene, reason=reason, born=now, priority=EDIT, not_before=first)
        for scene, reason in reasons.items()
    )
    return len(wanted)


def preview(context: TaskContext) -> Answer:
    """The dry run for some scenes; the page gets its lines, not the log."""
    scenes = context.args["scenes"] or _scope(context)
    if not scenes:
        raise TaskFailed("There is no such scene to preview.")
    args = {"scene": None, "scenes": scenes, "recent": None, "forced": context.args["forced"]}
    return preview_sync(replace(context, args=args, log=Log()))


def _scope(context: TaskContext) -> list[int]:
    """The scenes updated last, or those that wait."""
    if context.args["scope"] == "recent":
        return list(last_updated(context.stash, MOST_PREVIEWS))
    return [job.scene for job in context.owner().stores.queue.first(MOST_PREVIEWS)]


def undo(context: TaskContext) -> Answer:
    """Restore what Plex had before PlexSync wrote one scene."""
    scene = context.args["scene"]
    state = context.owner().stores.ledger.scenes([scene]).get(scene)
    if state is None or not any(t.written or t.unconfirmed for t in state.targets):
        raise TaskFailed(f"PlexSync has written nothing of scene {scene} to Plex.")
    answer = undo_scene(replace(context, args={"scene": (scene,), "scenes": None}))
    failed = answer["failed"]
    if isinstance(failed, dict) and failed:
        raise TaskFailed(f"Scene {scene} could not be undone: {failed[str(scene)]}.")
    return answer


def pin(context: TaskContext) -> Answer:
    """Pin a scene to the Plex item that the user chose, and sync it."""
    scene = context.args["scene"]
    pin = Pin(context.args["part"], context.args["rating_key"] or 0)
    context.owner().stores.ledger.pin(scene, pin)
    _queue_now(context, [scene])
    return {"scene": scene, "part": pin.part, "rating_key": pin.rating_key or None}


def unpin(context: TaskContext) -> Answer:
    """Remove a scene's pin, and sync it."""
    scene = context.args["scene"]
    if not context.owner().stores.ledger.unpin(scene):
        raise TaskFailed(f"Scene {scene} has no pin.")
    _queue_now(context, [scene])
    return {"scene": scene}


def adopt_path_map(context: TaskContext) -> Answer:
    """Change the path map in Stash's settings."""
    wanted = context.args["path_map"]
    unusable = PathMap.parse(wanted)[1]
    if unusable:
        raise TaskFailed(f"The path map was not changed: {'; '.join(unusable)}.")
    before, _ = change_settings(context, {"path_map": wanted})
    context.log.info(
        f"The path map in Stash's settings is now {quoted(wanted)}; no other setting changed."
    )
    return {"before": str(before.get("path_map") or ""), "after": wanted, "text": RELOAD}


def clear(context: TaskContext) -> Answer:
    """Clear the queue or the dead letters at once: the page has asked for confirmation."""
    if context.args["what"] == "queue":
        return remove_all(context)
    found = context.owner().stores.dead_letters.all(context.args["class"])
    if not found:
        return {"removed": 0}
    return dead_letters.remove_dead_letters(context, found, context.clock.now())
