"""The library index, read again from Plex."""

from __future__ import annotations

from plexsync.edges.plex.library_index import PAGE
from plexsync.flows.sync.revival import Revive
from plexsync.flows.sync.unreadable import unreadable_items
from plexsync.flows.tasks.context import Call, TaskFailed
from plexsync.flows.tasks.progress import Ticker
from plexsync.model.words import counted
from plexsync.policy.outage_history import format_duration


def rebuild_index(call: Call) -> dict[str, object]:
    """Read every library whole; the old index serves until the new one is complete."""
    owned, began = call.owner(), call.clock.monotonic()
    health = call.plex.check("Rebuild Index")
    if health.state != "healthy":
        raise TaskFailed(f"The index was left as it is: {health.words}. {health.remedy}")
    index, before, expected = owned.index(call.config), call.plex.requests, _requests(call)
    with Ticker(call.log, lambda: min(0.99, (call.plex.requests - before) / expected)):
        found = index.refresh(call.config.plex_library, call.clock.now(), force=True)
    seconds, stats = call.clock.monotonic() - began, index.stats(call.clock.now())
    for name in found.missing:
        call.log.warning(
            f"Plex has no movie library named {name!r}; check the setting Plex libraries."
        )
    call.log.info(
        f"The index holds {counted(stats.items, 'item')} with {counted(stats.parts, 'file')}; it "
        f"was read from Plex in {format_duration(seconds)}. New since before: {found.added} files, "
        f"gone: {found.removed}."
    )
    for line in unreadable_items(index):
        call.log.warning(line)
    stores = owned.stores
    revived = Revive(call.config, index, stores.letters, stores.queue, stores.ledger, call.log).run(
        call.clock.now()
    )
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


def _requests(call: Call) -> int:
    """About how many requests the reading takes, those that are sent to find out included."""
    libraries = call.plex.sections(call.config.plex_library).found
    return sum(3 + call.plex.count(library.key) // PAGE for library in libraries) + 3
