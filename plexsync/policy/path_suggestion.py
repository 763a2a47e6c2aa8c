"""Suggests a path map from the files of both servers: few pairs of folders that explain most files."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Container, Iterable, Sequence

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.paths import path_key

File = tuple[str, "int | None"]
"""A path as one server sees it, and the size in bytes, None if unknown."""

MOST_PAIRS = 8

WORTH = 0.005
"""A pair that explains a smaller fraction of the files is dropped."""

FEWEST = 2
"""Files that a pair must explain, unless there is only one file."""

_SAMPLE = 20_000
_DEEPEST = 4
"""Folders by which a pair may be narrowed if it conflicts with another."""


class Twin(NamedTuple):
    """One file as both servers see it; keys in the form of `path_key`."""

    plex: str
    stash: str
    plex_key: str
    stash_key: str


class Suggestion(NamedTuple):
    """Pairs (folder in Plex, folder in Stash), best first, and how many of `files` files they
    explain; `alike` of those have the same path on both sides and need no pair.
    """

    pairs: tuple[tuple[str, str], ...]
    explained: int
    files: int
    alike: int

    @property
    def text(self) -> str:
        """The pairs in the form of the setting."""
        return "; ".join(f"{plex}=>{stash}" for plex, stash in self.pairs)


class _Pair(NamedTuple):
    """A candidate pair: two folders as keys, and as spelled."""

    plex_key: str
    stash_key: str
    plex: str
    stash: str


def twins(stash: Iterable[File], plex: Iterable[File]) -> list[Twin]:
    """Files that are certainly the same: their name and size occur once on each side.

    If one side does not know the size, the name alone must be unique.
    """
    ours = _by_name(stash)
    theirs = _by_name(plex, ours)
    found = []
    for name, mine in ours.items():
        for path, key, other, other_key in _pairs_of(mine, theirs.get(name, {})):
            if _is_plain(path) and _is_plain(other):
                found.append(Twin(other, path, other_key, key))
    return found


def _is_plain(path: str) -> bool:
    """Whether only slashes separate its folders: a backslash may be part of a POSIX name."""
    return not (path.startswith("/") and "\\" in path)


_Named = dict["int | None", "tuple[str, str] | None"]
"""Size -> path and key of the only file of that name and size; None if there are several."""


def _by_name(files: Iterable[File], wanted: Container[str] | None = None) -> dict[str, _Named]:
    """The files by their names, if those are `wanted`: the other server may have many more."""
    named: dict[str, _Named] = {}
    for path, size in files:
        key = path_key(path)
        name = key.rpartition("/")[2]
        if wanted is not None and name not in wanted:
            continue
        sizes = named.setdefault(name, {})
        known = size or None
        sizes[known] = None if known in sizes else (path, key)
    return named


def _pairs_of(mine: _Named, theirs: _Named) -> Iterable[tuple[str, str, str, str]]:
    if len(mine) == len(theirs) == 1:
        (size, one), (other_size, other) = *mine.items(), *theirs.items()
        alike = size == other_size or size is None or other_size is None
        if alike and one and other:
            yield *one, *other
        return
    for size, one in mine.items():
        other = theirs.get(size) if size is not None else None
        if one and other:
            yield *one, *other


def explained(files: Sequence[Twin], to_plex: Callable[[str], str]) -> int:
    """How many files the map translates from Stash's path to Plex's correctly."""
    return sum(path_key(to_plex(file.stash)) == file.plex_key for file in files)


def suggest(files: Sequence[Twin]) -> Suggestion:
    """The few pairs that explain most of the files, independent of their order."""
    ordered = sorted(files, key=lambda file: file.stash_key)
    step = max(1, len(ordered) // _SAMPLE)
    sample = ordered[::step]
    chosen = _choose(sample)
    chosen = [pair for pair in chosen if _writable(pair)]
    return Suggestion(
        tuple((pair.plex, pair.stash) for pair in chosen),
        _count(ordered, chosen),
        len(ordered),
        sum(file.plex_key == file.stash_key for file in ordered),
    )


def _choose(sample: Sequence[Twin]) -> list[_Pair]:
    """Pairs for files whose path differs; then pairs for files that those would break."""
    moved = [file for file in sample if file.plex_key != file.stash_key]
    alike = [file for file in sample if file.plex_key == file.stash_key]
    keys = [file.stash_key for file in sample]
    least = max(min(FEWEST, len(sample)), len(sample) * WORTH)
    chosen: dict[str, _Pair] = {}

    def useful(pair: _Pair) -> bool:
        return _gain(sample, keys, pair, chosen.values()) >= least

    for files in (moved, alike):
        _add_pairs(files, chosen, least, useful)
        if not chosen:
            break
    return list(chosen.values())


def _add_pairs(
    files: Iterable[Twin],
    chosen: dict[str, _Pair],
    least: float,
    useful: Callable[[_Pair], bool],
) -> None:
    """Take the pair that explains most files, then the next. A pair that gains nothing because it
    conflicts with another is narrowed.
    """
    groups: dict[_Pair, list[Twin]] = {}
    for file in files:
        groups.setdefault(_general(file), []).append(file)
    depth = dict.fromkeys(groups, 0)
    while groups and len(chosen) < MOST_PAIRS:
        pair = max(groups, key=lambda each: (len(groups[each]), each.stash_key, each.plex_key))
        members = groups.pop(pair)
        if len(members) < least:
            break
        if pair.stash_key not in chosen and useful(pair):
            chosen[pair.stash_key] = pair
        elif depth[pair] < _DEEPEST:
            for file in members:
                narrower = _narrowed(file, pair)
                if narrower is not None:
                    groups.setdefault(narrower, []).append(file)
                    depth[narrower] = depth[pair] + 1


def _gain(sample: Sequence[Twin], keys: Sequence[str], pair: _Pair, chosen: Iterable[_Pair]) -> int:
    """How many more files the pair explains; only those below its folder can differ."""
    start = bisect_left(keys, f"{pair.stash_key}/")
    below = sample[start : bisect_left(keys, f"{pair.stash_key}0", start)]  # "0" follows "/"
    before = list(chosen)
    return _count(below, [*before, pair]) - _count(below, before)


def _general(file: Twin) -> _Pair:
    """The most general pair that explains a file and keeps a folder on either side."""
    plex, stash = file.plex_key.split("/"), file.stash_key.split("/")
    end = 0
    for mine, theirs in zip(reversed(stash), reversed(plex), strict=False):
        if mine != theirs:
            break
        end += 1
    most = min(len(plex) - _leading(file.plex_key), len(stash) - _leading(file.stash_key)) - 1
    return _pair(file, max(1, min(end, most)))


def _leading(key: str) -> int:
    """Number of components before the first folder's name."""
    return 2 if key.startswith("//") else 1 if key.startswith("/") else 0


