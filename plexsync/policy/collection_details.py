"""What PlexSync's own collections show in Plex, and which collections those are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from plexsync.model.collection import FOREIGN, NOTHING, Collection, ListedCollection, Source
from plexsync.model.hierarchy import Hierarchy
from plexsync.model.metadata import NAME_LENGTH, SUMMARY_LENGTH
from plexsync.model.plex import SORT_TITLE, PlexItem, Value
from plexsync.model.scene import Entity, Scene
from plexsync.model.text import clean, cut
from plexsync.model.values import name_key

NAME = "{name}"
"""The placeholder for the collection's name in the pattern of its sort title."""

Made = Callable[[Scene], Iterable[str]]
"""A function that returns the names of a scene's collections by the recipe."""

_RANK = ("studio", "group", "performer", "tag", "")
_BY_RECIPE = ("group", "performer", "tag", "studio")
"""In a name with several placeholders the one that is repeated for each value takes precedence."""

MOST_TRIED = 200
"""Maximum number of a scene's entities that are omitted one by one to find the source of a name."""

_CUSTOMISED = frozenset({"summary", SORT_TITLE.edit, "thumb", "art"})
"""Locks that only a user, or PlexSync itself, sets on a collection."""

FIRST_RETRY, LAST_RETRY = 60.0, 86400.0
"""Seconds until a collection is tried again after its first failure, and at most."""


def sources(scene: Scene, names: Iterable[str], *, strip_emoji: bool) -> dict[str, Source]:
    """What each of a scene's collections represents, by its name: the studio, group, performer or
    tag with the same name, in this order.
    """
    known: dict[str, Source] = {}
    for kind in _RANK[:-1]:
        for each in _entities(scene, kind):
            known.setdefault(_as_written(each.name, strip_emoji), Source(kind, each.id))
    return {name: known.get(name_key(name), NOTHING) for name in names}


def source_by_recipe(
    scene: Scene, name: str, hierarchy: Hierarchy, made: Made, *, strip_emoji: bool
) -> Source:
    """What a collection represents if its name is not the name of one of the scene's own entities:
    a parent studio or a performer's tag with that name, otherwise the one entity without which the
    recipe would not produce it ("Series: X").
    """
    key = name_key(name)
    studio = scene.studio.id if scene.studio else 0
    parents = [(each.name, Source("studio", each.id)) for each in hierarchy.studio_chain(studio)]
    tags = [(tag.name, Source("tag", tag.id)) for one in scene.performers for tag in one.tags]
    for other, source in (*parents, *tags):
        if _as_written(other, strip_emoji) == key:
            return source
    if sum(len(_entities(scene, kind)) for kind in _BY_RECIPE) > MOST_TRIED:
        return NOTHING
    for kind in _BY_RECIPE:
        needed = [
            each.id
            for each in _entities(scene, kind)
            if key not in _keys(made(_without(scene, kind, each)), strip_emoji)
        ]
        if len(needed) == 1:
            return Source(kind, needed[0])
    return NOTHING


def _entities(scene: Scene, kind: str) -> Sequence[Entity]:
    if kind == "studio":
        return (scene.studio,) if scene.studio else ()
    by_kind = {"group": scene.groups, "performer": scene.performers, "tag": scene.tags}
    return by_kind[kind]


def _without(scene: Scene, kind: str, entity: Entity) -> Scene:
    if kind == "group":
        return scene._replace(groups=tuple(g for g in scene.groups if g.id != entity.id))
    if kind == "performer":
        return scene._replace(performers=tuple(p for p in scene.performers if p.id != entity.id))
    if kind == "tag":
        return scene._replace(tags=tuple(t for t in scene.tags if t.id != entity.id))
    return scene._replace(studio=None)


def _keys(names: Iterable[str], strip_emoji: bool) -> set[str]:
    return {_as_written(name, strip_emoji) for name in names}


def _as_written(name: str, strip_emoji: bool) -> str:
    """The key of the collection name that this name gives."""
    return name_key(cut(clean(name, False, strip_emoji), NAME_LENGTH))


def prefers(known: Source, found: Source) -> bool:
    """Whether `found` takes precedence over `known` as what a collection represents."""
    return _RANK.index(found.kind) < _RANK.index(known.kind)


def is_untouched(item: PlexItem) -> bool:
    """Whether a collection is as Plex created it when an item got its name."""
    return not item.values.get("summary") and not item.locks & _CUSTOMISED


def find(name: str, listed: Iterable[ListedCollection]) -> ListedCollection | None:
    """The collection of this name that consists of chosen items; never a smart one."""
    return next((x for x in listed if not x.smart and name_key(x.title) == name_key(name)), None)


def desired_details(
    each: Collection, text: str | None, poster: str, pattern: str, *, strip_emoji: bool
) -> dict[str, Value]:
    """What a collection is to show: `text` as its summary (None keeps the one it has), the SHA-1 of
    its poster ("" keeps the one it has), and a sort title by `pattern`; with an empty pattern its
    name, if PlexSync wrote a sort title before.
    """
    wanted: dict[str, Value] = {"poster": poster} if poster else {}
    if text is not None:
        plain = clean(text[: 2 * SUMMARY_LENGTH], True, strip_emoji)
        wanted["summary"] = cut(plain, SUMMARY_LENGTH)
    if pattern or SORT_TITLE.name in each.plex.written:
        sort = clean((pattern or NAME).replace(NAME, each.name), False, strip_emoji)
        wanted[SORT_TITLE.name] = cut(sort, NAME_LENGTH)
    return wanted


def noted(known: Collection | None, new: Collection, *, added: bool) -> Collection | None:
    """The collection to store when a scene is in it, `added` if only now; None if nothing changes."""
    if known is None:
        return new
    better = prefers(known.source, new.source)
    if not better and not added:
        return None
    quick = not better and (known.quick or known.due_at is None)
    return replace(
        known, due_at=new.due_at, quick=quick, source=new.source if better else known.source
    )


def settled(collection: Collection, detail: str = "") -> Collection:
    """The collection with nothing left to do, and no failures."""
    return replace(collection, due_at=None, quick=False, attempts=0, detail=detail)


def later(collection: Collection, why: str, now: float) -> Collection:
    """The collection after a failure that concerns only it: the next attempt comes after a growing
    pause.
    """
    pause = min(FIRST_RETRY * 4**collection.attempts, LAST_RETRY)
    attempts = min(collection.attempts + 1, 10)
    return replace(collection, due_at=now + pause, attempts=attempts, detail=why)


def foreign(collection: Collection, why: str) -> Collection:
    """The collection as one that PlexSync no longer changes."""
    return replace(settled(collection, why), owner=FOREIGN)
