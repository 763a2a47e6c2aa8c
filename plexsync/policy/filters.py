"""Which scenes are written to Plex: the settings "sync_only" and "sync_never" applied to a scene."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping

from plexsync.model.filters import (
    ORGANIZED,
    PATH,
    PERFORMER,
    RATING,
    STARS,
    STASH_ID,
    STUDIO,
    TAG,
    URL,
    Condition,
    parse_filter,
)
from plexsync.model.hierarchy import Hierarchy, Tree
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.paths import components
from plexsync.model.scene import Entity, Scene, SceneParts
from plexsync.model.values import name_key

Meets = Callable[[Scene], bool]

_LONGEST = 200
"""Maximum characters of a reason."""

_IS: Mapping[str, str] = {STASH_ID: "has a Stash ID", URL: "has a URL"}
_IS_NOT: Mapping[str, str] = {
    ORGANIZED: "not organized",
    STASH_ID: "no Stash ID",
    URL: "no URL",
}

_DETAILS = frozenset({ORGANIZED, STASH_ID, URL, PERFORMER})
"""Kinds of condition that need the details of a scene."""

_EVENT_FIELDS: Mapping[str, tuple[str, ...]] = {
    ORGANIZED: ("organized",),
    STASH_ID: ("stash_ids",),
    URL: ("url", "urls"),
}
"""The fields of a scene update, as Stash names them, on which such a condition depends."""

_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_SCALE = {RATING: 10, STARS: 20}


class Filters(NamedTuple):
    """All of `only` must hold for a scene, and none of `never`."""

    only: tuple[Condition, ...] = ()
    never: tuple[Condition, ...] = ()

    @classmethod
    def of(cls, only: str, never: str) -> Filters:
        """Parse the two settings. Raises FilterError."""
        return cls(parse_filter(only), parse_filter(never))

    @property
    def _kinds(self) -> frozenset[str]:
        return frozenset(each.kind for each in (*self.only, *self.never))

    @property
    def parts(self) -> SceneParts:
        """What has to be read from Stash for each scene."""
        return SceneParts(details=bool(self._kinds & _DETAILS))

    @property
    def uses_hierarchy(self) -> bool:
        """Whether the aliases and the hierarchy of tags and studios are needed."""
        return bool(self._kinds & {TAG, STUDIO})

    @property
    def event_fields(self) -> frozenset[str]:
        """Fields of a scene update that matter although they never appear in Plex."""
        return frozenset(name for kind in self._kinds for name in _EVENT_FIELDS.get(kind, ()))

    def unknown(self, hierarchy: Hierarchy) -> list[str]:
        """The tags and studios that the conditions name and Stash does not have, as "tag X"."""
        trees = {TAG: hierarchy.tags, STUDIO: hierarchy.studios}
        return [
            f"{each.kind} {name.text}"
            for each in (*self.only, *self.never)
            if each.kind in trees
            for name in each.names
            if not trees[each.kind].named(name.text)
        ]

    def entities(self, scene: Scene, hierarchy: Hierarchy) -> frozenset[tuple[str, int]]:
        """The (kind, id) pairs whose rename, merge or move may change the decision about the scene."""
        found: set[tuple[str, int]] = set()
        if PERFORMER in self._kinds:
            found.update((PERFORMER, each.id) for each in scene.performers)
        if TAG in self._kinds:
            found.update((TAG, each) for each in _with_above(scene.tags, hierarchy.tags))
        if STUDIO in self._kinds:
            found.update((STUDIO, each) for each in _with_above(_studio(scene), hierarchy.studios))
        return frozenset(found)


class SceneFilter:
    """The filters compiled for one hierarchy: names are looked up once, not for each scene."""

    def __init__(self, filters: Filters, hierarchy: Hierarchy) -> None:
        self.filters = filters
        self.hierarchy = hierarchy
        self._only = [
            (_meets(each, hierarchy), _reason(each, _IS_NOT, "not ")) for each in filters.only
        ]
        self._never = [(_meets(each, hierarchy), _reason(each, _IS, "")) for each in filters.never]

    def why_left_out(self, scene: Scene) -> str:
        """The first condition that keeps the scene out of Plex, in words; "" when none does."""
        for meets, why in self._only:
            if not meets(scene):
                return why
        return next((why for meets, why in self._never if meets(scene)), "")

    def entities(self, scene: Scene) -> frozenset[tuple[str, int]]:
        """See Filters.entities."""
        return self.filters.entities(scene, self.hierarchy)


def _reason(condition: Condition, words: Mapping[str, str], otherwise: str) -> str:
    text = words.get(condition.kind) or f"{otherwise}{condition}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _meets(condition: Condition, hierarchy: Hierarchy) -> Meets:
    if condition.kind in _SCALE:
        return _rated(condition)
    if condition.kind == TAG:
        return _one_of(condition, hierarchy.tags, lambda scene: scene.tags)
    if condition.kind == STUDIO:
        return _one_of(condition, hierarchy.studios, _studio)
    if condition.kind == PERFORMER:
        return _has_performer(condition)
    return _lies_in(condition) if condition.kind == PATH else _PLAIN[condition.kind]


_PLAIN: Mapping[str, Meets] = {
    ORGANIZED: lambda scene: scene.organized,
    STASH_ID: lambda scene: bool(scene.stash_ids),
    URL: lambda scene: any(url.strip() for url in scene.urls),
}


def _rated(condition: Condition) -> Meets:
    compare, bound = _SIGNS[condition.sign], round(condition.number * _SCALE[condition.kind], 3)

    def meets(scene: Scene) -> bool:
        return scene.rating100 is not None and compare(scene.rating100, bound)

    return meets


def _one_of(condition: Condition, tree: Tree, of: Callable[[Scene], Iterable[Entity]]) -> Meets:
    keys = {name_key(name.text) for name in condition.names}
    wanted: set[int] = set()
    for name in condition.names:
        found = tree.named(name.text)
        wanted.update(found)
        if name.below:
            wanted.update(*map(tree.below, found))

    def meets(scene: Scene) -> bool:
        return any(
            each.id in wanted or (each.id not in tree and name_key(each.name) in keys)
            for each in of(scene)
        )

    return meets


def _has_performer(condition: Condition) -> Meets:
    keys = {name_key(name.text) for name in condition.names}
    ids = {name.text for name in condition.names}

    def meets(scene: Scene) -> bool:
        return any(
            str(each.id) in ids
            or name_key(each.name) in keys
            or any(name_key(alias) in keys for alias in each.aliases)
            for each in scene.performers
        )

    return meets


def _lies_in(condition: Condition) -> Meets:
    folders = [components(name.text) for name in condition.names]

    def meets(scene: Scene) -> bool:
        paths = [components(file.path) for file in scene.files]
        return any(path[: len(folder)] == folder for path in paths for folder in folders)

    return meets


def _studio(scene: Scene) -> Iterable[Entity]:
    return (scene.studio,) if scene.studio else ()


def _with_above(entities: Iterable[Entity], tree: Tree) -> set[int]:
    own = {each.id for each in entities}
    return own.union(*map(tree.ancestors, own))
