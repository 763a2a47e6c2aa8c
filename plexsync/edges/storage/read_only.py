"""A database of ours opened for reading alone; light, for whoever only shows it."""

from __future__ import annotations

import os
import sqlite3

from plexsync import system

_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/-_.~:")


def refuse_what_is_no_file(path: str) -> None:
    """Raises sqlite3.OperationalError where SQLite would wait in a pipe or follow a link."""
    for name in (path, f"{path}-wal", f"{path}-shm", f"{path}-journal"):
        if found := system.stands_in_the_way(name):
            raise sqlite3.OperationalError(f"{os.path.basename(name)} is {found} instead of a file")


def read_only(path: str, *, at_rest: bool = False) -> sqlite3.Connection:
    """Open an SQLite file for reading; raises sqlite3.OperationalError when it is absent or none.

    `at_rest`: nobody has it open, so that SQLite need not (and will not) make a log beside it.
    """
    refuse_what_is_no_file(path)
    uri = sqlite_uri(os.path.abspath(path))
    options = "mode=ro&immutable=1" if at_rest else "mode=ro"
    return sqlite3.connect(f"{uri}?{options}", uri=True, timeout=5.0)


def sqlite_uri(path: str, separator: str = os.sep) -> str:
    """The address of an absolute path for SQLite, which knows no server: a share's name is part of
    its path. Light on purpose: pathlib takes longer to load than an operation has."""
    plain = path.replace(separator, "/")
    quoted = "".join(chr(b) if b in _PLAIN else f"%{b:02X}" for b in os.fsencode(plain))
    return f"file://{'' if quoted.startswith('/') else '/'}{quoted}"
