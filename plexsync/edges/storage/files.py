"""Reads and writes state files, and opens databases; all state goes through here.

A damaged file is moved to `damaged/` beside it, reported once, and replaced by a new one.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from plexsync import system
from plexsync.edges.storage.migrations import migrate
from plexsync.edges.storage.read_only import Damaged, document
from plexsync.edges.storage.read_only import NewerSchema as NewerSchema
from plexsync.edges.storage.shape import misshapen
from plexsync.model.stored import DATABASES, DOCUMENTS, FOLDERS

T = TypeVar("T")

_KEPT = 5
_SIDES = ("-wal", "-shm", "-journal")
_PAGE = 512
_ENVIRONMENT = (
    "locked",
    "busy",
    "full",
    "unable to open",
    "disk i/o",
    "out of memory",
    "interrupted",
)
_DISK = frozenset(
    getattr(errno, name)
    for name in (
        "EACCES",
        "EDQUOT",
        "EIO",
        "EMFILE",
        "ENFILE",
        "ENOSPC",
        "EPERM",
        "EROFS",
        "ESTALE",
    )
    if hasattr(errno, name)
)

DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""What SQLite raises for a damaged file; the second if its message quotes bytes of the file."""


def replace_json(path: str, value: object) -> None:
    """Write `value` as JSON atomically: readers find the old file or the new one, never a part.

    The file is private to the user, and durable when this returns. Raises OSError if it cannot be
    written, ValueError or TypeError if it is not JSON; the old file then stays.
    """
    data = json.dumps(value, allow_nan=False).encode()
    temp = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    fd = system.create(temp)
    try:
        try:
            system.write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
        system.replace(temp, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temp)
        raise
    system.sync_folder(os.path.dirname(path))


def read_json(
    path: str, parse: Callable[[object], T], default: T, warn: Callable[[str], None]
) -> T:
    """Parse a state file; returns `default` if there is none or it is invalid.

    A damaged file (or one for which `parse` raises) is set aside with one warning. One that
    temporarily cannot be read stays. Raises NewerSchema if a newer PlexSync wrote it.
    """
    name = os.path.basename(path)
    try:
        return document(path, parse, default)
    except OSError as problem:
        warn(f"{name} cannot be read ({system.text_of(problem)}); PlexSync continues without it.")
        return default
    except Damaged as problem:
        reason = str(problem)
    try:
        kept = set_aside(path)
        warn(f"{name} was damaged ({reason}); it is kept in {kept}, PlexSync continues without it.")
    except OSError as problem:
        warn(f"{name} is damaged ({reason}) and cannot be moved away ({system.text_of(problem)}).")
    return default


def set_aside(path: str) -> str:
    """Move a file, with SQLite's files beside it, to `damaged/<time>-<name>/`; returns that folder.

    The newest five are kept. Raises OSError if it cannot be moved.
    """
    damaged = damaged_folder(os.path.dirname(path))
    kept = _new_folder(damaged, os.path.basename(path))
    # the file last: SQLite would apply a -wal left behind to its successor
    for side in (*_SIDES, ""):
        with suppress(FileNotFoundError):
            system.replace(path + side, os.path.join(kept, os.path.basename(path) + side))
    system.sync_folder(kept)
    system.sync_folder(os.path.dirname(path))
    with suppress(OSError):
        for old in sorted(e.path for e in os.scandir(damaged) if e.is_dir())[:-_KEPT]:
            shutil.rmtree(old)
    return kept


def clear_path(path: str, warn: Callable[[str], None], *, folder: bool = False) -> bool:
    """Set aside anything at this path that is not a regular file (or, with `folder`, not a folder).

    Opening a pipe or a device would block, and a link leads elsewhere; so call this before SQLite,
    the queue's library or the log open a path. True if something was moved, after one warning.
    Raises OSError, with what to do, if it cannot be moved.
    """
    if not os.path.lexists(path) or (_is_own_folder(path) if folder else system.is_regular(path)):
        return False
    found, wanted = system.kind_of(path), "folder" if folder else "file"
    try:
        kept = set_aside(path)
    except OSError as problem:
        raise OSError(
            f"{path} is {found} instead of a {wanted} and cannot be moved away "
            f"({system.text_of(problem)}): remove it"
        ) from None
    warn(f"{os.path.basename(path)} was {found} instead of a {wanted}; it is kept in {kept}.")
    return True


def own_folder(path: str, warn: Callable[[str], None]) -> bool:
    """Make sure that `path` is a private folder and not a link; returns the same as clear_path."""
    moved = clear_path(path, warn, folder=True)
    system.private_folder(path)
    return moved


def clear_all_paths(folder: str, warn: Callable[[str], None]) -> None:
    """Call `clear_path` for everything in the data folder that has a fixed name."""
    if os.path.lexists(os.path.join(folder, "damaged")):
        damaged_folder(folder)
    for name in FOLDERS:
        clear_path(os.path.join(folder, name), warn, folder=True)
    for name in (*DATABASES, *DOCUMENTS):
        clear_path(os.path.join(folder, name), warn)


