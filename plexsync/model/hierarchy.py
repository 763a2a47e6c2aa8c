"""The hierarchies of tags and studios, with their names."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.scene import Scene
from plexsync.model.values import name_key

_DIGITS = 19
"""A number with fewer digits fits the type of an id."""


class Node(NamedTuple):
    """A tag or a studio, and the ids of its parents."""

    id: int
    name: str
    aliases: tuple[str, ...] = ()
    parents: tuple[int, ...] = ()


class Tree:
    """Nodes of one kind. Stash allows no cycles, but a damaged answer may contain one; it does no
    harm.
    """

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self.nodes: Mapping[int, Node] = {node.id: node for node in nodes}
        self._ancestors: dict[int, frozenset[int]] = {}
        self._below: dict[int, frozenset[int]] = {}
        self._children: dict[int, list[int]] = {}
        self._names: dict[str, list[Node]] = {}
        self._aliases: dict[str, list[Node]] = {}
        for node in self.nodes.values():
            self._names.setdefault(name_key(node.name), []).append(node)
            for alias in node.aliases:
                self._aliases.setdefault(name_key(alias), []).append(node)
            for parent in node.parents:
                self._children.setdefault(parent, []).append(node.id)

    def __contains__(self, number: object) -> bool:
        return number in self.nodes

    def ancestors(self, number: int) -> frozenset[int]:
        """The ids of all its ancestors, without its own."""
        if number not in self._ancestors:
            self._ancestors[number] = _reached(number, self._parents)
        return self._ancestors[number]

    def below(self, number: int) -> frozenset[int]:
        """The ids of all its descendants, without its own."""
        if number not in self._below:
            self._below[number] = _reached(number, lambda each: self._children.get(each, ()))
        return self._below[number]

    def chain(self, number: int) -> tuple[Node, ...]:
        """The node and its ancestors up to the root, by the first parent of each."""
        chain: dict[int, Node] = {}
        while number in self.nodes and number not in chain:
            chain[number] = self.nodes[number]
            number = next(iter(chain[number].parents), 0)
        return tuple(chain.values())

    def named(self, name: str) -> frozenset[int]:
        """The ids that a user means by a name, an alias or an id; tried in this order.

        Case does not matter, unless several names differ only in case: then the exact spelling
        wins.
        """
        key = name_key(name)
        named = self._names.get(key) or self._aliases.get(key) or ()
        exactly = [node for node in named if node.name == name]
        found = {node.id for node in exactly or named}
        if not found and name.isascii() and name.isdecimal() and len(name) < _DIGITS:
            found = {int(name)} & self.nodes.keys()
        return frozenset(found)

    def _parents(self, number: int) -> Sequence[int]:
        node = self.nodes.get(number)
        return node.parents if node is not None else ()


@dataclass(frozen=True)
class Hierarchy:
    """All tags and studios of a Stash."""

    tags: Tree
    studios: Tree

    @cached_property
    def digest(self) -> str:
        """A hash of everything that is known of them."""
        nodes = [[*tree.nodes.values()] for tree in (self.tags, self.studios)]
        return hashlib.sha256(repr(nodes).encode(errors="backslashreplace")).hexdigest()

    def tag_ancestors(self, tag: int) -> frozenset[int]:
        """The ids of all ancestors of a tag, without its own."""
        return self.tags.ancestors(tag)

    def tag_below(self, name: str) -> frozenset[int]:
        """The ids of all tags below those with this name, alias or id."""
        return frozenset().union(*map(self.tags.below, self.tags.named(name)))

    def unknown(self, scenes: Iterable[Scene]) -> set[tuple[str, int]]:
        """The (kind, id) pairs of these scenes' tags and studios that are not in it."""
        found: set[tuple[str, int]] = set()
        for scene in scenes:
            tags = (scene.tags, *(one.tags for one in scene.performers))
            found.update(("tag", t.id) for some in tags for t in some if t.id not in self.tags)
            if scene.studio is not None and scene.studio.id not in self.studios:
                found.add(("studio", scene.studio.id))
        return found

    def studio_chain(self, studio: int) -> tuple[Node, ...]:
        """The studio, its parent, and so on."""
        return self.studios.chain(studio)


FLAT = Hierarchy(Tree(), Tree())
"""No hierarchy at all."""


def _reached(start: int, following: Callable[[int], Sequence[int]]) -> frozenset[int]:
    found: set[int] = set()
    open_ = list(following(start))
    while open_:
        number = open_.pop()
        if number not in found:
            found.add(number)
            open_ += following(number)
    return frozenset(found - {start})
