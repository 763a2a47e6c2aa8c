"""Whose Plex item it is when more than one scene could have it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from plexsync.edges.stash import StashClient
from plexsync.flows.gather import Wish
from plexsync.model.ledger import Pin
from plexsync.model.paths import PathMap, derive, exact_key, name_key, path_key
from plexsync.model.plex import PlexItem

Found = tuple[PlexItem, str]
"""An item, and the file of it that matched."""


class Claims:
    """A pin goes before everything; else an item belongs to the scene of its first file."""

    def __init__(self, path_map: PathMap, stash: StashClient) -> None:
        self._map = path_map
        self._stash = stash

    def split(
        self, wish: Wish, items: Sequence[Found], pins: Mapping[int, Pin]
    ) -> tuple[list[Found], str]:
        """The items that are the scene's own, and in words who has the others."""
        if wish.scene.id in pins:
            return list(items), ""
        mine: list[Found] = []
        detail = ""
        keys = {item.target.rating_key for item, _ in items}
        for item, file in items:
            pinner = _pinner(item, keys, pins)
            owner = self._first_claim(wish, item, file) if pinner is None else None
            if pinner is not None:
                detail = f"its Plex item is pinned to scene {pinner}"
            elif owner is not None:
                detail = f"its Plex item belongs to scene {owner}, which has the item's first file"
            else:
                mine.append((item, file))
        return mine, detail

    def _first_claim(self, wish: Wish, item: PlexItem, file: str) -> int | None:
        """The other scene that has a file of this item standing before ours, if there is one."""
        earlier = [part.file for part in item.parts[: _position(item, file)]]
        if not earlier:
            return None
        mapping = self._map if self._map.pairs else _derived(wish, file)
        wanted = [mapping.to_stash(path) for path in earlier]
        for scene in self._stash.scenes_by_file(
            [exact_key(path).rpartition("/")[2] for path in wanted]
        ):
            if scene.id != wish.scene.id and any(
                path_key(f.path) == path_key(path) for f in scene.files for path in wanted
            ):
                return scene.id
        return None


def _pinner(item: PlexItem, keys: Collection[int], pins: Mapping[int, Pin]) -> int | None:
    """The scene to which a person gave this item, of all the items that hold the same file."""
    files = {exact_key(part.file) for part in item.parts}
    for scene, pin in pins.items():
        elsewhere = pin.rating_key in keys and pin.rating_key != item.target.rating_key
        if exact_key(pin.part) in files and not elsewhere:
            return scene
    return None


def _derived(wish: Wish, file: str) -> PathMap:
    ours = next(
        (f.path for f in wish.scene.files if name_key(f.path) == name_key(file)),
        wish.scene.files[0].path,
    )
    return derive(ours, file)


def _position(item: PlexItem, file: str) -> int:
    return next((n for n, part in enumerate(item.parts) if part.file == file), 0)
