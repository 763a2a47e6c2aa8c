"""Plex items, and the one table of the fields PlexSync writes."""

from __future__ import annotations

from collections.abc import Mapping

from plexsync.model.item_record import Base as Base
from plexsync.model.item_record import ReadBack as ReadBack
from plexsync.model.item_record import Refusal as Refusal
from plexsync.model.item_record import Target as Target
from plexsync.model.item_record import Value as Value
from plexsync.model.item_record import Written as Written
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.paths import components

SCALAR, LIST, IMAGE = "scalar", "list", "image"


class Field(NamedTuple):
    """How one field is called on each side.

    `edit` is Plex's name in an edit and for locks, `shown` the XML attribute (scalar) or element
    (list) in an answer, `setting` its switch in PlexSyncConfig ("" if it has none). In a `shared`
    list only our own names are ever removed: users sort and restrict by the others.
    """

    name: str
    kind: str
    edit: str
    shown: str
    setting: str
    shared: bool = False


FIELDS: Mapping[str, Field] = {
    f.name: f
    for f in (
        Field("title", SCALAR, "title", "title", ""),
        Field("sort_title", SCALAR, "titleSort", "titleSort", ""),
        Field("summary", SCALAR, "summary", "summary", "sync_summary"),
        Field("studio", SCALAR, "studio", "studio", "sync_studio"),
        Field("tagline", SCALAR, "tagline", "tagline", "sync_tagline"),
        Field("date", SCALAR, "originallyAvailableAt", "originallyAvailableAt", "sync_date"),
        Field("rating", SCALAR, "userRating", "userRating", "sync_rating"),
        Field("original_title", SCALAR, "originalTitle", "originalTitle", "sync_code"),
        Field("content_rating", SCALAR, "contentRating", "contentRating", ""),
        Field("performers", LIST, "actor", "Role", "sync_performers"),
        Field("tags", LIST, "genre", "Genre", "sync_tags"),
        Field("directors", LIST, "director", "Director", "sync_director"),
        Field("writers", LIST, "writer", "Writer", ""),
        Field("collections", LIST, "collection", "Collection", "sync_collection", shared=True),
        Field("labels", LIST, "label", "Label", "", shared=True),
        Field("poster", IMAGE, "thumb", "thumb", "poster_choice"),
        Field("background", IMAGE, "art", "art", "background_choice"),
    )
}
"""In the order in which edits are sent: scalars, lists, images."""

YEAR = Field("year", SCALAR, "year", "year", "")
"""Not a field that PlexSync writes: Plex sets it along with a date, and only undo restores it."""

SORT_TITLE = FIELDS["sort_title"]
"""Also written to PlexSync's own collections."""

EDITABLE: Mapping[str, Field] = {**FIELDS, YEAR.name: YEAR}


class Section(NamedTuple):
    """A movie library; `locations` are its folders as Plex sees them.

    `clock` is its change stamp: it differs once Plex has scanned the library or changed its
    content.
    """

    key: str
    title: str
    uuid: str
    locations: tuple[str, ...]
    agent: str = ""
    scanner: str = ""
    clock: str = ""

    def below(self, path: str) -> tuple[str, ...] | None:
        """The components of a path below the library's folder; None if it is elsewhere."""
        whole = components(path)
        folders = [components(location) for location in self.locations]
        holding = [len(folder) for folder in folders if whole[: len(folder)] == folder]
        return whole[max(holding) :] if holding else None


class Part(NamedTuple):
    """One file of a Plex item; `file` as Plex sees it, `size` in bytes (None if unknown)."""

    file: str
    size: int | None = None


class PlexItem(NamedTuple):
    """A complete Plex movie, as fetched by its rating key.

    `values` holds every scalar and list field of FIELDS (lists in Plex's order), `locks` the edit
    names of locked fields. Images appear only as `thumb` and `art` (Plex's path, "" if none).
    """

    target: Target
    parts: tuple[Part, ...] = ()
    values: Mapping[str, Value] = {}
    locks: frozenset[str] = frozenset()
    thumb: str = ""
    art: str = ""
    deleted: bool = False
    updated_at: int = 0
    year: str = ""


class IndexedPart(NamedTuple):
    """A file in the library index: which item holds it. `first`: it is the item's first part.

    `updated` is when Plex last changed the item, seconds of Plex's clock.
    """

    target: Target
    file: str
    size: int | None
    first: bool
    updated: int = 0


class Edit(NamedTuple):
    """One field to change. For lists `value` is the whole list to send, `remove` the names to
    remove.

    `locked` is the lock's state afterwards; only undo ever unlocks.
    """

    field: str
    value: Value
    before: Value
    reason: str
    remove: tuple[str, ...] = ()
    desired_hash: str = ""
    lock_only: bool = False
    locked: bool = True
