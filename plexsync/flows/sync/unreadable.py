"""Items that Plex itself cannot deliver, and that the index skips."""

from __future__ import annotations

from collections.abc import Iterator

from plexsync.flows.sync.media_server import FileIndex
from plexsync.model.formatting import counted


def unreadable_items(index: FileIndex) -> Iterator[str]:
    """A line for each library with such items, after a refresh."""
    names = {library.key: library.title for library in index.libraries}
    for key, items in index.unreadable().items():
        yield (
            f"Plex itself cannot read {counted(len(items), 'item')} of the library "
            f"{names.get(key, key)}; PlexSync continues without them. Check Setup says where they are."
        )
