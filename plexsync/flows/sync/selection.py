"""Which scenes concern Plex: one answer for sync, comparison, claims and preview."""

from __future__ import annotations

from collections.abc import Iterable

from plexsync.edges.stash.client import StashClient
from plexsync.model.config import PlexSyncConfig
from plexsync.model.hierarchy import FLAT, Hierarchy
from plexsync.model.scene import Scene, SceneParts
from plexsync.policy.filters import Filters, SceneFilter


class Selection:
    """The filters of the settings, with Stash's hierarchy of tags and studios where they need it."""

    def __init__(self, config: PlexSyncConfig, stash: StashClient) -> None:
        self._stash = stash
        self._filters = Filters.of(config.sync_only, config.sync_never)
        self._compiled = SceneFilter(self._filters, FLAT)

    @property
    def parts(self) -> SceneParts:
        """What the filters need to know of a scene."""
        return self._filters.parts

    def begin(self, scenes: Iterable[Scene]) -> None:
        """Before these scenes are judged: learn the hierarchy, again where it lacks one of their
        tags or studios. Raises StashDown or StashAuthError.
        """
        if not self._filters.uses_hierarchy:
            return
        hierarchy = self._stash.hierarchy()
        if any(_is_new(scene, hierarchy) for scene in scenes):
            self._stash.forget_hierarchy()
            hierarchy = self._stash.hierarchy()
        if hierarchy is not self._compiled.hierarchy:
            self._compiled = SceneFilter(self._filters, hierarchy)

    def why_left_out(self, scene: Scene) -> str:
        """The condition that keeps a scene out of Plex, in words; "" when none does."""
        return self._compiled.why_left_out(scene)

    def entities(self, scene: Scene) -> frozenset[tuple[str, int]]:
        """The (kind, id) pairs whose rename, merge or move may change the answer."""
        return self._compiled.entities(scene)


def _is_new(scene: Scene, hierarchy: Hierarchy) -> bool:
    studio = scene.studio
    return any(tag.id not in hierarchy.tags for tag in scene.tags) or (
        studio is not None and studio.id not in hierarchy.studios
    )
