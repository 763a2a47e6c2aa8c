"""The edit parameters of PUT: parsing, validation, and their effect on an item."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from simulator.plex_items import TAG_KINDS, Collection, SimItem, TagBook, same
from simulator.plex_wire import Pair

_PLAIN = re.compile(r"(\w+)\.(value|locked)", re.ASCII)
_TAG = re.compile(r"(\w+)\[(\d*)\]\.(tag\.tag-?|tagging\.text|tag\.thumb|tag\.art|tag)", re.ASCII)


class Refused(Exception):
    """The request is refused with this status and has no effect."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _text(value: str) -> str:
    return value


def _date(value: str) -> str:
    """YYYY-MM-DD or empty."""
    if value and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise ValueError(value)
    if value:
        datetime.strptime(value, "%Y-%m-%d")
    return value


def _rating(value: str) -> float | None:
    number = float(value) if value else None
    if number is not None and not 0 <= number <= 10:
        raise ValueError(value)
    return number


def _whole(value: str) -> int:
    return int(value)


def _year(value: str) -> str:
    return str(int(value)) if value else ""


FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {  # edit name -> attribute, check
    **{
        name: (name, _text)
        for name in ["title", "titleSort", "originalTitle", "editionTitle", "contentRating"]
        + ["studio", "tagline", "summary"]
    },
    "originallyAvailableAt": ("originallyAvailableAt", _date),
    **{name: (name, _rating) for name in ["userRating", "rating", "audienceRating"]},
    "year": ("year", _year),
    "addedAt": ("added_at", _whole),
}
LOCKABLE = {*FIELDS, *TAG_KINDS, "thumb", "art", "theme", "clearLogo", "squareArt", "banner"}
OTHER_KINDS = {"mood", "style", "similar", "autotag"}  # of music and photos: no effect on films


@dataclass(slots=True)
class TagEdit:
    """The edits of one kind of tags: clear first, then add, then remove."""

    clear: bool = False
    added: dict[str, str] = field(default_factory=dict)  # index as sent -> name
    removed: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Edits:
    """The edits of a PUT request."""

    values: dict[str, Any] = field(default_factory=dict)  # attribute -> value
    locks: dict[str, bool] = field(default_factory=dict)
    tags: dict[str, TagEdit] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)  # index of an actor -> part played
    thumbs: dict[str, str] = field(default_factory=dict)  # index of an actor -> photo

    @property
    def names(self) -> set[str]:
        """The edit names of all fields whose value changes, not only the lock."""
        attributes = {attribute: name for name, (attribute, _) in FIELDS.items()}
        return {attributes[each] for each in self.values} | set(self.tags)


def parse(params: Iterable[Pair], unknown_field: str = "400") -> Edits:
    """The edits among the parameters. Raises Refused: 400 for names, 500 for values."""
    edits = Edits()
    for name, value in params:
        if plain := _PLAIN.fullmatch(name):
            _plain(edits, plain[1], plain[2], value, unknown_field)
        elif tag := _TAG.fullmatch(name):
            _tag(edits, tag, value, unknown_field)
    return edits


def _plain(edits: Edits, name: str, what: str, value: str, unknown_field: str) -> None:
    if name not in (LOCKABLE if what == "locked" else FIELDS):
        if unknown_field == "400":
            raise Refused(400)
        return
    try:
        if what == "locked":
            edits.locks[name] = bool(int(value))
        else:
            attribute, check = FIELDS[name]
            edits.values[attribute] = check(value)
    except ValueError:
        raise Refused(500) from None


def _tag(edits: Edits, found: re.Match[str], value: str, unknown_field: str) -> None:
    kind, index, what = found.groups()
    if kind == "role":  # the elements are named so, the edits are not
        if unknown_field == "400":
            raise Refused(400)
        return
    if kind not in TAG_KINDS:
        if kind in OTHER_KINDS:
            return
        kind = "director"  # reported: names under an unknown prefix ended up there
    edit = edits.tags.setdefault(kind, TagEdit())
    if what == "tag":
        edit.clear = True
    elif what == "tag.tag-":  # encoded twice: one layer is off already
        edit.removed += [unquote(part) for part in value.split(",") if part]
    elif what == "tag.tag" and value:
        edit.added[index] = value
    elif kind == "actor" and what != "tag.tag":
        (edits.texts if what == "tagging.text" else edits.thumbs)[index] = value


def as_kept(edits: Edits, whole_ratings: bool, folds_blanks: bool) -> Edits:
    """The edits as stored by a server that rounds ratings, or folds white space."""
    kept = dict(edits.values)
    for attribute, value in edits.values.items():
        if whole_ratings and isinstance(value, float):
            kept[attribute] = float(int(value))
        if folds_blanks and isinstance(value, str):
            kept[attribute] = " ".join(value.split())
    return replace(edits, values=kept)


def state_of(item: SimItem) -> object:
    """What edits may change, for comparison."""
    values = [getattr(item, attribute) for attribute, _ in FIELDS.values()]
    names = {kind: list(names) for kind, names in item.tags.items()}
    return values, names, dict(item.roles), set(item.locks)


def apply(
    item: SimItem,
    edits: Edits,
    tags: TagBook,
    tag_mode: str = "add",
    forgets_roles: bool = False,
) -> None:
    """Apply the edits to one item; the caller sets its times."""
    for attribute, value in edits.values.items():
        set_value(item, attribute, value)
    for kind, edit in edits.tags.items():
        set_names(item, kind, _names_after(item.tags.get(kind, []), edit, tag_mode), tags)
    for index, name in edits.tags["actor"].added.items() if "actor" in edits.tags else ():
        person = tags.tag("actor", name)
        if forgets_roles:
            item.roles.pop(person.name, None)
        if index in edits.texts:
            item.roles[person.name] = edits.texts[index]
        if index in edits.thumbs:
            person.thumb = edits.thumbs[index]
    for name, locked in edits.locks.items():
        (item.locks.add if locked else item.locks.discard)(name)


OF_COLLECTIONS = {"title", "titleSort", "summary", "contentRating"}


def apply_to_collection(entry: Collection, edits: Edits) -> None:
    """Do the edits to a collection. Raises Refused: 400 for what only films have."""
    if edits.tags or not set(edits.values) <= OF_COLLECTIONS:
        raise Refused(400)
    for attribute, value in edits.values.items():
        setattr(entry, attribute, value)
    for name, locked in edits.locks.items():
        (entry.locks.add if locked else entry.locks.discard)(name)


def set_value(item: SimItem, attribute: str, value: Any) -> None:
    """Set a field; the year follows a date."""
    setattr(item, attribute, value)
    if attribute == "originallyAvailableAt" and value:
        item.year = value[:4]


def _names_after(there: list[str], edit: TagEdit, tag_mode: str) -> list[str]:
    replaced = edit.clear or (tag_mode == "replace" and edit.added)
    names = [] if replaced else list(there)
    names += edit.added.values()
    return [name for name in names if not any(same(name, gone) for gone in edit.removed)]


def set_names(item: SimItem, kind: str, names: Iterable[str], tags: TagBook) -> None:
    """Set an item's tags to exactly these, without duplicates, in the server's spelling."""
    item.tags[kind] = list(dict.fromkeys(tags.tag(kind, name).name for name in names))
