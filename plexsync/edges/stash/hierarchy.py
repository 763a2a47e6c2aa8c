"""Reads the hierarchies of all tags and studios, a thousand a query."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from plexsync.edges.stash import queries as stash_queries
from plexsync.edges.stash.answers import wrong_shape
from plexsync.edges.stash.scenes import Unusable, a_text, an_id, an_object, field_of, items, texts
from plexsync.model.hierarchy import Hierarchy, Node, Tree

PAGE = 1000

Ask = Callable[[str, Mapping[str, object]], dict[str, Any]]
"""Sends a query with its variables; raises StashDown or StashAuthError."""


def read_hierarchy(ask: Ask) -> Hierarchy:
    """All tags and studios. Raises what `ask` raises, and StashDown for an answer of the wrong
    shape.
    """
    return Hierarchy(
        Tree(_nodes(ask, stash_queries.TAGS, _parents)),
        Tree(_nodes(ask, stash_queries.STUDIOS, _parent)),
    )


def _nodes(ask: Ask, query: str, above: Callable[[object], tuple[int, ...]]) -> Iterator[Node]:
    page, seen = 1, set[int]()
    while True:
        data = ask(query, {"page": page, "size": PAGE})
        try:
            rows = field_of(field_of(data, "found", an_object), "nodes", items)
        except Unusable as problem:
            raise wrong_shape("its tags and studios", problem) from None
        nodes = list(_readable(rows, above))
        yield from nodes
        ids = {node.id for node in nodes}
        if len(rows) < PAGE or ids <= seen:  # it repeats the same rows
            return
        seen |= ids
        page += 1


def _readable(rows: list[Any], above: Callable[[object], tuple[int, ...]]) -> Iterator[Node]:
    """The readable nodes. An unreadable one is skipped: only its own names are lost, and no scene
    waits for it.
    """
    for row in rows:
        with suppress(Unusable):
            yield _node(row, above)


def _node(row: object, above: Callable[[object], tuple[int, ...]]) -> Node:
    return Node(
        field_of(row, "id", an_id),
        field_of(row, "name", a_text),
        field_of(row, "aliases", texts),
        above(row),
    )


def _parents(row: object) -> tuple[int, ...]:
    return tuple(field_of(each, "id", an_id) for each in field_of(row, "parents", items))


def _parent(row: object) -> tuple[int, ...]:
    parent = field_of(row, "parent_studio", lambda raw: raw)
    return () if parent is None else (field_of(parent, "id", an_id),)
