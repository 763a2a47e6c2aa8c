"""A task's arguments besides its mode, read strictly: a mistake is reported, never guessed around.

Stash passes them as the user typed them, so text with commas is a list, and "" counts as not given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from plexsync.flows.tasks.context import Task, TaskFailed
from plexsync.model.arguments import read_arguments, scene_id
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.error_types import error_types


def read_task_arguments(mode: str, task: Task, args: Mapping[str, object]) -> dict[str, object]:
    """Read each argument that the task takes, or take its default; raises TaskFailed."""
    given = {name: value for name, value in args.items() if name != "mode" and not _is_blank(value)}
    try:
        return read_arguments(mode, task.arguments, given)
    except ValueError as problem:
        raise TaskFailed(str(problem)) from None


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


def yes_or_no(value: object) -> bool:
    """Reads true or false, also as text."""
    found = {"true": True, "false": False}.get(str(value).strip().lower())
    if found is None:
        raise ValueError('"true" or "false"')
    return found


def some_of(known: Collection[str]) -> Callable[[object], tuple[str, ...]]:
    """Reads some of these words, separated by commas."""

    def read(value: object) -> tuple[str, ...]:
        given = {word.strip().lower() for word in str(value).split(",")} - {""}
        if not isinstance(value, str) or given - set(known):
            raise ValueError(f"some of {', '.join(known)}")
        return tuple(word for word in known if word in given)

    return read


def scenes(value: object) -> tuple[int, ...]:
    """Reads scene ids, without duplicates: a number, a list, or text with commas."""
    listed = value if isinstance(value, (list, tuple)) else str(value).split(",")
    try:
        return tuple(dict.fromkeys(scene_id(str(each).strip()) for each in listed))
    except ValueError:
        raise ValueError("scene ids, separated by commas") from None


def hours(value: object) -> float:
    """Reads a number of hours, at most a year; true means a day."""
    try:
        found = 24.0 if value is True else float(str(value))
    except ValueError:
        found = 0.0
    if not 0 < found < 24 * 366:
        raise ValueError("a number of hours")
    return found


def window(value: object) -> str | float:
    """Reads a choice of outages: "last", "all", or those of the last hours."""
    if value in ("last", "all"):
        return str(value)
    try:
        return hours(value)
    except ValueError:
        raise ValueError('"last", "all" or a number of hours') from None


def chosen_error_types(text: str, dead_letters: Iterable[DeadLetter]) -> frozenset[str]:
    """The classes and causes in a text; those of existing dead letters are valid too."""
    known = frozenset(word for each in dead_letters for word in (each.error, each.cause) if word)
    try:
        return error_types(text, known)
    except ValueError as problem:
        raise TaskFailed(str(problem)) from None
