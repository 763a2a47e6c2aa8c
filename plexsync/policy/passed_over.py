"""Files in a library that Plex's scanners skip, so that they never become items."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex import Section

SAMPLE_LIMIT = 300 << 20
"""Plex takes no larger file for a sample, whatever its name."""

MOVIE_SCANNER = "plex movie"
"""Prefix of the names of Plex's scanners for films."""


class PassedOver(NamedTuple):
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
_CONVERT = "Convert it to MP4 or MKV, for example with ffmpeg, then let Plex scan its folder"
_SUFFIXES = "behindthescenes|deleted|featurette|interview|scene|short|trailer|other"
_FOLDERS = (
    r"extras?|behind[ ._-]?the[ ._-]?scenes|deleted[ ._-]?scenes?|featurettes?|interviews?|scenes?"
    r"|shorts?|trailers?|others?"
)

_TAKEN = re.compile(
    r"3g2|3gp|asf|asx|avc|avi|avs|bin|bivx|bup|divx|dv|dvr-ms|evo|fli|flv|ifo|img|iso"
    r"|m2t|m2ts|m2v|m4v|mkv|mov|mp4|mpeg|mpg|mts|nrg|nsv|nuv|ogm|ogv|pva|qt|rm|rmvb|sdp"
    r"|strm|svq3|tp|ts|ty|vdr|viv|vob|vp3|webm|wmv|wpl|wtv|xsp|xvid"
)
"""Extensions that Plex's scanners take for videos."""

_IGNORED_FOLDER = re.compile(
    r"\..*|@eadir|@recycle|#recycle|@recently-snapshot|lost\+found|.*_unpack_.*|.*_failed_.*"
    r"|.*\.itlp|.*\.photoslibrary"
)
_IGNORED_AT_THE_TOP = frozenset(
    ("$recycle.bin", "system volume information", "temporary items", "network trash folder")
)
"""Folders that Plex's scanners ignore, everywhere and directly below a library's folder."""

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
    stem, _, extension = name.rpartition(".")
    stem = stem or name
    ignored = _ignored_folder(folders)
    if ignored:
        why = f'it is in a folder named "{ignored}", which Plex ignores'
        return PassedOver("a hidden or temporary folder", why, _RENAME_FOLDER)
    if name.startswith("."):
        return PassedOver("a hidden file", "its name begins with a dot", _RENAME)
    if not _TAKEN.fullmatch(extension):
        kind = f"is of the type .{extension}" if extension != name else "has a name without a type"
        why = f"it {kind}, which Plex does not take for a video"
        return PassedOver("a type of file that Plex does not play", why, _CONVERT)
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


def _ignored_folder(folders: Sequence[str]) -> str:
    """The folder because of which Plex's scanners ignore the file, or ""."""
    if folders and folders[0] in _IGNORED_AT_THE_TOP:
        return folders[0]
    return next((folder for folder in folders if _IGNORED_FOLDER.fullmatch(folder)), "")


def _like_an_episode(stem: str, scanner: str) -> PassedOver | None:
    kinds = (("a date in its name", _DATE), ("a name like an episode's", _EPISODE))
    for kind, pattern in kinds:
        if pattern.search(stem):
            why = f'it has {kind}, and the scanner "{scanner}" takes it for an episode of a series'
            return PassedOver(kind, why, _OTHER_TYPE)
    return None
