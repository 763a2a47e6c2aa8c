"""Pictures in Stash that may become a poster or a background in Plex; pages read them too."""

from __future__ import annotations

from plexsync.model.formatting import quoted
from plexsync.model.named_tuple import NamedTuple

COVER, GROUP, GALLERY, PERFORMER, NONE = "cover", "group", "gallery", "performer", "none"
CHOICES = (COVER, GROUP, GALLERY, PERFORMER, NONE)
"""The words that a choice can contain; `none` ends it."""


class PictureSource(NamedTuple):
    """Where Stash has a picture: the `kind` of its owner ("scene", "group", "image", "performer")
    and its id.
    """

    kind: str
    id: int


class Kept(NamedTuple):
    """A picture as last read: the ETag or time by which Stash recognises it, and its SHA-1."""

    etag: str
    sha1: str


NEVER_SEEN = Kept("", "")


def read_choice_of_pictures(text: str) -> tuple[str, ...]:
    """The words of a choice in their order. Raises ValueError, which names a word that is not among
    CHOICES.
    """
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in CHOICES:
            raise ValueError(f"names {quoted(word[:40])}, which is none of {', '.join(CHOICES)}")
    chosen = words[: words.index(NONE)] if NONE in words else words
    return tuple(dict.fromkeys(chosen))
