"""Stores dead letters: scenes that PlexSync gave up on, one row each, with plain JSON columns."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable

from plexsync.edges.queue.dead_letter_queries import COLUMNS, SET, DeadLetterQueries
from plexsync.edges.storage import files, id_sets
from plexsync.edges.storage.queries import asking
from plexsync.edges.storage.row_audit import JSON, Lost, Table, audited
from plexsync.edges.transactions import transaction
from plexsync.model.dead_letter import DeadLetter

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
    id_sets.SCHEMA,
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
    Table(id_sets.TABLE, rules={"bits": id_sets.BYTES}, cache=True),
)
_JSON = ("attempts", "candidates", "job", "paths")
_ERROR = COLUMNS.index("error")
_UPSERT = (
    f"INSERT INTO dead_letters ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    " ON CONFLICT (scene) DO UPDATE SET "
    + ", ".join(f"{c} = excluded.{c}" for c in COLUMNS if c not in ("scene", "first_failure"))
)


_COUNTS = f"SELECT 0, '{SET}' || error, COUNT(*) FROM dead_letters GROUP BY error"
_MEMBERS = f"SELECT 0, '{SET}' || error, scene FROM dead_letters"


class DeadLetters(DeadLetterQueries):
    """dlq.db, opened by the owner. A damaged file is set aside and an empty one created.

    `lost` holds the scenes whose dead letters could not be read. A file that is known to be `sound` is
    not checked.
    """

    lost = Lost()

    def __init__(self, path: str, warn: Callable[[str], None], *, sound: bool = False) -> None:
        self._connection = files.open_sqlite(path, SCHEMA, warn, sound=sound)
        super().__init__(asking(self._connection))
        if not sound:
            self.lost = audited(self._connection, TABLES, path, warn)
        if not id_sets.agree(self._connection, _COUNTS):
            with transaction(self._connection) as connection:
                id_sets.make(connection, connection.execute(_MEMBERS))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add(self, dead_letter: DeadLetter) -> None:
        """Add a dead letter. It replaces an earlier one of the scene, but keeps its first failure."""
        with transaction(self._connection) as connection:
            row = _to_row(dead_letter)
            connection.execute(_UPSERT, row)
            id_sets.place(connection, {dead_letter.scene: f"{SET}{row[_ERROR]}"})

    def remove(self, scenes: Iterable[int]) -> int:
        """Delete the dead letters of these scenes; returns how many there were."""
        wanted = list(scenes)
        with transaction(self._connection) as connection:
            return _remove(connection, wanted)

    def purge(self, before: float) -> int:
        """Delete dead letters buried before that time; returns how many."""
        old = "SELECT scene FROM dead_letters WHERE buried_at < ?"
        with transaction(self._connection) as connection:
            return _remove(connection, [scene for (scene,) in connection.execute(old, (before,))])


def _remove(connection: sqlite3.Connection, scenes: list[int]) -> int:
    wanted = [(scene,) for scene in scenes]
    gone = connection.executemany("DELETE FROM dead_letters WHERE scene = ?", wanted)
    id_sets.place(connection, dict.fromkeys(scenes, ""))
    return max(gone.rowcount, 0)


def _to_row(dead_letter: DeadLetter) -> tuple[object, ...]:
    raw = dead_letter.to_json()
    raw.update((name, json.dumps(raw[name], allow_nan=False)) for name in _JSON)
    for name in ("error", "message", "cause"):  # lone surrogates cannot be stored
        raw[name] = str(raw[name]).encode("utf-8", "backslashreplace").decode("utf-8")
    return tuple(raw[name] for name in COLUMNS)
