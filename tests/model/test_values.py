"""When two values are the same."""

from __future__ import annotations

import pytest

from plexsync.model.plex import Value
from plexsync.model.values import same, value_hash


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
        ("summary", "one two", "one\ntwo"),
        ("date", "2024-05-01", "2024-05-02"),
        ("rating", "8.5", "8.4"),
        ("rating", "good", "8"),
        ("tags", ("a",), ("a", "b")),
        ("tags", "", ()),
    ],
)
def test_values_that_differ(field: str, left: Value, right: Value) -> None:
    assert not same(field, left, right) and not same(field, right, left)


def test_the_hash_of_names_ignores_order_and_case() -> None:
    assert value_hash(("a", "B")) == value_hash(("b", "A", "a"))
    assert value_hash(("a",)) != value_hash("a") != value_hash("A")
    assert len(value_hash("\ud800")) == 32
