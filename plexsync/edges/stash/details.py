"""Reads what Stash has about performers, studios, tags and groups themselves: a text and a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from plexsync.edges.stash.answers import wrong_shape
from plexsync.edges.stash.scenes import Unusable, an_id, field_of, is_own


@dataclass(frozen=True, slots=True)
class EntityDetails:
    """The text of an entity, and whether it has a picture of its own."""

    text: str
    has_picture: bool


def read_details(wanted: Iterable[int], data: Mapping[str, Any]) -> dict[int, EntityDetails]:
    """The details by id, without entities that Stash no longer has. Raises StashDown for an answer
    of the wrong shape.
    """
    found: dict[int, EntityDetails] = {}
    for n, number in enumerate(wanted):
        row = data.get(f"s{n}")
        try:
            if row is not None and field_of(row, "id", an_id) == number:
                found[number] = EntityDetails(
                    field_of(row, "text", _text), is_own(field_of(row, "picture", _text))
                )
        except Unusable as problem:
            raise wrong_shape("an entity's details", problem) from None
    return found


def _text(raw: object) -> str:
    return raw if isinstance(raw, str) else ""
