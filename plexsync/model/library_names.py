"""Parses the setting "Plex libraries": comma-separated names, which may contain commas themselves."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

_MOST_COMMAS = 50


def choose(setting: str, titles: Sequence[str]) -> tuple[list[str], list[str]]:
    """The titles of the libraries that the setting names, and the names that no library has.

    The whole setting is compared first; then the longest known names are taken from it, from left
    to right. Quotes keep a name together. An exact name wins over one that differs in surrounding
    blanks or in case. An empty setting chooses nothing.
    """
    chosen: dict[str, None] = {}
    missing: dict[str, None] = {}
    for found, name in _names(setting, titles):
        if found:
            chosen.update(dict.fromkeys(found))
        elif name.strip():
            missing[name.strip()] = None
    return [title for title in titles if title in chosen], list(missing)


def called(name: str, titles: Sequence[str]) -> list[str]:
    """The titles that match a name; only those with the closest spelling."""
    quoted = _unquoted(name)
    bare = name.strip() if quoted is None else quoted
    for spelling in (name, bare):
        found = [title for title in titles if _normal(title) == _normal(spelling)]
        if found:
            return found
    if quoted is None:
        return [title for title in titles if bare and _folded(title.strip()) == _folded(bare)]
    return [title for title in titles if _folded(title) == _folded(quoted)]


def _names(setting: str, titles: Sequence[str]) -> Iterator[tuple[list[str], str]]:
    """Each name in the setting, with the titles that match it."""
    whole = called(setting, titles)
    pieces = [] if whole else setting.split(",")
    most = max((title.count(",") for title in titles), default=0) + 1
    if whole:
        yield whole, setting
    while pieces:
        for count in range(min(len(pieces), most), 0, -1):
            name = ",".join(pieces[:count])
            found = called(name, titles)
            if found:
                break
        else:
            found, (name, count) = [], _unknown(pieces)
        yield found, name
        pieces = pieces[count:]


def _unknown(pieces: Sequence[str]) -> tuple[str, int]:
    """An unknown name, up to its closing quote or the next comma, and its number of pieces."""
    if pieces[0].lstrip().startswith('"'):
        for count in range(1, min(len(pieces), _MOST_COMMAS) + 1):
            name = _unquoted(",".join(pieces[:count]))
            if name is not None:
                return name, count
    return pieces[0], 1


def _unquoted(name: str) -> str | None:
    bare = name.strip()
    return bare[1:-1] if len(bare) > 1 and bare[0] == bare[-1] == '"' else None


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return _normal(name).casefold()
