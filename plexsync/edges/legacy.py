"""What an earlier PlexSync left in the data folder: found, moved to `imported/`, and read.

Its queue holds jobs in Python's own serialisation, which can run code when it is loaded. So it never
is: the scene's id is looked for among the bytes, and nothing else is wanted.
"""

from __future__ import annotations

import json
import math
import os
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field

from plexsync import system
from plexsync.edges.queue.rows import LIVE, TABLE
from plexsync.edges.storage.sqlite_view import read_only

TIMES = "sync_timestamps.json"
_QUEUE = os.path.join("queue", "data.db")
_LETTERS = "dlq.db"
_TIMES = (TIMES, os.path.join("queue", TIMES))
_STATES = (
    "circuit_breaker.json",
    "recovery_state.json",
    "outage_history.json",
    "reconciliation_state.json",
    "stats.json",
    "device_id.json",
)
"""Worth nothing here, but some are called as ours are."""

_SIDES = ("-wal", "-shm", "-journal", "")
_LARGEST_TIMES = 64 << 20
_LARGEST_STATE = 1 << 20
_HEAD = 64 << 10
"""So much of a job is looked through; the id is among its first fields."""

_PAIR = re.compile(rb'"(\d{1,18})"\s*:\s*(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*(?=[,}])')
_KEY = re.compile(rb"(?:\x8c\x08|X\x08\0\0\0)scene_id(?:\x94|q.|r....|)", re.DOTALL)


@dataclass(slots=True)
class LegacyState:
    """What was read. `times` tells when each scene was synced last (0: no sensible time), `jobs` and
    `letters` are scene ids, `unread` says what could not be read."""

    times: dict[int, float] = field(default_factory=dict)
    jobs: set[int] = field(default_factory=set)
    dead_letters: set[int] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)


def set_aside(folder: str) -> bool:
    """Move what an earlier PlexSync left to `imported/new/`, before anything is opened in its place.

    True when something waits there to be read. A kill on the way costs nothing: what is left is
    found again. Raises OSError when the disk refuses.
    """
    found = [name for name in _TIMES if os.path.lexists(os.path.join(folder, name))]
    found += [_QUEUE] * _is_older_queue(folder) + [_LETTERS] * _is_older_letters(folder)
    if found:
        found += [name for name in _STATES if _is_older_state(os.path.join(folder, name))]
    for name in found:
        _move(folder, name)
    return os.path.isdir(_waiting(folder))


def read(folder: str) -> LegacyState:
    """Everything that waits in `imported/new/`; whatever is damaged gives what it can."""
    older = LegacyState()
    place = _waiting(folder)
    for name in _TIMES:
        _read_times(os.path.join(place, name), older)
    _read_jobs(os.path.join(place, _QUEUE), older)
    _read_letters(os.path.join(place, _LETTERS), older)
    return older


