"""The results of commands and tasks, for the page: one small file each.

Light on purpose: a page of Stash starts a process for each request.
"""

from __future__ import annotations

import os

from plexsync.edges.storage.read_only import peek_json

RESULTS = "results"
REPORTS = "reports"


def result(folder: str, accepted: str) -> dict[str, object] | None:
    """The state of a command by its accepted id, which must have that form; None if unknown."""
    known = _stored(folder, RESULTS, accepted)
    if known is None and os.path.exists(os.path.join(folder, "inbox", "new", accepted)):
        return {"state": "waiting"}
    return known or _stored(folder, RESULTS, accepted)  # it may have been taken over meanwhile


def report(folder: str, task: str) -> dict[str, object] | None:
    """A task's last report by its mode, which must be a plain name; None if there is none."""
    return _stored(folder, REPORTS, task)


def commands_waiting(folder: str) -> bool:
    """Whether a command was taken over but not carried out."""
    try:
        names = sorted(os.listdir(os.path.join(folder, RESULTS)), reverse=True)
    except OSError:
        return False
    found = (_stored(folder, RESULTS, name.removesuffix(".json")) for name in names)
    return any(each is not None and each.get("state") in ("waiting", "running") for each in found)


def _stored(folder: str, kind: str, name: str) -> dict[str, object] | None:
    """The content of the file; None if there is none or it is damaged."""
    return peek_json(os.path.join(folder, kind, f"{name}.json"), _object, None)


def _object(raw: object) -> dict[str, object]:
    if not isinstance(raw, dict):
        raise ValueError("it holds no object")
    return raw
