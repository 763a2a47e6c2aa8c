"""Restores what collections had in Plex before PlexSync wrote posters, summaries and sort titles."""

from __future__ import annotations

from collections.abc import Sequence

from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.flows.tasks.item_restorer import ItemRestorer
from plexsync.model.collection import Collection
from plexsync.model.errors import PlexAuthError, PlexServerDown
from plexsync.model.formatting import counted

_BATCH = 50


def undo_collections(context: TaskContext, collections: Sequence[Collection]) -> dict[str, object]:
    """Restore these and forget them. Those that fail are left for the next press; raises TaskFailed
    if Plex does not respond.
    """
    if not collections:
        return {}
    failed: dict[str, str] = {}
    try:
        for start in range(0, len(collections), _BATCH):
            failed |= _some(context, collections[start : start + _BATCH])
    except (PlexServerDown, PlexAuthError) as error:
        raise TaskFailed(
            f"Not all collections were restored: {error.message}. Start it again to continue; "
            "what is undone stays undone."
        ) from error
    for name, why in failed.items():
        context.log.warning(f"A collection could not be undone: {why}.", title=name)
    done = len(collections) - len(failed)
    context.log.info(f"{counted(done, 'collection')} undone.")
    return {"collections": done}


def _some(context: TaskContext, collections: Sequence[Collection]) -> dict[str, str]:
    """The collections that could not be restored, with the reason, by name."""
    owned = context.owner()
    found = ItemRestorer(context.plex, owned.outages).restore([each.plex for each in collections])
    failed: dict[str, str] = {}
    for each in collections:
        result = found[each.plex.target]
        if result.failed:
            failed[each.name] = result.failed
            continue
        owned.stores.ledger.forget_collection(each.section, each.name)
        if result.left:
            left = ", ".join(f"{name} ({why})" for name, why in result.left.items())
            context.log.info(f"Collection left as Plex has it: {left}.", title=each.name)
    return failed
