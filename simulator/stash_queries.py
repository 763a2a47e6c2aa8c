"""`findScenes`: filters, sorting and paging with Stash's surprises."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from simulator.stash_data import Entity, SimScene, StashData, StashError, number

Row = TypeVar("Row")
Criterion = Mapping[str, Any]
Test = Callable[[SimScene], bool]
Stamp = Callable[[float], str]

_SORTS: Mapping[str, Callable[[SimScene], Any]] = {
    "id": lambda scene: scene.id,
    "title": lambda scene: (scene.title.lower() or scene.path.lower(), scene.path),
    "path": lambda scene: scene.path,
    "date": lambda scene: scene.date or "",
    "rating": lambda scene: scene.rating100 or 0,
    "created_at": lambda scene: int(scene.created_at),
    "updated_at": lambda scene: int(scene.updated_at),
    "organized": lambda scene: scene.organized,
    "file_count": lambda scene: len(scene.files),
    "filesize": lambda scene: scene.files[0].size if scene.files else 0,
}


def find_by_ids(data: StashData, ids: Sequence[Any]) -> list[SimScene]:
    """The scenes in the requested order; an unknown or repeated id fails the whole query."""
    numbers = [number(i) for i in ids]
    if len(set(numbers)) != len(numbers):
        raise StashError("scene ids must be unique")
    return [data.scene(i) for i in numbers]


def find_scenes(
    data: StashData, scene_filter: Criterion, paging: Criterion, stamp: Stamp
) -> tuple[list[SimScene], list[SimScene]]:
    """(all that match, the requested page). `stamp` formats a time as it is stored."""
    if _walks(scene_filter, paging):
        ids = sorted(data.scenes)
        found = [data.scenes[i] for i in ids[bisect_right(ids, scene_filter["id"]["value"]) :]]
        return found, _page(found, paging)
    found = list(data.scenes.values())
    if scene_filter:
        test = scene_test(scene_filter, stamp)
        found = [scene for scene in found if test(scene)]
    if words := (paging.get("q") or "").lower().split():
        found = [scene for scene in found if _mentions(scene, words)]
    if sort := paging.get("sort"):
        if sort not in _SORTS:
            raise StashError(f"invalid sort: {sort}")
        if sort != "id":
            found.sort(key=_SORTS["title"])
        found.sort(key=_SORTS[sort], reverse=paging.get("direction") == "DESC")
    return found, _page(found, paging)


def find_entities(
    entities: Iterable[Entity], paging: Criterion
) -> tuple[list[Entity], list[Entity]]:
    """(all, the requested page) of performers, studios, tags or groups."""
    found = sorted(entities, key=lambda entity: entity.name.lower())
    sort = paging.get("sort") or "name"
    if sort not in ("id", "name", "created_at", "updated_at"):
        raise StashError(f"invalid sort: {sort}")
    if sort != "name":
        found.sort(key=lambda entity: int(getattr(entity, sort)))
    if paging.get("direction") == "DESC":
        found.reverse()
    return found, _page(found, paging)


def _walks(scene_filter: Criterion, paging: Criterion) -> bool:
    """Whether it requests the next ids above one, for which a database need not scan all rows."""
    above = list(scene_filter) == ["id"] and scene_filter["id"]["modifier"] == "GREATER_THAN"
    by_id = paging.get("sort") == "id" and paging.get("direction") in (None, "ASC")
    return above and by_id and not paging.get("q")


def _mentions(scene: SimScene, words: Iterable[str]) -> bool:
    text = f"{scene.title}\n{scene.details}\n{scene.path}".lower()
    return all(word in text for word in words)


def _page(found: list[Row], paging: Criterion) -> list[Row]:
    size = paging.get("per_page")
    size = 25 if size is None else size
    if size < 0:
        return found
    start = (max(1, paging.get("page") or 1) - 1) * size
    return found[start : start + size]


def scene_test(scene_filter: Criterion, stamp: Stamp) -> Test:
    """A predicate for a SceneFilterType. Raises StashError for a criterion that is not simulated."""
    given = {name: value for name, value in scene_filter.items() if value is not None}
    nested = {name: given.pop(name) for name in ("AND", "OR", "NOT") if name in given}
    if len(nested) > 1:
        raise StashError("cannot have more than one of AND, OR, NOT")
    tests = [_criterion(name, criterion, stamp) for name, criterion in given.items()]

    def own(scene: SimScene) -> bool:
        return all(test(scene) for test in tests)

    if not nested:
        return own
    ((joint, inner),) = nested.items()
    other = scene_test(inner, stamp)
    if joint == "OR":
        return lambda scene: own(scene) or other(scene)
    return lambda scene: own(scene) and other(scene) == (joint == "AND")


def _criterion(name: str, criterion: Any, stamp: Stamp) -> Test:
    if name == "path":
        return _matching(criterion, lambda scene: [file.path for file in scene.files])
    if name == "title":
        return _matching(criterion, lambda scene: [scene.title])
    if name in ("created_at", "updated_at"):
        return _time(name, criterion, stamp)
    if name == "id":
        return _number(criterion, lambda scene: scene.id)
    if name == "organized":
        return lambda scene: scene.organized == criterion
    if name in _RELATED:
        return _related(_RELATED[name], criterion)
    raise StashError(f"the simulator does not filter by {name}")


_RELATED: Mapping[str, Callable[[SimScene], Iterable[int]]] = {
    "performers": lambda scene: scene.performers,
    "tags": lambda scene: scene.tags,
    "studios": lambda scene: [scene.studio] if scene.studio else [],
    "groups": lambda scene: [group for group, _ in scene.groups],
}


def _matching(criterion: Criterion, texts: Callable[[SimScene], Iterable[str]]) -> Test:
    modifier = criterion["modifier"]
    negative = modifier in ("NOT_EQUALS", "EXCLUDES", "NOT_MATCHES_REGEX")
    positive = {
        "NOT_EQUALS": "EQUALS",
        "EXCLUDES": "INCLUDES",
        "NOT_MATCHES_REGEX": "MATCHES_REGEX",
    }
    patterns = _patterns(positive.get(modifier) or modifier, criterion["value"])
    return lambda scene: negative != any(p.search(t) for t in texts(scene) for p in patterns)


def _patterns(modifier: str, value: str) -> list[re.Pattern[str]]:
    if modifier == "EQUALS":
        return [re.compile(f"^{_like(value)}\\Z", re.I | re.A | re.S)]
    if modifier == "INCLUDES":
        quoted = len(value) > 1 and value[0] == value[-1] == '"'
        words = [value[1:-1]] if quoted else value.split()
        return [re.compile(_like(word), re.I | re.A | re.S) for word in words]
    if modifier == "MATCHES_REGEX":
        return [re.compile(value)]
    raise StashError(f"the simulator does not compare texts by {modifier}")


def _like(value: str) -> str:
    """SQL LIKE as a regular expression: `%` and `_` are wildcards."""
    wild = {"%": ".*", "_": "."}
    return "".join(wild.get(char) or re.escape(char) for char in value)


def _number(criterion: Criterion, value: Callable[[SimScene], int]) -> Test:
    low, high = criterion["value"], criterion.get("value2") or 0
    compare: Mapping[str, Callable[[int], bool]] = {
        "EQUALS": lambda number: number == low,
        "NOT_EQUALS": lambda number: number != low,
        "GREATER_THAN": lambda number: number > low,
        "LESS_THAN": lambda number: number < low,
        "BETWEEN": lambda number: low <= number <= high,
    }
    if criterion["modifier"] not in compare:
        raise StashError(f"the simulator does not compare numbers by {criterion['modifier']}")
    test = compare[criterion["modifier"]]
    return lambda scene: test(value(scene))


def _time(name: str, criterion: Criterion, stamp: Stamp) -> Test:
    """Compare as texts, as Stash's database does."""
    low, high = criterion["value"], criterion.get("value2") or ""
    compare: Mapping[str, Callable[[str], bool]] = {
        "EQUALS": lambda text: text == low,
        "NOT_EQUALS": lambda text: text != low,
        "GREATER_THAN": lambda text: text > low,
        "LESS_THAN": lambda text: text < low,
        "BETWEEN": lambda text: low <= text <= high,
        "NOT_BETWEEN": lambda text: text < low or text > high,
        "IS_NULL": lambda text: False,
        "NOT_NULL": lambda text: True,
    }
    if criterion["modifier"] not in compare:
        raise StashError("Internal system error. Error <unsupported modifier>")
    test = compare[criterion["modifier"]]
    return lambda scene: test(stamp(getattr(scene, name)))


def _related(ids_of: Callable[[SimScene], Iterable[int]], criterion: Criterion) -> Test:
    wanted = {number(i) for i in criterion.get("value") or ()}
    unwanted = {number(i) for i in criterion.get("excludes") or ()}
    modifier = criterion["modifier"]
    checks: Mapping[str, Callable[[set[int]], bool]] = {
        "INCLUDES": lambda ids: bool(ids & wanted) or not wanted,
        "INCLUDES_ALL": lambda ids: wanted <= ids,
        "EQUALS": lambda ids: wanted == ids,
        "EXCLUDES": lambda ids: not ids & wanted,
        "IS_NULL": lambda ids: not ids,
        "NOT_NULL": lambda ids: bool(ids),
    }
    if modifier not in checks:
        raise StashError(f"the simulator does not filter relations by {modifier}")
    check = checks[modifier]
    return lambda scene: check(ids := set(ids_of(scene))) and not ids & unwanted