def _is_own_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def damaged_folder(folder: str) -> str:
    """The folder for damaged files; anything else at its path is renamed."""
    damaged = os.path.join(folder, "damaged")
    if os.path.lexists(damaged) and not _is_own_folder(damaged):
        system.replace(damaged, f"{damaged}.{time.time_ns()}")
    system.private_folder(damaged)
    return damaged


def _new_folder(parent: str, name: str) -> str:
    while True:
        nanoseconds = time.time_ns()
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(nanoseconds // 10**9))
        folder = os.path.join(parent, f"{stamp}.{nanoseconds % 10**9:09d}-{name}")
        with suppress(FileExistsError):
            os.mkdir(folder, 0o700)
            return folder


def open_sqlite(
    path: str,
    schema: Sequence[str],
    warn: Callable[[str], None],
    *,
    check_same_thread: bool = True,
    sound: bool = False,
) -> sqlite3.Connection:
    """Open a database: private, durable (WAL, synchronous FULL) and migrated to the latest schema.

    `schema` is the list of migration scripts; user_version counts those that have run. A damaged
    file is set aside with one warning and an empty database created; one that is known to be `sound` is
    not checked. Raises NewerSchema if a newer version migrated the file, OSError or
    sqlite3.OperationalError if the disk or a lock forbids it.
    """
    try:
        return _open(path, schema, check_same_thread, sound)
    except DAMAGE as problem:
        if not _is_damage(problem, path):
            raise
        reason = str(problem)
    # outside the handler, which keeps the broken connection open
    kept = set_aside(path)
    warn(
        f"{os.path.basename(path)} was damaged ({reason}); it is kept in {kept}, a new one begins."
    )
    return _open(path, schema, check_same_thread, sound=False)


def is_machine_trouble(problem: BaseException) -> bool:
    """Whether the cause is the data folder: full, read-only, failing, or a damaged file in it; that
    something cannot be loaded, mostly from there; or that memory is short.
    """
    if isinstance(problem, system.Unloadable) or system.lacks_memory(problem):
        return True
    if isinstance(problem, sqlite3.OperationalError):
        text = str(problem).lower()
        return any(word in text for word in (*_ENVIRONMENT, "readonly"))
    return is_damage(problem) or (isinstance(problem, OSError) and problem.errno in _DISK)


def is_damage(problem: BaseException) -> bool:
    """Whether SQLite met a damaged file, which is set aside when it is opened next."""
    return type(problem) is sqlite3.DatabaseError


def _is_damage(problem: Exception, path: str) -> bool:
    if not isinstance(problem, sqlite3.OperationalError):
        return True
    text = str(problem).lower()
    if "readonly" in text:
        return header_forbids_writing(path)
    return not any(word in text for word in _ENVIRONMENT)


def header_forbids_writing(path: str) -> bool:
    """Whether the database's own header says "read only", which only damage can cause.

    If SQLite says so for another reason (rights, a mount, a failed open), the file is not damaged.
    """
    with suppress(OSError), open(path, "rb") as file:
        return file.read(19)[18:] > b"\x02"
    return False


def _open(
    path: str, schema: Sequence[str], check_same_thread: bool, sound: bool
) -> sqlite3.Connection:
    _make_private(path)
    connection = sqlite3.connect(path, timeout=5.0, check_same_thread=check_same_thread)
    try:
        if not sound:
            _check(connection)
        _prepare(connection, path)
        migrate(connection, path, schema)
        if wrong := misshapen(connection, schema):
            raise sqlite3.DatabaseError(wrong)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_private(path: str) -> None:
    """Create an empty private file if missing. SQLite gives its side files the same rights."""
    found = [name for name in (path, *(path + side for side in _SIDES)) if os.path.lexists(name)]
    for name in found:
        if system.stands_in_the_way(name):
            raise sqlite3.DatabaseError(f"{os.path.basename(name)} is not a regular file")
        system.make_private(name)
    if not found:
        os.close(system.create(path))
    elif path not in found or os.path.getsize(path) < _PAGE:  # SQLite would create a new one
        raise sqlite3.DatabaseError("it is missing or truncated")


def _check(connection: sqlite3.Connection) -> None:
    (checked,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if checked != "ok":
        raise sqlite3.DatabaseError(str(checked))
    # quick_check accepts a table definition that is not valid text, but its columns cannot be read
    connection.execute("SELECT sql FROM sqlite_master").fetchall()


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    (journal,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
    if journal != "wal" or synchronous != 2:
        raise OSError(
            f"SQLite cannot keep {path} safely (journal {journal}, synchronous {synchronous}): "
            "let STASH_PLUGIN_DATA name a folder on a local drive"
        )
