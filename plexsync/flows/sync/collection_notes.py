"""Which collections the scenes of a batch are in: noted, for the collection writer to look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection as AnyOf
from collections.abc import Iterable, Mapping

from plexsync.edges.ledger.ledger import Ledger
from plexsync.model.collection import Collection, Source
from plexsync.model.plex import Target, Value
from plexsync.model.scene import Scene
from plexsync.model.values import name_key, names
from plexsync.policy.collection_details import noted, sources


class CollectionNotes:
    """Remembers what it is told until `save`; without `enabled` nothing at all."""

    def __init__(self, ledger: Ledger, *, enabled: bool, strip_emoji: bool = False) -> None:
        self._ledger = ledger
        self._enabled = enabled
        self._strip_emoji = strip_emoji
        self._found: defaultdict[str, dict[str, tuple[str, Source, bool]]] = defaultdict(dict)
        """By library and key of the name: the name, what it stands for, whether it is new there."""

    def see(
        self,
        scene: Scene,
        values: Mapping[str, Value],
        targets: Iterable[Target],
        added: AnyOf[str] = (),
    ) -> None:
        """A scene is in step with these values; `added` are keys of collections new to its item."""
        wanted = names(values.get("collections", ())) if self._enabled else ()
        if not wanted:
            return
        stands_for = sources(scene, wanted, strip_emoji=self._strip_emoji)
        for section in {target.section for target in targets if target.section}:
            found = self._found[section]
            for name in wanted:
                key = name_key(name)
                new = key in added or (key in found and found[key][2])
                found[key] = (name, stands_for[name], new)

    def save(self, now: float) -> None:
        """Keep what is news."""
        found, self._found = self._found, defaultdict(dict)
        for section, some in found.items():
            known = self._ledger.collections(section, (name for name, _, _ in some.values()))
            news = [
                noted(
                    known.get(key),
                    Collection.new(self._ledger.server, section, name, source, now),
                    added=added,
                )
                for key, (name, source, added) in some.items()
            ]
            self._ledger.save_collections(each for each in news if each is not None)
