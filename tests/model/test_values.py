"""When two values are the same."""

from __future__ import annotations

import pytest

from plexsync.model.plex import Value, Written
from plexsync.model.values import close, equal, is_ours, same, value_hash


@pytest.mark.parametrize(
    ("field", "left", "right"),
    [
        ("title", "Café", "Cafe\u0301"),
        ("summary", "one\r\ntwo\n", "one\ntwo"),
        ("date", "2024-05-01", "2024-05-01 00:00:00"),
        ("rating", "8.5", "8.50"),
        ("rating", "10", "10.0"),
        ("rating", "", "0.0"),
        ("tags", ("Drama", "Straße"), ("STRASSE", "drama")),
        ("tags", (), ()),
    ],
)
def test_the_same_value_in_other_clothes(field: str, left: Value, right: Value) -> None:
    assert same(field, left, right) and same(field, right, left)


@pytest.mark.parametrize(
    ("field", "left", "right"),
    [
        ("title", "Title", "title"),
        ("summary", "one two", "one-two"),
        ("date", "2024-05-01", "2024-05-02"),
        ("rating", "8.5", "8.4"),
        ("rating", "good", "8"),
        ("tags", ("a",), ("a", "b")),
        ("tags", "", ()),
    ],
)
def test_values_that_differ(field: str, left: Value, right: Value) -> None:
    assert not same(field, left, right) and not same(field, right, left)


@pytest.mark.parametrize("right", ["one two\n three", "one\ntwo three", " one  two three "])
def test_white_space_makes_no_difference_to_plex_but_to_a_person(right: str) -> None:
    left = "one two three"
    assert same("summary", left, right)
    assert equal("summary", left, right) is (left == " ".join(right.split(" ")).strip())


@pytest.mark.parametrize(
    ("field", "left", "right", "near"),
    [
        ("rating", "8.3", "8", True),
        ("rating", "8.5", "9", True),
        ("rating", "8", "9", False),
        ("rating", "8", "", False),
        ("date", "2024-03-01", "2024-02-29", True),
        ("date", "2024-03-01", "2024-02-28", False),
        ("date", "2024-03-01", "soon", False),
        ("title", "8.3", "8", False),
        ("tags", ("8.3",), ("8",), False),
    ],
)
def test_what_may_be_another_ways_of_keeping_the_same(
    field: str, left: Value, right: Value, near: bool
) -> None:
    assert close(field, left, right) is near


def test_ours_is_what_was_written_and_what_plex_shows_for_it() -> None:
    last = Written("8.3", "h", 1.0, "8")
    assert is_ours("rating", "8.30", last) and is_ours("rating", "8.0", last)
    assert not is_ours("rating", "8", Written("8.3", "h"))


def test_the_hash_of_names_ignores_order_and_case() -> None:
    assert value_hash(("a", "B")) == value_hash(("b", "A", "a"))
    assert value_hash(("a",)) != value_hash("a") != value_hash("A")
    assert len(value_hash("\ud800")) == 32
