"""Reads files of the data folder beside their owner, without locking or changing anything.

Light on purpose (json, os, sqlite3): each request of the page is a process that imports this.
"""

from __future__ import annotations

import json
import os
import sqlite3

from plexsync import system
from plexsync.model.stored import NewerVersion, refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
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
        return json.loads(data, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise ValueError("it does not hold JSON") from None


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0.0:
        raise ValueError(f"{text[:20]} is too large a number")
    return number


def read_only(path: str, *, at_rest: bool = False) -> sqlite3.Connection:
    """Open an SQLite file for reading; raises sqlite3.OperationalError if there is none.

    `at_rest`: no process has it open, so that SQLite need not (and will not) create a -wal file.
    """
    return sqlite3.connect(_uri(path, at_rest=at_rest), uri=True, timeout=_PATIENCE)


def read_only_uri(path: str) -> str:
    """The file: URI by which a connection that understands URIs attaches an SQLite file for
    reading; raises sqlite3.OperationalError if it is no file.
    """
    return _uri(path, at_rest=is_at_rest(path))


def _uri(path: str, *, at_rest: bool) -> str:
    refuse_what_is_no_file(path)
    options = "mode=ro&immutable=1" if at_rest else "mode=ro"
    return f"{sqlite_uri(os.path.abspath(path))}?{options}"


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
