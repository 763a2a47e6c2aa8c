"""The syntax of the settings "sync_only" and "sync_never": conditions that a scene meets or not.

    organized; rating>=4; tag:VR, POV; studio:Acme/*; path:/data/films

Conditions are separated by semicolons or line breaks. Names separated by commas mean any of them. A
name that contains one of these characters is put in double quotes, and a quote in it is doubled.
`/*` after the name of a tag or studio includes everything below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NoReturn

from plexsync.model.formatting import quoted
from plexsync.model.named_tuple import NamedTuple

FILTERS = ("sync_only", "sync_never")
"""Settings that choose the scenes; what is written of a scene does not depend on them."""

ORGANIZED, STASH_ID, URL = "organized", "stash_id", "url"
RATING, STARS = "rating", "stars"
TAG, STUDIO, PERFORMER, PATH = "tag", "studio", "performer", "path"

PLAIN = (ORGANIZED, STASH_ID, URL)
"""Kinds of condition that consist of a single word."""

NAMED = (TAG, STUDIO, PERFORMER, PATH)
"""Kinds that take names after a colon."""

NESTED = (TAG, STUDIO)
"""Kinds whose names may end in `/*`."""

MEASURES = {RATING: 10.0, STARS: 5.0}
"""Kinds that compare a number, each with its maximum; a scene without a rating meets neither."""

SIGNS = (">=", "<=", ">", "<")

LONGEST = 10_000
"""Maximum characters of a filter."""

EXPECTED = f"{', '.join(PLAIN)}, rating>=N, stars>=N, {', '.join(f'{kind}:' for kind in NAMED[:-1])} or path:"

_WORD = re.compile(r"[A-Za-z_]+")
_BLANKS = re.compile(r"\s*")
_NUMBER = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?")
_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_BARE = re.compile(r"[^,;]*")
_WHOLE_PATH = re.compile(r"[/\\]|[A-Za-z]:")
_BELOW = "/*"
_SHOWN = 20


class FilterError(ValueError):
    """A filter that cannot be parsed. The message says at which character, counted from 1, and what
    was expected there; `at` counts from 0.
    """

    def __init__(self, at: int, expected: str, rest: str) -> None:
        found = quoted(rest[:_SHOWN]) if rest.strip() else "the end"
        super().__init__(f"at character {at + 1} ({found}): expected {expected}")
        self.at = at


class Name(NamedTuple):
    """One name of a condition, or an id as text; `below` if `/*` follows it."""

    text: str
    below: bool = False

    def __str__(self) -> str:
        return _spelt(self) + _BELOW * self.below


class Condition(NamedTuple):
    """One condition: a single word, a number with its `sign`, or a kind with names."""

    kind: str
    names: tuple[Name, ...] = ()
    sign: str = ""
    number: float = 0.0

    def __str__(self) -> str:
        if self.kind in PLAIN:
            return self.kind
        if self.kind in MEASURES:
            return f"{self.kind}{self.sign}{self.number:g}"
        return f"{self.kind}:{', '.join(map(str, self.names))}"


@lru_cache(8)
def parse_filter(text: str) -> tuple[Condition, ...]:
    """Parse a filter. Raises FilterError for the first error."""
    if len(text) > LONGEST:
        raise FilterError(
            LONGEST, f"the end: a filter has at most {LONGEST} characters", text[LONGEST:]
        )
    return tuple(_Reader(text).conditions())


def print_filter(conditions: tuple[Condition, ...]) -> str:
    """The text of these conditions; parsing it gives the same conditions."""
    return "; ".join(map(str, conditions))


class _Reader:
    """Parses a filter from left to right; it never backtracks further than a word."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\n", ";")  # of the same length, so positions stay right
        self._at = 0

    def conditions(self) -> Iterator[Condition]:
        while self._at < len(self._text):
            if self._passes(";"):
                continue
            if self._at < len(self._text):
                yield self._condition()
            if self._at < len(self._text) and not self._passes(";"):
                self._fail("a semicolon or the end")

    def _condition(self) -> Condition:
        start, kind = self._at, self._take(_WORD).lower()
        if kind in PLAIN:
            return Condition(kind)
        if kind in MEASURES:
            return self._measure(kind)
        if kind not in NAMED:
            self._fail(EXPECTED, start)
        if not self._passes(":"):
            self._fail(f"a colon and a name after {kind}")
        names = [self._name(kind)]
        while self._passes(","):
            names.append(self._name(kind))
        return Condition(kind, tuple(names))

    def _measure(self, kind: str) -> Condition:
        sign = next((sign for sign in SIGNS if self._passes(sign)), "")
        if not sign:
            self._fail(f"one of {' '.join(SIGNS)} after {kind}")
        self._skip_blanks()
        start, digits = self._at, self._take(_NUMBER)
        if not digits or float(digits) > MEASURES[kind]:
            self._fail(f"a number from 0 to {MEASURES[kind]:g}", start)
        return Condition(kind, sign=sign, number=float(digits))

    def _name(self, kind: str) -> Name:
        self._skip_blanks()
        start = self._at
        quoted = self._text.startswith('"', start)
        text = self._quoted() if quoted else self._take(_BARE).strip()
        below = self._passes(_BELOW) if quoted else text.endswith(_BELOW)
        if below and not quoted:
            text = text[: -len(_BELOW)].rstrip()
        if not text.strip():
            self._fail(f"the name of a {kind}" if kind != PATH else "a path", start)
        if kind == PATH and not _WHOLE_PATH.match(text):
            self._fail(
                "an absolute path as Stash has it, in quotes if it contains a comma or semicolon",
                start,
            )
        if kind == PERFORMER and below:
            self._fail(f"a name without {_BELOW}: performers have nothing below them", start)
        return Name(text, below and kind in NESTED)

    def _quoted(self) -> str:
        found = _QUOTED.match(self._text, self._at)
        if found is None:
            self._fail("a closing quote after the name", len(self._text))
        self._at = found.end()
        return found[1].replace('""', '"')

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""

    def _passes(self, mark: str) -> bool:
        """Skip blanks, and the mark if it comes next; whether it did."""
        self._skip_blanks()
        there = self._text.startswith(mark, self._at)
        self._at += len(mark) * there
        return there

    def _skip_blanks(self) -> None:
        self._take(_BLANKS)

    def _fail(self, expected: str, at: int | None = None) -> NoReturn:
        at = self._at if at is None else at
        raise FilterError(at, expected, self._text[at:])


def _spelt(name: Name) -> str:
    text = name.text
    if set(text) & set(',;"') or text != text.strip() or text.endswith(_BELOW):
        return '"' + text.replace('"', '""') + '"'
    return text
