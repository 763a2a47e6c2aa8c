"""Files in a library that Plex's scanners skip, so that they never become items."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from plexsync.model.plex import Section

SAMPLE_LIMIT = 300 << 20
"""Plex takes no larger file for a sample, whatever its name."""

MOVIE_SCANNER = "plex movie"
"""Prefix of the names of Plex's scanners for films."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Why Plex creates no item for a file, and what to do about it.

    `kind` is the same for all files with the same reason, so that they can be counted.
    """

    kind: str
    why: str
    remedy: str


_RENAME = "Rename the file, then let Plex scan its folder"
_RENAME_FOLDER = "Rename the folder, then let Plex scan it"
_OTHER_TYPE = (
    'Rename the file, or put it into a library of the type "Other Videos", whose scanner takes '
    "every name"
)
_SUFFIXES = "behindthescenes|deleted|featurette|interview|scene|short|trailer|other"
_FOLDERS = (
    r"extras?|behind[ ._-]?the[ ._-]?scenes|deleted[ ._-]?scenes?|featurettes?|interviews?|scenes?"
    r"|shorts?|trailers?|others?"
)

_EXTRAS_FOLDER = re.compile(_FOLDERS)
_EXTRAS_SUFFIX = re.compile(rf"-({_SUFFIXES})$")
_SAMPLE = re.compile(r"[-._]sample|sample[-._]")
_EPISODE = re.compile(r"(?<![a-z0-9])s\d{1,4}[._ ]*e\d+|(?<![a-z0-9])\d{1,2}x\d{2,3}(?!\d)")
_DATE = re.compile(
    r"(?<!\d)(19|20)\d\d[^0-9a-z]+[01]\d[^0-9a-z]+[0-3]\d(?!\d)"
    r"|(?<!\d)[0-3]\d[^0-9a-z]+[0-3]\d[^0-9a-z(]+(19|20)\d\d(?![0-9a-z])"
)


def why_passed_over(path: str, size: int | None, libraries: Iterable[Section]) -> PassedOver | None:
    """Why no library that contains this path (as Plex sees it) creates an item for the file.

    None if at least one of them may, or if no library contains it.
    """
    found = [
        _reason(below, size, library.scanner)
        for library in libraries
        if (below := library.below(path))
    ]
    return found[0] if found and all(found) else None


def why_missing(files: Iterable[tuple[str, int | None]], libraries: Sequence[Section]) -> str:
    """Why Plex may have none of a scene's files (paths as Plex sees them, and sizes), as a
    message.
    """
    there = [(path, size) for path, size in files if any(x.below(path) for x in libraries)]
    if libraries and not there:
        return (
            "no item in Plex holds this file yet, and its path is in none of the libraries "
            "that PlexSync writes to; add its folder to one, or correct the path map"
        )
    reasons = [why_passed_over(path, size, libraries) for path, size in there]
    if reasons and reasons[0] and all(reasons):
        return (
            f"no item in Plex holds this file, and Plex will not create one: {reasons[0].why}. "
            f"{reasons[0].remedy}"
        )
    if there:
        return "no item in Plex holds this file yet; Plex may still have to scan it"
    return (
        "no item in Plex holds this file yet; Plex may still have to scan it, or the paths of "
        "Stash and Plex differ and a path map is needed"
    )


def _reason(below: Sequence[str], size: int | None, scanner: str) -> PassedOver | None:
    *folders, name = below
    stem = name.rpartition(".")[0] or name
    extras = next((folder for folder in folders if _EXTRAS_FOLDER.fullmatch(folder)), "")
    if extras:
        why = f'it is in a folder named "{extras.title()}", which Plex takes for extras of a film'
        return PassedOver("a folder like Extras or Scenes", why, _RENAME_FOLDER)
    if suffix := _EXTRAS_SUFFIX.search(stem):
        why = f'its name ends in "{suffix[0]}", which Plex takes for an extra of a film'
        return PassedOver("a name that ends like -scene or -trailer", why, _RENAME)
    if _SAMPLE.search(name) and (size or 0) < SAMPLE_LIMIT:
        why = 'its name says "sample" and it is smaller than 300 MB'
        return PassedOver('a small file named "sample"', why, _RENAME)
    if scanner.casefold().startswith(MOVIE_SCANNER):
        return _like_an_episode(stem, scanner)
    return None


def _like_an_episode(stem: str, scanner: str) -> PassedOver | None:
    kinds = (("a date in its name", _DATE), ("a name like an episode's", _EPISODE))
    for kind, pattern in kinds:
        if pattern.search(stem):
            why = f'it has {kind}, and the scanner "{scanner}" takes it for an episode of a series'
            return PassedOver(kind, why, _OTHER_TYPE)
    return None
