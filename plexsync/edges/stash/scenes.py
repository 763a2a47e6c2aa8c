"""Reads one scene from Stash's JSON, field by field and strictly."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from functools import lru_cache, partial
from itertools import product
from typing import Any, TypeVar

from plexsync.model.formatting import quoted
from plexsync.model.scene import BASIC, Entity, Group, Performer, Scene, SceneParts, VideoFile

_FRACTION = re.compile(r"\.[0-9]+")
_ZULU = re.compile(r"[Zz]\Z")
_LONGEST_TIME = 64
_DIGITS = 18
T = TypeVar("T")
E = TypeVar("E", bound=Entity)


class Unusable(ValueError):
    """Part of an answer does not follow Stash's schema; the message says how."""


def read_scene(raw: Any, parts: SceneParts = BASIC) -> Scene:
    """One scene of an answer that has these parts; raises Unusable."""
    readers = _READERS[parts]
    try:
        return Scene(**{name: read(raw[name]) for name, read in readers.items()})
    except (KeyError, TypeError, Unusable):  # once more, to say what is wrong
        return Scene(**{name: field_of(raw, name, read) for name, read in readers.items()})


def utc_seconds(text: object) -> float:
    """An RFC 3339 time with any offset as seconds since the epoch; raises Unusable."""
    if not isinstance(text, str):
        raise Unusable(f"is {_kind(text)}, not a time")
    plain = _FRACTION.sub("", text[:_LONGEST_TIME].strip())
    try:
        moment = datetime.fromisoformat(_ZULU.sub("+00:00", plain))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return moment.timestamp()
    except (ValueError, OverflowError, OSError):
        raise Unusable(f"is not a readable time: {quoted(message_of(text)[:60])}") from None


def message_of(error: object) -> str:
    """The message of a GraphQL error: one line of at most 300 characters."""
    text = error.get("message") if isinstance(error, dict) else error
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)[:1000]).split())[:300]


def field_of(raw: object, name: str, read: Callable[[Any], T]) -> T:
    """Read one field with `read`; raises Unusable with the field's name."""
    fields = raw if isinstance(raw, dict) else an_object(raw)
    if name not in fields:
        raise Unusable(f"{name} is missing")
    try:
        return read(fields[name])
    except Unusable as problem:
        raise Unusable(f"{name} {problem}") from None


def an_object(raw: object) -> Mapping[str, Any]:
    """Check for a JSON object; raises Unusable."""
    if not isinstance(raw, dict):
        raise Unusable(f"is {_kind(raw)}, not an object")
    return raw


def items(raw: object) -> list[Any]:
    """Check for a JSON list; raises Unusable."""
    if not isinstance(raw, list):
        raise Unusable(f"is {_kind(raw)}, not a list")
    return raw


def _kind(raw: object) -> str:
    """The type of a JSON value, for messages."""
    names = {str: "text", bool: "true or false", dict: "an object", list: "a list"}
    return "null" if raw is None else names.get(type(raw), "a number")


def a_text(raw: object) -> str:
    """Text, "" for null; raises Unusable."""
    if raw is None:
        return ""
    if not isinstance(raw, str):
        raise Unusable(f"is {_kind(raw)}, not text")
    return raw


def _path(raw: object) -> str:
    if not isinstance(raw, str) or not raw:
        raise Unusable(f"is {_kind(raw) if raw != '' else 'empty'}, not a path")
    return raw


def an_id(raw: object) -> int:
    """Read an id or a count, also as text; raises Unusable."""
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < _DIGITS:
        return int(raw)
    if type(raw) is not int or not 0 <= raw < 10**_DIGITS:
        raise Unusable(f"is {_kind(raw)}, not an id")
    return raw


def _whole(raw: object) -> int | None:
    """Read a whole number of at most 63 bits, None for null."""
    if raw is None:
        return None
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if type(raw) is not int:
        raise Unusable(f"is {_kind(raw)}, not a whole number")
    if abs(raw) >= 10**_DIGITS:
        raise Unusable("is too large")
    return raw


def _entity(raw: Any) -> Entity:
    try:
        return _known_entity(raw["id"], raw["name"])
    except (KeyError, TypeError, Unusable):  # once more, to say what is wrong
        return Entity(field_of(raw, "id", an_id), field_of(raw, "name", a_text))


@lru_cache(8192, typed=True)
def _known_entity(number: object, name: object) -> Entity:
    """Most scenes have the performers, tags and studios of others."""
    return Entity(an_id(number), a_text(name))


@lru_cache(8192, typed=True)
def _known_performer(number: object, name: object, disambiguation: object) -> Performer:
    return Performer(an_id(number), a_text(name), a_text(disambiguation))


def _studio(raw: object) -> Entity | None:
    return None if raw is None else _entity(raw)


def _entities(raw: object) -> tuple[Entity, ...]:
    """Entities in Stash's order, each id once."""
    return _each_once(map(_entity, items(raw)))


