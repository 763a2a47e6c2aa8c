"""The interface to the media server: everything that a sync needs of it. Only this file of the room
knows which server it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from plexsync.edges.plex.client import Cut, Health, Sent
from plexsync.edges.plex.library_index import Held
from plexsync.edges.plex.lists import Sections
from plexsync.edges.plex.refresh import Depth, RefreshResult
from plexsync.model.plex import Edit, IndexedPart, PlexItem, Section, Target

__all__ = [
    "Cut",
    "Depth",
    "FileIndex",
    "Health",
    "Held",
    "MediaServer",
    "RefreshResult",
    "Sections",
    "Sent",
]


class MediaServer(Protocol):
    """A server that shows scenes as items of its libraries. An implementation guarantees:

    1. Nothing is requested before it is needed, and every method may be called from several
       threads.
    2. Every failure is a SyncError, classified by the answer: its class says what the caller does
       next, its `fault` whether the server, the request or the scene is at fault.
    3. A request ends within the configured time, however slowly its answer arrives. It raises
       Interrupted, and sends nothing, once another process waits for this one.
    4. No write reaches another server than the one in `target`.
    5. A write may be repeated: the second one changes nothing.
    6. A write returns what was sent. Only reading the item back shows what the server stored.
    7. A refused field costs only that field; a refusal counts only while the server is healthy and
       accepts other edits.
    8. An uploaded image becomes the selected one, and its key shows that it is ours; the server
       keeps the previous image.
    9. `check` never raises a SyncError, and is the only method that judges the server as a whole.
    """

    def server_id(self) -> str:
        """The id of this server; the first call connects."""

    def verify_server(self) -> None:
        """Make sure that it is still the same server, if a connection was made since. Raises
        SyncError if not.
        """

    def check(self, asked_by: str) -> Health:
        """Check whether it answers and can be read."""

    def sections(self, wanted: str) -> Sections:
        """The libraries with these names; "" for all that can contain scenes."""

    def items(self, keys: Sequence[int]) -> dict[int, PlexItem]:
        """The complete items with these keys; missing ones are omitted."""

    def fit(self, target: Target, edits: Sequence[Edit]) -> tuple[list[Edit], dict[str, Cut]]:
        """The edits as `write` would send them, and what it would cut; sends nothing."""

    def load(self) -> None:
        """Load what only writes need. The first write does so too, but has to wait for it."""

    def prepare(self, target: Target, edits: Sequence[Edit]) -> None:
        """Make ready what `write` will send; sends nothing."""

    def write(self, target: Target, edits: Sequence[Edit]) -> Sent:
        """Write texts and lists of one item."""

    def replaces_lists(self) -> None:
        """Note that, as read back showed, the names of a request replace earlier ones."""

    def selected_image(self, target: Target, field: str) -> str:
        """The key of the selected "poster" or "background"; "" for none."""

    def upload_image(self, target: Target, field: str, data: bytes) -> str:
        """Upload and select a "poster" or "background"; returns why it is refused, "" if it is not."""

    def scan_folder(self, section: str, folder: str) -> None:
        """Request a scan of one folder, by the server's path; it happens later."""


class FileIndex(Protocol):
    """A local index of which item has which file: a cache, so the live items decide."""

    news: bool
    """Whether it has learned of files since this was last reset."""

    @property
    def libraries(self) -> tuple[Section, ...]:
        """The libraries found by the last refresh; empty before the first."""

    def complete(self, wanted: str) -> bool:
        """Whether it has been read for these libraries of the current server."""

    def refresh(self, wanted: str, now: float, *, depth: Depth) -> RefreshResult:
        """Update it, as thoroughly as `depth` says."""

    def worth_reading(self, now: float, depth: Depth) -> bool:
        """Whether a refresh of this depth would read a whole library."""

    def find(
        self, paths: Sequence[str], held: Mapping[str, Sequence[Held]] = ...
    ) -> list[IndexedPart]:
        """The files that may match one of these paths; `held` is what `at_paths` has of them, if it
        was asked.
        """

    def at_paths(self, paths: Sequence[str]) -> dict[str, list[Held]]:
        """The files that `find` finds by their paths alone, for many paths at once."""

    def may_hold(self, paths: Sequence[str]) -> bool:
        """Whether any file has the same name as one of these paths."""

    def items(self) -> Iterator[tuple[Target, str]]:
        """Every item with its first file."""

    def forget(self, target: Target) -> None:
        """Remove an item that the server no longer has."""

    def correct(self, target: Target, item: PlexItem) -> None:
        """Correct an item whose files differ from the index."""

    def unreadable(self) -> dict[str, list[tuple[int, str]]]:
        """Library -> the items that the server itself cannot deliver."""

    def recall_limits(self, now: float) -> None:
        """Before a batch: restore the known limit on the length of a request."""

    def keep_limits(self, now: float) -> None:
        """After a batch: store what was learned about that limit."""
