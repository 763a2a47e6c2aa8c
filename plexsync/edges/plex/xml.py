"""Parses Plex's XML into values. What an answer lacks is empty, and never fetched in addition."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from plexsync.model.collection import ListedCollection
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex import (
    FIELDS,
    LIST,
    SCALAR,
    SORT_TITLE,
    Part,
    PlexItem,
    Section,
    Target,
    Value,
)
from plexsync.model.stored import LATEST


class Listed(NamedTuple):
    """An item of a list. Times in whole seconds of Plex's clock, 0 if unknown."""

    rating_key: int
    added_at: int
    updated_at: int
    parts: tuple[Part, ...]
    deleted: bool


def movie_sections(root: Element) -> list[Section]:
    """The libraries of type movie ("Other Videos" are too), in Plex's order."""
    return [
        Section(
            directory.get("key", ""),
            directory.get("title", ""),
            directory.get("uuid", ""),
            tuple(place.get("path", "") for place in directory.iter("Location")),
            directory.get("agent", ""),
            directory.get("scanner", ""),
            f"{directory.get('scannedAt', '')}/{directory.get('contentChangedAt', '')}",
        )
        for directory in root.iter("Directory")
        if directory.get("type") == "movie" and is_section_key(directory.get("key", ""))
    ]


def is_section_key(key: str) -> bool:
    """Whether this can be the key of a library: it becomes a part of paths."""
    return key.isascii() and key.isdigit() and len(key) < 19


def libraries(root: Element) -> list[tuple[str, str]]:
    """Title and type of every library, in Plex's order."""
    return [(each.get("title", ""), each.get("type", "")) for each in root.iter("Directory")]


def setting(root: Element, name: str) -> str:
    """The value of a setting in an answer, "" if it is missing."""
    found = (each.get("value", "") for each in root.iter("Setting") if each.get("id") == name)
    return next(found, "")


def listed(root: Element) -> list[Listed]:
    """The items of a list answer."""
    return [
        Listed(
            key,
            moment(element, "addedAt"),
            moment(element, "updatedAt"),
            _parts(element),
            "deletedAt" in element.attrib,
        )
        for key, element in _keyed(root)
    ]


def listed_collections(root: Element) -> list[ListedCollection]:
    """The collections of a list answer."""
    return [
        ListedCollection(key, element.get("title", ""), element.get("smart") in {"1", "true"})
        for key, element in _keyed(root)
    ]


def keys(root: Element) -> list[int]:
    """The rating keys of the items of an answer."""
    return [key for key, _ in _keyed(root)]


def items(root: Element, server: str) -> list[PlexItem]:
    """The items of an answer to a single or multi-key fetch."""
    section = root.get("librarySectionID", "")
    return [_item(element, key, server, section) for key, element in _keyed(root)]


def selected(root: Element) -> str:
    """The ratingKey of the selected image in a list of posters or arts; "" if none is."""
    chosen = (photo for photo in root if photo.get("selected") in {"1", "true"})
    return next((photo.get("ratingKey", "") for photo in chosen), "")


def number(element: Element, name: str) -> int | None:
    """A whole number of at least 0 in an attribute, None if there is none."""
    text = element.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def moment(element: Element, name: str) -> int:
    """Whole seconds of Plex's clock, 0 when unknown or when no calendar has that time."""
    seconds = number(element, name) or 0
    return seconds if seconds <= LATEST else 0


_SCALARS, _LISTS = (
    [(name, field.shown) for name, field in FIELDS.items() if field.kind == kind]
    for kind in (SCALAR, LIST)
)


def _item(element: Element, key: int, server: str, section: str) -> PlexItem:
    values: dict[str, Value] = {name: element.get(shown, "") for name, shown in _SCALARS}
    if SORT_TITLE.shown not in element.attrib:
        values[SORT_TITLE.name] = values["title"]
    for name, shown in _LISTS:
        tags = [child.get("tag", "") for child in element.findall(shown)]
        values[name] = tuple(filter(None, tags))
    collection = element.get("type") == "collection"
    locks = (lock for lock in element.findall("Field") if lock.get("locked") in {"1", "true"})
    return PlexItem(
        target=Target(server, element.get("librarySectionID") or section, key, collection),
        parts=_parts(element),
        values=values,
        locks=frozenset(lock.get("name", "") for lock in locks),
        thumb=element.get("thumb", ""),
        art=element.get("art", ""),
        deleted="deletedAt" in element.attrib,
        updated_at=moment(element, "updatedAt"),
        year=element.get("year", ""),
    )


def _keyed(root: Element) -> Iterator[tuple[int, Element]]:
    for element in root:
        key = number(element, "ratingKey")
        if key:
            yield key, element


def _parts(element: Element) -> tuple[Part, ...]:
    return tuple(
        Part(part.get("file", ""), number(part, "size"))
        for medium in element.findall("Media")
        for part in medium.findall("Part")
        if part.get("file")
    )
