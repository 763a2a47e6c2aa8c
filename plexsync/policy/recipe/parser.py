"""Parses patterns, by the grammar in pattern.py, and says where one is wrong."""

from __future__ import annotations

from difflib import get_close_matches
from typing import NoReturn

from plexsync.policy.recipe.pattern import (
    LIST_SIGNS,
    TEXT_SIGNS,
    Choice,
    Entry,
    Item,
    OptionalPart,
    Part,
    Placeholder,
    axis,
    follows,
    placeholders,
    show_text,
)
from plexsync.policy.recipe.placeholders import BARE, NOTHING, SPECS, TREE

LONGEST = 10_000
"""Maximum characters of a pattern."""
MOST_PLACEHOLDERS = 100
MOST_ENTRIES = 100

_SHOWN = 12


class PatternError(ValueError):
    """A pattern that cannot be parsed; the message says where, and what was expected there."""

    def __init__(self, text: str, at: int, expected: str) -> None:
        found = f'"{text[at : at + _SHOWN]}"' if at < len(text) else "its end"
        super().__init__(f"character {at + 1}, at {found}: expected {expected}")
        self.at = at
        self.expected = expected


def parse_text(text: str) -> Entry:
    """Parse the pattern of a text. Raises PatternError."""
    reader = _Reader(text, TEXT_SIGNS)
    entry = reader.parts()
    if reader.at < len(text):
        reader.fail(f'"{reader.next()}{reader.next()}" for the sign itself')
    return entry


def parse_list(text: str) -> tuple[Entry, ...]:
    """Parse the pattern of a list into its entries, without empty ones. Raises PatternError."""
    reader = _Reader(text, LIST_SIGNS)
    entries: list[Entry] = []
    while True:
        entry = _stripped(reader.parts())
        _check_axis(reader, entry)
        if entry:
            entries.append(entry)
        if len(entries) > MOST_ENTRIES:
            reader.fail(f"at most {MOST_ENTRIES} entries")
        if reader.at == len(text):
            return tuple(entries)
        if not reader.take(";"):
            reader.fail(f'"{reader.next()}{reader.next()}" for the sign itself')


def parse_names(text: str) -> tuple[Item, ...]:
    """Parse names separated by commas, as after a colon. Raises PatternError."""
    reader = _Reader(text, "")
    items = reader.items(SPECS["tag"].choices)
    if reader.at < len(text):
        reader.fail('"," or the end')
    for item in items:
        if item.excluded:
            reader.fail('a name without "-" before it', 0)
    return items


def _check_axis(reader: _Reader, entry: Entry) -> None:
    leader = axis(entry)
    for each in placeholders(entry):
        if leader is not None and each.is_many and not follows(each, leader):
            expected = f'";" before it: {show_text((leader,))} has several values already'
            reader.fail(expected, each.at)


def _stripped(entry: Entry) -> Entry:
    """The entry without spaces at both ends."""
    parts = list(entry)
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    return tuple(part for part in parts if part)