def _performers(raw: object, parts: SceneParts) -> tuple[Performer, ...]:
    return _each_once(_performer(each, parts) for each in items(raw))


def _performer(raw: Any, parts: SceneParts) -> Performer:
    try:
        found = _known_performer(raw["id"], raw["name"], raw["disambiguation"])
    except (KeyError, TypeError, Unusable):  # once more, to say what is wrong
        one = _entity(raw)
        found = Performer(one.id, one.name, field_of(raw, "disambiguation", a_text))
    if parts.details:
        found = replace(
            found,
            gender=field_of(raw, "gender", a_text).lower(),
            favorite=field_of(raw, "favorite", _switch),
            aliases=field_of(raw, "alias_list", texts),
        )
    if parts.performer_tags:
        found = replace(found, tags=field_of(raw, "tags", _entities))
    if parts.pictures:
        found = replace(found, has_picture=is_own(field_of(raw, "image_path", a_text)))
    return found


def _groups(raw: object, parts: SceneParts) -> tuple[Group, ...]:
    return _each_once(_group(member, parts) for member in items(raw))


def _group(member: object, parts: SceneParts) -> Group:
    group = field_of(member, "group", _entity)
    number = field_of(member, "scene_index", _whole) if parts.details else None
    front = field_of(member, "group", _front_image) if parts.pictures else ""
    return Group(group.id, group.name, number=number, has_picture=is_own(front))


def _front_image(group: object) -> str:
    return field_of(group, "front_image_path", a_text)


def is_own(address: str) -> bool:
    """Whether a picture's address leads to the entity's own picture, not to Stash's placeholder."""
    return bool(address) and "default=true" not in address.rpartition("?")[2].split("&")


def _gallery_cover(galleries: object) -> int:
    """The id of the first gallery's cover; 0 if there is none."""
    for gallery in items(galleries):
        return field_of(
            gallery, "cover", lambda raw: 0 if raw is None else field_of(raw, "id", an_id)
        )
    return 0


def _each_once(entities: Iterable[E]) -> tuple[E, ...]:
    unique: dict[int, E] = {}
    for entity in entities:
        unique.setdefault(entity.id, entity)
    return tuple(unique.values())


def path_and_size(raw: object) -> tuple[str, int | None]:
    """Path and size in bytes of a file; None if Stash does not know the size."""
    size = field_of(raw, "size", _whole)
    return field_of(raw, "path", _path), size if size and size > 0 else None


def _files(raw: object, parts: SceneParts) -> tuple[VideoFile, ...]:
    """In Stash's order (primary first), each path once."""
    unique: dict[str, VideoFile] = {}
    for file in items(raw):
        path, size = path_and_size(file)
        oshash = field_of(file, "fingerprints", _oshash)
        pixels = [field_of(file, n, _whole) or 0 for n in ("width", "height") if parts.details]
        unique.setdefault(path, VideoFile(path, size, oshash, *pixels))
    return tuple(unique.values())


def _oshash(raw: object) -> str:
    prints = {field_of(p, "type", a_text): field_of(p, "value", a_text) for p in items(raw)}
    return prints.get("oshash", "")


def _switch(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise Unusable(f"is {_kind(raw)}, not true or false")
    return raw


def texts(raw: object) -> tuple[str, ...]:
    """A list of texts without the empty ones; raises Unusable."""
    return () if raw is None else tuple(text for text in map(a_text, items(raw)) if text)


def _stash_ids(raw: object) -> tuple[str, ...]:
    return tuple(field_of(each, "stash_id", a_text) for each in items(raw))


def _ids(raw: object) -> tuple[int, ...]:
    return tuple(field_of(each, "id", an_id) for each in items(raw))


_ALWAYS: Mapping[str, Callable[[Any], Any]] = {
    "id": an_id,
    "title": a_text,
    "details": a_text,
    "date": a_text,
    "rating100": _whole,
    "code": a_text,
    "director": a_text,
    "studio": _studio,
    "tags": _entities,
    "created_at": utc_seconds,
    "updated_at": utc_seconds,
}
"""How each field of a scene is read; the names are Stash's and those of model/scene.py."""

_DETAILS: Mapping[str, Callable[[Any], Any]] = {
    "organized": _switch,
    "urls": texts,
    "stash_ids": _stash_ids,
    "galleries": _ids,
}


def _readers(parts: SceneParts) -> Mapping[str, Callable[[Any], Any]]:
    more = {"performers": _performers, "groups": _groups, "files": _files}
    return {
        **_ALWAYS,
        **{name: partial(read, parts=parts) for name, read in more.items()},
        **(_DETAILS if parts.details else {}),
        **({"gallery_cover": _gallery_cover} if parts.pictures else {}),
    }


_READERS = {
    parts: _readers(parts) for parts in map(SceneParts._make, product((False, True), repeat=3))
}
