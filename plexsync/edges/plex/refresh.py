"""How thoroughly the library index is refreshed, and what a refresh did."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Depth(Enum):
    """How much a refresh asks of libraries that are known.

    An item's own times do not move when its files are renamed or replaced; the clock of its
    library does. So a file that is missed is looked for by reading the library whole, but at most
    each REREAD_PAUSE.
    """

    MOVED = "moved"
    """Nothing of a library whose clock stands still. Where it moved, what is new; the library
    whole when that brought no file."""
    NEW = "new"
    """What items' times say was added or changed."""
    MISSED = "missed"
    """The library whole if its clock moved since it was read so, else what is new."""
    DOUBTED = "doubted"
    """The library whole, whatever its clock says."""


@dataclass(frozen=True, slots=True)
class RefreshResult:
    """What a refresh did: requests sent, files that came and went.

    `whole`: a library was read from its first item to its last. `missing`: names of libraries
    that Plex does not have.
    """

    requests: int
    added: int
    removed: int
    whole: bool
    missing: tuple[str, ...]


@dataclass(slots=True)
class RefreshCount:
    """Counts while a refresh is under way."""

    added: int = 0
    removed: int = 0
    whole: bool = False

    def add(self, changed: tuple[int, int]) -> None:
        """So many files came and went."""
        self.added += changed[0]
        self.removed += changed[1]
