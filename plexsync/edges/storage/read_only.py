"""Reads files of the data folder beside their owner, without locking or changing anything.

Light on purpose (os, and what `sqlite3` and `json` are made of): each request of the page is a process that imports this.
"""

from __future__ import annotations

import _sqlite3 as sqlite3  # `sqlite3` also loads `datetime`
import os
from _thread import get_ident
from _weakref import ref  # `weakref` also loads `abc`

from plexsync import system
from plexsync.model.json_text import reader
from plexsync.model.stored import NewerVersion, refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar

    T = TypeVar("T")

MAX_JSON = 16 << 20
"""Maximum bytes read of a state file; none comes near this size."""

_PATIENCE = 5.0
_DOUBTS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-_.~:")


def read_json(path: str) -> Any:
    """The JSON value in a file; raises OSError, or ValueError if it is not strict JSON."""
    return strict_json(system.read_regular(path, MAX_JSON))


class NewerSchema(Exception):
    """A newer PlexSync wrote this file; this one leaves it alone."""


class Damaged(Exception):
    """A state file has invalid content; the text says what is wrong."""


def document(path: str, parse: Callable[[object], T], default: T) -> T:
    """The content of a state file, parsed with `parse`; `default` if there is none.

    Raises OSError if it cannot be read now, Damaged if it is not JSON or `parse` raises,
    NewerSchema if a newer PlexSync wrote it.
    """
    try:
        return parse(read_json(path))
    except FileNotFoundError:
        return default
    except NewerVersion as newer:
        raise NewerSchema(refusal(path, newer.found, newer.known)) from None
    except _DOUBTS as problem:
        raise Damaged(str(problem) or type(problem).__name__) from None


def peek_json(path: str, parse: Callable[[object], T], default: T) -> T:
    """Like `document`, for callers that can do without the file: returns `default` for any error."""
    try:
        return document(path, parse, default)
    except (OSError, Damaged):
        return default


def strict_json(data: str | bytes) -> Any:
    """Parse JSON; raises ValueError, also for NaN, Infinity and numbers that overflow."""
    try:
        return _read(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except _NoNumber:
        raise
    except ValueError:
        raise ValueError("it does not hold JSON") from None


class _NoNumber(ValueError):
    """Something stands for a number that none of ours can be."""


def _refuse(name: str) -> float:
    raise _NoNumber(f"{name} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0.0:
        raise _NoNumber(f"{text[:20]} is too large a number")
    return number


_read = reader(_finite, _refuse)


def read_only(path: str, *, at_rest: bool = False) -> sqlite3.Connection:
    """Open an SQLite file for reading; raises sqlite3.OperationalError if there is none.

    `at_rest`: no process has it open, so that SQLite need not (and will not) create a -wal file.
    """
    uri = _uri(path, at_rest=at_rest)
    # the collector may close it in another thread
    return sqlite3.connect(uri, uri=True, timeout=_PATIENCE, check_same_thread=False)


def read_only_uri(path: str) -> str:
    """The file: URI by which a connection that understands URIs attaches an SQLite file for
    reading; raises sqlite3.OperationalError if it is no file.
    """
    return _uri(path, at_rest=is_at_rest(path))


def _uri(path: str, *, at_rest: bool) -> str:
    refuse_what_is_no_file(path)
    options = "mode=ro&immutable=1" if at_rest else "mode=ro"
    return f"{sqlite_uri(os.path.abspath(path))}?{options}"


class Database:
    """A database, kept open for reading until another process opens, closes or replaces it."""

    __slots__ = ("_path", "_open", "_as_it_was", "__weakref__")

    def __init__(self, path: str) -> None:
        self._path = path
        self._open: sqlite3.Connection | None = None
        self._as_it_was: tuple[bool | int, ...] = ()

    def read(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query, none without a file. Raises sqlite3.DatabaseError."""
        try:
            return self._read(sql, values)
        except sqlite3.DatabaseError:
            self.close()
            if self._as_it_was[:1] != (True,):
                raise
        return self._read(sql, values)  # its owner may have opened it meanwhile

    def _read(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        try:
            now = _state(self._path)
        except OSError:
            return []
        if self._open is None or now != self._as_it_was:
            self.close()
            self._as_it_was = now
            self._open = read_only(self._path, at_rest=now[0] is True)
        return rows_of(self._open, sql, values)

    def close(self) -> None:
        """Close the file; the next query opens it again."""
        if self._open is not None:
            self._open.close()
            self._open = None

    __del__ = close


_IN_USE: dict[tuple[str, int], ref[Database]] = {}


def database(path: str) -> Database:
    """The database at this path, the same for all of a thread that use it at a time: opening it and
    reading its schema takes longer than most queries.
    """
    key = path, get_ident()
    found = _IN_USE[key]() if key in _IN_USE else None
    if found is None:
        found = Database(path)
        _IN_USE[key] = ref(found)
    return found


def _state(path: str) -> tuple[bool | int, ...]:
    """Whether a database is at rest, and what tells whether it is still as it was read then."""
    found = os.lstat(path)
    at_rest = is_at_rest(path)
    return (at_rest, found.st_ino, *((found.st_size, found.st_mtime_ns) if at_rest else ()))


def rows_of(
    connection: sqlite3.Connection, sql: str, values: Sequence[object]
) -> list[tuple[Any, ...]]:
    """The rows of a query, also with damaged texts. Raises sqlite3.DatabaseError."""
    try:
        return connection.execute(sql, values).fetchall()
    except UnicodeDecodeError:  # the message about a damaged text quotes it
        pass
    except sqlite3.OperationalError as problem:
        if "decode" not in str(problem):
            raise
    # only now, since it is called for each text
    connection.text_factory = _lenient_text
    return connection.execute(sql, values).fetchall()


def _lenient_text(data: bytes) -> str:
    """A text as SQLite has it, also if it is damaged."""
    return data.decode("utf-8", "replace")


def is_at_rest(path: str) -> bool:
    """Whether no process has this SQLite file open: a process that has it open keeps a -wal file."""
    return not (os.path.exists(path + "-wal") and os.path.exists(path + "-shm"))


def sqlite_uri(path: str, separator: str = os.sep) -> str:
    """The file: URI of an absolute path. SQLite allows no host in it, so a share's host becomes
    part of the path.
    """
    plain = path.replace(separator, "/")
    quoted = "".join(chr(b) if b in _PLAIN else f"%{b:02X}" for b in os.fsencode(plain))
    return f"file://{'' if quoted.startswith('/') else '/'}{quoted}"


def refuse_what_is_no_file(path: str) -> None:
    """Raise sqlite3.OperationalError where SQLite would block on a pipe or follow a link."""
    for name in (path, f"{path}-wal", f"{path}-shm", f"{path}-journal"):
        if found := system.stands_in_the_way(name):
            raise sqlite3.OperationalError(f"{os.path.basename(name)} is {found} instead of a file")
