"""Reads what Stash has about performers, studios, tags and groups themselves: a text and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plexsync.edges.stash.answers import wrong_shape
from plexsync.edges.stash.scenes import Unusable, an_id, field_of, is_own
from plexsync.model.named_tuple import NamedTuple


class EntityDetails(NamedTuple):
    """The text of an entity, and whether it has a picture of its own."""

    text: str
    has_picture: bool


def read_details(
    wanted: Sequence[int], data: Mapping[str, Any], sick: Mapping[str, str]
) -> dict[int, EntityDetails]:
    """The details by id, without entities that are gone, have an error in `sick`, or are
    unreadable.

    Raises StashDown if several were wanted and none is readable.
    """
    found: dict[int, EntityDetails] = {}
    trouble = list(sick.values())
    for n, number in enumerate(wanted):
        row = data.get(f"s{n}")
        try:
            if row is not None and field_of(row, "id", an_id) == number:
                found[number] = EntityDetails(
                    field_of(row, "text", _text), is_own(field_of(row, "picture", _text))
                )
        except Unusable as problem:
            trouble.append(str(problem))
    if not found and 1 < len(trouble) == len(wanted):
        raise wrong_shape("the details of its entities", ValueError(trouble[0]))
    return found


def _text(raw: object) -> str:
    return raw if isinstance(raw, str) else ""
