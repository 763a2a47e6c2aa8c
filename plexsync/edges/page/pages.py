"""Reads the owner's data page by page, read-only, beside a working owner.

Light on purpose (json, os, sqlite3): Stash starts a process for each of the page's requests.
"""

from __future__ import annotations

import os

from plexsync.edges.page import read_state
from plexsync.edges.page.read_state import Unreadable
from plexsync.edges.storage.read_only import read_json, strict_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = [
    "DEAD_LETTER_ORDERS",
    "REPORTS",
    "RESULTS",
    "Unreadable",
    "dead_letters",
    "result",
    "scenes",
]

RESULTS = "results"
REPORTS = "reports"

_ORDERS = {
    "newest": "buried_at DESC, scene",
    "oldest": "buried_at, scene",
    "scene": "scene",
    "scene_desc": "scene DESC",
    "class": "error, scene",
    "class_desc": "error DESC, scene",
}
DEAD_LETTER_ORDERS = tuple(_ORDERS)

_DEAD_LETTER = [
    "scene",
    "error",
    "message",
    "cause",
    "status",
    "attempts",
    "candidates",
    "paths",
    "first_failure",
    "last_failure",
    "buried_at",
]
_DEAD_LETTER_SHAPE = "isssIsssnnn"
_CANDIDATE = ("part", "size", "section", "rating_key")
_IN_JSON = ("attempts", "candidates", "paths")
_SERVER = "COALESCE((SELECT value FROM meta WHERE key = 'server'), '')"
_SCENES = (
    "SELECT id, scene, state, detail, since, path FROM scenes WHERE archived_at IS NULL"
    f" AND server = {_SERVER} AND scene IN ({{}})"
)
_TARGETS = (
    "SELECT row, section, rating_key, part, written, dirty, refused, synced_at FROM targets"
    " WHERE left_at IS NULL AND row IN ({}) ORDER BY row, place"
)
_PINS = f"SELECT scene, part, rating_key FROM pins WHERE server = {_SERVER} AND scene IN ({{}})"
_LOOKS = (
    "SELECT scene, rating_key, plex_updated, queued_at, verdict FROM observations"
    f" WHERE server = {_SERVER} AND scene IN ({{}})"
)


def _decoded(data: object) -> Any:
    try:
        return strict_json(data) if isinstance(data, (str, bytes)) else None
    except (ValueError, RecursionError):
        return None


def dead_letters(
    folder: str,
    offset: int,
    limit: int,
    wanted: tuple[str | None, Sequence[int] | None] = (None, None),
    order: str = "newest",
) -> list[dict[str, object]]:
    """A page of dead letters; `wanted` are an error class and scenes, None for any."""
    where, values = _wanted(*wanted)
    found = read_state.rows(
        folder,
        read_state.DEAD_LETTERS,
        f"SELECT {', '.join(_DEAD_LETTER)} FROM dead_letters WHERE {where}"
        f" ORDER BY {_ORDERS[order]} LIMIT ? OFFSET ?",
        (*values, limit, offset),
        _DEAD_LETTER_SHAPE,
    )
    return [_dead_letter(row) for row in found]


def count_dead_letters(folder: str, error: str | None, ids: Sequence[int] | None) -> int:
    """How many dead letters there are of an error class and of these scenes, None for any."""
    where, values = _wanted(error, ids)
    sql = f"SELECT COUNT(*) FROM dead_letters WHERE {where}"
    return sum(row[0] for row in read_state.rows(folder, read_state.DEAD_LETTERS, sql, values))


def _wanted(error: str | None, ids: Sequence[int] | None) -> tuple[str, tuple[object, ...]]:
    of_scenes = "1" if ids is None else f"scene IN ({_marks(ids)})"
    return f"(? IS NULL OR error = ?) AND {of_scenes}", (error, error, *(ids or ()))


def dead_letters_of(folder: str, ids: Sequence[int]) -> dict[int, dict[str, object]]:
    """The dead letters of these scenes (a few hundred at most)."""
    sql = f"SELECT {', '.join(_DEAD_LETTER)} FROM dead_letters WHERE scene IN ({_marks(ids)})"
    found = read_state.rows(folder, read_state.DEAD_LETTERS, sql, ids, _DEAD_LETTER_SHAPE)
    return {row[0]: _dead_letter(row) for row in found}


def _dead_letter(row: tuple[Any, ...]) -> dict[str, object]:
    raw = dict(zip(_DEAD_LETTER, row, strict=True))
    shown = {name: _decoded(value) if name in _IN_JSON else value for name, value in raw.items()}
    return {**shown, "candidates": _candidates(shown["candidates"])}


