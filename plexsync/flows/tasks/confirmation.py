"""Confirmation by a second press. Stash has no dialog for it, so a task that removes something says
at the first press what it would do, and does it at the second. A copy of what it removes is kept.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import datetime, timezone

from plexsync.edges.storage import files, read_only
from plexsync.flows.tasks.context import TaskContext
from plexsync.model.stored import DOCUMENTS, moment, versioned

STATE = "confirm.json"
_VERSION = DOCUMENTS[STATE]

PATIENCE = 300.0
"""Seconds within which the second press counts."""


def is_second_press(context: TaskContext, task: str) -> float | None:
    """The wall-clock time of the first press if this is the second within PATIENCE, or None.

    A first press is stored, and a second one counts only once.
    """
    now, path = context.clock.now(), context.path(STATE)
    nothing: dict[str, float] = {}
    pressed = files.read_json(path, _parse, nothing, context.log.warning)
    before = pressed.pop(task, None)
    second = before is not None and 0 <= now - before <= PATIENCE
    if not second:
        pressed[task] = now
    files.replace_json(path, {"version": _VERSION, "pressed_at": pressed})
    return before if second else None


def _parse(raw: object) -> dict[str, float]:
    fields = versioned(raw, _VERSION)
    pressed = fields.get("told" if fields["version"] == 1 else "pressed_at")
    if not isinstance(pressed, dict):
        raise ValueError("it does not say which task was pressed")
    return {str(task): moment(pressed, task) for task in pressed}


FOLDER = "removed"

KEPT = 7 * 86400.0
"""Seconds for which a copy is kept."""

_STAMP = "%Y%m%dT%H%M%SZ"
_OURS = re.compile(r"(\d{8}T\d{6}Z)-.+\.json", re.ASCII)


def keep_copy(folder: str, what: str, document: object, now: float) -> str:
    """Store a copy of what will be removed; returns its path within the data folder.

    Call it before removing anything. Deletes copies older than a week. Raises OSError if it cannot
    be stored.
    """
    place = os.path.join(folder, FOLDER)
    files.own_folder(place, lambda warning: None)
    _sweep(place, now)
    stamp = datetime.fromtimestamp(now, timezone.utc).strftime(_STAMP)
    name, number = f"{stamp}-{what}.json", 1
    while os.path.lexists(os.path.join(place, name)):
        number += 1
        name = f"{stamp}-{what}-{number}.json"
    files.replace_json(os.path.join(place, name), document)
    return os.path.join(FOLDER, name)


def copies(folder: str) -> list[str]:
    """The names of the existing copies, newest first."""
    try:
        names = os.listdir(os.path.join(folder, FOLDER))
    except OSError:
        return []
    return sorted(filter(_OURS.fullmatch, names), reverse=True)


def read_copy(folder: str, name: str) -> object:
    """The content of a copy; `name` is one of `copies`. Raises OSError or ValueError."""
    return read_only.read_json(os.path.join(folder, FOLDER, name))


def _sweep(place: str, now: float) -> None:
    for name in os.listdir(place):
        found = _OURS.fullmatch(name)
        with suppress(OSError, ValueError):
            if found and now - _time(found[1]) > KEPT:
                os.unlink(os.path.join(place, name))


def _time(stamp: str) -> float:
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=timezone.utc).timestamp()
