"""What a batch has seen of items that show already what they should: the next reconciliation need not
read them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.ledger.rows import standing_of
from plexsync.flows.sync.media_server import FileIndex, Held
from plexsync.flows.sync.planning import kept_edits
from plexsync.flows.sync.scene_write import SceneWrite
from plexsync.model.config import PlexSyncConfig
from plexsync.model.ledger import Observation, SceneState
from plexsync.model.paths import PathMap
from plexsync.model.plex import IndexedPart
from plexsync.policy.desired import has_enough_metadata
from plexsync.policy.matching import HIGH
from plexsync.policy.unchanged import conclusion

TRUST = 5
"""Seconds. An item changed this recently may change again within the same second of Plex's clock."""


class SeenEqual:
    """Makes the observations that a reconciliation would make of the same items."""

    def __init__(self, config: PlexSyncConfig, index: FileIndex, ledger: Ledger) -> None:
        self._preserve = config.preserve_plex_edits
        self._map, _ = PathMap.parse(config.path_map)
        self._index = index
        self._ledger = ledger

    def observed(
        self, scenes: Sequence[SceneWrite], states: Sequence[SceneState], now: float
    ) -> list[tuple[int, Sequence[Observation]]]:
        """The observations of those scenes of a batch that were equal, although it began at `now`;
        `states` is what the ledger stores of the scenes.
        """
        pinned = self._ledger.pins()
        equal = {
            each.scene.id: (each, state)
            for each, state in zip(scenes, states, strict=True)
            if each.scene.id not in pinned and self._is_equal(each, now)
        }
        paths = {s: self._paths(each) for s, (each, _) in equal.items()}
        held = self._index.at_paths([path for some in paths.values() for path in some])
        found: list[tuple[int, Sequence[Observation]]] = []
        for scene, (each, state) in equal.items():
            files = [file for path in paths[scene] for file in held.get(path, ())]
            if {*map(_file, files)} == {*map(_proposed, each.proposed)}:
                standing = standing_of(state)
                basis = conclusion(each.basis, standing, files)
                found.append((scene, tuple(_observations(each, basis))))
        return found

    def _is_equal(self, each: SceneWrite, now: float) -> bool:
        """Whether all items that may be the scene's are, show everything, and did not change lately."""
        if not each.basis or each.changing or each.error is not None or each.postponed:
            return False
        if each.confidence != HIGH or not has_enough_metadata(each.scene):
            return False
        if len(each.matched) != len(each.proposed):
            return False
        if any(item.updated_at >= now - TRUST for item, _ in each.matched):
            return False
        return not (self._preserve and any(kept_edits(w, each.values) for w in each.items))

    def _paths(self, each: SceneWrite) -> list[str]:
        return [self._map.to_plex(file.path) for file in each.scene.files]


def _observations(each: SceneWrite, basis: str) -> Iterator[Observation]:
    for item, _ in each.matched:
        key, updated = item.target.rating_key, item.updated_at
        yield Observation(key, updated, each.hash, confidence=HIGH, basis=basis)


def _file(held: Held) -> tuple[object, ...]:
    _, key, section, place, size, file = held
    return key, section, place == 0, size, file


def _proposed(part: IndexedPart) -> tuple[object, ...]:
    """The same of a file as it was found before its item was read."""
    return part.target.rating_key, part.target.section, part.first, part.size, part.file