def _narrowed(file: Twin, pair: _Pair) -> _Pair | None:
    """The pair with one more folder of this file; None if there is none left."""
    rest = file.stash_key[len(pair.stash_key) :].strip("/")
    return _pair(file, rest.count("/")) if "/" in rest else None


def _pair(file: Twin, end: int) -> _Pair:
    """Both paths without their last `end` components."""
    return _Pair(
        _cut(file.plex_key, end),
        _cut(file.stash_key, end),
        _cut(file.plex, end),
        _cut(file.stash, end),
    )


def _cut(path: str, end: int) -> str:
    for _ in range(end):
        path = path[: max(path.rfind("/"), path.rfind("\\"))]
        path = path.rstrip("/\\") or path[:1]
    return path


def _count(files: Sequence[Twin], pairs: Sequence[_Pair]) -> int:
    """How many files the pairs explain; the longest matching folder in Stash wins."""
    longest = sorted(pairs, key=lambda pair: -len(pair.stash_key))
    moves = [(f"{pair.stash_key}/", f"{pair.plex_key}/") for pair in longest]
    count = 0
    for file in files:
        path = file.stash_key
        for here, there in moves:
            if path.startswith(here):
                path = there + path[len(here) :]
                break
        count += path == file.plex_key
    return count


def _writable(pair: _Pair) -> bool:
    """Whether the setting's syntax can express the pair."""
    return not any(mark in side for side in (pair.plex, pair.stash) for mark in (";", "=>", "\n"))
