"""Prepares text for Plex: removes harmful characters, and cuts at a sensible place.

Invisible characters may carry meaning: Persian and Hindi need U+200C and U+200D inside words,
Hebrew and Arabic need U+200E and U+200F beside Latin letters, the flags of England, Scotland and
Wales are made of tag characters. So harmful characters are listed one by one; no Unicode category
is removed as a whole.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from itertools import accumulate

_JOINER = "\u200d"
_VARIATIONS = "\ufe0e\ufe0f"
_SPACES = "\t\n\v\f\r"
_QUOTES = {**dict.fromkeys(map(ord, "‘’‚‛"), "'"), **dict.fromkeys(map(ord, "“”„‟"), '"')}
_LINES = {ord("\n"): "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n\n", ord(_JOINER): _JOINER}

_HARMFUL = frozenset("\u200b\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Zero-width spaces and the controls that override text direction (which can make "txt.exe" read
"exe.txt"). Control characters, noncharacters and lone surrogates are removed as well."""

_TAGS = "\U000e0020-\U000e007f"
_PICTURE = (
    "\u231a\u231b\u23e9-\u23f3\u23f8-\u23fa\u2600-\u2604\u2607-\u27bf\u2934\u2935"
    "\u2b05-\u2b07\u2b1b\u2b1c\u2b50\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_EMOJI = re.compile(f"[{_PICTURE}][{_PICTURE}{_JOINER}{_VARIATIONS}{_TAGS}]*|\ufe0f?\u20e3")

_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")


class _Replacements(dict[int, str]):
    """A translation table filled on demand: the replacement of each character."""

    def __missing__(self, code: int) -> str:
        self[code] = _replacement(chr(code))
        return self[code]


def _replacement(char: str) -> str:
    if unicodedata.category(char) == "Cc":
        return " "
    return "" if char in _HARMFUL or _is_noncharacter(char) else char


def _is_noncharacter(char: str) -> bool:
    """Whether the code point is a noncharacter; U+FFFE and U+FFFF would even be invalid in XML."""
    return ord(char) & 0xFFFE == 0xFFFE or "\ufdd0" <= char <= "\ufdef"


_REPLACEMENTS = _Replacements({**_QUOTES, **_LINES})


def clean(text: str, multiline: bool, strip_emoji: bool) -> str:
    """Normalise text to NFC, and remove harmful characters and redundant white space.

    Joined emoji stay whole. With `multiline` paragraphs stay, at most one empty line apart; without
    it every line break becomes a space. Text with nothing visible becomes empty. Cleaning is
    idempotent.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        # fast path: of plain ASCII only white space changes below
        return _paragraphs(text).strip(" \n") if multiline else " ".join(text.split())
    # UTF-16 joins split surrogate pairs; "ignore" drops a lone surrogate.
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_REPLACEMENTS)
    if strip_emoji:
        text = _EMOJI.sub(lambda found: "" if found[0].endswith("\u20e3") else " ", text)
    # After the removals: a removed character may have stood between a letter and its accent.
    text = unicodedata.normalize("NFC", text)
    text = _paragraphs(text) if multiline else " ".join(text.split())
    return _visible(text.lstrip(" \n" + _JOINER + _VARIATIONS).rstrip(" \n" + _JOINER))


def _visible(text: str) -> str:
    """The text, or "" if nothing in it is visible."""
    for char in text:
        if not (char.isspace() or char in _VARIATIONS or unicodedata.category(char) == "Cf"):
            return text
    return ""


def _paragraphs(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def is_damaged(text: str) -> bool:
    """Whether text contains control characters or lone surrogates, which no keyboard types."""
    return any(
        unicodedata.category(char) in ("Cc", "Cs") and char not in _SPACES or _is_noncharacter(char)
        for char in text
    )


def cut(text: str, limit: int) -> str:
    """Cut text to at most `limit` characters.

    The cut is at a word boundary if one lies beyond 80 % of the limit, and never inside a joined
    emoji or between a letter and its accents (unless a single such cluster exceeds the limit).
    """
    return text if len(text) <= limit else _cut(text, limit, limit * 4 // 5)


def cut_encoded(text: str, limit_bytes: int) -> str:
    """As `cut`, but the limit is in bytes of percent-encoded UTF-8, as in a URL."""
    if len(text) * 12 <= limit_bytes:  # no character takes more
        return text
    costs = list(accumulate(map(_encoded_length, text)))
    if not costs or costs[-1] <= limit_bytes:
        return text
    return _cut(text, bisect_right(costs, limit_bytes), bisect_right(costs, limit_bytes * 4 // 5))


def _cut(text: str, end: int, least: int) -> str:
    word = max(text.rfind(" ", least + 1, end + 1), text.rfind("\n", least + 1, end + 1))
    if word > 0:
        return _visible(text[:word].rstrip(" \n" + _JOINER))
    whole = end
    while whole > 0 and _belongs_to_previous(text, whole):
        whole -= 1
    return _visible(text[: whole or end].rstrip(" \n" + _JOINER))


def _belongs_to_previous(text: str, index: int) -> bool:
    """Whether a cut before `index` would split one visible character."""
    before, here = text[index - 1], text[index]
    if _JOINER in (before, here) or unicodedata.category(here).startswith("M"):
        return True
    if "\U0001f3fb" <= here <= "\U0001f3ff" or "\U000e0020" <= here <= "\U000e007f":
        return True  # a skin tone belongs to its emoji, a tag to its flag
    return _is_flag_letter(here) and _flag_letters_before(text, index) % 2 == 1


def _flag_letters_before(text: str, index: int) -> int:
    """How many flag letters in a row end at `index`; each pair is a flag."""
    start = index
    while start > 0 and _is_flag_letter(text[start - 1]):
        start -= 1
    return index - start


def _is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _encoded_length(char: str) -> int:
    return 1 if char in _UNRESERVED else 3 * len(char.encode("utf-8", "surrogatepass"))
