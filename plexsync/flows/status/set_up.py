"""How far the set-up has come, for the page; light like status.py."""

from __future__ import annotations

import os

from plexsync import system
from plexsync.edges.page import read_state, results
from plexsync.edges.page.read_state import Unreadable
from plexsync.edges.storage.read_only import peek_json
from plexsync.model import sign_in
from plexsync.model.plex_state import FILE as HEALTH
from plexsync.model.plex_state import HEALTHY, NEVER, parse_health_check
from plexsync.model.set_up import CONNECT, DRY_RUN, FILE, FRESH, SetUp
from plexsync.model.stored import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PACKAGES = "dependencies"
"""The lock and the record of an installation of the packages, without their endings."""
RECENT = 600.0

_SHOWN = ("done", "checked", "total", "at", "counts", "orphaned", "examples", "estimate")


def set_up(folder: str, now: float) -> dict[str, object]:
    """The finished steps, whether PlexSync was ever connected to Plex, the sign-in that is going on,
    and what the user has to know; raises Unreadable.
    """
    state = read_state.document(folder, FILE, SetUp.parse, FRESH)
    signing_in = peek_json(os.path.join(folder, sign_in.FILE), sign_in.SignIn.parse, None)
    return {
        "connected": CONNECT in state.finished or _has_met_plex(folder),
        "done": list(state.finished),
        "lost": list(state.lost),
        "sign_in": signing_in.shown(now) if signing_in else None,
        "installing": _installs(folder),
        "not_installed": _why_not_installed(folder, now),
        "choice": state.choice,
        "surveyed_at": _surveyed_at(folder),
        "dry_pass": _dry_pass(read_state.document(folder, DRY_RUN, _object, {})),
    }


def _surveyed_at(folder: str) -> object:
    """When the files of both servers were last compared."""
    found = results.report(folder, "survey")
    return found.get("ended_at") if found and found.get("state") == "done" else None


def _dry_pass(found: dict[str, Any]) -> dict[str, object] | None:
    shown = found.get("shown")
    return {name: shown.get(name) for name in _SHOWN} if isinstance(shown, dict) else None


def _object(raw: object) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise ValueError("it is not an object")
    return raw


def _has_met_plex(folder: str) -> bool:
    """Whether Plex was healthy at the last check, or its libraries were read before."""
    try:
        last = read_state.document(folder, HEALTH, parse_health_check, NEVER)
        return last["state"] == HEALTHY or bool(read_state.index_sections(folder))
    except Unreadable:
        return False  # the last check is a note that may be lost


def _installs(folder: str) -> bool:
    """Whether a process is installing the packages that the worker needs."""
    path = os.path.join(folder, f"{PACKAGES}.lock")
    try:
        return os.path.exists(path) and system.LockFile(path).busy()
    except OSError:
        return False


def _why_not_installed(folder: str, now: float) -> str:
    """Why the packages could not be installed a short time ago, "" if they could."""
    at, why = peek_json(os.path.join(folder, f"{PACKAGES}.json"), _failure, (0.0, ""))
    return why if 0 <= now - at < RECENT else ""


def _failure(raw: object) -> tuple[float, str]:
    found = _object(raw)
    return float(found["at"]), one_line(str(found.get("why", "")), 400)
