"""Records in which collections the scenes of a batch are, so that the collection writer checks
them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection as AnyOf
from collections.abc import Iterable, Mapping

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.stash.client import StashClient
from plexsync.model.collection import NOTHING, Collection, Source
from plexsync.model.config import PlexSyncConfig
from plexsync.model.hierarchy import FLAT
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex import Target, Value
from plexsync.model.scene import Scene
from plexsync.model.values import name_key, names
from plexsync.policy.collection_details import noted, source_by_recipe, sources
from plexsync.policy.recipe.recipe import recipe_of


class _Seen(NamedTuple):
    """A collection with the scene last seen in it; `added`: an item is new there."""

    name: str
    scene: Scene
    source: Source
    added: bool


class CollectionNotes:
    """Collects notes until `save`; does nothing unless `enabled`."""

    def __init__(
        self, config: PlexSyncConfig, stash: StashClient, ledger: Ledger, *, enabled: bool
    ) -> None:
        self._stash = stash
        self._ledger = ledger
        self._enabled = enabled
        self._recipe = recipe_of(config)
        self._strip_emoji = config.strip_emoji
        self._found: defaultdict[str, dict[str, _Seen]] = defaultdict(dict)
        """Library -> key of the name -> the note."""

    def concern(self, values: Mapping[str, Value]) -> bool:
        """Whether a scene with these values is to be noted."""
        return self._enabled and bool(names(values.get("collections", ())))

    def see(
        self,
        scene: Scene,
        values: Mapping[str, Value],
        targets: Iterable[Target],
        added: AnyOf[str] = (),
    ) -> None:
        """Note a scene that is in step with these values; `added` are keys of collections new to
        its item.
        """
        wanted = names(values.get("collections", ())) if self._enabled else ()
        if not wanted:
            return
        stands_for = sources(scene, wanted, strip_emoji=self._strip_emoji)
        for section in {target.section for target in targets if target.section}:
            found = self._found[section]
            for name in wanted:
                key = name_key(name)
                new = key in added or (key in found and found[key].added)
                found[key] = _Seen(name, scene, stands_for[name], new)

    def save(self, now: float) -> None:
        """Store what is new."""
        found, self._found = self._found, defaultdict(dict)
        for section, some in found.items():
            known = self._ledger.collections(section, (seen.name for seen in some.values()))
            news = [self._noted(section, seen, known.get(key), now) for key, seen in some.items()]
            self._ledger.save_collections(each for each in news if each is not None)

    def _noted(
        self, section: str, seen: _Seen, known: Collection | None, now: float
    ) -> Collection | None:
        source = seen.source
        if known is None and source == NOTHING:
            source = self._by_recipe(seen)
        new = Collection.new(self._ledger.server, section, seen.name, source, now)
        return noted(known, new, added=seen.added)

    def _by_recipe(self, seen: _Seen) -> Source:
        needed = self._recipe.needs_hierarchy
        hierarchy = self._stash.hierarchy([seen.scene]) if needed else FLAT

        def made(scene: Scene) -> Iterable[str]:
            collections = self._recipe.values(scene, hierarchy).get("collections")
            return map(str, collections) if isinstance(collections, (list, tuple)) else ()

        return source_by_recipe(
            seen.scene, seen.name, hierarchy, made, strip_emoji=self._strip_emoji
        )
