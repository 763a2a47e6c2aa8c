"""Which Plex items are a scene: the path decides, name and size only propose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from plexsync.model.ledger import Pin
from plexsync.model.paths import (
    PathMap,
    components,
    exact_key,
    path_key,
    shared_end,
    shared_start,
)
from plexsync.model.plex import IndexedPart, Target
from plexsync.model.scene import VideoFile

HIGH, LOW, NONE = "HIGH", "LOW", "NONE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """The items that are the scene, and how sure that is.

    HIGH: every target is the scene. LOW: the targets are candidates in a fixed order; the first is
    the one to take when an unsure match is accepted. NONE: no target. `rule` is "pin", "path",
    "suffix", "name+size", "name" or "". `candidates` holds the matching file of each target, `matched` its
    path as Plex spells it, for the check before a write.
    """

    confidence: str = NONE
    rule: str = ""
    targets: tuple[Target, ...] = ()
    candidates: tuple[IndexedPart, ...] = ()
    matched: Mapping[Target, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A file and a part of the same name. `end` counts common components from the name upwards.

    `same` is None when a size is unknown. `tree`: both begin with the same folder. `apart`: they
    do, and then go different ways before they meet again, so they are two places on one disk.
    """

    part: IndexedPart
    file: str
    end: int
    same: bool | None
    tree: bool
    apart: bool


def match(files: Sequence[VideoFile], parts: Sequence[IndexedPart], path_map: PathMap) -> Match:
    """Find the items of a scene among the parts that the library index proposes."""
    located = [(file, path_map.to_plex(file.path)) for file in files if file.path]
    exact = _exact([path for _, path in located], parts)
    if exact:
        return _result(HIGH, "path", exact)
    pairs = [p for file, path in located for p in _pairs(file, path, parts)]
    unsure = Match()
    for rule, find in _WEAKER:
        found, sure = find(pairs)
        items = _one_each(found)
        if sure and len(items) == 1:
            return _result(HIGH, rule, items)
        if items and not unsure.targets:
            unsure = _result(LOW, rule, items)
    return unsure


def pinned(pin: Pin, parts: Iterable[IndexedPart]) -> Match:
    """The one item that a person named: the file decides, the rating key only between several."""
    holding = _exact([pin.part], list(parts))
    hinted = [part for part in holding if part.target.rating_key == pin.rating_key]
    return _result(HIGH, "pin", _one_each(hinted or holding)[:1]) if holding else Match()


def describe(candidates: Iterable[IndexedPart]) -> list[str]:
    """One line per candidate for people: the file, its size, and where to find the item."""
    return [
        f"{_plain(part.file)} ({_size(part.size)}), "
        f"section {part.target.section}, item {part.target.rating_key}"
        for part in candidates
    ]


def _exact(paths: Sequence[str], parts: Sequence[IndexedPart]) -> list[IndexedPart]:
    hits: list[IndexedPart] = []
    for path in paths:
        for key in _SPELLINGS:
            wanted = key(path)
            same = [part for part in parts if key(part.file) == wanted]
            if same:
                hits += same
                break
    return hits


def _pairs(file: VideoFile, path: str, parts: Sequence[IndexedPart]) -> list[_Pair]:
    mine = components(path)
    found = []
    for part in parts:
        theirs = components(part.file)
        end = shared_end(mine, theirs)
        if not end:
            continue
        mine_left, theirs_left = mine[:-end], theirs[:-end]
        start = shared_start(mine_left, theirs_left)
        apart = 0 < start < min(len(mine_left), len(theirs_left))
        same = file.size == part.size if file.size and part.size else None
        tree = shared_start(mine[:-1], theirs[:-1]) > 0
        found.append(_Pair(part, path, end, same, tree, apart))
    return found


def _by_suffix(pairs: Sequence[_Pair]) -> tuple[list[IndexedPart], bool]:
    """The longest common end of each file. Two places on one disk need equal sizes to be one."""
    able = [p for p in pairs if p.end > 1 and (p.same or not p.apart)]
    longest = {file: max(p.end for p in able if p.file == file) for file in {p.file for p in able}}
    best = [p for p in able if p.end == longest[p.file]]
    return _by_size(best), any(p.same is not False for p in best)


def _by_name_and_size(pairs: Sequence[_Pair]) -> tuple[list[IndexedPart], bool]:
    return [p.part for p in pairs if p.same], True


def _by_name(pairs: Sequence[_Pair]) -> tuple[list[IndexedPart], bool]:
    """Only where a size is unknown, and never between two folders of one disk."""
    able = [p.part for p in pairs if p.same is None and not p.tree]
    return able, len({p.part.target for p in pairs}) == 1


def _by_size(pairs: Iterable[_Pair]) -> list[IndexedPart]:
    rank = {True: 0, None: 1, False: 2}
    return [p.part for p in sorted(pairs, key=lambda p: rank[p.same])]


def _one_each(parts: Iterable[IndexedPart]) -> list[IndexedPart]:
    first: dict[Target, IndexedPart] = {}
    for part in parts:
        first.setdefault(part.target, part)
    return sorted(first.values(), key=lambda part: _order(part.target))


def _order(target: Target) -> tuple[int, str, int, str]:
    number = int(target.section) if target.section.isdecimal() else 0
    return (number, target.section, target.rating_key, target.server)


def _result(confidence: str, rule: str, parts: Iterable[IndexedPart]) -> Match:
    items = _one_each(parts)
    return Match(
        confidence=confidence,
        rule=rule,
        targets=tuple(part.target for part in items),
        candidates=tuple(items),
        matched={part.target: part.file for part in items},
    )


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _size(size: int | None) -> str:
    return f"{size} bytes" if size else "size unknown"


_SPELLINGS: tuple[Callable[[str], str], ...] = (str, exact_key, path_key)
"""The closest spelling that fits decides: two names that differ in case may be two files."""

_WEAKER: tuple[tuple[str, Callable[[Sequence[_Pair]], tuple[list[IndexedPart], bool]]], ...] = (
    ("suffix", _by_suffix),
    ("name+size", _by_name_and_size),
    ("name", _by_name),
)
"""Each gives the parts that fit, and whether a single item among them would be certain."""