def finish(folder: str) -> str:
    """Say that all was taken over; returns the folder in which the files are kept."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    kept = os.path.join(folder, "imported", f"{stamp}-{os.urandom(2).hex()}")
    system.replace(_waiting(folder), kept)
    system.sync_folder(os.path.dirname(kept))
    return kept


def scene_of(data: object) -> int | None:
    """The scene of a stored job; None when it cannot be told. Nothing in `data` is ever run."""
    if not isinstance(data, bytes):
        return None
    if data[:1] == b"{":
        with suppress(ValueError, RecursionError):
            job = json.loads(data)
            return _scene(job.get("scene_id", job.get("scene")))
    for key in _KEY.finditer(data):
        found = _scene(_stored_value(data[key.end() :]))
        if found is not None:
            return found
    return None


def _stored_value(rest: bytes) -> object:
    """The number, or the text, that begins here: an opcode and little-endian bytes."""
    code, rest = rest[:1], rest[1:]
    width = {b"K": 1, b"M": 2, b"J": 4}.get(code, 0)
    if width and len(rest) >= width:
        return int.from_bytes(rest[:width], "little", signed=code == b"J")
    if code == b"\x8a" and rest and len(rest) > rest[0]:
        return int.from_bytes(rest[1 : 1 + rest[0]], "little", signed=True)
    if code == b"\x8c" and rest:
        return rest[1 : 1 + rest[0]].decode("ascii", "replace")
    if code == b"X" and len(rest) >= 4:
        return rest[4 : 4 + min(20, int.from_bytes(rest[:4], "little"))].decode("ascii", "replace")
    return None


def _scene(raw: object) -> int | None:
    if isinstance(raw, str) and raw.isascii() and raw.isdigit() and len(raw) < 19:
        raw = int(raw)
    return raw if type(raw) is int and 0 < raw < 2**63 else None


def _waiting(folder: str) -> str:
    return os.path.join(folder, "imported", "new")


def _move(folder: str, name: str) -> None:
    source, target = os.path.join(folder, name), os.path.join(_waiting(folder), name)
    steps = os.path.relpath(os.path.dirname(target), folder).split(os.sep)
    for count in range(1, len(steps) + 1):
        system.private_folder(os.path.join(folder, *steps[:count]))
    # the file last: as long as it is there, all of it is found again
    for side in _SIDES if name.endswith(".db") else ("",):
        with suppress(FileNotFoundError):
            system.replace(source + side, target + side)
    system.sync_folder(os.path.dirname(target))
    system.sync_folder(os.path.dirname(source))


def _is_older_queue(folder: str) -> bool:
    """A queue with jobs that bears none of our marks."""
    path = os.path.join(folder, _QUEUE)
    marked = os.path.lexists(os.path.join(os.path.dirname(path), "epoch.json"))
    return not marked and _has(path, TABLE, without="epoch", rows=True)


def _is_older_letters(folder: str) -> bool:
    path = os.path.join(folder, _LETTERS)
    if not system.is_regular(path):
        return False
    with suppress(OSError), open(path, "rb") as file:
        if file.read(64)[60:] == bytes(4):  # the version that ours never has
            return _has(path, "dead_letters", without="letters", rows=False)
    return False


def _has(path: str, table: str, *, without: str, rows: bool) -> bool:
    if not os.path.isfile(path) or os.path.islink(path):
        return False
    try:
        with closing(read_only(path)) as connection:
            sql = "SELECT name FROM sqlite_master WHERE type = 'table'"
            tables = {row[0] for row in connection.execute(sql)}
            if table not in tables or without in tables:
                return False
            return not rows or connection.execute(f"SELECT 1 FROM {table}").fetchone() is not None
    except sqlite3.Error:
        return False  # damaged or locked: whoever opens it deals with that


def _is_older_state(path: str) -> bool:
    try:
        raw = json.loads(system.read_regular(path, _LARGEST_STATE))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(raw, (dict, list)) and "version" not in raw


def _read_times(path: str, older: LegacyState) -> None:
    try:
        data = system.read_regular(path, _LARGEST_TIMES)
    except FileNotFoundError:
        return
    except (OSError, ValueError) as problem:
        older.unread.append(f"{TIMES} ({problem})")
        return
    for scene, at in _times(data, older):
        older.times[scene] = max(at, older.times.get(scene, 0.0))


def _times(data: bytes, older: LegacyState) -> Iterator[tuple[int, float]]:
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as problem:
        older.unread.append(f"a part of {TIMES} ({problem})")
        raw = {key.decode(): float(at) for key, at in _PAIR.findall(data)}
    if not isinstance(raw, dict):
        older.unread.append(f"{TIMES} (it holds no table)")
        return
    for key, at in raw.items():
        scene = _scene(key)
        if scene is not None:
            good = isinstance(at, (int, float)) and not isinstance(at, bool) and 0 < at < 1e12
            yield scene, float(at) if good and math.isfinite(at) else 0.0


def _read_jobs(path: str, older: LegacyState) -> None:
    lost = 0
    for (data,) in _rows(path, f"SELECT {_head('data')} FROM {TABLE} WHERE {LIVE}", older):
        scene = scene_of(data)
        if scene is None:
            lost += 1
        else:
            older.jobs.add(scene)
    if lost:
        older.unread.append(f"{lost} of the queue's jobs")


def _read_letters(path: str, older: LegacyState) -> None:
    sql = "SELECT DISTINCT CAST(scene_id AS TEXT) FROM dead_letters"
    for (text,) in _rows(path, sql, older):
        scene = _scene(text.decode("ascii", "replace") if isinstance(text, bytes) else None)
        if scene is not None:
            older.dead_letters.add(scene)


def _head(column: str) -> str:
    return f"substr(CAST({column} AS BLOB), 1, {_HEAD})"


def _rows(path: str, sql: str, older: LegacyState) -> Iterator[tuple[object, ...]]:
    if not os.path.isfile(path):
        return
    try:
        with closing(sqlite3.connect(path)) as connection:
            connection.text_factory = bytes
            yield from connection.execute(sql)
    except sqlite3.Error as problem:
        older.unread.append(f"a part of {os.path.basename(path)} ({problem})")
