"""Which scenes are written, and what has to be read of them; shared by sync, comparison, claims and
preview.
"""

from __future__ import annotations

from collections.abc import Sequence

from plexsync.edges.stash.client import StashClient
from plexsync.model.config import PlexSyncConfig
from plexsync.model.hierarchy import FLAT
from plexsync.model.scene import Scene, SceneParts
from plexsync.policy.filters import Filters, SceneFilter
from plexsync.policy.recipe.recipe import recipe_of


class Selection:
    """The filters, with Stash's hierarchy of tags and studios if they or the recipes need it."""

    def __init__(self, config: PlexSyncConfig, stash: StashClient) -> None:
        self._config = config
        self._stash = stash
        self._filters = Filters.of(config.sync_only, config.sync_never)
        self._recipe = recipe_of(config)
        self.hierarchy = FLAT
        """The hierarchy as of the last `begin`, if it is needed."""
        self._compiled = SceneFilter(self._filters, FLAT)

    @property
    def parts(self) -> SceneParts:
        """What filters, recipes and pictures need of a scene."""
        pictures = SceneParts(pictures=self._config.more_pictures)
        return SceneParts(*map(max, self._recipe.parts, self._filters.parts, pictures))

    def begin(self, scenes: Sequence[Scene]) -> None:
        """Before these scenes are processed: read the hierarchy, again if it lacks one of their
        tags or studios. Raises StashDown or StashAuthError.
        """
        if not (self._filters.uses_hierarchy or self._recipe.needs_hierarchy):
            return
        self.hierarchy = self._stash.hierarchy(scenes)
        if self.hierarchy is not self._compiled.hierarchy:
            self._compiled = SceneFilter(self._filters, self.hierarchy)

    def why_left_out(self, scene: Scene) -> str:
        """The condition that leaves the scene out, in words; "" if none does."""
        return self._compiled.why_left_out(scene)

    def entities(self, scene: Scene) -> frozenset[tuple[str, int]]:
        """The (kind, id) pairs whose rename, merge or move may change the answer."""
        return self._compiled.entities(scene)
