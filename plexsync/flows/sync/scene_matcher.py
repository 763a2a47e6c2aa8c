"""Finds the Plex items of a scene's files; shared by sync, comparison, set-up check and revival.

The index proposes, the live items confirm, and if several scenes could have an item, their claims
decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.stash.client import StashClient
from plexsync.flows.sync.claims import Claims
from plexsync.flows.sync.media_server import FileIndex, Held
from plexsync.flows.sync.scene_write import Found, SceneWrite
from plexsync.flows.sync.selection import Selection
from plexsync.model.ledger import Pin
from plexsync.model.paths import PathMap
from plexsync.model.plex import IndexedPart, PlexItem, Target
from plexsync.model.scene import Scene, VideoFile
from plexsync.policy.matching import LOW, Match, match, pinned

MOST_CANDIDATES = 20
"""Maximum number of items read for one scene; a more common file name matches nothing anyway."""


def propose(
    files: Sequence[VideoFile],
    pin: Pin | None,
    index: FileIndex,
    path_map: PathMap,
    held: Mapping[str, Sequence[Held]] = MappingProxyType({}),
) -> Match:
    """The items of these files by the index alone; a pin takes precedence over the files. `held` is
    as for `FileIndex.find`.
    """
    paths = [pin.part] if pin else [path_map.to_plex(file.path) for file in files]
    parts = index.find(paths, held)
    return pinned(pin, parts) if pin else match(files, parts, path_map)


def candidates_of(proposed: Match) -> Sequence[IndexedPart]:
    """The files whose items must be read to confirm a proposal."""
    return proposed.candidates[:MOST_CANDIDATES]


class SceneMatcher:
    """Matches one scene at a time; `pins` are as read by the last `begin`."""

    def __init__(
        self,
        path_map: PathMap,
        index: FileIndex,
        stash: StashClient,
        ledger: Ledger,
        selection: Selection,
    ) -> None:
        self._map = path_map
        self._index = index
        self._ledger = ledger
        self._claims = Claims(path_map, stash, ledger, selection)
        self.pins: dict[int, Pin] = {}

    def begin(self) -> None:
        """Before a batch or page: read the pins of the current server."""
        self.pins = self._ledger.pins()

    def propose(
        self, scene: Scene, held: Mapping[str, Sequence[Held]] = MappingProxyType({})
    ) -> Match:
        """The items by the index alone; `held` is as for `FileIndex.find`."""
        return propose(scene.files, self.pins.get(scene.id), self._index, self._map, held)

    def confirm(self, scene: Scene, proposed: Match, items: Mapping[Target, PlexItem]) -> Match:
        """The match by the live items of the proposed files."""
        live = self._live(candidates_of(proposed), items)
        if proposed.exact and tuple(live) == proposed.candidates:
            return proposed
        return self._claims.match(scene, live, self.pins.get(scene.id))

    def meet(self, items: Iterable[Target]) -> None:
        """Before `share`: read from the ledger which scenes these items were written for."""
        self._claims.meet(items)

    def share(
        self, desired_scene: SceneWrite, found: Match, items: Mapping[Target, PlexItem]
    ) -> tuple[list[Found], Mapping[int, str]]:
        """The items that belong to the scene, and for each scene that has the other items the
        reason.

        Of an uncertain match only the first item is used.
        """
        targets = found.targets[:1] if found.confidence == LOW else found.targets
        pairs = [(items[target], found.matched[target]) for target in targets]
        return self._claims.split(desired_scene, pairs, self.pins)

    def free(self, scene: Scene, items: Sequence[Found]) -> list[Found]:
        """Those of these items that no other scene has, or waits for."""
        return self._claims.free(scene, items)

    def _live(
        self, parts: Iterable[IndexedPart], items: Mapping[Target, PlexItem]
    ) -> list[IndexedPart]:
        """The proposed files that their items have now, with Plex's current sizes.

        An item whose files differ is corrected in the index.
        """
        live = []
        for part in parts:
            item = items.get(part.target)
            if item is None or item.deleted:
                continue
            sizes = {each.file: each.size for each in item.parts}
            if part.file in sizes:
                size = sizes[part.file]
                live.append(part if part.size == size else part._replace(size=size))
            elif sizes:
                self._index.correct(part.target, item)
        return live
