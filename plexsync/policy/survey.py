"""Compares the files of both servers: which library holds how many, and where the others are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.paths import folder_of, path_key
from plexsync.policy.path_suggestion import File, Twin

MOST_FOLDERS = 40
MOST_EXAMPLES = 6


class Held(NamedTuple):
    """How many of Stash's files each library holds, and those that none does."""

    by_library: Counter[str]
    missing: list[File]


def held(
    stash: Sequence[File],
    plex: Iterable[tuple[str, str]],
    both: Iterable[Twin],
    to_plex: Callable[[str], str],
) -> Held:
    """Find the files of Stash in Plex: by their path, else by name and size if these occur once.

    `plex` has (library, path) of each file there, `both` the files found by name and size.
    """
    named = {twin.stash: twin.plex_key for twin in both}
    keys = [(path_key(to_plex(path)), named.get(path, "")) for path, _ in stash]
    wanted = {key for pair in keys for key in pair}  # Plex may have many more files than these
    libraries: dict[str, set[str]] = {}
    for library, path in plex:
        if (key := path_key(path)) in wanted:
            libraries.setdefault(key, set()).add(library)
    count, missing = Counter[str](), list[File]()
    for file, (by_path, by_name) in zip(stash, keys, strict=True):
        found = libraries.get(by_path) or libraries.get(by_name)
        count.update(found or ())
        if not found:
            missing.append(file)
    return Held(count, missing)


class Example(NamedTuple):
    """A file as both servers see it, and the path in Plex that the map makes of Stash's path."""

    stash: str
    plex: str
    becomes: str

    @property
    def fits(self) -> bool:
        """Whether the map leads to the file."""
        return path_key(self.becomes) == path_key(self.plex)


def examples(both: Iterable[Twin], to_plex: Callable[[str], str]) -> list[Example]:
    """A file for each way in which the paths differ, those first that the map does not explain."""
    found: dict[tuple[bool, str, str], Example] = {}
    for twin in both:
        example = Example(twin.stash, twin.plex, to_plex(twin.stash))
        found.setdefault((example.fits, *_heads(twin)), example)
        if len(found) > MOST_EXAMPLES * 10:
            break
    ordered = [found[key] for key in sorted(found, key=lambda key: key[0])]
    return ordered[:MOST_EXAMPLES]


def _heads(twin: Twin) -> tuple[str, str]:
    """Both paths without the folders and the name that they have in common at the end."""
    mine, theirs = twin.stash_key.split("/"), twin.plex_key.split("/")
    while mine and theirs and mine[-1] == theirs[-1]:
        mine.pop()
        theirs.pop()
    return "/".join(mine), "/".join(theirs)


class Folder(NamedTuple):
    """A folder in Stash of whose `files` (those below it too) so many are `missing` in Plex."""

    folder: str
    missing: int
    files: int
    example: File


def by_folder(files: Iterable[File], missing: Sequence[File]) -> list[Folder]:
    """The folders that hold the missing files, those with most of them first.

    A folder all of whose files are missing stands for the folders below it. If only some are, it
    counts the files that lie directly in it.
    """
    tree = _Tree()
    for path, _ in files:
        tree.add(path)
    for each in missing:
        tree.miss(each)
    return sorted(tree.folders(), key=lambda each: (-each.missing, each.folder))


class _Tree:
    """Numbers of files by folder: directly in it, and in all below it."""

    def __init__(self) -> None:
        self._here, self._below = Counter[str](), Counter[str]()
        self._missed_here, self._missed_below = Counter[str](), Counter[str]()
        self._first_here: dict[str, File] = {}
        self._first_below: dict[str, File] = {}
        self._children: dict[str, set[str]] = {}

    def add(self, path: str) -> None:
        folder = folder_of(path)
        self._here[folder] += 1
        for each, child in _upwards(folder):
            self._below[each] += 1
            self._children.setdefault(each, set()).update({child} - {""})

    def miss(self, file: File) -> None:
        folder = folder_of(file[0])
        self._missed_here[folder] += 1
        self._first_here.setdefault(folder, file)
        for each, _ in _upwards(folder):
            self._missed_below[each] += 1
            self._first_below.setdefault(each, file)

    def folders(self) -> Iterator[Folder]:
        below = {child for children in self._children.values() for child in children}
        waiting = [folder for folder in self._children if folder not in below]
        while waiting:
            folder = waiting.pop()
            missed, files = self._missed_below[folder], self._below[folder]
            if missed and missed == files and not self._only_leads_on(folder):
                yield Folder(folder, missed, files, self._first_below[folder])
            elif missed:
                waiting += self._children[folder]
                if here := self._missed_here[folder]:
                    yield Folder(folder, here, self._here[folder], self._first_here[folder])

    def _only_leads_on(self, folder: str) -> bool:
        """Whether a single folder in it has all of its files."""
        return not self._here[folder] and len(self._children[folder]) == 1


def _upwards(folder: str) -> Iterator[tuple[str, str]]:
    """The folder and those above it, each with the one below it that leads here."""
    child = ""
    while True:
        yield folder, child
        above = folder_of(folder)
        if not above or above == folder:
            return
        folder, child = above, folder
