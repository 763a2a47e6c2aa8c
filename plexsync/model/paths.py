"""Paths as Stash and Plex see them: when two are equal, and the user's map between them.

Paths are compared and rewritten as text only; nothing here reads a disk.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from plexsync.model.named_tuple import NamedTuple

_DRIVE = re.compile(r"[A-Za-z]:")
_SLASHES = re.compile(r"/{2,}")


def exact_key(path: str) -> str:
    """The path in NFC with "/" as the separator and repeated slashes folded; case is kept.

    Drive letters and the double slash at the start of a UNC path are kept.
    """
    text = path if path.isascii() else unicodedata.normalize("NFC", path)
    text = text.replace("\\", "/")
    if "//" in text:
        unc = text.startswith("//") and not text.startswith("///")
        text = "/" * unc + _SLASHES.sub("/", text)
    return text.rstrip("/") or text


class _Folded(dict[int, str]):
    """A translation table filled on demand: the lower case of each character, as a case-insensitive
    file system has it.
    """

    def __missing__(self, code: int) -> str:
        self[code] = _lower(chr(code))
        return self[code]


def _lower(char: str) -> str:
    """Lower-case one character to one, never a non-ASCII one to ASCII: no file system equates "ß"
    and "ss" or "ﬁ" and "fi".
    """
    upper = char.upper()
    lower = (upper if len(upper) == 1 else char).lower()
    return lower if len(lower) == 1 and char.isascii() >= lower.isascii() else char


_FOLDED = _Folded()


def path_key(path: str) -> str:
    """`exact_key` in lower case: equal for all spellings that a file system may equate."""
    return _folded(exact_key(path))


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", text.translate(_FOLDED))


def name_key(path: str) -> str:
    """The file name alone, in the form of `path_key`."""
    return path_key(path).rpartition("/")[2]


def tail_key(path: str) -> str:
    """Parent folder and file name, "folder/file"; "" when there is no folder."""
    return _tail(path_key(path))


def _tail(key: str) -> str:
    parts = [part for part in key.split("/") if part][-2:]
    if len(parts) < 2 or _DRIVE.fullmatch(parts[0]):
        return ""
    return "/".join(parts)


def index_keys(path: str) -> tuple[str, str, str, str]:
    """The keys under which the library index stores a path: exact, path, name and tail key."""
    exact = exact_key(path)
    whole = _folded(exact)
    return exact, whole, whole.rpartition("/")[2], _tail(whole)


def components(path: str) -> tuple[str, ...]:
    """Folders and file name in the form of `path_key`; a drive letter counts as a folder."""
    return tuple(part for part in path_key(path).split("/") if part)


def folder_of(path: str) -> str:
    """The folder of a file, as spelled in `path`; "" for a bare name."""
    ends = [path.rfind(mark) for mark in _separators(path)]
    head = path[: max(ends) + 1]
    bare = head.rstrip("/\\")
    if not bare:
        return head[:1]
    return bare + head[len(bare)] if _DRIVE.fullmatch(bare) else bare


def shared_end(mine: Sequence[str], theirs: Sequence[str]) -> int:
    """How many components two paths have in common, counted from the file name."""
    return shared_start(mine[::-1], theirs[::-1])


def shared_start(mine: Sequence[str], theirs: Sequence[str]) -> int:
    """How many components two paths have in common, counted from the root."""
    count = 0
    for one, other in zip(mine, theirs, strict=False):
        if one != other:
            break
        count += 1
    return count


class _Prefix(NamedTuple):
    """One folder of a pair, which is stripped from absolute paths or prepended to them; `mark`
    separates its names.
    """

    text: str
    root: str
    mark: str
    parts: tuple[str, ...]

    @classmethod
    def of(cls, folder: str) -> _Prefix:
        windows = bool(_DRIVE.match(folder)) or "\\" in folder and "\\" in _separators(folder)
        text = folder.replace("/", "\\") if windows else folder
        mark = "\\" if windows else "/"
        parts = tuple(path_key(piece) for piece in pieces(folder))
        return cls(text.rstrip(mark), _root(folder), mark, parts)

    def rest(self, path: str) -> list[str] | None:
        """The components of `path` below this folder; None if it is not below it."""
        names = pieces(path)
        depth = len(self.parts)
        if _root(path) != self.root or len(names) < depth:
            return None
        inside = all(path_key(name) == mine for name, mine in zip(names, self.parts, strict=False))
        return names[depth:] if inside else None

    def spelt_in(self, path: str) -> bool:
        """Whether a path below this folder spells it exactly; on Windows any spelling does."""
        return self.mark == "\\" or path.startswith(self.text)

    def join(self, rest: Sequence[str]) -> str:
        tail = self.mark.join(rest)
        if not self.parts:
            return self.root + tail
        bare_drive = _DRIVE.fullmatch(self.text)
        return self.text + self.mark + tail if tail or bare_drive else self.text


class PathMap(NamedTuple):
    """Pairs (folder in Plex, folder in Stash) with the same files; empty if the paths are equal."""

    pairs: tuple[tuple[_Prefix, _Prefix], ...] = ()

    @classmethod
    def parse(cls, text: str) -> tuple[PathMap, list[str]]:
        """Parse "/plex/path=>/stash/path; ..."; each bad pair is ignored with a warning."""
        pairs: list[tuple[_Prefix, _Prefix]] = []
        warnings = []
        for chunk in re.split(r"[;\n]", text):
            if not chunk.strip():
                continue
            pair, problem = _read_pair(chunk.strip(), pairs)
            if pair:
                pairs.append(pair)
            else:
                warnings.append(f'path_map: "{_clip(chunk)}" {problem}; this pair is ignored')
        return cls(tuple(pairs)), warnings

    def to_plex(self, stash_path: str) -> str:
        """The path under which Plex sees a file of Stash; unchanged if no pair matches."""
        return self.locate(stash_path)[0]

    def to_stash(self, plex_path: str) -> str:
        """The path under which Stash sees a file of Plex; unchanged if no pair matches."""
        return _move(plex_path, self.pairs)[0]

    def locate(self, stash_path: str) -> tuple[str, bool]:
        """`to_plex`, and whether the replaced folder is spelled as in the map."""
        return _move(stash_path, [(stash, plex) for plex, stash in self.pairs])


def derive(stash_path: str, plex_path: str) -> PathMap:
    """The map that one file's two paths suggest for its siblings: both without their common end.

    Empty if the names differ or both paths are the same.
    """
    mine, theirs = pieces(stash_path), pieces(plex_path)
    count = shared_end([path_key(p) for p in mine], [path_key(p) for p in theirs])
    if not count:
        return PathMap()
    stash = _head(stash_path, mine[:-count])
    plex = _head(plex_path, theirs[:-count])
    if (stash.root, stash.parts) == (plex.root, plex.parts):
        return PathMap()
    return PathMap(((plex, stash),))


def _move(path: str, pairs: Sequence[tuple[_Prefix, _Prefix]]) -> tuple[str, bool]:
    """Apply the pair with the longest folder; between two spellings of it, the path's own."""
    best, moved = (-1, True), path
    for source, goal in pairs:
        rest = source.rest(path)
        rank = (len(source.parts), source.spelt_in(path))
        if rest is not None and rank > best:
            best, moved = rank, goal.join(rest)
    return moved, best[1]


