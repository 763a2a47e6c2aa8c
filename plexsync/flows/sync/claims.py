"""Decides to which scene a Plex item belongs if several could have it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.stash.client import StashClient
from plexsync.flows.sync.scene_reader import ever_written
from plexsync.flows.sync.scene_write import Found, SceneWrite
from plexsync.flows.sync.selection import Selection
from plexsync.model.ledger import DESTROYED, GIVEN_UP, LEFT_OUT, RIVAL, SHARED, UNDONE, Pin
from plexsync.model.paths import PathMap, components, derive, name_key, path_key, pieces, shared_end
from plexsync.model.plex import IndexedPart, Part, PlexItem, Target
from plexsync.model.scene import Scene
from plexsync.policy.desired import has_enough_metadata
from plexsync.policy.matching import HIGH, Match, is_pinned, match, pinned

_Rank = tuple[int, int, bool]
"""The rank of a scene's claim to an item, the best first: spelling of the path, position of the
file, and whether the path map leads back from it to another path in Stash."""

_EXACT, _LOOSE, _WEAK = 0, 1, 2

_Claim = tuple[int, int, int, int, bool]
"""A scene's claim to an item, the best first: whether the path map leads to it, the rank, and before
the rank's last part minus the number of names that the ends of both paths have in common.
"""

_MAPPED, _NAMED, _NOT = 0, 1, 2


class Claims:
    """A pin takes precedence. Otherwise an item belongs to the first of its scenes that claims it:
    first scenes with the exact path of one of its files, then those with a similar spelling, then
    those that share only the end of a path, each in the order of the item's files, and at last of
    their ids.

    A scene claims its items while it has enough metadata, or was ever written, and is neither left
    out nor given up. One that was given up claims them again when it is tried for its own sake;
    woken by others it is not (see Ledger.neighbours), or two would write in turns without end.

    A claim never depends on which scene asks: of two that each saw the other behind it, each write
    would wake the other without end. All that share an item are compared once both are written,
    since the ledger names them then; before, only those that cost no query.
    """

    def __init__(
        self, path_map: PathMap, stash: StashClient, ledger: Ledger, selection: Selection
    ) -> None:
        self._map = path_map
        self._selection = selection
        self._stash = stash
        self._ledger = ledger
        self._holders: Mapping[int, Collection[int]] = {}

    def meet(self, items: Iterable[Target]) -> None:
        """Before items are shared out: read which scenes they were written for."""
        self._holders = self._ledger.holders([target.rating_key for target in items])

    def match(self, scene: Scene, parts: Sequence[IndexedPart], pin: Pin | None) -> Match:
        """The items of a scene. Before a similar spelling counts as its file, Stash is asked
        whether another scene has exactly that path.
        """
        if pin:
            return pinned(pin, parts)
        found = match(scene.files, parts, self._map)
        if found.confidence == HIGH and found.loose:
            taken = self._taken(scene, found.loose)
            return match(scene.files, parts, self._map, taken) if taken else found
        return found

    def split(
        self, desired_scene: SceneWrite, items: Sequence[Found], pins: Mapping[int, Pin]
    ) -> tuple[list[Found], Mapping[int, str]]:
        """The items that belong to the scene, and for each scene that has the other items the
        reason.
        """
        mine: list[Found] = []
        rivals: dict[int, str] = {}
        keys = {item.target.rating_key for item, _ in items}
        is_pinned_itself = desired_scene.scene.id in pins
        for item, file in items:
            pinner = (
                self._earlier_pinner(desired_scene.scene, item, pins)
                if is_pinned_itself
                else self._pinner(item, keys, pins)
            )
            if pinner is not None:
                rivals[pinner] = f"its Plex item is pinned to scene {pinner}"
            elif is_pinned_itself:
                mine.append((item, file))
            elif owner := self._other_owner(desired_scene, item, file, pins):
                rivals |= owner
            else:
                mine.append((item, file))
        return mine, rivals

    def free(self, scene: Scene, items: Sequence[Found]) -> list[Found]:
        """Those of these items that no other scene has, or waits for."""
        if self._ledger.scenes_with(RIVAL, [scene.id], 0, 1):
            return []
        return [(item, file) for item, file in items if not self._others_written(scene, item)]

    def _earlier_pinner(self, scene: Scene, item: PlexItem, pins: Mapping[int, Pin]) -> int | None:
        """The first other scene that is pinned to the same item, and written there."""
        earlier = [h for h in self._others_written(scene, item) if h < scene.id and h in pins]
        return min((h for h in earlier if _holds(pins[h], item)), default=None)

    def _pinner(self, item: PlexItem, keys: Collection[int], pins: Mapping[int, Pin]) -> int | None:
        """The scene that the user pinned to this item, among all items with the same file."""
        for scene, pin in pins.items():
            elsewhere = pin.rating_key in keys and pin.rating_key != item.target.rating_key
            if _holds(pin, item) and not elsewhere and self._pin_claims(scene):
                return scene
        return None

    def _other_owner(
        self, desired_scene: SceneWrite, item: PlexItem, file: str, pins: Collection[int]
    ) -> dict[int, str]:
        """The scene with a better claim, and the reason; empty if there is none.

        As long as no other scene is known to share the item, only the exact path of an earlier file
        takes precedence over an exact path, or of the same file if two folders of Stash are mapped
        to one of Plex. So most items need no query.
        """
        scene = desired_scene.scene
        path_map = self._map if _leads_to(self._map, scene, file) else _derived(scene, file)
        mine = _claim(scene, item, self._map)
        _, spelling, place, _, detour = mine
        holders = self._others_written(scene, item)
        shared = desired_scene.state is not None and desired_scene.state.state == SHARED
        few = spelling == _EXACT and not holders and not shared
        rivals = item.parts[: place + detour] if few else item.parts
        best = (*mine, scene.id)
        for other in self._others(scene, path_map, (part.file for part in rivals)):
            claim = (*_claim(other, item, self._map), other.id)
            contends = other.id in holders or any(_ranks(other, item, path_map))
            if contends and claim < best and other.id not in pins and self._claims(other):
                best = claim
        owner = best[-1]
        if owner == scene.id:
            return {}
        return {owner: f"its Plex item belongs to scene {owner}{_why(mine, best[:-1])}"}

    def _others_written(self, scene: Scene, item: PlexItem) -> set[int]:
        return {*self._holders.get(item.target.rating_key, ())} - {scene.id}

    def _taken(self, scene: Scene, files: Collection[str]) -> set[str]:
        """The files in Plex whose exact path belongs to another scene."""
        others = self._others(scene, self._map, files)
        found = {self._map.to_plex(file.path) for other in others for file in other.files}
        return found & set(files)

    def _others(self, scene: Scene, path_map: PathMap, files: Iterable[str]) -> list[Scene]:
        """Other scenes that have a file with the same name as one of these files in Plex."""
        names = [pieces(path_map.to_stash(file))[-1:] for file in files]
        if not names:
            return []
        found = self._stash.scenes_by_file(
            [name for some in names for name in some], self._selection.parts
        )
        self._selection.begin(found)
        return [other for other in found if other.id != scene.id]

    def _claims(self, scene: Scene) -> bool:
        if self._selection.why_left_out(scene):
            return False
        state = self._ledger.scenes([scene.id]).get(scene.id)
        if state is not None and state.state in (*GIVEN_UP, UNDONE):
            return state.state == UNDONE  # what Plex had before stays until the scene is edited
        return ever_written(state) or has_enough_metadata(scene)

    def _pin_claims(self, scene: int) -> bool:
        state = self._ledger.scenes([scene]).get(scene)
        return state is None or state.state not in (*GIVEN_UP, LEFT_OUT, DESTROYED)


def _ranks(scene: Scene, item: PlexItem, path_map: PathMap) -> Iterable[_Rank]:
    for file in scene.files:
        path, exactly = path_map.locate(file.path)
        for place, part in enumerate(item.parts):
            if exactly and path == part.file:
                yield _EXACT, place, path_map.to_stash(path) != file.path
            elif path_key(path) == path_key(part.file) and _same_size(file.size, part):
                yield _LOOSE, place, False


def _claim(scene: Scene, item: PlexItem, path_map: PathMap) -> _Claim:
    mapped = [
        (_MAPPED, spelling, place, 0, detour)
        for spelling, place, detour in _ranks(scene, item, path_map)
    ]
    return min(mapped or _by_name(scene, item), default=(_NOT, _WEAK, 0, 0, False))


def _by_name(scene: Scene, item: PlexItem) -> Iterable[_Claim]:
    """The claims of files that share only the end of their path with one of the item's."""
    for file in scene.files:
        for place, part in enumerate(item.parts):
            end = shared_end(components(file.path), components(part.file))
            if end:
                exactly = pieces(file.path)[-end:] == pieces(part.file)[-end:]
                loosely = _LOOSE if _same_size(file.size, part) else _WEAK
                yield _NAMED, _EXACT if exactly else loosely, place, -end, False


def _why(mine: _Claim, best: _Claim) -> str:
    if mine[:4] == best[:4]:
        return ", whose path leads to the same file in Plex"
    if mine[:2] == best[:2] and mine[2] != best[2]:
        return ", which has the item's first file"
    if best[:2] == (_MAPPED, _EXACT):
        return ", which has the exact path of its file"
    return ", whose path is closer to that of its file"


def _same_size(size: int | None, part: Part) -> bool:
    return bool(size) and size == part.size


def _leads_to(path_map: PathMap, scene: Scene, file: str) -> bool:
    return any(path_key(path_map.to_plex(f.path)) == path_key(file) for f in scene.files)


def _holds(pin: Pin, item: PlexItem) -> bool:
    return any(is_pinned(pin, part.file, item.target.rating_key) for part in item.parts)


def _derived(scene: Scene, file: str) -> PathMap:
    ours = next(
        (f.path for f in scene.files if name_key(f.path) == name_key(file)), scene.files[0].path
    )
    return derive(ours, file)
