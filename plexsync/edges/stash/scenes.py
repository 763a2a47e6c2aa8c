"""One scene of Stash's JSON as a value, field by field; nothing is guessed at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, TypeVar

from plexsync.model.scene import Entity, Scene, VideoFile

_FRACTION = re.compile(r"\.[0-9]+")
_ZULU = re.compile(r"[Zz]\Z")
_LONGEST_TIME = 64
_DIGITS = 18
_ABSENT = object()
T = TypeVar("T")


class Unusable(ValueError):
    """Part of an answer is not what Stash's schema promises; says in words what it is instead."""


def read_scene(raw: Any) -> Scene:
    """One scene of an answer; raises Unusable."""
    return Scene(**{name: field_of(raw, name, read) for name, read in _SCENE.items()})


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
        raise Unusable(f"is no time that can be read: {message_of(text)[:60]!r}") from None


def message_of(error: object) -> str:
    """What a GraphQL error says: one line of at most 300 characters."""
    text = error.get("message") if isinstance(error, dict) else error
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)[:1000]).split())[:300]


def field_of(raw: object, name: str, read: Callable[[Any], T]) -> T:
    """One field as `read` takes it; raises Unusable with the field's name."""
    value = an_object(raw).get(name, _ABSENT)
    if value is _ABSENT:
        raise Unusable(f"{name} is missing")
    try:
        return read(value)
    except Unusable as problem:
        raise Unusable(f"{name} {problem}") from None


def an_object(raw: object) -> Mapping[str, Any]:
    """An object of JSON; raises Unusable."""
    if not isinstance(raw, dict):
        raise Unusable(f"is {_kind(raw)}, not an object")
    return raw


def items(raw: object) -> list[Any]:
    """A list of JSON; raises Unusable."""
    if not isinstance(raw, list):
        raise Unusable(f"is {_kind(raw)}, not a list")
    return raw


def _kind(raw: object) -> str:
    """What a value of JSON is, for people."""
    names = {str: "a text", bool: "true or false", dict: "an object", list: "a list"}
    return "null" if raw is None else names.get(type(raw), "a number")


def _text(raw: object) -> str:
    if raw is None:
        return ""
    if not isinstance(raw, str):
        raise Unusable(f"is {_kind(raw)}, not a text")
    return raw


def _path(raw: object) -> str:
    if not isinstance(raw, str) or not raw:
        raise Unusable(f"is {_kind(raw) if raw != '' else 'empty'}, not a path")
    return raw


def an_id(raw: object) -> int:
    """An id or a count, also in digits; raises Unusable."""
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < _DIGITS:
        return int(raw)
    if type(raw) is not int or not 0 <= raw < 10**_DIGITS:
        raise Unusable(f"is {_kind(raw)} and no id")
    return raw


def _whole(raw: object) -> int | None:
    """A whole number that every database can hold, None for null."""
    if raw is None:
        return None
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if type(raw) is not int:
        raise Unusable(f"is {_kind(raw)}, not a whole number")
    if abs(raw) >= 10**_DIGITS:
        raise Unusable("is a huge number")
    return raw


def _entity(raw: object) -> Entity:
    return Entity(field_of(raw, "id", an_id), field_of(raw, "name", _text))


def _studio(raw: object) -> Entity | None:
    return None if raw is None else _entity(raw)


def _entities(raw: object) -> tuple[Entity, ...]:
    """In Stash's order, each id once."""
    return _each_once(map(_entity, items(raw)))


def _performers(raw: object) -> tuple[Entity, ...]:
    return _each_once(
        Entity(one.id, one.name, field_of(each, "disambiguation", _text))
        for each, one in ((each, _entity(each)) for each in items(raw))
    )


def _groups(raw: object) -> tuple[Entity, ...]:
    return _each_once(field_of(member, "group", _entity) for member in items(raw))


def _each_once(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    unique: dict[int, Entity] = {}
    for entity in entities:
        unique.setdefault(entity.id, entity)
    return tuple(unique.values())


def path_and_size(raw: object) -> tuple[str, int | None]:
    """Of a file; the size is None when Stash does not know it."""
    size = field_of(raw, "size", _whole)
    return field_of(raw, "path", _path), size if size and size > 0 else None


def _files(raw: object) -> tuple[VideoFile, ...]:
    """In Stash's order (primary first), each path once."""
    unique: dict[str, VideoFile] = {}
    for file in items(raw):
        path, size = path_and_size(file)
        unique.setdefault(path, VideoFile(path, size, field_of(file, "fingerprints", _oshash)))
    return tuple(unique.values())


def _oshash(raw: object) -> str:
    prints = {field_of(p, "type", _text): field_of(p, "value", _text) for p in items(raw)}
    return prints.get("oshash", "")


_SCENE: Mapping[str, Callable[[Any], Any]] = {
    "id": an_id,
    "title": _text,
    "details": _text,
    "date": _text,
    "rating100": _whole,
    "code": _text,
    "director": _text,
    "studio": _studio,
    "performers": _performers,
    "tags": _entities,
    "groups": _groups,
    "files": _files,
    "created_at": utc_seconds,
    "updated_at": utc_seconds,
}
"""How each field of a scene is read; the names are Stash's and those of model/scene.py."""
