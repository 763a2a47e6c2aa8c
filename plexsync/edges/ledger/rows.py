"""Saves scenes in the ledger's tables."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence

from plexsync.edges.ledger.encoding import (
    base_to_json,
    pictures_to_json,
    read_back_to_json,
    refused_to_json,
    storable,
    unconfirmed_to_json,
    written_to_json,
)
from plexsync.edges.ledger.ledger_queries import COLUMNS, TEXTS, LedgerQueries
from plexsync.edges.storage.queries import ask_in, asking
from plexsync.model.item_record import Target
from plexsync.model.ledger import SceneState, TargetState

_UPDATE = f"UPDATE scenes SET {', '.join(f'{c} = ?' for c in COLUMNS)} WHERE id = ?"
_INSERT = (
    f"INSERT INTO scenes ({', '.join(COLUMNS)}, server, scene)"
    f" VALUES ({', '.join('?' * (len(COLUMNS) + 2))})"
)


def _current_rows(
    connection: sqlite3.Connection, server: str, scenes: Iterable[int]
) -> dict[int, int]:
    """Scene id -> row id of those scenes that are in the ledger."""
    sql = "SELECT scene, id FROM scenes WHERE archived_at IS NULL AND server = ? AND scene IN ({})"
    return dict(ask_in(asking(connection), sql, sorted(set(scenes)), (server,)))


def save_scenes(connection: sqlite3.Connection, server: str, states: Sequence[SceneState]) -> None:
    """Replace these scenes' rows within the caller's transaction. Base values are only added."""
    known = _current_rows(connection, server, [state.scene for state in states])
    queries = LedgerQueries(asking(connection))
    entities = queries.entities(sorted(known.values()))
    _add_bases(connection, queries, [target for state in states for target in state.targets])
    for state in states:
        row = _save_scene(connection, server, state, known.get(state.scene))
        known[state.scene] = row
        _save_targets(connection, row, state)
        _save_entities(connection, row, state, entities.get(row, set()))
        entities[row] = set(state.entities)


def _save_scene(
    connection: sqlite3.Connection, server: str, state: SceneState, row: int | None
) -> int:
    texts = [storable(getattr(state, name)) for name in TEXTS]
    values = [*texts, state.since, state.destroyed_at, pictures_to_json(state.pictures)]
    if row is not None:
        connection.execute(_UPDATE, (*values, row))
        return row
    return int(connection.execute(_INSERT, (*values, server, state.scene)).lastrowid or 0)


def _save_targets(connection: sqlite3.Connection, row: int, state: SceneState) -> None:
    when = max([state.since, *(target.synced_at for target in state.targets)])
    connection.execute(
        "UPDATE targets SET left_at = ? WHERE row = ? AND left_at IS NULL", (when, row)
    )
    connection.executemany(
        "INSERT OR REPLACE INTO targets (row, place, server, section, rating_key, part, written,"
        " dirty, unconfirmed, read_back, refused, synced_at, left_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        [
            (
                *(row, place, *_key(target.target), storable(target.part)),
                *(written_to_json(target.written), json.dumps(sorted(target.dirty))),
                *(unconfirmed_to_json(target.unconfirmed), read_back_to_json(target.read_back)),
                *(refused_to_json(target.refused), target.synced_at),
            )
            for place, target in enumerate(state.targets)
        ],
    )

    connection.executemany(
        "DELETE FROM orphans WHERE server = ? AND rating_key = ?",
        [(target.target.server, target.target.rating_key) for target in state.targets],
    )


def _key(target: Target) -> tuple[str, str, int]:
    return target.server, target.section, target.rating_key


def _save_entities(
    connection: sqlite3.Connection, row: int, state: SceneState, old: set[tuple[str, int]]
) -> None:
    connection.executemany(
        "DELETE FROM entities WHERE row = ? AND kind = ? AND entity = ?",
        [(row, *entity) for entity in old - state.entities],
    )
    connection.executemany(
        "INSERT INTO entities (kind, entity, scene, row) VALUES (?, ?, ?, ?)",
        [(*entity, state.scene, row) for entity in state.entities - old],
    )


def _add_bases(
    connection: sqlite3.Connection, queries: LedgerQueries, targets: Iterable[TargetState]
) -> None:
    new = [(t.target.server, t.target.rating_key, t.base) for t in targets if t.base]
    stored = queries.bases({(server, key) for server, key, _ in new})
    for server, key, base in new:
        kept = stored.get((server, key), {})
        if base.keys() - kept.keys():
            stored[server, key] = {**base, **kept}
            connection.execute(
                "INSERT OR REPLACE INTO bases (server, rating_key, base) VALUES (?, ?, ?)",
                (server, key, base_to_json(stored[server, key])),
            )
