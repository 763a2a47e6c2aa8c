"""Files that a scan of a movie library skips, like Plex's own scanners."""

from __future__ import annotations

import re

from simulator.plex_items import Section

SAMPLE_LIMIT = 300 << 20  # a larger file is not a sample, whatever its name

_FOLDER = re.compile(
    r"extras?|behind the scenes|deleted scenes?|featurettes?|interviews?|scenes?|shorts?"
    r"|trailers?|others?|samples?",
    re.IGNORECASE,
)
_SUFFIX = re.compile(
    r"-(behindthescenes|deleted|featurette|interview|scene|short|trailer|other)$", re.IGNORECASE
)
_SAMPLE = re.compile(r"[-._]sample|sample[-._]", re.IGNORECASE)
_EPISODE = re.compile(r"s\d+[._ ]*e\d+|(?<!\d)\d{1,2}x\d{2,3}(?!\d)", re.IGNORECASE)
_DATE = re.compile(
    r"\d{4}[^0-9a-z]+\d{2}[^0-9a-z]+\d{2}(?!\d)|\d{2}[^0-9a-z]+\d{2}[^0-9a-z(]+\d{4}(?![0-9a-z])",
    re.IGNORECASE,
)


def passed_over(section: Section, file: str, size: int) -> bool:
    """Whether this file never becomes an item in this library."""
    path = file.replace("\\", "/")
    roots = [place.replace("\\", "/").rstrip("/") for place in section.locations]
    root = max((place for place in roots if path.startswith(f"{place}/")), key=len, default="")
    *folders, name = path[len(root) :].split("/")
    stem = name.rpartition(".")[0]
    if any(_FOLDER.fullmatch(folder) for folder in folders) or _SUFFIX.search(stem):
        return True
    if _SAMPLE.search(name) and size < SAMPLE_LIMIT:
        return True
    return section.scanner == "Plex Movie" and bool(_EPISODE.search(stem) or _DATE.search(stem))
