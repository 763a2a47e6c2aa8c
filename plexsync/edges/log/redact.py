"""Removes secrets from what is shown or stored; in a log, private paths become words.

With "Obfuscate paths" each part of a path becomes a word such as "maple-3fa9" (one of 4 million),
the same in every line and process. So a log can be published, and lines about one file can still be
matched, which *** would prevent. A line takes 0.35 ms, the worst 16 KiB of hostile text 0.3 s.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import json
import os
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar, cast
from urllib.parse import quote, quote_plus, unquote_plus

from plexsync.edges.storage import files
from plexsync.model.stored import versioned

HIDDEN = "***"
LONGEST = 16_384
"""Maximum characters of a text that are processed; a log line shows far fewer."""
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
    """Removes secrets from text, and private paths if it has words for them. Immutable."""

    def __init__(self, secrets: Iterable[str] = (), words: PathWords | None = None) -> None:
        self.words = words
        known = {form for secret in secrets for form in _forms(secret)}
        longest_first = sorted(known, key=lambda form: (-len(form), form))
        # Case is ignored: proxies and libraries change the case of headers and of %2F.
        pattern = "|".join(map(re.escape, longest_first)) or r"(?!)"
        self._known = re.compile(pattern, re.IGNORECASE)

    def secrets_out(self, text: str) -> str:
        """The text without known secrets, credentials in URLs and anything that looks like them.

        Text beyond 16 Ki characters is cut off.
        """
        hidden = self._known.sub(HIDDEN, text[:LONGEST])
        hidden = _URL_LOGIN.sub(rf"\1{HIDDEN}@", hidden)
        for pattern in (_PARAMETER, _HEADER, _BEARER):
            hidden = pattern.sub(rf"\1{HIDDEN}", hidden)
        # The cut may have split a secret whose rest would not be recognised.
        return hidden if len(text) <= LONGEST else hidden[:-2048]

    def clean(self, value: T) -> T:
        """JSON without known secrets in its values and keys.

        Text that only looks like a secret stays: a title may look like one.
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
        """Free text without secrets and, if they are private, without paths."""
        hidden = self.secrets_out(text)
        return self.words.in_text(hidden) if self.words else hidden


def _forms(secret: str) -> set[str]:
    """A secret as it may appear in URLs, JSON, HTML and Python's repr."""
    if len(secret) < _SHORTEST_SECRET:
        return set()
    plain = secret.encode("utf-8", "replace").decode("utf-8")
    encoded = {quote(plain), quote(plain, safe=""), quote_plus(plain)}
    quoted = {json.dumps(secret)[1:-1], repr(secret)[1:-1], html.escape(secret)}
    return {secret} | encoded | quoted | {quote(form) for form in encoded}


_WORDS = (  # noqa: SIM905 - a list of them would be 64 lines
    "acorn amber anchor apple arrow aspen badger bamboo basil beacon birch bramble breeze brook "
    "canyon cedar cherry clover cobalt comet copper coral cricket daisy delta ember fern finch "
    "flint forest garnet ginger harbor hazel heron indigo island ivory jasper juniper kestrel "
    "lagoon lantern larch lemon lilac maple marble meadow nectar oak olive onyx opal orchid otter "
    "pebble pepper quartz raven reed saffron thistle willow"
).split()

