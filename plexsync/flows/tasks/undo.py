"""Undo: restores what Plex had before PlexSync wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from plexsync import inbox
from plexsync.edges.stores import Stores
from plexsync.flows.backfill import neighbours, wake
from plexsync.flows.tasks.confirmation import is_second_press
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.flows.tasks.item_restorer import ItemRestorer, UndoResult
from plexsync.flows.tasks.progress import Progress
from plexsync.flows.tasks.undo_collections import undo_collections
from plexsync.model.errors import PlexAuthError, PlexServerDown
from plexsync.model.event import parse_event
from plexsync.model.formatting import counted
from plexsync.model.job import Job
from plexsync.model.ledger import DESTROYED, LEFT_OUT, UNDONE, SceneState, TargetState
from plexsync.model.places import STASHS_FORM
from plexsync.model.plex import FIELDS, Target
from plexsync.policy.events import IGNORED_FIELDS, actions_of

BATCH = 50

AFTERWARDS = "An undone scene is only synced again when it is edited in Stash or requested by hand."
AFTERWARDS_LEFT_OUT = "These scenes are synced again as soon as the filters let them in."


@dataclass(slots=True)
class _Outcome:
    undone: list[int] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    left: dict[int, dict[str, str]] = field(default_factory=dict)
    """Scene -> field -> why it was left as it is in Plex."""
    fields: Counter[str] = field(default_factory=Counter)
    dropped: int = 0
    """Number of waiting jobs that were dropped with undone scenes."""
    left_out: bool = False
    """Whether the scenes are left out by the filters, and stay in that state."""

    @property
    def done(self) -> int:
        return len(self.undone) + len(self.failed)


def undo_scene(context: TaskContext) -> dict[str, object]:
    """Undo the scenes named by the argument `scene` or `scenes`."""
    scenes = context.args["scene"] or context.args["scenes"]
    if not scenes:
        raise TaskFailed('Say which scene to undo: scene = "12", or several with commas.')
    _check_server(context)
    known = context.owner().stores.ledger.scenes(scenes)
    wanted = [scene for scene in scenes if scene in known and _written(known[scene])]
    for scene in scenes:
        if scene not in wanted:
            context.log.info(f"Scene {scene}: PlexSync has written nothing of it to Plex.")
    return _undo(context, wanted)


def undo_all(context: TaskContext) -> dict[str, object]:
    """Undo every scene and collection; the first press says what would change, the second does it."""
    _check_server(context)
    ledger = context.owner().stores.ledger
    scenes, collections = ledger.written_scenes(), ledger.written_collections()
    if not scenes and not collections:
        context.log.info("There is nothing to undo: Plex has nothing that PlexSync wrote.")
        return {"undone": 0, "would_undo": 0}
    if is_second_press(context, "undo_all") is None:
        besides = f" and to {counted(len(collections), 'collection')}" if collections else ""
        context.log.warning(
            f"Nothing was changed yet. This would restore what Plex had before PlexSync wrote to "
            f"the items of {counted(len(scenes), 'scene')}{besides}: values, locks and selected "
            "posters. Changes made in Plex since then are kept. Press Undo Everything again within 5 "
            "minutes to do it."
        )
        return {"undone": 0, "would_undo": len(scenes)}
    undone = undo_collections(context, collections)
    return {**_undo(context, scenes), **undone, "would_undo": 0}


def undo_left_out(context: TaskContext) -> dict[str, object]:
    """Undo the scenes that the filters leave out now; the first press says how many they are, the
    second does it, as does one with the argument `confirmed`.
    """
    _check_server(context)
    scenes = context.owner().stores.ledger.written_scenes(LEFT_OUT)
    if not scenes:
        context.log.info(
            "There is nothing to undo: Plex has nothing that PlexSync wrote for scenes that are left "
            "out."
        )
        return {"undone": 0, "would_undo": 0}
    if not context.args["confirmed"] and is_second_press(context, "undo_left_out") is None:
        context.log.warning(
            f"Nothing was changed yet. This would restore what Plex had before PlexSync wrote to "
            f"the items of {counted(len(scenes), 'scene')} that the filters leave out now. Changes "
            "made in Plex since then are kept. Press Undo Scenes Left Out again within 5 minutes to "
            "do it."
        )
        return {"undone": 0, "would_undo": len(scenes)}
    return {**_undo(context, scenes, left_out=True), "would_undo": 0}


def _check_server(context: TaskContext) -> None:
    """Raise TaskFailed unless the answering Plex is the one that PlexSync wrote to."""
    context.attend(context.plex.verify_server)
    written_to = context.owner().stores.ledger.server
    if written_to not in ("", context.plex.server_id()):
        raise TaskFailed(
            "Nothing was undone: the Plex server that answers is not the one that PlexSync wrote to. "
            f"Enter the address of that server in {STASHS_FORM}."
        )


def _undo(
    context: TaskContext, scenes: Sequence[int], *, left_out: bool = False
) -> dict[str, object]:
    if context.page:
        context.page.serve()  # separates what was saved until now from what is saved meanwhile
    outcome, began = _Outcome(left_out=left_out), context.clock.now()
    earlier = dict(context.owner().stores.queue.jobs)
    stopped = ""
    with Progress(context.log, lambda: 0.99 * outcome.done / max(1, len(scenes))):
        for start in range(0, len(scenes), BATCH):
            try:
                some = scenes[start : start + BATCH]
                context.attend(partial(_some, context, some, outcome, began, earlier))
            except (PlexServerDown, PlexAuthError) as error:
                stopped = error.message
                break
    _tell(context, outcome)
    if stopped:
        raise TaskFailed(
            f"{outcome.done} of {counted(len(scenes), 'scene')} done, then it stopped: {stopped}. "
            "Start it again to continue; what is undone stays undone."
        )
    return {
        "undone": len(outcome.undone),
        "failed": {str(scene): why for scene, why in outcome.failed.items()},
        "left": {str(scene): fields for scene, fields in outcome.left.items()},
        "fields": {name: outcome.fields[name] for name in FIELDS if outcome.fields[name]},
        "dropped": outcome.dropped,
    }


def _some(
    context: TaskContext,
    scenes: Sequence[int],
    outcome: _Outcome,
    began: float,
    earlier: Mapping[int, Job],
) -> None:
    owned = context.owner()
    known = owned.stores.ledger.scenes(scenes)
    states = [known[scene] for scene in scenes if scene in known]
    targets = [t for state in states for t in state.targets if t.written or t.unconfirmed]
    found = ItemRestorer(context.plex, owned.outages).restore(targets)
    done: list[SceneState] = []
    for state in states:
        ours = {t.target: found[t.target] for t in state.targets if t.target in found}
        failed = "; ".join(each.failed for each in ours.values() if each.failed)
        if failed:
            outcome.failed[state.scene] = failed
            continue
        done.append(_undone(state, ours, context.clock.now()))
        left = {name: why for each in ours.values() for name, why in each.left.items()}
        if left:
            outcome.left[state.scene] = left
        outcome.fields.update({name for each in ours.values() for name in each.done})
    scenes_done = [state.scene for state in done]
    if outcome.left_out:
        owned.stores.ledger.save(_taken_out(state, known[state.scene]) for state in done)
        others = neighbours(owned.stores.ledger, scenes_done)
        wake(owned.stores.queue, others, context.clock.now())
    else:
        owned.stores.ledger.save(done)
        outcome.dropped += _drop_older(context, set(scenes_done), began, earlier)
    outcome.undone += scenes_done


def _undone(state: SceneState, found: Mapping[Target, UndoResult], now: float) -> SceneState:
    left = {name: why for each in found.values() for name, why in each.left.items()}
    words = ", ".join(f"{name} ({why})" for name, why in left.items())
    return state._replace(
        state=UNDONE if state.destroyed_at is None else DESTROYED,
        detail=f"left as Plex has it: {words}" if words else "",
        since=now,
        desired_hash="",
        targets=tuple(
            _forgotten(each, found[each.target], now) if each.target in found else each
            for each in state.targets
        ),
    )


def _taken_out(state: SceneState, before: SceneState) -> SceneState:
    """The scene stays left out, and is written like a new one once the filters let it in."""
    targets = tuple(target._replace(written={}) for target in state.targets)
    return state._replace(
        state=before.state, detail=before.detail, since=before.since, targets=targets
    )


def _forgotten(target: TargetState, restored: UndoResult, now: float) -> TargetState:
    """The target without the restored fields, which are no longer ours."""
    return target._replace(
        written={n: w for n, w in target.written.items() if n in restored.left},
        dirty=frozenset(),
        unconfirmed={},
        read_back={},
        refused={},
        synced_at=now,
    )


def _drop_older(
    context: TaskContext, scenes: set[int], began: float, earlier: Mapping[int, Job]
) -> int:
    """Drop jobs and inbox records from before the undo: they would sync the scene again at once."""
    stores = context.owner().stores
    waiting = [scene for scene in scenes & earlier.keys() if _is_still(earlier[scene], stores)]
    stores.queue.finish(waiting)
    older = [
        record.name
        for record in inbox.collect(context.folder)
        if record.data is not None
        and record.at <= began
        and _is_about(record.data, record.at, scenes)
    ]
    inbox.forget(context.folder, older)
    return len(waiting)


def _is_still(job: Job, stores: Stores) -> bool:
    """Whether the scene was not edited since this was its job."""
    return stores.queue.jobs.get(job.scene) == job


def _is_about(data: bytes, at: float, scenes: set[int]) -> bool:
    """Whether a record only requests a sync of one of these scenes."""
    try:
        asked = actions_of(parse_event(data, at), IGNORED_FIELDS)
    except ValueError:
        return False
    return bool(asked) and all(isinstance(w, Job) and w.scene in scenes for w in asked)


def _written(state: SceneState) -> bool:
    return any(target.written or target.unconfirmed for target in state.targets)


def _tell(context: TaskContext, outcome: _Outcome) -> None:
    for scene, kept in outcome.left.items():
        named = ", ".join(f"{name} ({why})" for name, why in kept.items())
        context.log.info(f"Scene {scene}: left as Plex has it: {named}.")
    for scene, why in outcome.failed.items():
        context.log.warning(f"Scene {scene} could not be undone: {why}.")
    fields = ", ".join(f"{name} {outcome.fields[name]}" for name in FIELDS if outcome.fields[name])
    context.log.info(
        f"{counted(len(outcome.undone), 'scene')} undone"
        + (f" ({fields} as before)" if fields else "")
        + (f", {counted(outcome.dropped, 'waiting sync')} dropped" if outcome.dropped else "")
        + "."
    )
    if outcome.undone:
        context.log.info(AFTERWARDS_LEFT_OUT if outcome.left_out else AFTERWARDS)
