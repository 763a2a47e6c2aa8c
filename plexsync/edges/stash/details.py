"""What Stash says about performers, studios, tags and groups themselves: a text and a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from plexsync.edges.stash.answers import wrong_shape
from plexsync.edges.stash.scenes import Unusable, an_id, field_of

_FIELDS = {
    "performer": ("findPerformer", "details", "image_path"),
    "studio": ("findStudio", "details", "image_path"),
    "tag": ("findTag", "description", "image_path"),
    "group": ("findGroup", "synopsis", "front_image_path"),
}
"""By kind: the query, its text, and the address of its picture."""


@dataclass(frozen=True, slots=True)
class EntityDetails:
    """The text of one of them, and whether it has a picture of its own."""

    text: str
    has_picture: bool


def details_query(kind: str, count: int) -> str:
    """One query for `count` of a kind: variables i0, i1, ... and answers s0, s1, ..."""
    find, text, picture = _FIELDS[kind]
    variables = ", ".join(f"$i{n}: ID!" for n in range(count))
    answers = "\n".join(
        f"  s{n}: {find}(id: $i{n}) {{ id text: {text} picture: {picture} }}" for n in range(count)
    )
    return f"query PlexSyncDetailsOf{find[4:]}s({variables}) {{\n{answers}\n}}\n"


def read_details(wanted: Iterable[int], data: Mapping[str, Any]) -> dict[int, EntityDetails]:
    """The answer by id; those that Stash no longer has are missing. Raises StashDown."""
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


def is_own(address: str) -> bool:
    """Whether the address of a picture leads to one of its own, not to Stash's silhouette."""
    return bool(address) and parse_qs(urlsplit(address).query).get("default") != ["true"]


def _text(raw: object) -> str:
    return raw if isinstance(raw, str) else ""
