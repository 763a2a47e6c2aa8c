"""The buttons for dead letters: retry, clear, and purge old ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from plexsync.edges.stores import Stores
from plexsync.flows.backfill import backfill
from plexsync.flows.tasks.arguments import chosen_error_types
from plexsync.flows.tasks.confirmation import is_second_press, keep_copy
from plexsync.flows.tasks.context import TaskContext
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.formatting import counted, some_scenes
from plexsync.model.job import Job
from plexsync.model.ledger import UNDONE
from plexsync.model.reasons import RETRY, class_words

DAY = 86400.0


def retry_dead_letters(context: TaskContext) -> dict[str, object]:
    """Requeue the scenes of dead letters; each dead letter stays until its scene is in step.

    Arguments: `error_types`, classes or causes separated by commas, or `scene`, one id; without
    either, all dead letters.
    """
    stores, now = context.owner().stores, context.clock.now()
    known = stores.dead_letters.all()
    scene = context.args["scene"]
    wanted = chosen_error_types(context.args["error_types"], known)
    dead_letters = [
        dead_letter
        for dead_letter in known
        if (scene is None or dead_letter.scene == scene)
        and (not wanted or dead_letter.error in wanted or dead_letter.cause in wanted)
    ]
    if not dead_letters:
        context.log.info(f"Nothing to retry: {_what_there_is(known)}")
        return {"queued": 0, "already_queued": 0, "undone": 0}
    undone = set() if scene is not None else _undone(context, dead_letters)
    wanted_now = [dead_letter for dead_letter in dead_letters if dead_letter.scene not in undone]
    queued = _queue_again(stores, wanted_now, now, alone=scene is not None)
    already = len(wanted_now) - len(queued)
    text = f"{counted(len(queued), 'scene')} queued again: {_by_class(dead_letters, queued)}."
    if already and queued:
        text += f" {already} more were already waiting in the queue."
    elif already:
        text = f"Nothing to queue: {counted(already, 'scene')} already waiting in the queue."
    if queued or already:
        context.log.info(f"{text} A dead letter is removed when its scene is in step with Plex.")
    if undone:
        context.log.info(
            f"Left alone: {some_scenes(sorted(undone))}. What PlexSync wrote of these was undone; "
            "edit one, or retry it alone, to sync it again."
        )
    if queued:
        context.log_what_holds_it()
    return {"queued": len(queued), "already_queued": already, "undone": len(undone)}


def _undone(context: TaskContext, dead_letters: Iterable[DeadLetter]) -> set[int]:
    """Scenes that were undone: such a scene is only synced again if it is requested alone."""
    states = context.owner().stores.ledger.scenes(dead_letter.scene for dead_letter in dead_letters)
    return {scene for scene, state in states.items() if state.state == UNDONE}


def clear_dead_letters(context: TaskContext) -> dict[str, object]:
    """Remove all dead letters; the first press says what would be removed, the second does it."""
    dead_letters = context.owner().stores.dead_letters.all()
    if not dead_letters:
        context.log.info("There are no dead letters, so nothing was removed.")
        return {"removed": 0, "would_remove": 0}
    return _at_the_second_press(context, dead_letters, "clear_dead_letters", "Clear Dead Letters")


def purge_dead_letters(context: TaskContext) -> dict[str, object]:
    """Remove dead letters that are older than the settings keep them, at the second press."""
    now, days = context.clock.now(), context.config.dlq_retention_days
    before = now - days * DAY
    dead_letters = context.owner().stores.dead_letters.all()
    old = [dead_letter for dead_letter in dead_letters if dead_letter.buried_at < before]
    if not old:
        context.log.info(
            f"No dead letter is older than {counted(days, 'day')}; nothing was removed."
        )
        return {"removed": 0, "would_remove": 0}
    return _at_the_second_press(context, old, "purge_dead_letters", "Purge Old Dead Letters")


def _at_the_second_press(
    context: TaskContext, dead_letters: Sequence[DeadLetter], task: str, button: str
) -> dict[str, object]:
    """Say what would be removed; at a second press remove it, except what was added meanwhile."""
    first_press = is_second_press(context, task)
    if first_press is None:
        context.log.warning(
            f"Nothing was removed yet. This would remove {_listed(dead_letters)}. A scene is then "
            f"only tried again when it is edited. Press {button} again within 5 "
            "minutes to do it."
        )
        return {"removed": 0, "would_remove": len(dead_letters)}
    then = [dead_letter for dead_letter in dead_letters if dead_letter.buried_at <= first_press]
    removed = remove_dead_letters(context, then, context.clock.now()) if then else {"removed": 0}
    younger = len(dead_letters) - len(then)
    if younger:
        context.log.info(f"{counted(younger, 'dead letter')} added after the first press: kept.")
    return {**removed, "would_remove": 0}


def _queue_again(
    stores: Stores, dead_letters: Iterable[DeadLetter], now: float, *, alone: bool
) -> list[int]:
    """Queue a new job for each scene that has none; returns those scenes. A scene requested `alone`
    goes before every backfill.
    """
    scenes = [
        dead_letter.scene
        for dead_letter in dead_letters
        if dead_letter.scene not in stores.queue.jobs
    ]
    if not alone:
        return backfill(stores.queue, stores.ledger, scenes, RETRY, now)
    stores.queue.put_all(
        Job(scene=scene, reason=RETRY, born=now, not_before=now) for scene in scenes
    )
    return scenes


def remove_dead_letters(
    context: TaskContext, dead_letters: Sequence[DeadLetter], now: float
) -> dict[str, object]:
    """Remove these dead letters; a copy of them is kept."""
    copy = keep_copy(
        context.folder, "dead-letters", [dead_letter.to_json() for dead_letter in dead_letters], now
    )
    context.owner().stores.dead_letters.remove(dead_letter.scene for dead_letter in dead_letters)
    context.log.info(
        f"Removed {_listed(dead_letters)}. A copy is kept for 7 days in {context.path(copy)}."
    )
    return {"removed": len(dead_letters), "copy": copy}


def _listed(dead_letters: Sequence[DeadLetter]) -> str:
    scenes = some_scenes([dead_letter.scene for dead_letter in dead_letters])
    return f"{counted(len(dead_letters), 'dead letter')} ({_by_class(dead_letters)}), of {scenes}"


def _by_class(dead_letters: Iterable[DeadLetter], scenes: Collection[int] | None = None) -> str:
    counts = Counter(
        class_words(each.error) for each in dead_letters if scenes is None or each.scene in scenes
    )
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def _what_there_is(dead_letters: Sequence[DeadLetter]) -> str:
    if not dead_letters:
        return "there are no dead letters."
    classes = ", ".join(sorted({each.error for each in dead_letters}))
    return f"no dead letter matches. Their classes are {classes}."
