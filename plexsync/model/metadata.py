"""A scene's metadata, cleaned and cut to what Plex accepts."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from plexsync.model.text import clean, cut, is_damaged
from plexsync.model.values import name_key

NAME_LENGTH = 255
SUMMARY_LENGTH = 10_000
MOST_NAMES = 10_000
"""Names of a list beyond this number are ignored."""

_PEOPLE = ("performers", "directors", "writers")
_NAMES = (*_PEOPLE, "tags", "collections", "labels")

YEARS = range(1850, 2101)
"""Years that Plex can store: an item with a broken date makes Plex fail on every list with it."""

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2})(?:[T ].*)?)?)?\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Limits:
    """The settings that affect cleaning; SyncMetadata takes them as validation context."""

    max_tags: int = 100
    strip_emoji: bool = False
    strict_mode: bool = False
    max_performers: int = 200
    cut: Callable[[str], None] = lambda words: None
    """Called with a description of each value that was cut."""


class SyncMetadata(BaseModel):
    """The values of one scene in Plex's terms; empty text is "", an empty list ().

    `date` is YYYY-MM-DD, `rating` a number from 0 to 10 as text ("8.5"). Names are unique
    regardless of case; the first spelling wins.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: str
    sort_title: str = ""
    summary: str = ""
    studio: str = ""
    tagline: str = ""
    date: str = ""
    rating: str = ""
    original_title: str = ""
    content_rating: str = ""
    performers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    @field_validator("title", mode="before")
    @classmethod
    def _title(cls, value: object, info: ValidationInfo) -> str:
        title = _text(value, NAME_LENGTH, info)
        # A title of emoji only keeps them, since it must not become empty.
        title = title or cut(clean(_plain(value), False, False), NAME_LENGTH)
        if not title:
            raise ValueError("must not be empty")
        return title

    @field_validator(
        "sort_title", "studio", "tagline", "original_title", "content_rating", mode="before"
    )
    @classmethod
    def _line(cls, value: object, info: ValidationInfo) -> str:
        return _text(value, NAME_LENGTH, info)

    @field_validator("summary", mode="before")
    @classmethod
    def _paragraphs(cls, value: object, info: ValidationInfo) -> str:
        return _text(value, SUMMARY_LENGTH, info, multiline=True)

    @field_validator("date", mode="before")
    @classmethod
    def _day(cls, value: object, info: ValidationInfo) -> str:
        text = _plain(value).strip()
        day = _first_day(text)
        if text and not day and _limits(info).strict_mode:
            raise ValueError("is not a date of 1850 to 2100 such as 2024-05-31, 2024-05 or 2024")
        return day

    @field_validator("rating", mode="before")
    @classmethod
    def _number(cls, value: object, info: ValidationInfo) -> str:
        rating = _rating(value)
        if rating is None and _limits(info).strict_mode:
            raise ValueError("is not a number from 0 to 10")
        return rating or ""

    @field_validator(*_NAMES, mode="before")
    @classmethod
    def _names(cls, value: object, info: ValidationInfo) -> tuple[str, ...]:
        limits = _limits(info)
        people = info.field_name in _PEOPLE
        return _unique(value, limits.max_performers if people else limits.max_tags, info)


def validate_metadata(raw: object, limits: Limits) -> tuple[SyncMetadata | None, str | None]:
    """The metadata from a mapping of field names, or None and a line that names what is invalid.

    Never raises. Without strict mode only a missing or empty title and values of the wrong type are
    invalid; the rest is cleaned, and a bad date or rating is left out.
    """
    if not isinstance(raw, Mapping):
        return None, f"metadata must be an object, not {type(raw).__name__}"
    known = {name: raw[name] for name in SyncMetadata.model_fields if name in raw}
    try:
        return SyncMetadata.model_validate(known, context=limits), None
    except ValidationError as problem:
        # Field and reason only: the values are private and may be megabytes long.
        found = problem.errors(include_url=False, include_input=False)
        reasons = (f"{e['loc'][0]}: {e['msg'].removeprefix('Value error, ')}" for e in found)
        return None, "; ".join(reasons)


def _limits(info: ValidationInfo) -> Limits:
    return info.context if isinstance(info.context, Limits) else Limits()


def _plain(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {type(value).__name__}")
    return value


def _text(value: object, length: int, info: ValidationInfo, multiline: bool = False) -> str:
    whole = _plain(value)
    if len(whole) <= length and whole.isascii() and whole.isprintable():
        return " ".join(whole.split())  # nothing below could change more: most names, and quickly
    limits = _limits(info)
    # Twice the limit is enough to fill it; there is no need to normalise megabytes of hostile text.
    raw = whole[: 2 * length]
    text = clean(raw, multiline, limits.strip_emoji)
    if limits.strict_mode and is_damaged(raw):
        raise ValueError("contains control characters")
    if limits.strict_mode and len(text) > length:
        raise ValueError(f"is longer than {length} characters")
    short = cut(text, length)
    if short != text or len(whole) > len(raw):
        limits.cut(f"{info.field_name} ({len(short)} of {len(whole)} characters)")
    return short


def _unique(value: object, count: int, info: ValidationInfo) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"must be a list of names, not {type(value).__name__}")
    names: dict[str, str] = {}
    for raw in value[:MOST_NAMES]:
        name = _text(raw, NAME_LENGTH, info)
        if name:
            names.setdefault(name_key(name), name)
    if len(names) > count:
        _limits(info).cut(f"{info.field_name} ({count} of {len(names)})")
    return tuple(names.values())[:count]


def _first_day(text: str) -> str:
    """The first day of a date, month or year; "" for anything else or outside YEARS."""
    found = _DATE.match(text[:64])
    if not found:
        return ""
    year, month, day = (int(part or 1) for part in found.groups())
    if year not in YEARS:
        return ""
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError:
        return ""


def _rating(value: object) -> str | None:
    """A rating as text; "" if unset, None if it is not a valid rating."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(number) or not 0 <= number <= 10:
        return None
    return f"{number:g}" if number else ""
