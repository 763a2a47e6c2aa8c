"""Compiles patterns into functions that print the values for a scene.

The work for one scene is bounded: a pattern has at most a hundred placeholders, a list at most ten
thousand names, and each name and text is cut at Plex's limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from plexsync.model.metadata import MOST_NAMES
from plexsync.model.text import clean
from plexsync.policy.recipe.choices import pick_of
from plexsync.policy.recipe.pattern import (
    Choice,
    Entry,
    OptionalPart,
    Part,
    Placeholder,
    axis,
    follows,
)
from plexsync.policy.recipe.placeholders import SPECS
from plexsync.policy.recipe.scene_values import Facts, bare_title, own_title

Text = Callable[[Facts], str]
Names = Callable[[Facts], Sequence[str]]

_ENOUGH = 600
"""Characters that are examined to decide whether a text is visible."""


@dataclass(slots=True, eq=False)
class _Slot:
    """A placeholder with its values. `led`: its value changes with each repetition of its entry."""

    values: Names
    condition: bool
    led: bool


_Parts = tuple["str | _Slot | _Parts", ...]
"""A compiled entry; an optional part is a nested tuple."""


def is_seen(text: str, strip_emoji: bool) -> bool:
    """Whether anything of the text would be visible in Plex."""
    if text.isascii() and text.isprintable():
        return not text.isspace() and text != ""
    return bool(clean(text[:_ENOUGH], multiline=False, strip_emoji=strip_emoji))


def text_of(entry: Entry, most: int, strip_emoji: bool) -> Text:
    """A function that prints a text of at most `most` characters; "" if a condition does not hold."""
    parts = _compiled(entry, None, strip_emoji)
    slots = list(_slots(parts))
    if parts == (*slots,) and len(slots) == 1 and not slots[0].condition:
        whole = slots[0].values
        return lambda facts: ", ".join(whole(facts))

    def text(facts: Facts) -> str:
        shown = {slot: _joined(slot, facts, strip_emoji) for slot in slots}
        return (_print(parts, shown, whole=False) or "")[:most]

    return text


def names_of(entries: Sequence[Entry], most: int, strip_emoji: bool) -> Names:
    """A function that prints the names of a list, each of at most `most` characters."""
    made = [_repeated(entry, most, strip_emoji) for entry in entries]
    if len(made) == 1:
        return made[0]
    return lambda facts: list(islice(chain.from_iterable(m(facts) for m in made), MOST_NAMES))


def _repeated(entry: Entry, most: int, strip_emoji: bool) -> Names:
    """A function that prints an entry for each value of its axis; nothing if a placeholder is
    empty.
    """
    parts = _compiled(entry, axis(entry), strip_emoji)
    slots = list(_slots(parts))
    if parts == (*slots,) and len(slots) == 1 and not slots[0].condition:
        return slots[0].values
    led = [slot for slot in slots if slot.led]
    fixed = [slot for slot in slots if not slot.led]

    def names(facts: Facts) -> Sequence[str]:
        shown = {slot: _joined(slot, facts, strip_emoji) for slot in fixed}
        found = []
        for row in _rows(led, facts):
            values = (value if is_seen(value, strip_emoji) else "" for value in row)
            shown.update(zip(led, values, strict=True))
            if text := _print(parts, shown, whole=True):
                found.append(text[:most])
        return found

    return names


def _rows(led: Sequence[_Slot], facts: Facts) -> Sequence[Sequence[str]]:
    """The values row by row; a single row of empty values if there are none."""
    rows = list(islice(zip(*(slot.values(facts) for slot in led), strict=False), MOST_NAMES))
    return rows or [("",) * len(led)]


def _joined(slot: _Slot, facts: Facts, strip_emoji: bool) -> str:
    return ", ".join(value for value in slot.values(facts) if is_seen(value, strip_emoji))


def _print(parts: _Parts, shown: Mapping[_Slot, str], whole: bool) -> str | None:
    """The text; None if a condition does not hold or, with `whole`, if any placeholder is empty."""
    pieces = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(part)
        elif isinstance(part, tuple):
            pieces.append(_print(part, shown, whole=True) or "")
        elif not shown[part] and (whole or part.condition):
            return None
        elif not part.condition:
            pieces.append(shown[part])
    return "".join(pieces)


def _compiled(entry: Sequence[Part], leader: Placeholder | None, strip_emoji: bool) -> _Parts:
    return tuple(_part(part, leader, strip_emoji) for part in entry)


def _part(part: Part, leader: Placeholder | None, strip_emoji: bool) -> str | _Slot | _Parts:
    if isinstance(part, str):
        return part
    if isinstance(part, OptionalPart):
        return _compiled(part.parts, leader, strip_emoji)
    led = leader is not None and part.is_many and follows(part, leader)
    choices = part.choices
    if led and leader is not None and choices != leader.choices:  # the numbers of chosen groups
        choices = (Choice(choices[0].name, leader.choices[0].items),)
    return _Slot(_values(choices, strip_emoji), part.condition, led)


def _values(choices: Sequence[Choice], strip_emoji: bool) -> Names:
    """The values of the first choice that has a visible one."""
    each = [_choice(choice, alone=len(choices) == 1) for choice in choices]
    if len(each) == 1:
        return each[0]

    def first(facts: Facts) -> Sequence[str]:
        for values in each:
            found = values(facts)
            if any(is_seen(value, strip_emoji) for value in found):
                return found
        return ()

    return first


def _choice(choice: Choice, alone: bool) -> Names:
    spec = SPECS[choice.name]
    values, pick = spec.values, pick_of(choice.items, spec.choices)
    if choice.name == "title" and choice.items:
        values = bare_title
    elif choice.name == "title" and not alone:
        values = own_title  # the choices after it are for scenes without a title
    return lambda facts: values(facts, pick)


def _slots(parts: _Parts) -> Iterator[_Slot]:
    for part in parts:
        if isinstance(part, tuple):
            yield from _slots(part)
        elif isinstance(part, _Slot):
            yield part
