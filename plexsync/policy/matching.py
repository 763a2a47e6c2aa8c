"""Decides which Plex items are a scene: an exact path is certain, looser rules need equal sizes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from plexsync.model.dead_letter import Candidate
from plexsync.model.ledger import Pin
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.paths import (
    PathMap,
    components,
    path_key,
    pieces,
    shared_end,
    shared_start,
)
from plexsync.model.plex import IndexedPart, Target
from plexsync.model.scene import VideoFile

HIGH, LOW, NONE = "HIGH", "LOW", "NONE"


class Match(NamedTuple):
    """The items that match a scene, and with which confidence.

    HIGH: every target is the scene. LOW: the targets are candidates in a fixed order; the first is
    the one to use if uncertain matches are accepted, and `doubt` says in words what speaks against
    it. NONE: no target. `rule` is "pin", "path", "spelling", "suffix", "name+size", "name" or "".
    `candidates` holds the matching file of each target, `matched` its path as Plex spells it, for
    the check before a write. `loose` are those of these paths that are spelled differently in
    Stash.
    """

    confidence: str = NONE
    rule: str = ""
    targets: tuple[Target, ...] = ()
    candidates: tuple[IndexedPart, ...] = ()
    matched: Mapping[Target, str] = {}
    loose: frozenset[str] = frozenset()
    doubt: str = ""

    @property
    def exact(self) -> bool:
        """Whether each file has exactly the path of one of the scene's."""
        return self.rule == "path" and not self.loose


class _Pair(NamedTuple):
    """A file of the scene and a Plex part of the same name. `end` counts common components from the
    name upwards.

    `path` is the file's path as Plex would see it. `same`: the sizes are equal (None: one is
    unknown). `whole`: the paths differ at most in what some file systems ignore (case, Unicode
    form, separators). `exact`: the common end is spelled exactly alike. `taken`: another scene has
    exactly the part's path. `tree`: both paths start with the same folder. `apart`: they do, but
    diverge before their common end, so they are two places on one disk.
    """

    part: IndexedPart
    path: str
    end: int
    same: bool | None
    whole: bool
    exact: bool
    taken: bool
    tree: bool
    apart: bool

    @property
    def sure(self) -> bool:
        """Whether a loosely spelled match is certain: equal sizes, and no other scene's file."""
        return self.same is True and not self.taken


_Rule = Callable[[Sequence[_Pair]], tuple[list[_Pair], bool]]
"""The pairs that match, and whether a single item among them would be certain."""


def match(
    files: Sequence[VideoFile],
    parts: Sequence[IndexedPart],
    path_map: PathMap,
    taken: Collection[str] = (),
) -> Match:
    """Find the items of a scene among the parts that the library index proposes.

    `taken` are files in Plex whose exact path belongs to another scene. To save a query, the caller
    may omit them, and call again with them if the match has `loose` paths.
    """
    pairs = [
        pair
        for file in files
        if file.path
        for pair in _pairs(file, *path_map.locate(file.path), parts, taken)
    ]
    certain = _certain(pairs)
    if certain:
        rule = "path" if any(pair.whole and pair.exact for pair in certain) else "spelling"
        return _result(HIGH, rule, certain)
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
    """The item that the user pinned: the file decides, the rating key only between several.

    A file that is spelled differently by now counts only in the item that was pinned.
    """
    same = [part for part in parts if is_pinned(pin, part.file, part.target.rating_key)]
    exact = [part for part in same if part.file == pin.part] or same
    hinted = [part for part in exact if part.target.rating_key == pin.rating_key]
    first = sorted(hinted or exact, key=lambda part: _order(part.target))[:1]
    return Match(
        confidence=HIGH if first else NONE,
        rule="pin" if first else "",
        targets=tuple(part.target for part in first),
        candidates=tuple(first),
        matched={part.target: part.file for part in first},
    )


def is_pinned(pin: Pin, file: str, rating_key: int) -> bool:
    """Whether this file of this item is the pinned one."""
    if file == pin.part:
        return True
    return rating_key == pin.rating_key and path_key(file) == path_key(pin.part)


def describe(candidates: Iterable[IndexedPart]) -> list[Candidate]:
    """The candidates as shown to the user: the file, its size, and where to find the item."""
    return [
        Candidate(_plain(part.file), part.size, part.target.section, part.target.rating_key)
        for part in candidates
    ]


def _certain(pairs: Sequence[_Pair]) -> list[_Pair]:
    """For each file the parts with its exact path, or else those of a looser spelling and equal
    size.
    """
    found: list[_Pair] = []
    for path in dict.fromkeys(pair.path for pair in pairs):
        whole = [pair for pair in pairs if pair.path == path and pair.whole]
        found += [p for p in whole if p.exact] or [p for p in whole if p.sure]
    return found


