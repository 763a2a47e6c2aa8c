"""The language of recipes: how a pattern is read, checked and written.

    list         = [entry] {";" [entry]}
    text, entry  = {sign | placeholder | optional}
    optional     = "[" {sign | placeholder} "]"          with at least one placeholder
    placeholder  = "{" ["?"] choice {"|" choice} "}"
    choice       = name [":" item {"," item}]
    item         = ["-"] (word | '"' {any} '"') ["/*"]

A sign is any character; "{", "}", "[" and "]", and in a list ";", are written twice to stand for
themselves. A name is one of SPECS, in any case. A word is anything but `,` `|` `{` `}`; what else a
name holds, or begins with, goes between double quotes, where `""` is a quote. Blanks around names,
items and entries do not matter. There are no escapes, no nesting and no loops, so reading takes one
pass, and a pattern can print no more than its placeholders hold.

Reading a written pattern gives the same pattern.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import NoReturn

from plexsync.policy.recipe.placeholders import BARE, NOTHING, SPECS, TREE

LONGEST = 10_000
"""Characters of a pattern."""
MOST_PLACEHOLDERS = 100
MOST_ENTRIES = 100

_SIGNS = "{}[]"
_SHOWN = 12


class PatternError(ValueError):
    """A pattern that cannot be read; says where, and what was expected there."""

    def __init__(self, text: str, at: int, expected: str) -> None:
        found = f'"{text[at : at + _SHOWN]}"' if at < len(text) else "its end"
        super().__init__(f"character {at + 1}, at {found}: expected {expected}")
        self.at = at
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Item:
    """One name of a choice; `below` stands for all that is below it."""

    name: str
    excluded: bool = False
    below: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A name of SPECS with those of its values that are meant; without items all of them."""

    name: str
    items: tuple[Item, ...] = ()


@dataclass(frozen=True, slots=True)
class Placeholder:
    """The first choice that is not empty; a condition prints nothing of it."""

    choices: tuple[Choice, ...]
    condition: bool = False
    at: int = field(default=0, compare=False)

    @property
    def is_many(self) -> bool:
        """Whether an entry is repeated for each of its values."""
        return not self.condition and any(SPECS[choice.name].axis for choice in self.choices)


@dataclass(frozen=True, slots=True)
class OptionalPart:
    """A part that vanishes when a placeholder in it is empty."""

    parts: tuple[str | Placeholder, ...]


Part = str | Placeholder | OptionalPart
Entry = tuple[Part, ...]


def parse_text(text: str) -> Entry:
    """The pattern of a text; raises PatternError."""
    reader = _Reader(text, _SIGNS)
    entry = reader.parts()
    if reader.at < len(text):
        reader.fail(f'"{reader.next()}{reader.next()}" for the sign itself')
    return entry


def parse_list(text: str) -> tuple[Entry, ...]:
    """The entries of a list's pattern, without empty ones; raises PatternError."""
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
    """Names separated by commas, as after a colon; raises PatternError."""
    reader = _Reader(text, "")
    items = reader.items(SPECS["tag"].choices)
    if reader.at < len(text):
        reader.fail('"," or the end')
    for item in items:
        if item.excluded:
            reader.fail('a name without "-" before it', 0)
    return items


def show_text(entry: Entry) -> str:
    """The pattern of a text as it is written."""
    return _show(entry, _SIGNS)


def show_list(entries: Iterable[Entry]) -> str:
    """The pattern of a list as it is written."""
    return "; ".join(_show(entry, _SIGNS + ";") for entry in entries)


def placeholders(entry: Entry) -> Iterator[Placeholder]:
    """All of an entry, in order, those of its optional parts too."""
    for part in entry:
        if isinstance(part, Placeholder):
            yield part
        elif isinstance(part, OptionalPart):
            yield from (each for each in part.parts if isinstance(each, Placeholder))


def axis(entry: Entry) -> Placeholder | None:
    """The placeholder for each of whose values an entry is repeated; None for one that is not."""
    many = [each for each in placeholders(entry) if each.is_many]
    leading = [each for each in many if not _follows_group(each)]
    return next(iter(leading or many), None)


def follows(each: Placeholder, leader: Placeholder) -> bool:
    """Whether it changes along with the one for whose values an entry is repeated."""
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
    """Without the blanks at both ends."""
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
    """Goes through a pattern once, from the first character to the last."""

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
        """The character that follows, "" at the end."""
        return self.text[self.at : self.at + 1]

    def take(self, sign: str) -> bool:
        """Pass over this, if it follows."""
        found = self.text.startswith(sign, self.at)
        self.at += len(sign) * found
        return found

    def parts(self) -> Entry:
        """Up to the end of the pattern, or to a sign that means something else here."""
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
        """The text up to the next sign that stands alone."""
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
    """What to write instead of a name that is none."""
    near = get_close_matches(name, SPECS, 1)
    return f'"{near[0]}"' if near else f"one of {', '.join(SPECS)}"