def _candidates(listed: object) -> list[dict[str, object]]:
    """A dead letter's candidates; one stored as a line of text has only that."""
    found = []
    for each in listed if isinstance(listed, list) else ():
        raw = each if isinstance(each, dict) else {"part": each}
        if isinstance(raw.get("part"), str):
            found.append({name: raw.get(name) for name in _CANDIDATE})
    return found


def scenes(folder: str, ids: Sequence[int]) -> dict[int, dict[str, object]]:
    """What the ledger has about these scenes (a few hundred at most), including destroyed ones."""
    found = read_state.rows(folder, read_state.LEDGER, _SCENES.format(_marks(ids)), ids, "iissns")
    targets = _targets(folder, [row[0] for row in found])
    return {
        scene: {
            "state": state,
            "detail": detail,
            "since": since,
            "path": path,
            "targets": targets.get(row, []),
        }
        for row, scene, state, detail, since, path in found
    }


def _targets(folder: str, ids: Sequence[int]) -> dict[int, list[dict[str, object]]]:
    found: dict[int, list[dict[str, object]]] = {}
    sql = _TARGETS.format(_marks(ids))
    for row, section, key, part, written, dirty, refused, synced_at in read_state.rows(
        folder, read_state.LEDGER, sql, ids, "isissssn"
    ):
        fields = _decoded(written)
        found.setdefault(row, []).append(
            {
                "section": section,
                "rating_key": key,
                "part": part,
                "written": sorted(fields) if isinstance(fields, dict) else [],
                "dirty": _decoded(dirty) or [],
                "refused": _words(refused),
                "synced_at": synced_at,
            }
        )
    return found


def _words(refused: str) -> dict[str, str]:
    """Plex's message for each refused field."""
    return {name: words for name, (_, words, _) in read_state.fields(refused)}


def pins(folder: str, ids: Sequence[int]) -> dict[int, dict[str, object]]:
    """The pins of these scenes (a few hundred at most)."""
    found = read_state.rows(folder, read_state.LEDGER, _PINS.format(_marks(ids)), ids, "isi")
    return {scene: {"part": part, "rating_key": key or None} for scene, part, key in found}


def server(folder: str) -> str | None:
    """The id of the Plex server that the ledger describes."""
    found = read_state.rows(
        folder, read_state.LEDGER, "SELECT value FROM meta WHERE key = 'server'", shape="s"
    )
    return str(found[0][0]) or None if found else None


def drifted(folder: str, ids: Sequence[int]) -> dict[int, dict[int, tuple[float, set[str]]]]:
    """What the last reconciliation found changed in Plex: scene -> rating key -> when, and fields."""
    found: dict[int, dict[int, tuple[float, set[str]]]] = {}
    sql = _LOOKS.format(_marks(ids))
    for scene, key, updated, queued_at, verdict in read_state.rows(
        folder, read_state.LEDGER, sql, ids, "iinns"
    ):
        gaps = _decoded(verdict)
        listed = gaps if isinstance(gaps, list) else []
        fields = {str(gap[1]) for gap in listed if _is_drift(gap)}
        if fields:
            found.setdefault(scene, {})[key] = (max(updated, queued_at), fields)
    return found


def _is_drift(gap: object) -> bool:
    return isinstance(gap, list) and len(gap) == 2 and gap[0] == "drifted"


def _marks(values: Sequence[int]) -> str:
    return ", ".join("?" * len(values))


def result(folder: str, accepted: str) -> dict[str, object] | None:
    """The state of a command by its accepted id, which must have that form; None if unknown."""
    known = _stored_result(folder, accepted)
    if known is None and os.path.exists(os.path.join(folder, "inbox", "new", accepted)):
        return {"state": "waiting"}
    return known or _stored_result(folder, accepted)  # it may have been taken over meanwhile


def report(folder: str, task: str) -> dict[str, object] | None:
    """A task's last report by its mode, which must be a plain name; None if there is none."""
    found = stored(folder, os.path.join(REPORTS, f"{task}.json"))
    return found if isinstance(found, dict) else None


def commands_waiting(folder: str) -> bool:
    """Whether a command was taken over but not carried out."""
    try:
        names = sorted(os.listdir(os.path.join(folder, RESULTS)), reverse=True)
    except OSError:
        return False
    return any(_waits(stored(folder, os.path.join(RESULTS, name))) for name in names)


def _waits(found: object) -> bool:
    return isinstance(found, dict) and found.get("state") in ("waiting", "running")


def _stored_result(folder: str, accepted: str) -> dict[str, object] | None:
    found = stored(folder, os.path.join(RESULTS, f"{accepted}.json"))
    return found if isinstance(found, dict) else None


def stored(folder: str, name: str) -> object:
    """The JSON value of a state file, unchecked; None if it is missing or damaged."""
    try:
        return read_json(os.path.join(folder, name))
    except (OSError, ValueError):
        return None
