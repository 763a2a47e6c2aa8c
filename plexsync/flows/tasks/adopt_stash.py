"""Give the data folder to the Stash that asks, after a new database or a move that changed ids."""

from __future__ import annotations

from plexsync.edges.storage import files
from plexsync.flows.tasks.clear_queue import remove_all
from plexsync.flows.tasks.confirmation import announced, keep_copy
from plexsync.flows.tasks.context import Call
from plexsync.flows.tasks.dead_letters import all_letters, remove_letters
from plexsync.flows.worker.folder_owner import WhoseFolder, judge
from plexsync.model.stash_identity import FILE, Owner, parse
from plexsync.model.words import counted


def adopt_stash(call: Call) -> dict[str, object]:
    """The first press says what would be forgotten, the second does it."""
    if not _problem(call):
        call.log.info("This data folder belongs to this Stash already; there is nothing to adopt.")
        return {"adopted": False, "would_forget": 0}
    stores = call.owner().stores
    known = sum(stores.ledger.counts().values())
    if announced(call, "adopt_stash") is None:
        call.log.warning(
            "Nothing was changed yet. This data folder was used by another Stash. Adopting this one "
            f"forgets which scenes the other had ({counted(known, 'scene')}), with their "
            "waiting jobs, dead letters and pins; what Plex had before PlexSync wrote stays known. "
            "Press Adopt This Stash again within 5 minutes to do it."
        )
        return {"adopted": False, "would_forget": known}
    return adopt(call)


def adopt(call: Call) -> dict[str, object]:
    """Do it: whatever goes by a scene's id goes, with copies for a week."""
    if not _problem(call):
        return {"adopted": False, "would_forget": 0}
    stores, now = call.owner().stores, call.clock.now()
    remove_all(call)
    letters = all_letters(stores.letters)
    if letters:
        remove_letters(call, letters, now)
    pins = stores.ledger.pins()
    if pins:
        document = {str(scene): [pin.part, pin.rating_key] for scene, pin in pins.items()}
        keep_copy(call.folder, "pins", document, now)
    stores.ledger.forget_ids(now)
    WhoseFolder(call.folder, call.stash, call.log.warning).adopt()
    call.log.info(
        "This Stash is adopted. Scenes are synced when they are edited; press Sync All Scenes to "
        "bring all of them into Plex now."
    )
    return {"adopted": True, "would_forget": 0}


def _problem(call: Call) -> str:
    owner = files.peek_json(call.path(FILE), parse, Owner())
    return judge(owner, call.stash)[0]
