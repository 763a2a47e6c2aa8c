"""What a task was asked for besides its mode, read strictly: a mistake is named, never guessed at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from plexsync.flows.tasks.context import Task, TaskContext, TaskFailed
from plexsync.model.error_types import error_types
from plexsync.model.job import DeadLetter


def check_names(mode: str, task: Task, args: Mapping[str, object]) -> None:
    """Raise TaskFailed for an argument that the task does not take."""
    unknown = sorted(set(map(str, args)) - {"mode", *task.arguments})
    if unknown:
        takes = ", ".join(task.arguments) or "none"
        raise TaskFailed(f"{mode} has no argument {unknown[0][:40]!r}; it takes {takes}.")


def text_of(context: TaskContext, name: str) -> str:
    """A text; "" when it is not given."""
    value = context.args.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TaskFailed(f"{name} must be a text.")
    return value.strip()


def switch_of(context: TaskContext, name: str) -> bool | None:
    """True or false, also as a text; None when it is not given."""
    value = str(context.args.get(name, "")).strip().lower()
    if context.args.get(name) is None or not value:
        return None
    if value not in ("true", "false"):
        raise TaskFailed(f'{name} must be "true" or "false", not {value[:40]!r}.')
    return value == "true"


def words_of(context: TaskContext, name: str, known: Collection[str]) -> tuple[str, ...]:
    """Those of the known words that a text with commas names."""
    given = {word.strip().lower() for word in text_of(context, name).split(",")} - {""}
    unknown = sorted(given - set(known))
    if unknown:
        raise TaskFailed(f"{name} has no {unknown[0][:40]!r}; it takes {', '.join(known)}.")
    return tuple(word for word in known if word in given)


def error_types_of(context: TaskContext, dead_letters: Iterable[DeadLetter]) -> frozenset[str]:
    """The classes and causes in `error_types`; those that the letters have are valid, too."""
    known = frozenset(
        word
        for dead_letter in dead_letters
        for word in (dead_letter.error, dead_letter.cause)
        if word
    )
    try:
        return error_types(text_of(context, "error_types"), known)
    except ValueError as problem:
        raise TaskFailed(str(problem)) from None


def scenes_of(args: Mapping[str, object]) -> list[int]:
    """The ids in `scene` or `scenes`: a number, a list, or a text with commas; [] without any.

    Raises TaskFailed for anything that is no id.
    """
    given = args.get("scene") or args.get("scenes") or ()
    listed = given if isinstance(given, (list, tuple)) else str(given).split(",")
    texts = [str(each).strip() for each in listed]
    for text in texts:
        if not (text.isascii() and text.isdecimal() and len(text) < 19 and int(text) > 0):
            raise TaskFailed(f"scene must be the number of a scene, not {text[:40]!r}.")
    return list(dict.fromkeys(map(int, texts)))
