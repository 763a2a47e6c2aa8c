"""The simulated Plex's data: sections, items, tags, pictures. Plain values without behaviour."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import overload

TAG_KINDS = {  # edit name -> element in answers
    "genre": "Genre",
    "director": "Director",
    "writer": "Writer",
    "producer": "Producer",
    "country": "Country",
    "collection": "Collection",
    "actor": "Role",
    "label": "Label",
}
PICTURES = {"posters": "thumb", "arts": "art"}  # the resource -> its attribute and lock name


class _Names:
    """`item.genre` and the others: a list of names, kept in `item.tags`."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.kind = name

    @overload
    def __get__(self, item: None, owner: type) -> _Names: ...
    @overload
    def __get__(self, item: SimItem, owner: type) -> list[str]: ...
    def __get__(self, item: SimItem | None, owner: type) -> _Names | list[str]:
        return self if item is None else item.tags.setdefault(self.kind, [])

    def __set__(self, item: SimItem, names: Iterable[str]) -> None:
        item.tags[self.kind] = list(names)


@dataclass(slots=True)
class Pictures:
    """The posters or backgrounds of one item: what was uploaded (sha1), what the agent offers."""

    uploaded: list[str] = field(default_factory=list)
    agent: list[str] = field(default_factory=list)
    selected: str = ""  # the rating key of the entry, e.g. upload://posters/<sha1>


class HasPictures:
    """Posters and backgrounds, of a film or of a collection."""

    __slots__ = ()
    pictures: dict[str, Pictures]

    @property
    def posters(self) -> list[str]:
        """The sha1 of every poster that was ever uploaded, oldest first."""
        return self.picture("posters").uploaded

    @property
    def arts(self) -> list[str]:
        """The sha1 of every background that was ever uploaded, oldest first."""
        return self.picture("arts").uploaded

    @property
    def selected_poster(self) -> str:
        """The rating key of the selected poster, e.g. upload://posters/<sha1>; "" when none."""
        return self.picture("posters").selected

    @property
    def selected_art(self) -> str:
        """The rating key of the selected background; "" when none."""
        return self.picture("arts").selected

    def picture(self, resource: str) -> Pictures:
        """The entries of "posters" or "arts"."""
        if resource not in self.pictures:
            still = self.still() if resource == "posters" else ""
            self.pictures[resource] = Pictures([], [still] if still else [], still)
        return self.pictures[resource]

    def still(self) -> str:
        """The rating key of the picture that Plex made by itself, "" for none."""
        return ""


@dataclass(slots=True, eq=False)
class SimItem(HasPictures):
    """One film. Missing text is "", a missing number or time is None."""

    key: int
    section: int
    title: str
    files: list[tuple[str, int]]
    added_at: int
    updated_at: int
    guid: str = ""
    summary: str = ""
    studio: str = ""
    tagline: str = ""
    originallyAvailableAt: str = ""  # noqa: N815 - the names of the edit parameters
    year: str = ""  # follows each date that is set, and stays when the date is removed
    originalTitle: str = ""  # noqa: N815
    titleSort: str = ""  # noqa: N815
    contentRating: str = ""  # noqa: N815
    editionTitle: str = ""  # noqa: N815
    userRating: float | None = None  # noqa: N815
    rating: float | None = None
    audienceRating: float | None = None  # noqa: N815
    thumb: str = ""
    art: str = ""
    duration: int = 5_400_000
    deleted_at: int | None = None
    last_rated_at: int | None = None
    stacked: bool = False  # all files are parts of one version, not a version each
    broken: bool = False  # Plex cannot deliver it: every answer that contains it is a 500
    tags: dict[str, list[str]] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)  # actor -> the text of the part played
    locks: set[str] = field(default_factory=set)
    pictures: dict[str, Pictures] = field(default_factory=dict)

    genre = _Names()
    actor = _Names()
    director = _Names()
    writer = _Names()
    producer = _Names()
    country = _Names()
    collection = _Names()
    label = _Names()

    def still(self) -> str:
        """A new item has the still that Plex took of it."""
        if not self.thumb:
            return ""
        name = hashlib.sha1(self.files[0][0].encode("utf-8", "replace")).hexdigest()
        return f"media://{name[0]}/{name[1:]}.bundle/Contents/Thumbnails/thumb1.jpg"


@dataclass(slots=True, eq=False)
class Collection(HasPictures):
    """A collection, created by a collection tag; `tag` is its index, the id of the tag. A smart one
    lives by a filter instead, and takes no tags.

    Without a selected poster Plex shows one that it puts together of its members'.
    """

    key: int
    section: int
    title: str
    tag: int
    added_at: int
    updated_at: int = 0
    members: list[SimItem] = field(default_factory=list)
    smart: bool = False
    summary: str = ""
    titleSort: str = ""  # noqa: N815 - the names of the edit parameters
    contentRating: str = ""  # noqa: N815
    thumb: str = ""
    art: str = ""
    locks: set[str] = field(default_factory=set)
    pictures: dict[str, Pictures] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Section:
    """One library. `revision` increases with each change of its content or order."""

    key: int
    title: str
    type: str
    locations: list[str]
    agent: str
    uuid: str
    created_at: int
    scanned_at: int
    items: dict[int, SimItem] = field(default_factory=dict)
    collections: dict[str, Collection] = field(default_factory=dict)
    smart: list[Collection] = field(default_factory=list)
    refreshing: int = 0
    revision: int = 0
    sorted: dict[str, tuple[int, list[SimItem]]] = field(default_factory=dict)
    scanner: str = ""
    collection_mode: int = 2  # 0: no collections, 1: they hide their items, 2: both are shown

    def __post_init__(self) -> None:
        if not self.scanner:
            self.scanner = "Plex Video Files Scanner" if self.own_videos else "Plex Movie"

    @property
    def own_videos(self) -> bool:
        """A library of "Other Videos": no agent, titles are file names."""
        return self.agent in ("com.plexapp.agents.none", "tv.plex.agents.none")


@dataclass(slots=True, eq=False)
class Tag:
    """A tag of the server: one spelling, one id; an actor also has a photo."""

    id: int
    name: str
    thumb: str = ""


class TagBook:
    """All tags of the server. Names are compared without case; the first spelling stays."""

    def __init__(self) -> None:
        self._tags: dict[tuple[str, str], Tag] = {}

    def tag(self, kind: str, name: str) -> Tag:
        """The tag with this name; created if missing."""
        known = self._tags.get((kind, name.casefold()))
        if known is None:
            known = Tag(len(self._tags) + 1, name)
            self._tags[kind, name.casefold()] = known
        return known

    def by_id(self, kind: str, number: int) -> Tag | None:
        return next((t for (k, _), t in self._tags.items() if k == kind and t.id == number), None)


def same(one: str, other: str) -> bool:
    """Whether two names are the same tag."""
    return one.casefold() == other.casefold()
