"""Remembers which databases were sound when their owner closed them.

To check each page and row of a database takes longer than anything else at the start with a large library.
While a file has the same bytes as when it was closed, it is as sound as then. All is checked again once a
day, after any failure or update, and if the last owner did not get to close it.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Callable
from contextlib import suppress

from plexsync import __version__
from plexsync.edges.storage import files
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.stored import DOCUMENTS, count, moment, versioned, words

FILE = "sound.json"
AT_MOST = 86400.0
"""Seconds after which a database is checked again, whatever is known of it."""
_PIECE = 1 << 20


class Known(NamedTuple):
    """The checksum of a database when it was closed, and when each row was last checked."""

    checksum: int
    checked_at: float


class Soundness:
    """What is known of the databases in a folder; belongs to its owner.

    What an earlier owner knew is read once and deleted: it holds only until somebody writes again.
    """

    def __init__(
        self, folder: str, warn: Callable[[str], None], now: Callable[[], float] = time.time
    ) -> None:
        self._folder, self._now = folder, now
        self._path = os.path.join(folder, FILE)
        nothing: dict[str, Known] = {}
        self._known = files.read_json(self._path, _parse, nothing, warn)
        self._checked: dict[str, float] = {}
        with suppress(FileNotFoundError):
            os.unlink(self._path)

    def holds(self, name: str) -> bool:
        """Whether this database, which is to be opened, is known to be sound."""
        known, now = self._known.get(name), self._now()
        found = (
            known is not None
            and 0 <= now - known.checked_at < AT_MOST
            and self._checksum(name) == known.checksum
        )
        self._checked[name] = known.checked_at if known and found else now
        return found

    def keep(self) -> None:
        """Store what is known of the databases, all of which were closed after no failure."""
        for name, checked_at in self._checked.items():
            self._known[name] = Known(self._checksum(name), checked_at)
        known = {name: [*each] for name, each in self._known.items() if each.checksum >= 0}
        value = {"version": DOCUMENTS[FILE], "by": __version__, "databases": known}
        with suppress(OSError):  # then all is checked next time
            files.replace_json(self._path, value)

    def _checksum(self, name: str) -> int:
        """The checksum of a database's file; -1 if not all of it is in that file, or readable."""
        path, found = os.path.join(self._folder, name), 0
        try:
            if any(os.path.exists(side) and os.path.getsize(side) for side in _beside(path)):
                return -1
            with open(path, "rb", buffering=0) as file:
                while piece := file.read(_PIECE):
                    found = zlib.crc32(piece, found)
        except OSError:
            return -1
        return found


def _beside(path: str) -> tuple[str, str]:
    """The files in which SQLite keeps what is not in the database's own file yet."""
    return f"{path}-wal", f"{path}-journal"


def _parse(raw: object) -> dict[str, Known]:
    fields = versioned(raw, DOCUMENTS[FILE])
    found = fields.get("databases")
    if not isinstance(found, dict):
        raise ValueError("it names no databases")
    if words(fields, "by") != __version__:
        return {}
    return {str(name): _read(each) for name, each in found.items()}


def _read(raw: object) -> Known:
    if not isinstance(raw, list) or len(raw) != 2:
        raise ValueError("it is not a checksum and a time")
    checksum, checked_at = raw
    fields = {"checksum": checksum, "checked_at": checked_at}
    return Known(count(fields, "checksum"), moment(fields, "checked_at"))
