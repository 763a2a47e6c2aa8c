"""Moves files that an earlier product of the same name left in the data folder to `legacy/`.

Its files have the names of ours, and its queue holds jobs in Python's own serialisation, which can
run code when loaded: none of them is read. Sync All Scenes does what they would have done.
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing, suppress

from plexsync import system
from plexsync.edges.queue.queue_queries import TABLE
from plexsync.edges.storage.read_only import read_only

_TIMES = "sync_timestamps.json"
_QUEUE = os.path.join("queue", "data.db")
_DEAD_LETTERS = "dlq.db"
_STATES = (
    "circuit_breaker.json",
    "recovery_state.json",
    "outage_history.json",
    "reconciliation_state.json",
    "stats.json",
    "device_id.json",
)
_SIDES = ("-wal", "-shm", "-journal", "")
_LARGEST_STATE = 1 << 20


def set_aside(folder: str) -> str:
    """Move all files of an earlier product to `legacy/<time>/`, before ours are opened; returns
    that folder, "" if there were none.

    Safe against a kill: the file that proves that they are there is moved last, so the rest is
    found again. Raises OSError if the disk refuses.
    """
    proof = [name for name in (_TIMES, os.path.join("queue", _TIMES)) if _is_there(folder, name)]
    proof += [_DEAD_LETTERS] * _has_its_dead_letters(folder) + [_QUEUE] * _is_its_queue(folder)
    if not proof:
        return ""
    states = [name for name in _STATES if _is_its_state(os.path.join(folder, name))]
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    kept = os.path.join("legacy", f"{stamp}-{os.urandom(2).hex()}")
    for name in (*states, *proof):
        _move(folder, name, os.path.join(kept, name))
    return os.path.join(folder, kept)


def _is_there(folder: str, name: str) -> bool:
    return os.path.lexists(os.path.join(folder, name))


def _move(folder: str, name: str, to: str) -> None:
    source, target = os.path.join(folder, name), os.path.join(folder, to)
    steps = os.path.dirname(to).split(os.sep)
    for count in range(1, len(steps) + 1):
        system.private_folder(os.path.join(folder, *steps[:count]))
    # the database last: while it is there, its side files are found again
    for side in _SIDES if name.endswith(".db") else ("",):
        with suppress(FileNotFoundError):
            system.replace(source + side, target + side)
    system.sync_folder(os.path.dirname(target))
    system.sync_folder(os.path.dirname(source))


def _is_its_queue(folder: str) -> bool:
    """Whether the queue has jobs and none of our marks."""
    path = os.path.join(folder, _QUEUE)
    marked = os.path.lexists(os.path.join(os.path.dirname(path), "epoch.json"))
    return not marked and _has(path, TABLE, without="epoch", rows=True)


def _has_its_dead_letters(folder: str) -> bool:
    path = os.path.join(folder, _DEAD_LETTERS)
    if not system.is_regular(path):
        return False
    with suppress(OSError), open(path, "rb") as file:
        if file.read(64)[60:] == bytes(4):  # user_version 0, which ours never has
            return _has(path, "dead_letters", without="dead_letters_by_error", rows=False)
    return False


def _has(path: str, table: str, *, without: str, rows: bool) -> bool:
    if not os.path.isfile(path) or os.path.islink(path):
        return False
    try:
        with closing(read_only(path)) as connection:
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
            if table not in names or without in names:
                return False
            return not rows or connection.execute(f"SELECT 1 FROM {table}").fetchone() is not None
    except sqlite3.Error:
        return False  # damaged or locked, which is handled when it is opened


def _is_its_state(path: str) -> bool:
    try:
        raw = json.loads(system.read_regular(path, _LARGEST_STATE))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(raw, (dict, list)) and "version" not in raw
