"""Recognises scenes of which nothing has changed since they were compared, without parsing them.

What a comparison is concluded from is the scene in Stash, its row of the ledger, the files of the
index with its paths, the settings, the hierarchies and the pins. A comparison that found nothing to
do is stored with a digest of all this; while that is the same, it would find the same again.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.plex.library_index import Held, PlexIndex
from plexsync.edges.stash.scene_answers import RawPage
from plexsync.flows.sync.selection import Selection
from plexsync.model.config import PlexSyncConfig
from plexsync.model.ledger import SHARED
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.paths import PathMap
from plexsync.policy.unchanged import conclusion, decisive, digests


class Basis(NamedTuple):
    """What the scenes of a page are compared on.

    `digests` has those of the scenes that the index finds by their paths, `held` their files in the
    index by path; `same` are the scenes for which it is the digest of a comparison that found
    nothing to do, with the rating keys of their items.
    """

    digests: Mapping[int, str] = {}
    held: Mapping[str, Sequence[Held]] = {}
    same: Mapping[int, Sequence[int]] = {}


class Unchanged:
    """Compares pages of scenes with what was concluded before: a few queries for each page."""

    def __init__(
        self,
        config: PlexSyncConfig,
        selection: Selection,
        path_map: PathMap,
        index: PlexIndex,
        ledger: Ledger,
    ) -> None:
        self._settings = decisive(config)
        self._selection = selection
        self._map = path_map
        self._index = index
        self._ledger = ledger

    def basis(self, page: RawPage, after: int, pinned: Container[int]) -> Basis:
        """The basis of a page of the scenes above the id `after`. A pinned scene has none, and
        neither has one that lost its items to other scenes.
        """
        paths = {s: _paths(row, self._map) for s, row in page.rows.items() if s not in pinned}
        held = self._index.at_paths([path for some in paths.values() for path in some])
        standing = self._ledger.standing(after, page.last)
        concluded = self._ledger.concluded(after, page.last)
        hierarchy = self._selection.hierarchy.digest
        digest = digests(self._ledger.server, self._settings, hierarchy)
        found: dict[int, str] = {}
        same: dict[int, list[int]] = {}
        for scene, some in paths.items():
            files = [file for path in some for file in held.get(path, ())]
            if not files or _is_shared(standing.get(scene)):
                continue
            basis = digest(page.rows[scene], None, ())
            found[scene] = conclusion(basis, standing.get(scene), files)
            items = sorted({(key, updated, found[scene]) for updated, key, *_ in files})
            if items == concluded.get(scene):
                same[scene] = [key for key, *_ in items]
        return Basis(found, held, same)


def _is_shared(standing: Sequence[object] | None) -> bool:
    return standing is not None and standing[1] == SHARED


def _paths(row: object, path_map: PathMap) -> list[str]:
    """Where Plex has the files of a scene that is not parsed; none if they cannot be read."""
    files = row.get("files") if isinstance(row, dict) else None
    found = [file.get("path") for file in files or () if isinstance(file, dict)]
    return [path_map.to_plex(path) for path in found if isinstance(path, str)]
