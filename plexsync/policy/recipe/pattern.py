"""The syntax of recipes: parses, checks and prints patterns.

    list         = [entry] {";" [entry]}
    text, entry  = {sign | placeholder | optional}
    optional     = "[" {sign | placeholder} "]"          with at least one placeholder
    placeholder  = "{" ["?"] choice {"|" choice} "}"
    choice       = name [":" item {"," item}]
    item         = ["-"] (word | '"' {any} '"') ["/*"]

A sign is any character; "{", "}", "[" and "]", and in a list ";", are doubled to be literal. A name
is one of SPECS, in any case. A word is anything without `,` `|` `{` `}`; a name that contains one
of these, or starts with "-" or a quote, is put in double quotes, where `""` is a quote. Spaces
around names, items and entries do not matter. There are no escapes, no nesting and no loops, so
parsing takes one pass, and the output is bounded by the values of the placeholders.

Parsing a printed pattern gives the same pattern.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NoReturn

from plexsync.policy.recipe.placeholders import BARE, NOTHING, SPECS, TREE

LONGEST = 10_000
"""Maximum characters of a pattern."""
MOST_PLACEHOLDERS = 100
MOST_ENTRIES = 100

_SIGNS = "{}[]"
_SHOWN = 12


class PatternError(ValueError):
    """A pattern that cannot be parsed; the message says where, and what was expected there."""

    def __init__(self, text: str, at: int, expected: str) -> None:
        found = f'"{text[at : at + _SHOWN]}"' if at < len(text) else "its end"
        super().__init__(f"character {at + 1}, at {found}: expected {expected}")
        self.at = at
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Item:
    """One name of a choice; `below` selects everything below it instead."""

    name: str
    excluded: bool = False
    below: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A name of SPECS, restricted to the values that the items select; without items all values."""

    name: str
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Placeholder:
    """Prints the first choice that is not empty; a condition prints nothing."""

    choices: tuple[Choice, ...]
    condition: bool = False
    at: int = field(default=0, compare=False)

    @property
    def is_many(self) -> bool:
        """Whether an entry with it is repeated for each of its values."""
        return not self.condition and any(SPECS[choice.name].axis for choice in self.choices)


@dataclass(frozen=True, slots=True)
class OptionalPart:
    """A part that is left out if a placeholder in it is empty."""

    parts: tuple[str | Placeholder, ...]


Part = str | Placeholder | OptionalPart
Entry = tuple[Part, ...]


def parse_text(text: str) -> Entry:
    """Parse the pattern of a text. Raises PatternError."""
    reader = _Reader(text, _SIGNS)
    entry = reader.parts()
    if reader.at < len(text):
        reader.fail(f'"{reader.next()}{reader.next()}" for the sign itself')
    return entry


def parse_list(text: str) -> tuple[Entry, ...]:
    """Parse the pattern of a list into its entries, without empty ones. Raises PatternError."""
    reader = _Reader(text, _SIGNS + ";")
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


def show_text(entry: Entry) -> str:
    """The source of a text's pattern."""
    return _show(entry, _SIGNS)


def show_list(entries: Iterable[Entry]) -> str:
    """The source of a list's pattern."""
    return "; ".join(_show(entry, _SIGNS + ";") for entry in entries)


def placeholders(entry: Entry) -> Iterator[Placeholder]:
    """All placeholders of an entry in order, including those in optional parts."""
    for part in entry:
        if isinstance(part, Placeholder):
            yield part
        elif isinstance(part, OptionalPart):
            yield from (each for each in part.parts if isinstance(each, Placeholder))


def axis(entry: Entry) -> Placeholder | None:
    """The placeholder for whose values the entry is repeated; None if it is not repeated."""
    many = [each for each in placeholders(entry) if each.is_many]
    leading = [each for each in many if not _follows_group(each)]
    return next(iter(leading or many), None)


def follows(each: Placeholder, leader: Placeholder) -> bool:
    """Whether its value changes with that of `leader`, for whose values the entry is repeated."""
    if each.choices == leader.choices:
        return True
    return _follows_group(each) and [choice.name for choice in leader.choices] == ["group"]


def _follows_group(each: Placeholder) -> bool:
    return [choice.name for choice in each.choices] == ["group_number"]


def _check_axis(reader: _Reader, entry: Entry) -> None:
    leader = axis(entry)
    for each in placeholders(entry):
        if leader is not None and each.is_many and not follows(each, leader):
            expected = f'";" before it: {_choices(leader)} has several values already'
            reader.fail(expected, each.at)


def _stripped(entry: Entry) -> Entry:
    """The entry without spaces at both ends."""
    parts = list(entry)
    if parts and isinstance(parts[0], str):
        parts[0] = parts[0].lstrip()
    if parts and isinstance(parts[-1], str):
        parts[-1] = parts[-1].rstrip()
    return tuple(part for part in parts if part)


def _show(parts: Sequence[Part], signs: str) -> str:
    return "".join(_show_part(part, signs) for part in parts)


def _show_part(part: Part, signs: str) -> str:
    if isinstance(part, str):
        return "".join(sign * 2 if sign in signs else sign for sign in part)
    if isinstance(part, OptionalPart):
        return f"[{_show(part.parts, signs)}]"
    return _choices(part)


def _choices(part: Placeholder) -> str:
    choices = "|".join(map(_choice, part.choices))
    return f"{{{'?' * part.condition}{choices}}}"


def _choice(choice: Choice) -> str:
    items = ",".join(map(_item, choice.items))
    return f"{choice.name}:{items}" if items else choice.name


def _item(item: Item) -> str:
    name, plain = item.name, not set(item.name) & set(",|{}")
    if not plain or name != name.strip() or name.startswith(("-", '"')) or name.endswith("/*"):
        name = '"{}"'.format(name.replace('"', '""'))
    return f"{'-' * item.excluded}{name}{'/*' * item.below}"


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
