"""Stores dead letters: scenes that PlexSync gave up on, one row each, with plain JSON columns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from typing import Any, TypeVar

from plexsync.edges.storage import files
from plexsync.edges.storage.row_audit import JSON, Table, audited
from plexsync.edges.transactions import transaction
from plexsync.model.candidate import candidates
from plexsync.model.job import DeadLetter

T = TypeVar("T")

SCHEMA = (
    """
    CREATE TABLE letters (
        scene INTEGER PRIMARY KEY,
        error TEXT NOT NULL,
        message TEXT NOT NULL,
        buried_at REAL NOT NULL,
        first_failure REAL NOT NULL,
        last_failure REAL NOT NULL,
        status INTEGER,
        cause TEXT NOT NULL,
        attempts TEXT NOT NULL,
        candidates TEXT NOT NULL,
        job TEXT NOT NULL,
        paths TEXT NOT NULL
    );
    CREATE INDEX letters_by_error ON letters (error, scene);
    CREATE INDEX letters_by_age ON letters (buried_at, scene);
    """,
    """
    DROP INDEX letters_by_error;
    DROP INDEX letters_by_age;
    ALTER TABLE letters RENAME TO dead_letters;
    CREATE INDEX dead_letters_by_error ON dead_letters (error, scene);
    CREATE INDEX dead_letters_by_age ON dead_letters (buried_at, scene);
    """,
)
TABLES = (
    Table(
        "dead_letters",
        scene="dead_letters.scene",
        rules=dict.fromkeys(("attempts", "candidates", "job", "paths"), JSON),
        mends={
            **dict.fromkeys(("attempts", "job"), "'{}'"),
            **dict.fromkeys(("candidates", "paths"), "'[]'"),
            **dict.fromkeys(("message", "cause"), "''"),
            "status": "NULL",
        },
    ),
)
_COLUMNS = tuple(field.name for field in fields(DeadLetter))
_JSON = ("attempts", "candidates", "job", "paths")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM dead_letters"
_UPSERT = (
    f"INSERT INTO dead_letters ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"
    " ON CONFLICT (scene) DO UPDATE SET "
    + ", ".join(f"{c} = excluded.{c}" for c in _COLUMNS if c not in ("scene", "first_failure"))
)


class DeadLetters:
    """dlq.db, opened by the owner. A damaged file is set aside and an empty one created.

    `lost` holds the scenes whose dead letters could not be read.
    """

    def __init__(self, path: str, warn: Callable[[str], None]) -> None:
        self._connection = files.open_sqlite(path, SCHEMA, warn)
        self.lost = audited(self._connection, TABLES, path, warn)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add(self, dead_letter: DeadLetter) -> None:
        """Add a dead letter. It replaces an earlier one of the scene, but keeps its first failure."""
        with transaction(self._connection) as connection:
            connection.execute(_UPSERT, _to_row(dead_letter))

    def remove(self, scenes: Iterable[int]) -> int:
        """Delete the dead letters of these scenes; returns how many there were."""
        wanted = [(scene,) for scene in scenes]
        with transaction(self._connection) as connection:
            gone = connection.executemany("DELETE FROM dead_letters WHERE scene = ?", wanted)
        return max(gone.rowcount, 0)

    def get(self, scene: int) -> DeadLetter | None:
        """The scene's dead letter."""
        row = self._connection.execute(f"{_SELECT} WHERE scene = ?", (scene,)).fetchone()
        return _from_row(row) if row else None

    def counts(self) -> dict[str, int]:
        """The number of dead letters by error class."""
        rows = self._connection.execute("SELECT error, COUNT(*) FROM dead_letters GROUP BY error")
        return {str(error): int(count) for error, count in rows}

    def scenes(self, error: str | None = None) -> list[int]:
        """The scenes with a dead letter of this error class (None: of any), by id."""
        rows = self._connection.execute(
            "SELECT scene FROM dead_letters WHERE error = ? OR ? IS NULL ORDER BY scene",
            (error, error),
        )
        return [int(row[0]) for row in rows]

    def last_failures(self) -> dict[int, float]:
        """When each scene with a dead letter was last tried."""
        rows = self._connection.execute("SELECT scene, last_failure FROM dead_letters")
        return {int(scene): float(at) for scene, at in rows}

    def page(self, limit: int, offset: int = 0, error: str | None = None) -> list[DeadLetter]:
        """Dead letters, newest first, optionally of one error class only."""
        rows = self._connection.execute(
            f"{_SELECT} WHERE error = ? OR ? IS NULL"
            " ORDER BY buried_at DESC, scene LIMIT ? OFFSET ?",
            (error, error, limit, offset),
        )
        return [_from_row(row) for row in rows]

    def purge(self, before: float) -> int:
        """Delete dead letters buried before that time; returns how many."""
        with transaction(self._connection) as connection:
            gone = connection.execute("DELETE FROM dead_letters WHERE buried_at < ?", (before,))
        return gone.rowcount


def _to_row(dead_letter: DeadLetter) -> tuple[object, ...]:
    raw = asdict(dead_letter)
    raw.update((name, json.dumps(raw[name], allow_nan=False)) for name in _JSON)
    for name in ("error", "message", "cause"):  # lone surrogates cannot be stored
        raw[name] = raw[name].encode("utf-8", "backslashreplace").decode("utf-8")
    return tuple(raw[name] for name in _COLUMNS)


def _from_row(row: tuple[Any, ...]) -> DeadLetter:
    raw = dict(zip(_COLUMNS, row, strict=True))
    attempts = _decoded(raw["attempts"], dict)
    raw["attempts"] = {name: n for name, n in attempts.items() if type(n) is int}
    raw["candidates"] = candidates(_decoded(raw["candidates"], list))
    raw["job"] = _decoded(raw["job"], dict)
    raw["paths"] = tuple(map(str, _decoded(raw["paths"], list)))
    return DeadLetter(**raw)


def _decoded(text: object, kind: type[T]) -> T:
    """The JSON value, or an empty one of that kind: a damaged cell must not hide the row."""
    try:
        value = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, kind) else kind()
