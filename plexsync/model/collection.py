"""Collections in Plex, as the ledger knows them."""

from __future__ import annotations

from dataclasses import dataclass

from plexsync.model.ledger import TargetState
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex import Target

UNKNOWN, OURS, FOREIGN = "", "ours", "foreign"
"""Whose a collection is. One that was found to be foreign stays foreign."""


class ListedCollection(NamedTuple):
    """A collection in Plex's list of a library."""

    rating_key: int
    title: str
    smart: bool = False


class Source(NamedTuple):
    """The performer, studio, tag or group that a collection represents; kind "" for none."""

    kind: str = ""
    id: int = 0


NOTHING = Source()


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A collection into which PlexSync put items, in one library.

    `plex` is what was written to it and what it had before; its rating key is 0 until it is found.
    `due_at` is when to check it, None for never; with `quick` the check is only whether Plex has
    created it again. `attempts` counts the failures since it was last in step. `etag` and `sha1`
    are those of the poster that was written.
    """

    section: str
    name: str
    source: Source = NOTHING
    owner: str = UNKNOWN
    due_at: float | None = None
    quick: bool = False
    attempts: int = 0
    detail: str = ""
    etag: str = ""
    sha1: str = ""
    plex: TargetState

    @classmethod
    def new(cls, server: str, section: str, name: str, source: Source, now: float) -> Collection:
        """A collection of which nothing is known yet; it is checked now."""
        plex = TargetState(target=Target(server, section, 0, collection=True))
        return cls(section=section, name=name, source=source, due_at=now, plex=plex)
