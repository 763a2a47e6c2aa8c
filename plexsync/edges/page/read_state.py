"""Reads the data folder beside its owner, and never changes it.

It never locks, creates, moves or repairs a file, even a damaged one. Stash starts a process for
each of the page's requests, so this imports little, and the queries only where they are asked.
"""

from __future__ import annotations

import _sqlite3 as sqlite3
import os
import time

from plexsync import system
from plexsync.edges.page.results import commands_waiting
from plexsync.edges.storage.read_only import (
    MAX_JSON,
    Damaged,
    Database,
    NewerSchema,
    database,
    peek_json,
)
from plexsync.edges.storage.read_only import document as read_document
from plexsync.model.stored import (
    ABSURD,
    DATABASES,
    DOCUMENTS,
    LATEST,
    refusal,
    versioned,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar

    from plexsync.edges.ledger.backfill_queries import BackfillQueries
    from plexsync.edges.ledger.ledger_queries import LedgerQueries
    from plexsync.edges.queue.dead_letter_queries import DeadLetterQueries
    from plexsync.edges.queue.queue_queries import QueueQueries
    from plexsync.edges.storage.queries import Ask

    T = TypeVar("T")

QUEUE = os.path.join("queue", "data.db")
DEAD_LETTERS = "dlq.db"
LEDGER = "ledger.db"
INDEX = "plex_index.db"
LOG = "plexsync.log"

_PAUSE = 0.05
"""Seconds before a file that could not be read is read once more."""
_MISSING = "no such table", "no such column"
_NEWEST_SERVER = "(SELECT server FROM sections ORDER BY read_at DESC LIMIT 1)"


class Unreadable(Exception):
    """A file of the data folder cannot be read now; the text says which and what happens next."""


class KeptOpen:
    """In its `with` block each of the owner's databases is opened only once."""

    def __init__(self, folder: str) -> None:
        self._paths = [os.path.join(folder, name) for name in (QUEUE, DEAD_LETTERS, LEDGER, INDEX)]
        self._held: list[Database] = []

    def __enter__(self) -> None:
        self._held = [database(path) for path in self._paths]

    def __exit__(self, *problem: object) -> None:
        self._held.clear()


def rows(
    folder: str, name: str, sql: str, values: Sequence[object] = (), shape: str = ""
) -> list[tuple[Any, ...]]:
    """Rows of one of the owner's databases; none while the file or the table does not exist yet.

    `shape` has a character for each column (s text, t text or bytes, i whole number, z also below 0, n time or length, b bytes; a
    capital: or null). Rows of another shape are skipped; the owner sets them aside.
    """
    return asking(folder, name)(sql, values, shape)


def asking(folder: str, name: str) -> Ask:
    """Asks one of the owner's databases as `rows` does."""
    asked = database(os.path.join(folder, name))

    def ask(sql: str, values: Sequence[object] = (), shape: str = "") -> list[tuple[Any, ...]]:
        return shaped(_patiently(asked, folder, name, sql, values), shape)

    return ask


def _patiently(
    asked: Database, folder: str, name: str, sql: str, values: Sequence[object]
) -> list[tuple[Any, ...]]:
    patient = True
    while True:
        try:
            return asked.read(sql, values)
        except sqlite3.DatabaseError as problem:
            if newer := _newer_database(folder, name):
                raise Unreadable(newer) from None
            if str(problem).startswith(_MISSING):  # as dozens of queries find after an update
                return []  # the owner has not created or migrated the file yet
            if not patient:
                raise unreadable(name, problem) from None
        time.sleep(_PAUSE)  # its owner may be creating or closing it just now
        patient = False


def shaped(found: list[tuple[Any, ...]], shape: str) -> list[tuple[Any, ...]]:
    """The rows of that shape, see `rows`."""
    if all(map(_all_fit, zip(*found, strict=True), shape)):
        return found
    return [row for row in found if all(map(_fits, row, shape))]


def _all_fit(column: Sequence[Any], kind: str) -> bool:
    """Whether all values of a column are of that kind: a few calls where `_fits` takes one for each."""
    types = set(map(type, column))
    if kind in "sb":
        return types == {str if kind == "s" else bytes}
    if kind in "in" and types <= ({int} if kind == "i" else {int, float}):
        return min(column) >= 0 and (kind == "i" or max(column) <= LATEST)
    return all(_fits(value, kind) for value in column)


def _fits(value: object, kind: str) -> bool:
    if value is None:
        return kind.isupper()
    kind = kind.lower()
    if kind == "z":
        return isinstance(value, int)
    if kind == "s":
        return isinstance(value, str)
    if kind == "t":
        return isinstance(value, (str, bytes))
    if kind == "b":
        return isinstance(value, bytes)
    if kind == "i":
        return isinstance(value, int) and value >= 0
    return isinstance(value, (int, float)) and 0 <= value <= LATEST


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
    version = _version(path)
    return refusal(path, version, known) if known < version <= ABSURD else ""


def is_outdated(folder: str) -> bool:
    """Whether an earlier version wrote a database that no worker of this one has opened yet; until
    then `rows` finds nothing in tables that are new.
    """
    return any(
        0 < _version(os.path.join(folder, *name.split("/"))) < known
        for name, known in DATABASES.items()
    )


def _version(path: str) -> int:
    """A database's schema version; 0 if there is none or it cannot be read now."""
    try:
        ((version,),) = database(path).read("PRAGMA user_version") or [(0,)]
    except sqlite3.Error:
        return 0
    return int(version)


def _newer_document(folder: str, name: str) -> str:
    path = os.path.join(folder, *name.split("/"))
    try:
        peek_json(path, lambda raw: versioned(raw, DOCUMENTS[name]), None)
    except NewerSchema as newer:
        return str(newer)
    return ""  # or absent or damaged, which is handled when it that


def unreadable(name: str, problem: Exception) -> Unreadable:
    """What to raise for a file that cannot be read."""
    return Unreadable(
        f"{os.path.basename(name)} cannot be read now ({system.text_of(problem)}). If it is damaged, the worker "
        "replaces it when it next starts."
    )


def queue(folder: str) -> QueueQueries:
    """The live jobs."""
    from plexsync.edges.queue.queue_queries import QueueQueries

    return QueueQueries(asking(folder, QUEUE))


def dead_letters(folder: str) -> DeadLetterQueries:
    """The dead letters."""
    from plexsync.edges.queue.dead_letter_queries import DeadLetterQueries

    return DeadLetterQueries(asking(folder, DEAD_LETTERS))


def ledger(folder: str) -> LedgerQueries:
    """The ledger."""
    from plexsync.edges.ledger.ledger_queries import LedgerQueries

    return LedgerQueries(asking(folder, LEDGER))


def backfills(folder: str) -> BackfillQueries:
    """The part of the ledger that is not about single scenes."""
    from plexsync.edges.ledger.backfill_queries import BackfillQueries

    return BackfillQueries(asking(folder, LEDGER))


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
        return read_document(os.path.join(folder, name), parse, default)
    except NewerSchema as newer:
        raise Unreadable(str(newer)) from None
    except (OSError, Damaged) as problem:
        raise unreadable(name, problem) from None


def records_waiting(folder: str) -> int:
    """The number of inbox records that the worker has not taken over yet."""
    try:
        return len(os.listdir(os.path.join(folder, "inbox", "new")))
    except OSError:
        return 0


SWEPT_AT = "swept at"
"""The ledger's key for the time of the last sweep, by our own clock."""


def anything_waits(folder: str) -> bool:
    """Whether anything waits that no later event would trigger; raises Unreadable.

    Jobs of a backfill that is paused until it is resumed do not count: its `resume` command wakes a
    worker.
    """
    if records_waiting(folder) or commands_waiting(folder):
        return True
    stored = backfills(folder)
    parked = stored.parked()
    return queue(folder).any_besides(sorted(parked)) or any(
        backfill.reason not in parked for backfill in stored.backfills()
    )


def swept_at(folder: str) -> float | None:
    """When the last sweep was; None before the first. Raises Unreadable."""
    try:
        return float(backfills(folder).get_meta(SWEPT_AT))
    except ValueError:
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