class _Reader:
    """Parses a pattern in one pass."""

    def __init__(self, text: str, signs: str) -> None:
        self.text = text
        self.at = 0
        self._signs = signs
        self._placeholders = 0
        if len(text) > LONGEST:
            self.fail(f"the end: a pattern has at most {LONGEST} characters", LONGEST)

    def fail(self, expected: str, at: int | None = None) -> NoReturn:
        raise PatternError(self.text, self.at if at is None else at, expected)

    def next(self) -> str:
        """The next character; "" at the end."""
        return self.text[self.at : self.at + 1]

    def take(self, sign: str) -> bool:
        """Skip this text if it comes next; whether it did."""
        found = self.text.startswith(sign, self.at)
        self.at += len(sign) * found
        return found

    def parts(self) -> Entry:
        """The parts up to the end of the pattern, or up to a sign with another meaning here."""
        parts: list[Part] = []
        while True:
            if plain := self._plain():
                parts.append(plain)
            if self.next() == "{":
                parts.append(self._placeholder())
            elif self.next() == "[":
                parts.append(self._optional())
            else:
                return tuple(parts)

    def items(self, kind: str) -> tuple[Item, ...]:
        """The names of a choice."""
        items = [self._item(kind)]
        while self.take(","):
            items.append(self._item(kind))
        return tuple(items)

    def _plain(self) -> str:
        """The literal text up to the next sign that is not doubled."""
        found: list[str] = []
        while sign := self.next():
            if sign in self._signs and not self.take(sign * 2):
                break
            if sign not in self._signs:
                self.at += 1
            found.append(sign)
        return "".join(found)

    def _optional(self) -> OptionalPart:
        start = self.at
        parts: list[str | Placeholder] = []
        self.take("[")
        while True:
            if plain := self._plain():
                parts.append(plain)
            if self.next() != "{":
                break
            parts.append(self._placeholder())
        if not self.take("]"):
            self.fail('"]", the end of the optional part')
        if not any(isinstance(part, Placeholder) for part in parts):
            self.fail('a placeholder between "[" and "]", or "[[" and "]]" for the signs', start)
        return OptionalPart(tuple(parts))

    def _placeholder(self) -> Placeholder:
        at = self.at
        self._placeholders += 1
        if self._placeholders > MOST_PLACEHOLDERS:
            self.fail(f"at most {MOST_PLACEHOLDERS} placeholders")
        self.take("{")
        condition = self.take("?")
        choices = [self._choice(condition)]
        while self.take("|"):
            choices.append(self._choice(condition))
        if not self.take("}"):
            self.fail('"}", "|"' + (', "," ' if choices[-1].items else ', ":" ') + "after the name")
        return Placeholder(tuple(choices), condition, at)

    def _choice(self, condition: bool) -> Choice:
        self._blanks()
        at = self.at
        while self.next().isalpha() or self.next() == "_":
            self.at += 1
        name = self.text[at : self.at].lower()
        spec = SPECS.get(name)
        if spec is None:
            self.fail(_meant(name), at)
        if spec.condition and not condition:
            self.fail(f'"?" before it: {{?{name}}} prints nothing', at)
        self._blanks()
        colon = self.at
        if not self.take(":"):
            return Choice(name)
        if spec.choices == NOTHING:
            self.fail(f'no ":" after {name}, which has one value only', colon)
        return Choice(name, self.items(spec.choices))

    def _item(self, kind: str) -> Item:
        self._blanks()
        at = self.at
        excluded = self.take("-")
        name, below = self._quoted() if self.next() == '"' else self._word()
        self._blanks()
        if not name:
            self.fail("a name", at)
        if below and kind != TREE:
            self.fail('no "/*": only tags and studios have others below them', at)
        if kind == BARE and (name != "bare" or excluded):
            self.fail('"bare", which is all that a title offers', at)
        return Item(name, excluded, below)

    def _word(self) -> tuple[str, bool]:
        start = self.at
        while self.next() not in ("", ",", "|", "{", "}"):
            self.at += 1
        word = self.text[start : self.at].strip()
        below = word.endswith("/*")
        return (word[:-2].strip() if below else word), below

    def _quoted(self) -> tuple[str, bool]:
        start = self.at
        pieces: list[str] = []
        while self.take('"'):
            end = self.text.find('"', self.at)
            if end < 0:
                self.fail("a second quote", start)
            pieces.append(self.text[self.at : end])
            self.at = end + 1
        self._blanks()
        return '"'.join(pieces), self.take("/*")

    def _blanks(self) -> None:
        while self.next().isspace():
            self.at += 1


def _meant(name: str) -> str:
    """A suggestion for an unknown name."""
    near = get_close_matches(name, SPECS, 1)
    return f'"{near[0]}"' if near else f"one of {', '.join(SPECS)}"
