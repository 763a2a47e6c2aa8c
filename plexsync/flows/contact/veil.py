"""Hides private texts: each becomes a keyed hash and a length, so that equal ones are seen to be equal.

Whatever is not marked as a public word is hidden.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections import Counter
from collections.abc import Collection, Mapping

_KEY = secrets.token_bytes(32)
"""Another one in each process, so that nobody can try out guesses."""

_VERSION = re.compile(r"v?\d{1,5}(\.\d{1,6}){1,4}([-+][0-9a-f]{6,12})?", re.ASCII)
_MEDIA_TYPES = frozenset(
    (
        *("text/xml", "application/xml", "text/html", "text/plain", "application/json"),
        *("application/graphql-response+json", "application/octet-stream"),
        *("image/jpeg", "image/png", "image/webp", "image/gif", "image/svg+xml"),
    )
)


class Word(str):
    """A text that is nobody's secret: PlexSync's own, or one of a fixed set of known ones."""

    __slots__ = ()


class Counts(Counter[str]):
    """Counts by a text; `known` are the texts that may be shown."""

    def __init__(self, counts: Mapping[str, int], known: Collection[str]) -> None:
        super().__init__(dict(counts))
        self.known = frozenset(known)


def hashed(text: str) -> str:
    """The keyed hash of a text."""
    return hmac.new(_KEY, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:12]


def word(text: str, known: Collection[str]) -> str:
    """The text as a public word if it is a known one."""
    return Word(text) if isinstance(text, Word) or text in known else text


def version(text: str) -> str:
    """The text as a public word if it is a version number."""
    return Word(text) if _VERSION.fullmatch(text) else text


def media_type(text: str) -> str:
    """The media type of a Content-Type header, as a public word if it is a common one."""
    kind = text.partition(";")[0].strip().lower()
    return Word(kind) if kind in _MEDIA_TYPES else text


def sealed(value: object) -> object:
    """A tree for JSON in which every text that is not a `Word` is hidden.

    The keys of a plain dict are our own and stay; those of `Counts` are hidden like values.
    """
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Word) or value == "":
        return str(value)
    if isinstance(value, str):
        return {"hash": hashed(value), "length": len(value)}
    if isinstance(value, Counts):
        return {_key(name, value.known): int(count) for name, count in value.items()}
    if isinstance(value, Mapping):
        return {str(name): sealed(each) for name, each in value.items()}
    if isinstance(value, Collection) and not isinstance(value, (bytes, bytearray)):
        return [sealed(each) for each in value]
    return {"type": type(value).__name__}


def _key(name: str, known: Collection[str]) -> str:
    return name if name in known else f"{hashed(name)} ({len(name)})"
