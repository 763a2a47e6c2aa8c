"""What may be shown or stored: secrets become ***, in a log private paths words."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar, cast
from urllib.parse import quote, quote_plus

from plexsync.edges.path_words import PathWords

HIDDEN = "***"
LONGEST = 16_384
"""Characters of a text that are looked at; a line shows far fewer."""
_SHORTEST_SECRET = 4
T = TypeVar("T")

_URL_LOGIN = re.compile(r"\b([a-z][a-z0-9+.-]{0,20}:/{1,3})[^\s/?#\"'<>]*@", re.IGNORECASE)
_PARAMETER = re.compile(
    r"((?:token|api[_-]?key|password|secret|session)(?:=|%3D|%253D))"
    r"(?:\"[^\"]*\"|'[^']*'|[\"']?[^\s&\"'<>;,)\]}]+)",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"((?:x-plex-token|api-?key|(?:auth|access)-?token|authorization|cookie)[\\\"']*\s*:\s*)"
    r"(?:\"[^\"]*\"|'[^']*'|[^\r\n,}]+)",
    re.IGNORECASE,
)
_BEARER = re.compile(r"(\bbearer\s+)[^\s\"',;]+", re.IGNORECASE)


class Redactor:
    """Takes secrets out of text, and private paths when given words for them; never changes."""

    def __init__(self, secrets: Iterable[str] = (), words: PathWords | None = None) -> None:
        self.words = words
        known = {form for secret in secrets for form in _forms(secret)}
        longest_first = sorted(known, key=lambda form: (-len(form), form))
        # Case is ignored: proxies and libraries change that of headers and of %2F.
        pattern = "|".join(map(re.escape, longest_first)) or r"(?!)"
        self._known = re.compile(pattern, re.IGNORECASE)

    def secrets_out(self, text: str) -> str:
        """The text without known secrets, credentials in URLs and whatever looks like either.

        Text beyond 16 Ki characters is cut off.
        """
        hidden = self._known.sub(HIDDEN, text[:LONGEST])
        hidden = _URL_LOGIN.sub(rf"\1{HIDDEN}@", hidden)
        for pattern in (_PARAMETER, _HEADER, _BEARER):
            hidden = pattern.sub(rf"\1{HIDDEN}", hidden)
        # A cut may have gone through a secret, which nothing recognises then.
        return hidden if len(text) <= LONGEST else hidden[:-2048]

    def clean(self, value: T) -> T:
        """JSON as it may be stored or shown: nothing in it is a known secret, no key either.

        It is not taken apart for what only looks like a secret: a title may.
        """
        return cast(T, self._cleaned(value))

    def _cleaned(self, value: object) -> object:
        if isinstance(value, str):
            return self._known.sub(HIDDEN, value)
        if isinstance(value, Mapping):
            return {self._cleaned(key): self._cleaned(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._cleaned(each) for each in value]
        return value

    def text(self, text: str) -> str:
        """Free text without secrets and, where they are private, without paths."""
        hidden = self.secrets_out(text)
        return self.words.in_text(hidden) if self.words else hidden


def _forms(secret: str) -> set[str]:
    """A secret as it may show in URLs, JSON, HTML and Python's quotes."""
    if len(secret) < _SHORTEST_SECRET:
        return set()
    plain = secret.encode("utf-8", "replace").decode("utf-8")
    encoded = {quote(plain), quote(plain, safe=""), quote_plus(plain)}
    quoted = {json.dumps(secret)[1:-1], repr(secret)[1:-1], html.escape(secret)}
    return {secret} | encoded | quoted | {quote(form) for form in encoded}
