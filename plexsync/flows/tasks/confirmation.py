"""A second press confirms: Stash has no dialog for that, so a task that removes something says at its
first press what it would do, and does it at the second. A copy of what it removes is kept."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import datetime, timezone

from plexsync.edges.storage import files, read_only
from plexsync.flows.tasks.context import TaskContext
from plexsync.model.stored import moment, versioned

STATE = "confirm.json"

PATIENCE = 300.0
"""Seconds within which the second press counts."""


def is_second_press(context: TaskContext, task: str) -> float | None:
    """The wall-clock time of the first press, if this is the second within PATIENCE; else None.

    A first press is stored, and a second one counts only once.
    """
    now, path = context.clock.now(), context.path(STATE)
    nothing: dict[str, float] = {}
    told = files.read_json(path, _parse, nothing, context.log.warning)
    before = told.pop(task, None)
    second = before is not None and 0 <= now - before <= PATIENCE
    if not second:
        told[task] = now
    files.replace_json(path, {"version": 1, "told": told})
    return before if second else None


def _parse(raw: object) -> dict[str, float]:
    told = versioned(raw, 1).get("told")
    if not isinstance(told, dict):
        raise ValueError("it does not say which task was pressed")
    return {str(task): moment(told, task) for task in told}


FOLDER = "removed"

KEPT = 7 * 86400.0
"""Seconds for which a copy is kept."""

_STAMP = "%Y%m%dT%H%M%SZ"
_OURS = re.compile(r"(\d{8}T\d{6}Z)-.+\.json", re.ASCII)


def keep_copy(folder: str, what: str, document: object, now: float) -> str:
    """Keep what is about to be removed from the data folder; returns the copy's path within it.

    Call it before removing. Sweeps copies that are older than a week. Raises OSError when it
    cannot be kept.
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
    """The names of the copies that are there, the youngest first."""
    try:
        names = os.listdir(os.path.join(folder, FOLDER))
    except OSError:
        return []
    return sorted(filter(_OURS.fullmatch, names), reverse=True)


def read_copy(folder: str, name: str) -> object:
    """What a copy holds; `name` is one of `copies`. Raises OSError or ValueError."""
    return read_only.read_json(os.path.join(folder, FOLDER, name))


def _sweep(place: str, now: float) -> None:
    for name in os.listdir(place):
        found = _OURS.fullmatch(name)
        with suppress(OSError, ValueError):
            if found and now - _time(found[1]) > KEPT:
                os.unlink(os.path.join(place, name))


def _time(stamp: str) -> float:
    return datetime.strptime(stamp, _STAMP).replace(tzinfo=timezone.utc).timestamp()
