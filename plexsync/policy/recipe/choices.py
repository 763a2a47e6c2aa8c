"""Which performers, tags, studios or groups a choice selects: by name, alias or id, compared as in
Stash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from plexsync.model.hierarchy import Tree
from plexsync.model.scene import Entity, Performer
from plexsync.model.values import name_key
from plexsync.policy.recipe.pattern import Item
from plexsync.policy.recipe.placeholders import PEOPLE, TREE
from plexsync.policy.recipe.scene_values import E, Pick, everything

GENDERS = frozenset(
    {"male", "female", "transgender_male", "transgender_female", "intersex", "non_binary"}
)
FAVORITE = "favorite"


def pick_of(items: Sequence[Item], kind: str) -> Pick:
    """A function that selects the entities that the items name, or all if there are no items."""
    if kind == TREE:
        return _InTree(items) if items else everything
    return _Matching(items, _person if kind == PEOPLE else _entity) if items else everything


def ids_below(items: Iterable[Item], tree: Tree) -> frozenset[int]:
    """The ids to exclude: those named, and for "/*" also all below them."""
    found: set[int] = set()
    for item in items:
        named = tree.named(item.name)
        found |= named
        if item.below:
            found |= _below(named, tree)
    return frozenset(found)


def _below(named: Iterable[int], tree: Tree) -> frozenset[int]:
    return frozenset[int]().union(*map(tree.below, named))


class Ignored:
    """The tags that are ignored, as a function of the hierarchy."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = items
        self._known: tuple[Tree, frozenset[int]] | None = None

    def __call__(self, tree: Tree) -> frozenset[int]:
        """Their ids."""
        known = self._known
        if known is None or known[0] is not tree:
            self._known = known = tree, ids_below(self.items, tree)
        return known[1]


class _InTree:
    """Selects tags or studios; "/*" means those below a name and, in an exclusion, also the name
    itself.
    """

    def __init__(self, items: Sequence[Item]) -> None:
        self._chosen = [item for item in items if not item.excluded]
        self._excluded = [item for item in items if item.excluded]
        self._known: tuple[Tree, frozenset[int], frozenset[int]] | None = None

    def __call__(self, entities: Sequence[E], tree: Tree) -> Sequence[E]:
        known = self._known
        if known is None or known[0] is not tree:
            self._known = known = tree, self._meant(tree), ids_below(self._excluded, tree)
        _, chosen, excluded = known
        return [
            each
            for each in entities
            if (not self._chosen or each.id in chosen) and each.id not in excluded
        ]

    def _meant(self, tree: Tree) -> frozenset[int]:
        found: set[int] = set()
        for item in self._chosen:
            named = tree.named(item.name)
            found |= _below(named, tree) if item.below else named
        return frozenset(found)


class _Matching:
    """Selects performers or groups; only those of the scene are known."""

    def __init__(
        self, items: Sequence[Item], test: Callable[[str], Callable[[Entity], bool]]
    ) -> None:
        self._chosen = [test(item.name) for item in items if not item.excluded]
        self._excluded = [test(item.name) for item in items if item.excluded]

    def __call__(self, entities: Sequence[E], tree: Tree) -> Sequence[E]:
        return [
            each
            for each in entities
            if (not self._chosen or any(test(each) for test in self._chosen))
            and not any(test(each) for test in self._excluded)
        ]


def _entity(name: str) -> Callable[[Entity], bool]:
    key = name_key(name)
    return lambda one: name_key(one.name) == key or str(one.id) == name


def _person(name: str) -> Callable[[Entity], bool]:
    word = name.lower().replace("-", "_").replace(" ", "_")
    if word in GENDERS:
        return lambda one: isinstance(one, Performer) and one.gender == word
    if word == FAVORITE:
        return lambda one: isinstance(one, Performer) and one.favorite
    named, key = _entity(name), name_key(name)
    return lambda one: (
        named(one) or any(name_key(alias) == key for alias in getattr(one, "aliases", ()))
    )