def _read_pair(
    chunk: str, known: Sequence[tuple[_Prefix, _Prefix]]
) -> tuple[tuple[_Prefix, _Prefix] | None, str]:
    sides = [side.strip() for side in chunk.split("=>")]
    if len(sides) != 2 or not all(sides):
        return None, "is not of the form /plex/path=>/stash/path"
    if not all(_root(side) or _DRIVE.match(side) for side in sides):
        return None, "needs absolute paths, starting with / or a drive letter, on both sides"
    plex, stash = (_Prefix.of(side) for side in sides)
    if any(
        (stash.root, stash.parts) == (s.root, s.parts) and s.spelt_in(stash.text) for _, s in known
    ):
        return None, "repeats the Stash folder of an earlier pair"
    return (plex, stash), ""


def _separators(path: str) -> str:
    posix = path.startswith("/") and not path.startswith("//")
    return "/" if posix else "/\\"


def pieces(path: str) -> list[str]:
    """Folders and file name as spelled. In a POSIX path a backslash is part of a name."""
    text = path.replace("\\", "/") if "\\" in _separators(path) else path
    return [piece for piece in text.split("/") if piece]


def _root(path: str) -> str:
    key = exact_key(path)
    return "//" if key.startswith("//") else "/" if key.startswith("/") else ""


def _head(path: str, names: Sequence[str]) -> _Prefix:
    mark = "\\" if "\\" in _separators(path) and "\\" in path else "/"
    return _Prefix.of(_root(path).replace("/", mark) + mark.join(names))


def _clip(text: str) -> str:
    shown = " ".join(text.split())
    return shown if len(shown) <= 80 else shown[:77] + "..."
