"""How thoroughly the library index is refreshed, and what a refresh did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from plexsync.model.named_tuple import NamedTuple


class Depth(Enum):
    """How much a refresh reads of libraries that are already indexed.

    An item's own times do not change when its files are renamed or replaced; the change stamp
    ("clock") of its library does. So a missing file is searched for by reading the library whole,
    but at most once per REREAD_PAUSE.
    """

    MOVED = "moved"
    """Nothing of a library whose clock is unchanged. Otherwise what is new, and the library whole
    if that added no file.
    """
    NEW = "new"
    """What was added or changed by the items' times."""
    MISSED = "missed"
    """The library whole if its clock has changed since the last full read, otherwise what is new.
    """
    DOUBTED = "doubted"
    """The library whole, even if its clock is unchanged."""


class RefreshResult(NamedTuple):
    """What a refresh did: requests sent, files added and removed.

    `whole`: a library was read from the first item to the last. `missing`: names of libraries that
    Plex does not have.
    """

    requests: int
    added: int
    removed: int
    whole: bool
    missing: tuple[str, ...]


@dataclass(slots=True)
class RefreshCount:
    """Counters of a refresh in progress."""

    added: int = 0
    removed: int = 0
    whole: bool = False

    def add(self, changed: tuple[int, int]) -> None:
        """Count (added, removed) files."""
        self.added += changed[0]
        self.removed += changed[1]
