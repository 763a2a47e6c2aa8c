"""Compares the files of both servers for the set-up: libraries, path map, and files without an item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from plexsync.edges.plex.library_index import PAGE
from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.tasks.progress import Progress
from plexsync.flows.tasks.setup_files import ENOUGH, FEW, stash_files
from plexsync.flows.tasks.setup_libraries import cautions
from plexsync.model.formatting import counted, grouped
from plexsync.model.library_names import choose
from plexsync.model.paths import PathMap
from plexsync.model.plex import Section
from plexsync.policy.passed_over import why_missing
from plexsync.policy.path_suggestion import File, Suggestion, Twin, explained, suggest, twins
from plexsync.policy.survey import MOST_FOLDERS, Folder, Held, by_folder, examples, held

READ = 0.6
"""Progress (0 to 1) when Plex's libraries are read."""

_NO_MOVIES = "PlexSync writes to movie libraries (the types Movies and Other Videos) only"


@dataclass(slots=True)
class _Found:
    """What both servers have."""

    libraries: Sequence[Section]
    files: Sequence[File]
    both: Sequence[Twin]
    best: Suggestion
    now: int
    """Files that the path map in use explains."""
    in_use: str
    items: Mapping[str, int] = field(default_factory=dict)

    @property
    def better(self) -> str:
        """The suggested path map, if it explains clearly more than the one in use; "" if not."""
        fits = self.best.explained >= self.best.files * FEW
        return self.best.text if fits and self.now < self.best.explained * ENOUGH else ""

    @property
    def path_map(self) -> PathMap:
        """The better of both."""
        return PathMap.parse(self.better or self.in_use)[0]


def survey(context: TaskContext) -> dict[str, object]:
    """Read every movie library and the paths of all files of Stash, and compare them."""
    expected, before, listed = _requests(context), context.plex.requests, [0.0]

    def done() -> float:
        read = min(1.0, (context.plex.requests - before) / expected)
        return 0.99 * (max(read, listed[0] > 0) * READ + listed[0] * (1 - READ))

    with Progress(context.log, done):
        found = _read(context, listed)
        index = context.owner().index(context.config)
        there = held(found.files, index.files_by_section(), found.both, found.path_map.to_plex)
    missing = len(there.missing)
    context.log.info(
        f"{grouped(len(found.files) - missing)} of {grouped(len(found.files))} files of Stash are "
        f"in {counted(len(found.libraries), 'movie library')} of Plex."
    )
    return {
        "files": len(found.files),
        "missing": missing,
        "libraries": _libraries(context, found, there),
        "path_map": _path_map(found),
        "folders": _folders(found, there),
    }


def _requests(context: TaskContext) -> int:
    """Estimated number of requests for every library."""
    libraries = context.plex.sections().found
    return 3 + sum(3 + context.plex.count(library.key) // PAGE for library in libraries)


def _read(context: TaskContext, listed: list[float]) -> _Found:
    """Read both sides; `listed` holds the share of Stash's scenes that are read."""
    index = context.owner().index(context.config)
    context.attend(lambda: index.refresh("", context.clock.now()))

    def progress(share: float) -> None:
        listed[0] = share

    files = context.attend(partial(stash_files, context, progress))
    both = twins(files, index.parts())
    in_use = context.config.path_map
    now = explained(both, PathMap.parse(in_use)[0].to_plex)
    return _Found(
        index.libraries, files, both, suggest(both), now, in_use, index.items_by_section()
    )


def _libraries(context: TaskContext, found: _Found, there: Held) -> list[dict[str, object]]:
    """Every library in Plex's order, movie libraries first."""
    names, _ = choose(context.config.plex_library, [each.title for each in found.libraries])
    movies = []
    for library in found.libraries:
        mode = context.attend(partial(context.plex.collection_mode, library.key))
        collects = context.config.sync_collection
        movies.append(
            {
                "title": library.title,
                "type": "movie",
                "agent": library.agent,
                "scanner": library.scanner,
                "items": found.items.get(library.key, 0),
                "held": there.by_library[library.key],
                "chosen": not names or library.title in names,
                "why_not": "",
                "warnings": [
                    {"text": text, "remedy": remedy}
                    for text, remedy in cautions(library, mode, collects=collects)
                ],
            }
        )
    return movies + [_not_usable(*each) for each in context.plex.libraries() if each[1] != "movie"]


def _not_usable(title: str, kind: str) -> dict[str, object]:
    return {
        "title": title,
        "type": kind,
        "agent": "",
        "scanner": "",
        "items": None,
        "held": 0,
        "chosen": False,
        "why_not": f"it holds {kind}s; {_NO_MOVIES}" if kind else _NO_MOVIES,
        "warnings": [],
    }


def _path_map(found: _Found) -> dict[str, object]:
    return {
        "now": found.in_use,
        "explained_now": found.now,
        "suggested": found.better,
        "explained": found.best.explained if found.better else found.now,
        "files": found.best.files,
        "examples": [
            {"stash": each.stash, "plex": each.plex, "becomes": each.becomes, "fits": each.fits}
            for each in examples(found.both, found.path_map.to_plex)
        ],
    }


def _folders(found: _Found, there: Held) -> dict[str, object]:
    """The folders of the files that no library holds."""
    folders = by_folder(found.files, there.missing)
    rest = folders[MOST_FOLDERS:]
    return {
        "shown": [_folder(each, found) for each in folders[:MOST_FOLDERS]],
        "more": len(rest),
        "files_of_more": sum(each.missing for each in rest),
    }


def _folder(each: Folder, found: _Found) -> dict[str, object]:
    path, size = each.example
    return {
        "folder": each.folder,
        "missing": each.missing,
        "files": each.files,
        "example": path,
        "why": why_missing([(found.path_map.to_plex(path), size)], found.libraries),
    }
