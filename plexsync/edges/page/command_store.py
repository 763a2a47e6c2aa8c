"""Stores the page's commands and their results: taken over from the inbox, waiting, done or failed.

Each is a small file in `results/`, named by its accepted id, so that the page can ask at any time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from plexsync import inbox
from plexsync.edges.page.results import RESULTS
from plexsync.edges.storage import files
from plexsync.edges.storage.read_only import peek_json
from plexsync.model.command import (
    KIND,
    MISLEADING,
    from_input,
    is_accepted_id,
    to_input,
    without_secret,
)

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
"""A command's states, as the page sees them."""
OPEN = (WAITING, RUNNING)

KEPT_SECONDS = 86400.0
KEPT = 500
"""Maximum results kept; the oldest are deleted first."""

MOST_BYTES = 4 << 20
"""A larger answer, in bytes, is not stored: it would slow down every page that asks for it."""

MOST_STARTS = 2
"""A command that crashed the worker this often is not started again."""

_VERSION = 1

Clean = Callable[[Any], Any]
"""Removes secrets from a JSON value."""


class CommandStore:
    """The owner's side of `results/`. Raises OSError if the disk refuses."""

    def __init__(self, folder: str, clean: Clean = lambda value: value) -> None:
        self._folder = os.path.join(folder, RESULTS)
        self._clean = clean
        self._open: dict[str, dict[str, object]] | None = None

    def accept(self, accepted: str, sent: object, at: float) -> None:
        """Store a command before its inbox record is deleted; repeating it changes nothing.

        A command without a usable id, or that is not an object, is not stored.
        """
        known = accepted in self._waiting() or os.path.exists(self._path(accepted))
        if known or not is_accepted_id(accepted):
            return
        entry = {"version": _VERSION, "id": accepted, "at": at, "starts": 0}
        try:
            command = from_input(sent)
        except ValueError as problem:
            self.failed(entry, str(problem), at)
            return
        self._write({**entry, **to_input(command), "state": WAITING})

    def next(self) -> dict[str, object] | None:
        """The oldest waiting command, now marked as started; None if none waits."""
        waiting = self._waiting()
        if not waiting:
            return None
        entry = waiting[min(waiting)]
        starts = entry.get("starts")
        entry = {**entry, "state": RUNNING, "starts": (starts if type(starts) is int else 0) + 1}
        self._write(entry)
        return entry

    def requeue(self, entry: Mapping[str, object]) -> None:
        """Let a started command wait again: it could not run, through no fault of its own."""
        starts = entry.get("starts")
        begun = starts if type(starts) is int else 0
        self._write({**entry, "state": WAITING, "starts": max(0, begun - 1)})

    @property
    def waiting(self) -> bool:
        """Whether any command is unfinished."""
        return bool(self._waiting())

    def worn_out(self, entry: Mapping[str, object]) -> bool:
        """Whether this command, just started, has crashed the worker too often before."""
        starts = entry.get("starts")
        return type(starts) is int and starts > MOST_STARTS

    def done(self, entry: Mapping[str, object], output: object, now: float) -> None:
        """Store the answer of a finished command."""
        output = self._clean(output)
        if len(json.dumps(output)) > MOST_BYTES:
            self.failed(entry, "The answer is too long to be stored: ask for fewer scenes.", now)
        else:
            self._end({**entry, "state": DONE, "output": output, "ended_at": now})

    def failed(self, entry: Mapping[str, object], reason: str, now: float) -> None:
        """Store why a command could not be carried out."""
        if entry.get("command") in MISLEADING:
            entry = {**entry, "args": {}}
        self._end({**entry, "state": FAILED, "error": self._clean(reason), "ended_at": now})

    def sweep(self, now: float) -> int:
        """Delete results older than a day, and the oldest beyond KEPT; returns how many.

        Unfinished commands are kept.
        """
        self._sweep_unfinished(now)
        names = sorted(self._names())
        spare = len(names) - len(self._waiting()) - KEPT
        removed = 0
        for accepted in names:
            if accepted in self._waiting():
                continue
            if removed < spare or abs(now - _stamp(accepted)) > KEPT_SECONDS:
                with suppress(OSError):
                    os.unlink(self._path(accepted))
                    removed += 1
        return removed

    def _sweep_unfinished(self, now: float) -> None:
        """Delete files that a killed worker left unfinished."""
        with suppress(OSError):
            for file in list(os.scandir(self._folder)):
                if file.name.endswith(".tmp") and abs(now - file.stat().st_mtime) > KEPT_SECONDS:
                    os.unlink(file.path)

    def _end(self, entry: Mapping[str, object]) -> None:
        self._write({k: v for k, v in without_secret(entry).items() if k != "starts"})
        self._waiting().pop(str(entry["id"]), None)

    def _write(self, entry: dict[str, object]) -> None:
        files.own_folder(self._folder, _quiet)
        files.replace_json(self._path(str(entry["id"])), entry)
        if entry["state"] in OPEN:
            self._waiting()[str(entry["id"])] = entry

    def _waiting(self) -> dict[str, dict[str, object]]:
        """Unfinished commands by id; read once, since only the owner writes here."""
        if self._open is None:
            read = {name: peek_json(self._path(name), _entry, None) for name in self._names()}
            self._open = {
                name: entry
                for name, entry in read.items()
                if entry is not None and entry.get("id") == name and entry.get("state") in OPEN
            }
        return self._open

    def _names(self) -> list[str]:
        try:
            names = [name.removesuffix(".json") for name in os.listdir(self._folder)]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return [name for name in names if is_accepted_id(name)]

    def _path(self, accepted: str) -> str:
        return os.path.join(self._folder, f"{accepted}.json")


def _quiet(_warning: str) -> None:
    """Ignore warnings: the owner has already logged them when it opened the folder."""


def _stamp(accepted: str) -> float:
    return int(accepted[:20]) / 1e9


def _entry(raw: object) -> dict[str, object] | None:
    if not isinstance(raw, dict) or raw.get("version") != _VERSION:
        return None
    return raw


class NewCommands:
    """Notices commands in the inbox that are not taken over yet; usually costs one stat."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._signature = 0
        self._events: set[str] = set()
        self._commands: set[str] = set()

    def came(self) -> bool:
        """Whether a command is in the inbox."""
        signature = inbox.signature(self._folder)
        if signature != self._signature:
            self._read_new()
            self._signature = signature if inbox.is_settled(signature) else 0
        return bool(self._commands)

    def _read_new(self) -> None:
        names = inbox.names(self._folder)
        self._events &= names
        self._commands &= names
        for record in inbox.read(self._folder, names - self._events - self._commands):
            kind = self._commands if KIND.encode() in (record.data or b"") else self._events
            kind.add(record.name)