_ROOT = r"(?:/(?=[^\s/])|[A-Za-z]:[\\/]|\\\\(?=\w))"
_OUR_URLS = r"/(?:library/(?:sections|metadata|parts|all)|identity|graphql|scene/\d|photo/)"
_WORD = r"[^\s/\\\"'<>|]"
_ENDS = (
    "mp4|m4v|mkv|avi|wmv|mov|webm|mpe?g|m2?ts|flv|og[mv]|vob|divx|rm|asf|iso|jpe?g|png|webp|srt|vtt"
)
_PRIVATE = re.compile(
    r"(?P<name>[?&][\w.%\[\]-]{1,60}=)(?P<value>[^&\s\"'<>]+)"
    rf"|(?P<quote>[\"'])(?P<quoted>{_ROOT}(?:(?!(?P=quote)).)*)(?P=quote)"
    # an absolute path that is not the tail of something else, nor an address of Plex or Stash
    rf"|(?P<bare>(?:(?<=file://)|(?<![\w:/\\.%-]))(?!{_OUR_URLS}){_ROOT}"
    # and it continues after a space while a later word still belongs to it: a folder, or a file's
    # name
    rf"(?:[^\s\"'<>|]| (?=(?:{_WORD}+ ){{0,12}}{_WORD}+(?:[/\\]|\.(?:{_ENDS})\b)))+)",
    re.IGNORECASE,
)
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}\Z")


@dataclass(frozen=True, slots=True)
class PathWords:
    """Replaces parts of paths, and titles, by words, the same for a part as long as the salt is."""

    salt: bytes = field(repr=False)

    def part(self, text: str) -> str:
        """One word, the same for every Unicode form of the text."""
        known = unicodedata.normalize("NFC", text).encode("utf-8", "surrogatepass")
        digest = hmac.new(self.salt, known, hashlib.sha256).digest()
        return f"{_WORDS[digest[0] % len(_WORDS)]}-{digest[1:3].hex()}"

    def path(self, text: str) -> str:
        """The path with a word for each part; separators, drive and file extension are kept."""
        *folders, last = re.split(r"([/\\]+)", text)
        extension = _EXTENSION.search(last)
        stem = last[: extension.start()] if extension else last
        shown = "".join(map(self._folder, folders))
        return shown + (self.part(stem) if stem else "") + last[len(stem) :]

    def in_text(self, text: str) -> str:
        """Free text with absolute paths and the values of URL parameters as words."""
        return _PRIVATE.sub(self._found, text)

    def _found(self, match: re.Match[str]) -> str:
        if match["name"]:
            return match["name"] + self._parameter(match["value"])
        if match["quote"]:
            return match["quote"] + self.path(match["quoted"]) + match["quote"]
        path = match["bare"].rstrip(".,;:!)]}")
        return self.path(path) + match["bare"][len(path) :]

    def _folder(self, part: str) -> str:
        kept = part in ("", ".", "..") or part[0] in "/\\" or re.fullmatch("[A-Za-z]:", part)
        return part if kept else self.part(part)

    def _parameter(self, value: str) -> str:
        if re.fullmatch(r"[\d.,*]+", value):
            return value
        plain = unquote_plus(value)
        return self.path(plain) if "/" in plain or "\\" in plain else self.part(plain)


def load_words(folder: str, warn: Callable[[str], None]) -> PathWords:
    """The words of this data folder, the same in every process.

    Their salt is created on first use. If it cannot be stored, the words differ in each process.
    """
    path = os.path.join(folder, "log_salt.json")
    with suppress(OSError, files.NewerSchema):
        salt = files.read_json(path, _salt, b"", warn)
        if not salt:
            _keep_first(path, {"version": 1, "salt": secrets.token_hex(32)})
            salt = files.read_json(path, _salt, b"", warn)
        if salt:
            return PathWords(salt)
    warn("The salt for private paths cannot be stored, so their words differ in each process.")
    return PathWords(secrets.token_bytes(32))


def _keep_first(path: str, value: object) -> None:
    """Write a file unless another process has written it first."""
    mine = f"{path}.{os.getpid()}"
    files.replace_json(mine, value)
    try:
        os.link(mine, path)
    except FileExistsError:
        pass
    except OSError:  # no hard links here
        os.replace(mine, path)
    with suppress(FileNotFoundError):
        os.unlink(mine)


def _salt(raw: object) -> bytes:
    text = versioned(raw, 1).get("salt")
    if not isinstance(text, str) or len(text) < 32:
        raise ValueError("it holds no salt")
    return bytes.fromhex(text)
