"""Hook events, parsed from the records in the inbox."""

from __future__ import annotations

import re
from functools import lru_cache

from plexsync.model.json_text import loads
from plexsync.model.named_tuple import NamedTuple


class Event(NamedTuple):
    """One hook call: "Scene.Update.Post" of 7 is subject "Scene", action "Update", id 7.

    `fields` is None if Stash sent no inputFields (scan, move, create, destroy). `input` holds the
    JSON input of a merge or of a page command; None if absent or too large to store. `at` is when
    the hook ran, in wall-clock seconds.
    """

    subject: str
    action: str
    id: int
    fields: frozenset[str] | None = None
    input: object = None
    at: float = 0.0


_USUAL = re.compile(rb'\{"id": ?([1-9]\d{0,17}),([^{}]{1,500}\})')
"""A record without input, split where those of a bulk edit or a scan begin to be alike."""


def parse_event(record: bytes, at: float) -> Event:
    """Parse one inbox record `{"id", "type", "inputFields"?, "input"?}`.

    Raises ValueError with a reason for anything else; the record then goes to `damaged/`.
    """
    usual = _USUAL.fullmatch(record)
    if usual:
        return _of_scene_1(usual[2])._replace(id=int(usual[1]), at=at)
    return _parsed(record)._replace(at=at)


@lru_cache(maxsize=100)
def _of_scene_1(rest: bytes) -> Event:
    return _parsed(b'{"id":1,' + rest)


def _parsed(record: bytes) -> Event:
    try:
        raw = loads(record)
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"not JSON: {problem}") from None
    if not isinstance(raw, dict):
        raise ValueError("not a JSON object")
    number, name, sent = raw.get("id"), raw.get("type"), raw.get("inputFields")
    if type(number) is not int or not 0 < number < 2**63:
        raise ValueError("its id is not a positive whole number")
    parts = name.split(".") if isinstance(name, str) else []
    if len(parts) != 3 or parts[2] != "Post":
        raise ValueError("its type is not a hook's name")
    if sent is not None and not (isinstance(sent, list) and all(isinstance(f, str) for f in sent)):
        raise ValueError("its inputFields are not a list of names")
    fields = None if sent is None else frozenset(sent)
    return Event(
        subject=parts[0], action=parts[1], id=number, fields=fields, input=raw.get("input")
    )