def _pairs(
    file: VideoFile,
    path: str,
    mapped_exactly: bool,
    parts: Sequence[IndexedPart],
    taken: Collection[str],
) -> list[_Pair]:
    named = bool(path.strip("/\\"))
    alike = [part for part in parts if named and mapped_exactly and part.file == path]
    if alike:  # then no other file counts for this path, see `_certain`
        return [_alike(file, path, part, taken) for part in alike]
    mine = components(path)
    found = []
    for part in parts:
        theirs = components(part.file)
        end = shared_end(mine, theirs)
        if not end:
            continue
        mine_left, theirs_left = mine[:-end], theirs[:-end]
        start = shared_start(mine_left, theirs_left)
        whole = path_key(path) == path_key(part.file)
        found.append(
            _Pair(
                part,
                path,
                end,
                same=file.size == part.size if file.size and part.size else None,
                whole=whole,
                exact=_spelt_alike(path, part.file, whole, end) and (mapped_exactly or not whole),
                taken=part.file in taken,
                tree=shared_start(mine[:-1], theirs[:-1]) > 0,
                apart=0 < start < min(len(mine_left), len(theirs_left)),
            )
        )
    return found


def _alike(file: VideoFile, path: str, part: IndexedPart, taken: Collection[str]) -> _Pair:
    """The pair of a file and a part with exactly its path."""
    end = len(pieces(path))
    return _Pair(
        part,
        path,
        end,
        same=file.size == part.size if file.size and part.size else None,
        whole=True,
        exact=True,
        taken=part.file in taken,
        tree=end > 1,
        apart=False,
    )


def _spelt_alike(path: str, file: str, whole: bool, end: int) -> bool:
    if whole:
        return path == file
    return pieces(path)[-end:] == pieces(file)[-end:]


def _by_spelling(pairs: Sequence[_Pair]) -> tuple[list[_Pair], bool]:
    """Loosely spelled pairs whose size differs or is unknown."""
    return [p for p in pairs if p.whole], False


def _by_suffix(pairs: Sequence[_Pair]) -> tuple[list[_Pair], bool]:
    """The longest common end of each file. Two places on one disk also need equal sizes."""
    able = [p for p in pairs if p.end > 1 and not p.whole and (p.same or not p.apart)]
    longest = {path: max(p.end for p in able if p.path == path) for path in {p.path for p in able}}
    best = [p for p in able if p.end == longest[p.path]]
    return _by_size(best), any(p.sure or (p.exact and p.same is None) for p in best)


def _by_name_and_size(pairs: Sequence[_Pair]) -> tuple[list[_Pair], bool]:
    found = [p for p in pairs if p.same]
    return found, not any(p.taken for p in found)


def _by_name(pairs: Sequence[_Pair]) -> tuple[list[_Pair], bool]:
    """Pairs of equal name and unknown size, but not in two places on one disk."""
    able = [p for p in pairs if p.same is None and not p.tree]
    return able, len({p.part.target for p in pairs}) == 1 and all(p.exact for p in able)


def _by_size(pairs: Iterable[_Pair]) -> list[_Pair]:
    rank = {True: 0, None: 1, False: 2}
    return sorted(pairs, key=lambda p: rank[p.same])


def _one_each(pairs: Iterable[_Pair]) -> list[_Pair]:
    first: dict[Target, _Pair] = {}
    for pair in pairs:
        first.setdefault(pair.part.target, pair)
    return sorted(first.values(), key=lambda pair: _order(pair.part.target))


def _order(target: Target) -> tuple[int, str, int, str]:
    number = int(target.section) if target.section.isdecimal() else 0
    return (number, target.section, target.rating_key, target.server)


def _result(confidence: str, rule: str, pairs: Iterable[_Pair]) -> Match:
    items = _one_each(pairs)
    loose = (pair.part.file for pair in items if not pair.exact or rule in _BY_NAME)
    return Match(
        confidence=confidence,
        rule=rule,
        targets=tuple(pair.part.target for pair in items),
        candidates=tuple(pair.part for pair in items),
        matched={pair.part.target: pair.part.file for pair in items},
        loose=frozenset(loose),
        doubt=_doubt(items) if confidence == LOW else "",
    )


def _doubt(items: Sequence[_Pair]) -> str:
    """What speaks against the only candidate; "" if there are several."""
    if len(items) != 1:
        return ""
    (pair,) = items
    if pair.taken:
        return "another scene's file has exactly its path"
    if pair.same is False:
        return "its size differs"
    how = "" if pair.exact else " and it is not spelled exactly alike"
    return f"its size is not known{how}" if pair.same is None else "only its name is the same"


def _plain(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


_WEAKER: tuple[tuple[str, _Rule], ...] = (
    ("spelling", _by_spelling),
    ("suffix", _by_suffix),
    ("name+size", _by_name_and_size),
    ("name", _by_name),
)
_BY_NAME = ("name+size", "name")
