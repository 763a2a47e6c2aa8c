"""Rebuild Index: reads the library index again from Plex."""

from __future__ import annotations

from plexsync.edges.plex.library_index import PAGE
from plexsync.flows.sync.matcher import unreadable_items
from plexsync.flows.sync.revival import Revival
from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.tasks.progress import Progress
from plexsync.model.formatting import counted, quoted
from plexsync.policy.outage_history import format_duration


def rebuild_index(context: TaskContext) -> dict[str, object]:
    """Read every library whole; the old index stays in use until the new one is complete."""
    owned, began = context.owner(), context.clock.monotonic()
    index, before, expected = owned.index(context.config), context.plex.requests, _requests(context)
    with Progress(context.log, lambda: min(0.99, (context.plex.requests - before) / expected)):
        found = index.refresh(context.config.plex_library, context.clock.now(), force=True)
    seconds, stats = context.clock.monotonic() - began, index.stats(context.clock.now())
    for name in found.missing:
        context.log.warning(
            f"Plex has no movie library named {quoted(name)}; check the setting Plex libraries."
        )
    context.log.info(
        f"The index holds {counted(stats.items, 'item')} with {counted(stats.parts, 'file')}; it "
        f"was read from Plex in {format_duration(seconds)}. New since before: {found.added} files, "
        f"gone: {found.removed}."
    )
    for line in unreadable_items(index):
        context.log.warning(line)
    stores = owned.stores
    revived = Revival(
        context.config, index, stores.dead_letters, stores.queue, stores.ledger, context.log
    ).revive(context.clock.now())
    return {
        "items": stats.items,
        "files": stats.parts,
        "added": found.added,
        "removed": found.removed,
        "seconds": seconds,
        "requests": found.requests,
        "missing": list(found.missing),
        "revived": revived,
    }


def _requests(context: TaskContext) -> int:
    """Estimated number of requests of the read, including those of the estimate."""
    libraries = context.plex.sections(context.config.plex_library).found
    return sum(3 + context.plex.count(library.key) // PAGE for library in libraries) + 3
