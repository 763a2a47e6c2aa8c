"""One way to write a state file, one way to read it, one way to open a database.

What is damaged is moved to `damaged/` beside it, reported once, and begun afresh.
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
from plexsync.edges.storage import read_only
from plexsync.model.stored import ABSURD, DATABASES, DOCUMENTS, FOLDERS, NewerVersion, refusal

T = TypeVar("T")

_KEPT = 5
_DOUBTS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
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
"""What SQLite raises over a broken file. The second is of its own message, when that quotes bytes
of the file."""


class NewerSchema(Exception):
    """A newer PlexSync wrote this file; this one leaves it alone."""


def replace_json(path: str, value: object) -> None:
    """Write `value` as JSON so that readers find the old file or the new one, never a part.

    Private to the user, and durable when this returns. Raises OSError when it cannot be kept,
    ValueError or TypeError when it is not JSON; the old file then stays as it was.
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
    """What `parse` makes of a state file; `default` when there is none, and on any doubt.

    A damaged file (or one for which `parse` raises) is set aside with one warning. One that
    cannot be read at this moment stays. Raises NewerSchema for what a newer PlexSync wrote.
    """
    name = os.path.basename(path)
    try:
        return parse(read_only.read_json(path))
    except FileNotFoundError:
        return default
    except OSError as problem:
        warn(f"{name} cannot be read ({problem}); PlexSync goes on without it.")
        return default
    except NewerVersion as newer:
        raise NewerSchema(refusal(path, newer.found, newer.known)) from None
    except _DOUBTS as e:
        reason = str(e) or type(e).__name__
    try:
        kept = set_aside(path)
        warn(f"{name} was damaged ({reason}); it is kept in {kept}, PlexSync goes on without it.")
    except OSError as problem:
        warn(f"{name} is damaged ({reason}) and cannot be moved away ({problem}).")
    return default


def peek_json(path: str, parse: Callable[[object], T], default: T) -> T:
    """Like `read_json` for those who do not own the folder: a damaged file stays where it is."""
    try:
        return parse(read_only.read_json(path))
    except NewerVersion as newer:
        raise NewerSchema(refusal(path, newer.found, newer.known)) from None
    except (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
        return default
    except RecursionError:
        return default


def set_aside(path: str) -> str:
    """Move a file, with SQLite's files beside it, to `damaged/<time>-<name>/`; returns that folder.

    The newest five are kept. Raises OSError when it cannot be moved.
    """
    damaged = damaged_folder(os.path.dirname(path))
    kept = _new_folder(damaged, os.path.basename(path))
    # the file last: a -wal left behind would be played into its successor
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
    """Set aside what stands in the place of a file of ours (or of a `folder`) and is none.

    A pipe or a device would hang whoever opens it, and a link leads elsewhere. So this is asked
    before SQLite, the queue's library or the log see a path. True when something was moved, after
    one warning. Raises OSError, with what to do, when it cannot be moved.
    """
    if not os.path.lexists(path) or (_is_own_folder(path) if folder else system.is_regular(path)):
        return False
    found, wanted = system.kind_of(path), "folder" if folder else "file"
    try:
        kept = set_aside(path)
    except OSError as problem:
        raise OSError(
            f"{path} is {found} instead of a {wanted} and cannot be moved away ({problem}): "
            "remove it"
        ) from None
    warn(f"{os.path.basename(path)} was {found} instead of a {wanted}; it is kept in {kept}.")
    return True


def own_folder(path: str, warn: Callable[[str], None]) -> bool:
    """Make sure that `path` is a private folder and no link; see clear_path for the answer."""
    moved = clear_path(path, warn, folder=True)
    system.private_folder(path)
    return moved


def clear_all_paths(folder: str, warn: Callable[[str], None]) -> None:
    """See clear_path: for everything in the data folder that has a name of its own."""
    if os.path.lexists(os.path.join(folder, "damaged")):
        damaged_folder(folder)
    for name in FOLDERS:
        clear_path(os.path.join(folder, name), warn, folder=True)
    for name in (*DATABASES, *DOCUMENTS):
        clear_path(os.path.join(folder, name), warn)


def _is_own_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def damaged_folder(folder: str) -> str:
    """Where damaged files go; what stands in its own place and is no folder is renamed."""
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
) -> sqlite3.Connection:
    """Open a database of ours, made private, durable (WAL, synchronous FULL) and brought up to date.

    `schema` is the list of migration scripts; user_version counts those that have run. A damaged
    file is set aside with one warning and an empty database begun. Raises NewerSchema when the
    file knows more migrations, OSError or sqlite3.OperationalError when disk or lock forbid it.
    """
    try:
        return _open(path, schema, check_same_thread)
    except DAMAGE as problem:
        if not _is_damage(problem, path):
            raise
        reason = str(problem)
    # outside the handler, which would keep the broken connection open
    kept = set_aside(path)
    warn(
        f"{os.path.basename(path)} was damaged ({reason}); it is kept in {kept}, a new one begins."
    )
    return _open(path, schema, check_same_thread)


