"""Reads the data folder beside its owner, and never changes it.

It never locks, creates, moves or repairs a file, even a damaged one. Stash starts a process for
each of the page's requests, so this imports little: json, os, sqlite3.
"""

from __future__ import annotations

import json
import os
import sqlite3

from plexsync import system
from plexsync.edges.storage.read_only import MAX_JSON, is_at_rest, read_json, read_only
from plexsync.model.stored import (
    ABSURD,
    DATABASES,
    DOCUMENTS,
    LATEST,
    NewerVersion,
    refusal,
    versioned,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar

    T = TypeVar("T")

QUEUE = os.path.join("queue", "data.db")
DEAD_LETTERS = "dlq.db"
LEDGER = "ledger.db"
INDEX = "plex_index.db"
LOG = "plexsync.log"

_NEWEST_SERVER = "(SELECT server FROM sections ORDER BY read_at DESC LIMIT 1)"
_LEDGER_SERVER = "COALESCE((SELECT value FROM meta WHERE key = 'server'), '')"


class Unreadable(Exception):
    """A file of the data folder cannot be read now; the text says which and what happens next."""


def rows(
    folder: str, name: str, sql: str, values: Sequence[object] = (), shape: str = ""
) -> list[tuple[Any, ...]]:
    """Rows of one of the owner's databases; none while the file or the table does not exist yet.

    `shape` has a letter for each column (s text, i whole number, n time or length, b bytes; a
    capital: or null). Rows of another shape are skipped; the owner sets them aside.
    """
    path = os.path.join(folder, name)
    try:
        return _shaped(_rows(path, sql, values), shape)
    except sqlite3.DatabaseError:
        pass  # its owner may have started or exited just then
    try:
        return _shaped(_rows(path, sql, values), shape)
    except sqlite3.DatabaseError as problem:
        newer = _newer_database(folder, name)
        if newer:
            raise Unreadable(newer) from None
        if str(problem).startswith(("no such table", "no such column")):
            return []  # the owner has not migrated the file yet
        raise _unreadable(name, problem) from None


def _shaped(found: list[tuple[Any, ...]], shape: str) -> list[tuple[Any, ...]]:
    return [row for row in found if all(map(_fits, row, shape))] if shape else found


def _fits(value: object, kind: str) -> bool:
    if value is None:
        return kind.isupper()
    kind = kind.lower()
    if kind == "s":
        return isinstance(value, str)
    if kind == "b":
        return isinstance(value, bytes)
    if kind == "i":
        return isinstance(value, int) and value >= 0
    return isinstance(value, (int, float)) and 0 <= value <= LATEST


def _rows(path: str, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
    if not os.path.lexists(path):
        return []
    at_rest = is_at_rest(path)
    try:
        return _read(path, sql, values, at_rest)
    except sqlite3.DatabaseError:
        if not at_rest:
            raise
    return _read(path, sql, values, is_at_rest(path))  # its owner may have opened it meanwhile


def _read(path: str, sql: str, values: Sequence[object], at_rest: bool) -> list[tuple[Any, ...]]:
    connection = read_only(path, at_rest=at_rest)
    try:
        connection.text_factory = _text
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def newer_files(folder: str) -> list[str]:
    """A message for each file that a newer PlexSync wrote, with what to do.

    Only that version may write in such a folder.
    """
    databases = [_newer_database(folder, name) for name in DATABASES]
    documents = [_newer_document(folder, name) for name in DOCUMENTS]
    return [found for found in (*databases, *documents) if found]


def _newer_database(folder: str, name: str) -> str:
    name = name.replace(os.sep, "/")
    path, known = os.path.join(folder, *name.split("/")), DATABASES.get(name, ABSURD)
    try:
        ((version,),) = _rows(path, "PRAGMA user_version", ()) or [(0,)]
    except sqlite3.Error:
        return ""
    return refusal(path, version, known) if known < version <= ABSURD else ""


def _newer_document(folder: str, name: str) -> str:
    path = os.path.join(folder, *name.split("/"))
    try:
        versioned(read_json(path), DOCUMENTS[name])
    except NewerVersion as newer:
        return refusal(path, newer.found, newer.known)
    except (OSError, ValueError, RecursionError):
        pass  # missing or damaged, which is handled when it is opened
    return ""


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _unreadable(name: str, problem: Exception) -> Unreadable:
    return Unreadable(
        f"{os.path.basename(name)} cannot be read now ({problem}). If it is damaged, the worker "
        "replaces it when it next starts."
    )


def jobs(folder: str) -> list[dict[str, Any]]:
    """The live jobs as stored, oldest row first; rows that are not jobs are skipped."""
    found = rows(
        folder,
        QUEUE,
        "SELECT CAST(data AS BLOB) FROM ack_queue_default"
        " WHERE status IS NULL OR status NOT IN (5, 9) ORDER BY _id",
    )
    return [job for row in found if (job := stored_job(row[0])) is not None]


def stored_job(data: object) -> dict[str, Any] | None:
    """A row's payload, None if it is not a job."""
    try:
        job = json.loads(data) if isinstance(data, bytes) else None
    except (ValueError, RecursionError):
        return None
    return job if isinstance(job, dict) and type(job.get("scene")) is int else None


def dead_letter_counts(folder: str) -> dict[str, int]:
    """The number of dead letters by error class."""
    return dict(
        rows(
            folder,
            DEAD_LETTERS,
            "SELECT error, COUNT(*) FROM dead_letters GROUP BY error",
            shape="si",
        )
    )


def backfills(folder: str) -> list[dict[str, Any]]:
    """Unfinished backfills, oldest first."""
    sql = "SELECT reason, after, born FROM backfills ORDER BY id"
    found = rows(folder, LEDGER, sql, shape="sin")
    return [{"reason": reason, "after": after, "born": born} for reason, after, born in found]


def scene_counts(folder: str) -> dict[str, int]:
    """The number of live scenes of the current server by state."""
    sql = (
        "SELECT state, COUNT(*) FROM scenes WHERE archived_at IS NULL AND destroyed_at IS NULL"
        f" AND server = {_LEDGER_SERVER} GROUP BY state"
    )
    return dict(rows(folder, LEDGER, sql, shape="si"))


def left_out(folder: str) -> list[tuple[str, int, int]]:
    """Why live scenes are left out by the filters, of how many, and how many of these have
    anything of ours in Plex; the most frequent reason first.
    """
    sql = (
        "SELECT detail, COUNT(*), SUM(EXISTS (SELECT 1 FROM targets t WHERE t.row = s.id AND"
        " t.left_at IS NULL AND (t.written <> '{}' OR t.unconfirmed <> '{}'))) FROM scenes s"
        " WHERE s.archived_at IS NULL AND s.destroyed_at IS NULL AND s.state = 'left out'"
        f" AND s.server = {_LEDGER_SERVER} GROUP BY detail ORDER BY COUNT(*) DESC, detail"
    )
    return rows(folder, LEDGER, sql, shape="sii")


def refusals(folder: str) -> list[tuple[str, int, str]]:
    """The fields that Plex refuses: name, number of live scenes, and Plex's latest message."""
    sql = (
        "SELECT t.refused FROM targets t JOIN scenes s ON s.id = t.row WHERE t.refused <> '{}'"
        " AND t.left_at IS NULL AND s.archived_at IS NULL AND s.destroyed_at IS NULL"
        f" AND s.server = {_LEDGER_SERVER} GROUP BY t.row"
    )
    scenes: dict[str, int] = {}
    said: dict[str, tuple[float, str]] = {}
    for (text,) in rows(folder, LEDGER, sql, shape="s"):
        for field, (_, words, at) in fields(text):
            scenes[field] = scenes.get(field, 0) + 1
            said[field] = max(said.get(field, (0.0, "")), (at, words))
    return [(field, count, said[field][1]) for field, count in sorted(scenes.items())]


def fields(text: str) -> list[tuple[str, tuple[str, str, float]]]:
    """The refused fields in a ledger row, each with desired hash, Plex's message, and when."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    values = found.items() if isinstance(found, dict) else ()
    return [
        (name, (str(value[0]), str(value[1]), float(value[2])))
        for name, value in values
        if isinstance(value, list) and len(value) == 3 and isinstance(value[2], (int, float))
    ]


def index_sections(folder: str) -> list[tuple[int, float]]:
    """(items, when it was last read whole) of each library of the server that was indexed last."""
    sql = (
        "SELECT (SELECT COUNT(*) FROM parts WHERE list = sections.list AND place = 0), read_at"
        f" FROM sections WHERE server = {_NEWEST_SERVER}"
    )
    return [(int(items), float(read_at)) for items, read_at in rows(folder, INDEX, sql, shape="in")]


def document(folder: str, name: str, parse: Callable[[object], T], default: T) -> T:
    """Parse a state file with `parse`; `default` if there is none.

    Raises Unreadable if it is damaged, or `parse` raises ValueError.
    """
    try:
        return parse(read_json(os.path.join(folder, name)))
    except FileNotFoundError:
        return default
    except NewerVersion as newer:
        path = os.path.join(folder, name)
        raise Unreadable(refusal(path, newer.found, newer.known)) from None
    except (OSError, ValueError, RecursionError) as problem:
        raise _unreadable(name, problem) from None


def records_waiting(folder: str) -> int:
    """The number of inbox records that the worker has not taken over yet."""
    try:
        return len(os.listdir(os.path.join(folder, "inbox", "new")))
    except OSError:
        return 0


def owned(folder: str) -> bool | None:
    """Whether a worker or a task owns the folder at this moment; None if unknown."""
    path = os.path.join(folder, "worker.lock")
    try:
        return os.path.exists(path) and system.LockFile(path).busy()
    except OSError:
        return None


def log_tail(folder: str, lines: int) -> list[str]:
    """The last lines of the background worker's log, also if it has just been rotated."""
    found: list[str] = []
    for name in (LOG, LOG + ".1"):
        try:
            data = system.read_regular(os.path.join(folder, name), MAX_JSON)
        except (OSError, ValueError):
            continue
        found = [*data.decode("utf-8", "replace").splitlines()[-lines:], *found][-lines:]
        if len(found) >= lines:
            break
    return found
