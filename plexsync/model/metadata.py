"""A scene's metadata, cleaned and cut to what Plex accepts."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.text import clean, cut, is_damaged
from plexsync.model.values import name_key

NAME_LENGTH = 255
SUMMARY_LENGTH = 10_000
MOST_NAMES = 10_000
"""Names of a list beyond this number are ignored."""

YEARS = range(1850, 2101)
"""Years that Plex can store: an item with a broken date makes Plex fail on every list with it."""

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2})(?:[T ].*)?)?)?\Z", re.DOTALL)


class Limits(NamedTuple):
    """The settings that affect cleaning."""

    max_tags: int = 100
    strip_emoji: bool = False
    strict_mode: bool = False
    max_performers: int = 200
    cut: Callable[[str], None] = lambda words: None
    """Called with a description of each value that was cut."""


class SyncMetadata(NamedTuple):
    """The values of one scene in Plex's terms; empty text is "", an empty list ().

    `date` is YYYY-MM-DD, `rating` a number from 0 to 10 as text ("8.5"). Names are unique
    regardless of case; the first spelling wins.
    """

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


def validate_metadata(raw: object, limits: Limits) -> tuple[SyncMetadata | None, str | None]:
    """The metadata from a mapping of field names, or None and a line that names what is invalid.

    Never raises. Without strict mode only a missing or empty title and values of the wrong type are
    invalid; the rest is cleaned, and a bad date or rating is left out.
    """
    if not isinstance(raw, Mapping):
        return None, f"metadata must be an object, not {type(raw).__name__}"
    values: dict[str, Any] = {}
    reasons: list[str] = []
    for name, read in _READERS.items():
        try:
            if name in raw or name == "title":
                values[name] = read(name, raw.get(name), limits)
        except ValueError as problem:  # field and reason only: the value is private
            reasons.append(f"{name}: {problem}")
    return (None, "; ".join(reasons)) if reasons else (SyncMetadata(**values), None)


def _title(name: str, value: object, limits: Limits) -> str:
    title = _line(name, value, limits)
    # A title of emoji only keeps them, since it must not become empty.
    title = title or cut(clean(_plain(value), False, False), NAME_LENGTH)
    if not title:
        raise ValueError("must not be empty")
    return title


def _line(name: str, value: object, limits: Limits) -> str:
    return _text(name, value, NAME_LENGTH, limits)


def _paragraphs(name: str, value: object, limits: Limits) -> str:
    return _text(name, value, SUMMARY_LENGTH, limits, multiline=True)


def _day(name: str, value: object, limits: Limits) -> str:
    text = _plain(value).strip()
    day = _first_day(text)
    if text and not day and limits.strict_mode:
        raise ValueError("is not a date of 1850 to 2100 such as 2024-05-31, 2024-05 or 2024")
    return day


def _number(name: str, value: object, limits: Limits) -> str:
    rating = _rating(value)
    if rating is None and limits.strict_mode:
        raise ValueError("is not a number from 0 to 10")
    return rating or ""


def _people(name: str, value: object, limits: Limits) -> tuple[str, ...]:
    return _unique(name, value, limits.max_performers, limits)


def _names(name: str, value: object, limits: Limits) -> tuple[str, ...]:
    return _unique(name, value, limits.max_tags, limits)


_READERS: Mapping[str, Callable[[str, object, Limits], str | tuple[str, ...]]] = {
    "title": _title,
    **dict.fromkeys(("sort_title", "studio", "tagline", "original_title", "content_rating"), _line),
    "summary": _paragraphs,
    "date": _day,
    "rating": _number,
    **dict.fromkeys(("performers", "directors", "writers"), _people),
    **dict.fromkeys(("tags", "collections", "labels"), _names),
}


def _plain(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"must be text, not {type(value).__name__}")
    return value


def _text(name: str, value: object, length: int, limits: Limits, multiline: bool = False) -> str:
    whole = value if isinstance(value, str) else _plain(value)
    if len(whole) <= length and whole.isascii() and whole.isprintable():
        return " ".join(whole.split())  # nothing below could change more: most names, and quickly
    # Twice the limit is enough to fill it; there is no need to normalise megabytes of hostile text.
    raw = whole[: 2 * length]
    text = clean(raw, multiline, limits.strip_emoji)
    if limits.strict_mode and is_damaged(raw):
        raise ValueError("contains control characters")
    if limits.strict_mode and len(text) > length:
        raise ValueError(f"is longer than {length} characters")
    short = cut(text, length)
    if short != text or len(whole) > len(raw):
        limits.cut(f"{name} ({len(short)} of {len(whole)} characters)")
    return short


def _unique(name: str, value: object, count: int, limits: Limits) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"must be a list of names, not {type(value).__name__}")
    names: dict[str, str] = {}
    for raw in value[:MOST_NAMES]:
        each = _text(name, raw, NAME_LENGTH, limits)
        if each:
            names.setdefault(name_key(each), each)
    if len(names) > count:
        limits.cut(f"{name} ({count} of {len(names)})")
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
