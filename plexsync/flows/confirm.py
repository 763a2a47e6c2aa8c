"""Stash asks for no confirmation: what cannot be undone is said at the first press and done at
the second."""

from __future__ import annotations

from plexsync.edges import files
from plexsync.flows.call import Call
from plexsync.model.stored import moment, versioned

STATE = "confirm.json"

PATIENCE = 300.0
"""Seconds within which the second press counts."""


def announced(call: Call, task: str) -> float | None:
    """When this task said what it would do, if this press is the second; it counts only once.

    The first press is remembered, wall-clock seconds.
    """
    now, path = call.clock.now(), call.path(STATE)
    nothing: dict[str, float] = {}
    told = files.read_json(path, _parse, nothing, call.log.warning)
    before = told.pop(task, None)
    second = before is not None and 0 <= now - before <= PATIENCE
    if not second:
        told[task] = now
    files.replace_json(path, {"version": 1, "told": told})
    return before if second else None


def _parse(raw: object) -> dict[str, float]:
    told = versioned(raw, 1).get("told")
    if not isinstance(told, dict):
        raise ValueError("it does not say what was announced")
    return {str(task): moment(told, task) for task in told}
