"""Formats numbers and names for the user."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SHOWN = 20


def counted(number: int, thing: str) -> str:
    """For example "1 scene", "2 scenes", "3 libraries" or "4 misses"."""
    return f"{number} {thing if number == 1 else plural(thing)}"


def plural(thing: str) -> str:
    """The plural of an English noun that has a regular one, also of several words."""
    if thing.endswith(("s", "x", "z", "ch", "sh")):
        return thing + "es"
    if thing.endswith("y") and thing[-2:-1] not in "aeiou":
        return thing[:-1] + "ies"
    return thing + "s"


def some_scenes(scenes: Sequence[int]) -> str:
    """For example "scene 7" or "scenes 7, 9 and 4 more"."""
    shown = ", ".join(map(str, sorted(scenes)[:_SHOWN]))
    more = f" and {len(scenes) - _SHOWN} more" if len(scenes) > _SHOWN else ""
    return f"scene {shown}" if len(scenes) == 1 else f"scenes {shown}{more}"


def grouped(number: int) -> str:
    """For example "5 300"."""
    return f"{number:,}".replace(",", " ")


def label(field: str) -> str:
    """A field's name, as shown to the user."""
    return field.replace("_", " ")


def brief(seconds: float) -> str:
    """For example "35 ms" or "1.20 s"."""
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1000:.0f} ms"


def listed(counts: Mapping[str, int]) -> str:
    """For example "PlexNotFound 3, PlexServerDown 1"."""
    return ", ".join(f"{name} {grouped(number)}" for name, number in sorted(counts.items()))


def capital(text: str) -> str:
    """The text, begun with a capital."""
    return text[:1].upper() + text[1:]


def quoted(text: str) -> str:
    """A path or name as a message quotes it: on one line, and to be copied as it is.

    The log finds a path between the quotes where it must hide it.
    """
    mark = "'" if '"' in text else '"'
    shown = "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
    return f"{mark}{shown}{mark}"
