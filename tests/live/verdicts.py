"""How a contract check says what it found."""

from __future__ import annotations


class DiffersError(Exception):
    """The server does not do what the simulator does."""


class SkippedError(Exception):
    """This server has nothing to look at."""


def expect(what: str, found: object, wanted: object) -> None:
    """DiffersError unless both are the same."""
    if found != wanted:
        raise DiffersError(f"{what} is {short(found)}, not {short(wanted)}")


def demand(good: object, otherwise: str) -> None:
    """DiffersError unless it is so."""
    if not good:
        raise DiffersError(otherwise)


def short(value: object) -> str:
    """A value as one short piece of text."""
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
