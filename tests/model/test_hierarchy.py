"""Parents and children of tags, whatever Stash answers."""

from __future__ import annotations

import pytest

from plexsync.model.hierarchy import FLAT, Hierarchy, Node, Tree

TAGS = Tree(
    [
        Node(1, "Genre"),
        Node(2, "Drama", ("Play",), (1,)),
        Node(3, "Noir", (), (2,)),
        Node(4, "Kids"),
        Node(5, "kids"),
        Node(6, "2024"),
        Node(7, "Straße 🎬"),
    ]
)


def test_what_stands_above_and_below() -> None:
    assert TAGS.ancestors(3) == {1, 2}
    assert TAGS.below(1) == {2, 3}
    assert TAGS.below(3) == TAGS.ancestors(1) == TAGS.ancestors(99) == frozenset()


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("genre", {1}),
        ("play", {2}),
        ("Kids", {4}),
        ("kids", {5}),
        ("KIDS", {4, 5}),
        ("2024", {6}),
        ("3", {3}),
        ("٣", set()),
        ("STRASSE  🎬", {7}),
        ("", set()),
        ("9" * 5000, set()),
    ],
)
def test_a_tag_is_meant_by_its_name_an_alias_or_its_id(name: str, ids: set[int]) -> None:
    assert TAGS.named(name) == ids


def test_circles_end() -> None:
    tags = Tree([Node(1, "A", (), (2,)), Node(2, "B", (), (3,)), Node(3, "C", (), (1,))])
    assert tags.ancestors(1) == {2, 3} and tags.below(1) == {2, 3}
    studios = Tree([Node(1, "Own parent", (), (1,)), Node(2, "Lost", (), (77,))])
    assert [node.id for node in studios.chain(1)] == [1]
    assert [node.id for node in studios.chain(2)] == [2]
    assert studios.ancestors(1) == frozenset() and studios.chain(9) == ()


def test_a_chain_of_thousands_needs_no_recursion() -> None:
    deep = Tree(Node(n, f"T{n}", (), (n + 1,)) for n in range(1, 5000))
    assert len(deep.ancestors(1)) == 4999 and len(deep.below(5000)) == 4999


def test_nothing_known_is_no_trouble() -> None:
    assert FLAT.tag_below("x") == FLAT.tag_ancestors(1) == frozenset()
    assert Hierarchy(TAGS, Tree()).tag_below("Genre") == {2, 3}
