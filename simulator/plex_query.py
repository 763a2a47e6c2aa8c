"""Selects the items of a request: filters, order, page. Unknown fields restrict nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from simulator.plex_edits import Refused
from simulator.plex_items import TAG_KINDS, Section, SimItem, TagBook
from simulator.plex_wire import Pair, Request

T = TypeVar("T")
Test = Callable[[SimItem], bool]

# The operator precedes the "=" of the parameter; `addedAt>>=` arrives as the name
# `addedAt>>`, or as `addedAt>>=` if the client encoded the equals sign too.
_FILTER = re.compile(r"(?:movie\.)?(\w+?)([!<>]*=?)", re.ASCII)
_AGO = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "mon": 2592000, "y": 31536000}
_STRINGS = {"title", "studio", "titleSort", "originalTitle", "summary", "tagline", "editionTitle"}
_NUMBERS = {
    "addedAt": "added_at",
    "updatedAt": "updated_at",
    "lastRatedAt": "last_rated_at",
    "userRating": "userRating",
    "rating": "rating",
    "audienceRating": "audienceRating",
    "duration": "duration",
}
_FIELDS = {*_NUMBERS, *_STRINGS, *TAG_KINDS, "id"}
BIG = 2000  # sections above this keep their sorted order until something changes


def select(section: Section, params: Iterable[Pair], tags: TagBook, now: float) -> list[SimItem]:
    """The items of the section that pass every filter, in the order of their keys."""
    tests: list[Test] = []
    items: Iterable[SimItem] = section.items.values()
    every = items
    for name, value in params:
        found = _FILTER.fullmatch(name)
        if not found:
            continue
        if name in ("id", "movie.id") and value:  # an empty one restricts nothing
            keys = sorted({int(part) for part in value.split(",") if part.isdecimal()})
            chosen = {item.key: item for item in items} if items is not every else section.items
            items = [chosen[key] for key in keys if key in chosen]
        elif test := _test(found[1], found[2], value, tags, now):
            tests.append(test)
    if not tests:
        return list(items)
    if len(tests) == 1:
        return list(filter(tests[0], items))
    return [item for item in items if all(test(item) for test in tests)]


def _test(name: str, operator: str, value: str, tags: TagBook, now: float) -> Test | None:
    if name in _NUMBERS:
        return _number_test(_NUMBERS[name], operator.removesuffix("="), value, now)
    if name in _STRINGS:
        if value.startswith("="):  # `title==x` comes apart at the first sign
            operator, value = operator + "=", value[1:]
        return _string_test(name, operator, value.casefold())
    if name in TAG_KINDS and operator in ("", "!") and value:
        known = [tags.by_id(name, int(part)) for part in value.split(",") if part.isdecimal()]
        names = {tag.name for tag in known if tag}
        return lambda item: names.isdisjoint(item.tags.get(name, ())) == (operator == "!")
    return None


def _number_test(attribute: str, operator: str, value: str, now: float) -> Test | None:
    try:
        limit = _moment(value, now)
    except ValueError:
        raise Refused(400) from None

    def compare(item: SimItem, test: Callable[[float], bool]) -> bool:
        number = getattr(item, attribute)
        return number is not None and test(number)

    if operator == ">>":
        return lambda item: compare(item, lambda number: number > limit)
    if operator == "<<":
        return lambda item: compare(item, lambda number: number < limit)
    if operator in ("", "!"):
        return lambda item: (getattr(item, attribute) == limit) == (operator == "")
    return None


def _moment(value: str, now: float) -> float:
    """A number, or a time ago such as -30d."""
    ago = re.fullmatch(r"-?(\d+)(s|m|h|d|w|mon|y)", value, re.ASCII)
    return int(now) - int(ago[1]) * _AGO[ago[2]] if ago else float(value)


def _string_test(name: str, operator: str, wanted: str) -> Test | None:
    tests: dict[str, Callable[[str], bool]] = {
        "": lambda text: wanted in text,
        "!": lambda text: wanted not in text,
        "=": lambda text: wanted == text,
        "!=": lambda text: wanted != text,
        "<": lambda text: text.startswith(wanted),
        ">": lambda text: text.endswith(wanted),
    }
    test = tests.get(operator)
    return test and (lambda item: test(str(getattr(item, name)).casefold()))


def listed(section: Section, request: Request, tags: TagBook, now: float) -> list[SimItem]:
    """The items of a list request in the requested order; `limit` is applied."""
    sort = request.get("sort")
    if _unfiltered(request.params) and len(section.items) > BIG:
        revision, items = section.sorted.get(sort, (-1, []))
        if revision != section.revision:
            items = _sorted(section.items.values(), sort)
            section.sorted = {sort: (section.revision, items)}
    else:
        items = _sorted(select(section, request.params, tags, now), sort)
    limit = request.get("limit")
    return items[: int(limit)] if limit.isdecimal() else items


def _unfiltered(params: Iterable[Pair]) -> bool:
    names = (_FILTER.fullmatch(name) for name, _ in params)
    return not any(found and found[1] in _FIELDS for found in names)


_SORTS: dict[str, Callable[[SimItem], Any]] = {
    "id": lambda item: item.key,
    "addedAt": lambda item: item.added_at,
    "updatedAt": lambda item: item.updated_at,
    "title": lambda item: item.title.casefold(),
    "titleSort": lambda item: (item.titleSort or item.title).casefold(),
    "originallyAvailableAt": lambda item: item.originallyAvailableAt,
    "year": lambda item: item.year,
    "userRating": lambda item: item.userRating or 0.0,
    "lastRatedAt": lambda item: item.last_rated_at or 0,
    "duration": lambda item: item.duration,
}


def _sorted(items: Iterable[SimItem], sort: str) -> list[SimItem]:
    """Sort by several `field:dir`, ties by key; Plex sorts by title by default."""
    result = sorted(items, key=_SORTS["id"])
    for part in reversed((sort or "titleSort").split(",")):
        field, _, direction = part.rpartition(".")[2].partition(":")
        if field in _SORTS:
            result.sort(key=_SORTS[field], reverse=direction == "desc")
    return result


def cut(things: list[T], request: Request, most: int | None) -> tuple[list[T], int | None, int]:
    """The requested page: its things, the total (None if unpaged), its offset."""
    start = request.option("X-Plex-Container-Start")
    size = request.option("X-Plex-Container-Size")
    if not size.isdecimal() and most is None:
        return things, None, 0
    offset = int(start) if start.isdecimal() else 0
    wanted = int(size) if size.isdecimal() else len(things)
    wanted = wanted if most is None else min(wanted, most)
    return things[offset : offset + wanted], len(things), offset
