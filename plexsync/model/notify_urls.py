"""The addresses that messages go to, as the Apprise library takes them; each one is a secret.

What is between the slashes is a token, a password or a topic that lets whoever knows it read along
or write; so no part of an address is ever shown except its scheme.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from plexsync.model.settings import read_text

MOST = 10
"""Addresses that one setting may hold."""

LONGEST = 4000
"""Characters of the whole setting: a pipe to the process that sends takes it at once."""

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]{0,30}"
_BETWEEN = re.compile(rf"(?<![\s,;])[\s,;]+(?={_SCHEME}://)")
_WHOLE = re.compile(rf"({_SCHEME})://\S+")


def read_notify_urls(value: object) -> str:
    """Read the addresses, one space between two; raises ValueError, which repeats none of them."""
    text = read_text(value)
    if not text.isprintable() or len(text) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters, or has characters that no URL has")
    urls = split_urls(text)
    if len(urls) > MOST:
        raise ValueError(f"holds more than {MOST} URLs")
    for number, url in enumerate(urls, 1):
        if not _WHOLE.fullmatch(url):
            which = f"URL {number} of it " if len(urls) > 1 else ""
            raise ValueError(f"{which}is no URL of Apprise, such as ntfy://host/topic")
    return " ".join(urls)


def split_urls(text: str) -> list[str]:
    """The addresses in a text; between them are spaces, commas or semicolons."""
    return [url for part in _BETWEEN.split(text) if (url := part.strip().rstrip(",;"))]


def scheme_of(url: str) -> str:
    """The scheme of an address: all of it that may be shown."""
    found = _WHOLE.fullmatch(url)
    return found[1].lower() if found else "?"


def secrets_in(value: object) -> list[str]:
    """What a log must hide of this setting, valid or not: each address, and the parts of it that
    look like a token, a password or a topic; harmless words and names of hosts stay readable.
    """
    if not isinstance(value, str):
        return []
    found = [text for url in split_urls(value) for text in (url, *_parts(url))]
    return list(dict.fromkeys(found))


def _parts(url: str) -> Iterator[str]:
    rest = url.partition("://")[2]
    password = rest.rpartition("@")[0].partition(":")[2]
    pieces = [part for part in re.split(r"[/?&=#:@]", rest) if _is_secret(part)]
    for part in (rest if _is_secret(rest) else "", password, *pieces):
        if part:
            yield part
        if unquote(part) != part:
            yield unquote(part)


_SURELY = 11
"""A part that is longer is taken for a secret, a shorter one only if it mixes digits with
others."""

_HOST = re.compile(r"([\w-]+(\.[\w-]+)+|localhost|\[[\da-f:.]+\])(:\d+)?/?", re.IGNORECASE)


def _is_secret(part: str) -> bool:
    if _HOST.fullmatch(part):
        return False
    mixed = re.search(r"\d", part) and re.search(r"[A-Za-z]", part)
    return len(part) > _SURELY or (len(part) > 5 and bool(mixed))
