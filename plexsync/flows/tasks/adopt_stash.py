"""Adopt This Stash: gives the data folder to this Stash, say after a move that changed ids."""

from __future__ import annotations

from plexsync.edges.storage.read_only import peek_json
from plexsync.flows.tasks.clear_queue import remove_all
from plexsync.flows.tasks.confirmation import is_second_press, keep_copy
from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.tasks.dead_letters import remove_dead_letters
from plexsync.flows.worker.folder_owner import FolderOwner, judge
from plexsync.model.formatting import counted
from plexsync.model.stash_identity import FILE, Owner, parse


def adopt_stash(context: TaskContext) -> dict[str, object]:
    """The first press says what would be deleted, the second does it."""
    if not _problem(context):
        context.log.info(
            "This data folder already belongs to this Stash; there is nothing to adopt."
        )
        return {"adopted": False, "would_forget": 0}
    stores = context.owner().stores
    known = sum(stores.ledger.counts().values())
    if is_second_press(context, "adopt_stash") is None:
        context.log.warning(
            "Nothing was changed yet. This data folder was used by another Stash. Adopting this "
            f"one deletes what is stored about the other's scenes ({counted(known, 'scene')}), "
            "with their waiting jobs, dead letters and pins; what Plex had before PlexSync wrote "
            "is kept. Press Adopt This Stash again within 5 minutes to do it."
        )
        return {"adopted": False, "would_forget": known}
    return adopt(context)


def adopt(context: TaskContext) -> dict[str, object]:
    """Adopt it: delete everything that is stored by scene id, with copies for a week."""
    if not _problem(context):
        return {"adopted": False, "would_forget": 0}
    stores, now = context.owner().stores, context.clock.now()
    remove_all(context)
    dead_letters = stores.dead_letters.all()
    if dead_letters:
        remove_dead_letters(context, dead_letters, now)
    pins = stores.ledger.pins()
    if pins:
        document = {str(scene): [pin.part, pin.rating_key] for scene, pin in pins.items()}
        keep_copy(context.folder, "pins", document, now)
    stores.ledger.forget_ids(now)
    FolderOwner(context.folder, context.stash, context.log.warning).adopt()
    context.log.info(
        "This Stash is adopted. Scenes are synced when they are edited; press Sync All Scenes to "
        "bring all of them into Plex now."
    )
    return {"adopted": True, "would_forget": 0}


def _problem(context: TaskContext) -> str:
    owner = peek_json(context.path(FILE), parse, Owner())
    return judge(owner, context.stash)[0]
