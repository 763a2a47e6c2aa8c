"""The seam to the media server: all that a sync asks of it, and the only file of this room that
knows which one it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from plexsync.edges.plex.client import Cut, Health, Sent
from plexsync.edges.plex.lists import Sections
from plexsync.edges.plex.refresh import Depth, RefreshResult
from plexsync.model.plex import Edit, IndexedPart, PlexItem, Section, Target

__all__ = [
    "Cut",
    "Depth",
    "FileIndex",
    "Health",
    "MediaServer",
    "RefreshResult",
    "Sections",
    "Sent",
]


class MediaServer(Protocol):
    """A server that shows scenes as items of its libraries. Whoever implements it promises:

    1. Nothing is asked before it is needed, and every method may be called from several threads.
    2. Every failure is a SyncError, classified where the answer is: its class says what the caller
       does next, its `fault` whether the server, the request or the scene is to blame.
    3. A request ends within the configured time, however slowly its answer arrives. It raises
       Interrupted, and sends nothing, once somebody waits for this process.
    4. No write reaches another server than the one in `target`.
    5. A write may be repeated: the second one changes nothing.
    6. What a write returns is what was sent. Only an item that is read back afterwards tells what
       the server took.
    7. A field that the server refuses costs that field, not the others; a refusal counts only
       while the server is healthy and takes other edits.
    8. An uploaded image becomes the selected one, and its key shows that it is ours; the image
       before it stays with the server.
    9. `check` never raises a SyncError, and is the only method that judges the server as a whole.
    """

    def server_id(self) -> str:
        """Which server this is; the first call connects."""

    def verify_server(self) -> None:
        """Make sure that it still is, if a connection was made since; raises when it is not."""

    def check(self, asked_by: str) -> Health:
        """Whether it is there and can be read."""

    def sections(self, wanted: str) -> Sections:
        """The libraries of these names (none: all that can hold scenes)."""

    def items(self, keys: Sequence[int]) -> dict[int, PlexItem]:
        """The items with these keys, whole; those that it does not have are left out."""

    def fit(self, target: Target, edits: Sequence[Edit]) -> tuple[list[Edit], dict[str, Cut]]:
        """The edits as `write` would send them, and what it would cut; asks nothing."""

    def write(self, target: Target, edits: Sequence[Edit]) -> Sent:
        """Change texts and lists of one item."""

    def replaces_lists(self) -> None:
        """Learn from what was read back that the names of a request replace those before them."""

    def selected_image(self, target: Target, field: str) -> str:
        """The key of the "poster" or "background" that it shows, "" for none."""

    def upload_image(self, target: Target, field: str, data: bytes) -> str:
        """Show this "poster" or "background"; why it is refused, "" when it is not."""

    def scan_folder(self, section: str, folder: str) -> None:
        """Ask for a scan of one folder, as the server sees it; it happens later."""


class FileIndex(Protocol):
    """Which item holds which file, kept locally: a cache, so the live items decide."""

    @property
    def libraries(self) -> tuple[Section, ...]:
        """The libraries found by the last refresh; none before it."""

    def complete(self, wanted: str) -> bool:
        """Whether it was ever read for these libraries of the server in use."""

    def refresh(self, wanted: str, now: float, *, depth: Depth) -> RefreshResult:
        """Bring it up to date, as thoroughly as `depth` says."""

    def worth_reading(self, now: float, depth: Depth) -> bool:
        """Whether a refresh of this depth would read a library whole."""

    def find(self, paths: Sequence[str]) -> list[IndexedPart]:
        """The files that may be one of these."""

    def may_hold(self, paths: Sequence[str]) -> bool:
        """Whether any file has the name of one of these."""

    def forget(self, target: Target) -> None:
        """The server no longer has this item."""

    def correct(self, target: Target, item: PlexItem) -> None:
        """This item has other files than the index says."""

    def unreadable(self) -> dict[str, list[tuple[int, str]]]:
        """By library, what the server itself cannot deliver."""

    def recall_limits(self, now: float) -> None:
        """Before a batch: how long a request the server takes, as far as it is known."""

    def keep_limits(self, now: float) -> None:
        """After a batch: remember what was learned of it."""
