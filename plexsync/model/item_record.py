"""What the ledger keeps of one Plex item; pages read it too, so this imports little."""

from __future__ import annotations

from plexsync.model.named_tuple import NamedTuple

Value = str | tuple[str, ...]
"""A scalar field's text ("" is empty), a list field's names, or an image's SHA-1."""


class Target(NamedTuple):
    """One Plex item that stands for a scene, or a collection of such items."""

    server: str
    section: str
    rating_key: int
    collection: bool = False


class Written(NamedTuple):
    """What PlexSync last wrote to a field and saw confirmed.

    `desired_hash` is the hash of the desired value; None if that is the hash of `value`, as it is
    unless the text had to be cut to fit a request. `shown` is what Plex shows for `value`; None if
    the same.
    """

    value: Value
    desired_hash: str | None
    at: float = 0.0
    shown: Value | None = None


class ReadBack(NamedTuple):
    """A value that Plex accepted but showed differently, seen once; `sent` is the value sent."""

    sent: Value
    shown: Value


class Refusal(NamedTuple):
    """A value that Plex refused when it was sent alone, and Plex's answer.

    `desired_hash` is the hash of the desired value: a different one is sent again.
    """

    desired_hash: str
    words: str
    at: float = 0.0


class Base(NamedTuple):
    """What Plex had before PlexSync first wrote a field, for undo.

    For images `value` is the key of the poster that was selected ("" if unknown or none).
    """

    value: Value
    locked: bool