def is_disk_trouble(problem: BaseException) -> bool:
    """Whether the data folder is to blame: full, read-only, failing, or a file in it damaged."""
    if isinstance(problem, sqlite3.OperationalError):
        text = str(problem).lower()
        return any(word in text for word in (*_ENVIRONMENT, "readonly"))
    return is_damage(problem) or (isinstance(problem, OSError) and problem.errno in _DISK)


def is_damage(problem: BaseException) -> bool:
    """Whether SQLite met a broken file, which is set aside when it is opened next."""
    return type(problem) is sqlite3.DatabaseError


def _is_damage(problem: Exception, path: str) -> bool:
    if not isinstance(problem, sqlite3.OperationalError):
        return True
    text = str(problem).lower()
    if "readonly" in text:
        return header_forbids_writing(path)
    return not any(word in text for word in _ENVIRONMENT)


def header_forbids_writing(path: str) -> bool:
    """Whether a database itself says "read only", as a broken one does; nobody else ever wrote it.

    Anything else that makes SQLite say so (rights, a mount, an open that failed) is no damage.
    """
    with suppress(OSError), open(path, "rb") as file:
        return file.read(19)[18:] > b"\x02"
    return False


def _open(path: str, schema: Sequence[str], check_same_thread: bool) -> sqlite3.Connection:
    _make_private(path)
    connection = sqlite3.connect(path, timeout=5.0, check_same_thread=check_same_thread)
    try:
        _prepare(connection, path)
        _migrate(connection, path, schema)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_private(path: str) -> None:
    """An empty file of ours, unless there is one. SQLite gives its side files the same rights."""
    found = [name for name in (path, *(path + side for side in _SIDES)) if os.path.lexists(name)]
    for name in found:
        if system.stands_in_the_way(name):
            raise sqlite3.DatabaseError(f"{os.path.basename(name)} is not a regular file")
        os.chmod(name, 0o600)
    if not found:
        os.close(system.create(path))
    elif path not in found or os.path.getsize(path) < _PAGE:  # SQLite would begin anew in silence
        raise sqlite3.DatabaseError("it is gone or cut off")


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    (checked,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if checked != "ok":
        raise sqlite3.DatabaseError(str(checked))
    # quick_check passes a table whose definition is no text; whoever asks for its columns fails
    connection.execute("SELECT sql FROM sqlite_master").fetchall()
    (journal,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
    if journal != "wal" or synchronous != 2:
        raise OSError(
            f"SQLite cannot keep {path} safely (journal {journal}, synchronous {synchronous}): "
            "let STASH_PLUGIN_DATA name a folder on a local drive"
        )


def _migrate(connection: sqlite3.Connection, path: str, schema: Sequence[str]) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if not 0 <= version <= ABSURD:
        raise sqlite3.DatabaseError(f"its version {version} cannot be right")
    if version > len(schema):
        raise NewerSchema(refusal(path, version, len(schema)))
    for number, script in enumerate(schema[version:], version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE;\n{script};\nPRAGMA user_version={number};\nCOMMIT;"
        )
