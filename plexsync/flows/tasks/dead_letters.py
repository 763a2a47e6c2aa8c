"""Dead letters at the press of a button: tried again, cleared, or purged when they are old."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict

from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.stores import Stores
from plexsync.flows.backfill import backfill
from plexsync.flows.tasks.arguments import error_types_of
from plexsync.flows.tasks.confirmation import announced, keep_copy
from plexsync.flows.tasks.context import Call, TaskFailed
from plexsync.model.job import Job, Letter
from plexsync.model.ledger import UNDONE
from plexsync.model.reasons import RETRY
from plexsync.model.words import counted, some_scenes

PAGE = 500
DAY = 86400.0


def retry_dead_letters(call: Call) -> dict[str, object]:
    """Queue the scenes of dead letters again; each letter stays until its scene is in step.

    Arguments: `error_types`, classes or causes with commas between them, or `scene`, one id; all
    letters without.
    """
    stores, now = call.owner().stores, call.clock.now()
    known = all_letters(stores.letters)
    scene, wanted = _scene(call.args.get("scene")), error_types_of(call, known)
    letters = [
        letter
        for letter in known
        if (scene is None or letter.scene == scene)
        and (not wanted or letter.error in wanted or letter.cause in wanted)
    ]
    if not letters:
        call.log.info(f"Nothing to retry: {_what_there_is(known)}")
        return {"queued": 0, "already_queued": 0, "undone": 0}
    undone = set() if scene is not None else _undone(call, letters)
    wanted_now = [letter for letter in letters if letter.scene not in undone]
    queued = _queue_again(stores, wanted_now, now, alone=scene is not None)
    already = len(wanted_now) - len(queued)
    text = f"{counted(len(queued), 'scene')} queued again: {_by_class(letters, queued)}."
    if already and queued:
        text += f" {already} more waited in the queue already."
    elif already:
        text = f"Nothing to queue: {counted(already, 'scene')} waited in the queue already."
    if queued or already:
        call.log.info(f"{text} A dead letter goes when its scene is in step with Plex.")
    if undone:
        call.log.info(
            f"Left alone: {some_scenes(sorted(undone))}. What PlexSync wrote of these was undone; "
            "edit one, or retry it by itself, to have it in Plex again."
        )
    if queued:
        call.tell_if_plex_is_away()
    return {"queued": len(queued), "already_queued": already, "undone": len(undone)}


def _undone(call: Call, letters: Iterable[Letter]) -> set[int]:
    """Those whose scenes somebody undid: only who means the very scene wants it back."""
    states = call.owner().stores.ledger.scenes(letter.scene for letter in letters)
    return {scene for scene, state in states.items() if state.state == UNDONE}


def clear_dead_letters(call: Call) -> dict[str, object]:
    """Forget all dead letters; the first press says what that means, the second does it."""
    letters = all_letters(call.owner().stores.letters)
    if not letters:
        call.log.info("There are no dead letters, so nothing was removed.")
        return {"removed": 0, "would_remove": 0}
    return _at_the_second_press(call, letters, "clear_dead_letters", "Clear Dead Letters")


def purge_dead_letters(call: Call) -> dict[str, object]:
    """Forget dead letters that are older than the settings keep them, at the second press."""
    now, days = call.clock.now(), call.config.dlq_retention_days
    before = now - days * DAY
    letters = all_letters(call.owner().stores.letters)
    old = [letter for letter in letters if letter.buried_at < before]
    if not old:
        call.log.info(f"No dead letter is older than {counted(days, 'day')}; nothing was removed.")
        return {"removed": 0, "would_remove": 0}
    return _at_the_second_press(call, old, "purge_dead_letters", "Purge Old Dead Letters")


def _at_the_second_press(
    call: Call, letters: Sequence[Letter], task: str, button: str
) -> dict[str, object]:
    """Say what would be removed; when that was said lately, remove what was there then."""
    told = announced(call, task)
    if told is None:
        call.log.warning(
            f"Nothing was removed yet. This would remove {_listed(letters)}. A scene is then "
            f"tried again only when somebody edits it. Press {button} again within 5 "
            "minutes to do it."
        )
        return {"removed": 0, "would_remove": len(letters)}
    then = [letter for letter in letters if letter.buried_at <= told]
    removed = remove_letters(call, then, call.clock.now()) if then else {"removed": 0}
    younger = len(letters) - len(then)
    if younger:
        call.log.info(f"{counted(younger, 'dead letter')} came after the first press: kept.")
    return {**removed, "would_remove": 0}


def all_letters(letters: DeadLetters, error: str | None = None) -> list[Letter]:
    """Every letter, the youngest first; only those of one error class when it is given."""
    found: list[Letter] = []
    while page := letters.page(PAGE, len(found), error):
        found += page
    return found


def _queue_again(
    stores: Stores, letters: Iterable[Letter], now: float, *, alone: bool
) -> list[int]:
    """Queue a fresh job for each letter's scene that has none; returns those scenes. One that is
    meant `alone` goes before all that is many.
    """
    scenes = [letter.scene for letter in letters if letter.scene not in stores.queue.jobs]
    if not alone:
        return backfill(stores.queue, stores.ledger, scenes, RETRY, now)
    stores.queue.put_all(
        Job(scene=scene, reason=RETRY, born=now, not_before=now) for scene in scenes
    )
    return scenes


def remove_letters(call: Call, letters: Sequence[Letter], now: float) -> dict[str, object]:
    """Forget these letters; a copy of them is kept."""
    copy = keep_copy(call.folder, "dead-letters", [asdict(letter) for letter in letters], now)
    call.owner().stores.letters.remove(letter.scene for letter in letters)
    call.log.info(f"Removed {_listed(letters)}. A copy is kept for 7 days in {call.path(copy)}.")
    return {"removed": len(letters), "copy": copy}


def _listed(letters: Sequence[Letter]) -> str:
    scenes = some_scenes([letter.scene for letter in letters])
    return f"{counted(len(letters), 'dead letter')} ({_by_class(letters)}), of {scenes}"


def _by_class(letters: Iterable[Letter], scenes: Collection[int] | None = None) -> str:
    counts = Counter(e.error for e in letters if scenes is None or e.scene in scenes)
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))


def _what_there_is(letters: Sequence[Letter]) -> str:
    if not letters:
        return "there are no dead letters."
    return f"no dead letter fits. There are {_by_class(letters)}."


def _scene(given: object) -> int | None:
    if given in (None, ""):
        return None
    text = str(given).strip()
    if isinstance(given, bool) or not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise TaskFailed(f"scene must be the number of a scene, not {text[:40]!r}.")
    return int(text)
