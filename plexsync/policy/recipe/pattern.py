"""The patterns of recipes: their grammar, their parts, and their source.

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

from plexsync.policy.recipe.placeholders import SPECS

TEXT_SIGNS, LIST_SIGNS = "{}[]", "{}[];"
"""What is doubled to be literal."""


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


def show_text(entry: Entry) -> str:
    """The source of a text's pattern."""
    return _show(entry, TEXT_SIGNS)


def show_list(entries: Iterable[Entry]) -> str:
    """The source of a list's pattern."""
    return "; ".join(_show(entry, LIST_SIGNS) for entry in entries)


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
