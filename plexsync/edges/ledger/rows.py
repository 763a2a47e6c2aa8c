"""Reads and writes scenes in the ledger's tables."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from plexsync.edges.ledger.schema import (
    base_from_json,
    base_to_json,
    dirty_from_json,
    pictures_from_json,
    pictures_to_json,
    read_back_from_json,
    read_back_to_json,
    refused_from_json,
    refused_to_json,
    storable,
    unconfirmed_from_json,
    unconfirmed_to_json,
    written_from_json,
    written_to_json,
)
from plexsync.model.ledger import SceneState, TargetState
from plexsync.model.plex import Base, Target

Item = tuple[str, int]
"""A Plex item: server and rating key."""

_TEXTS = ("state", "detail", "desired_hash", "oshash", "path", "cover_etag", "cover_sha1")
_COLUMNS = (*_TEXTS, "since", "destroyed_at", "pictures")
_UPDATE = f"UPDATE scenes SET {', '.join(f'{c} = ?' for c in _COLUMNS)} WHERE id = ?"
_INSERT = (
    f"INSERT INTO scenes ({', '.join(_COLUMNS)}, server, scene)"
    f" VALUES ({', '.join('?' * (len(_COLUMNS) + 2))})"
)
_CHUNK = 400
"""Maximum values in one statement; old builds of SQLite accept 999."""


def current_rows(
    connection: sqlite3.Connection, server: str, scenes: Iterable[int]
) -> dict[int, int]:
    """Scene id -> row id of those scenes that are in the ledger."""
    sql = "SELECT scene, id FROM scenes WHERE archived_at IS NULL AND server = ? AND scene IN ({})"
    return dict(_fetch(connection, sql, sorted(set(scenes)), (server,)))


def load_scenes(
    connection: sqlite3.Connection, server: str, scenes: Iterable[int]
) -> dict[int, SceneState]:
    """The states of these scenes, live and destroyed."""
    rows = current_rows(connection, server, scenes)
    ids = sorted(rows.values())
    targets, entities = _load_targets(connection, ids), load_entities(connection, ids)
    sql = f"SELECT scene, id, {', '.join(_COLUMNS)} FROM scenes WHERE id IN ({{}})"
    return {
        scene: SceneState(
            scene=scene,
            **dict(zip(_COLUMNS[:-1], columns, strict=True)),
            pictures=pictures_from_json(pictures),
            entities=frozenset(entities[row]),
            targets=tuple(targets[row]),
        )
        for scene, row, *columns, pictures in _fetch(connection, sql, ids)
    }


def _load_targets(
    connection: sqlite3.Connection, rows: Sequence[int]
) -> defaultdict[int, list[TargetState]]:
    sql = (
        "SELECT row, server, section, rating_key, part, written, dirty, unconfirmed, read_back,"
        " refused, synced_at FROM targets"
        " WHERE left_at IS NULL AND row IN ({}) ORDER BY row, place"
    )
    found = list(_fetch(connection, sql, rows))
    bases = load_bases(connection, {(server, key) for _, server, _, key, *_ in found})
    targets: defaultdict[int, list[TargetState]] = defaultdict(list)
    for row, server, section, key, part, *values, synced_at in found:
        written, dirty, unconfirmed, read_back, refused = values
        targets[row].append(
            TargetState(
                target=Target(server, section, key),
                part=part,
                written=written_from_json(written),
                base=bases.get((server, key), {}),
                dirty=dirty_from_json(dirty),
                unconfirmed=unconfirmed_from_json(unconfirmed),
                read_back=read_back_from_json(read_back),
                refused=refused_from_json(refused),
                synced_at=synced_at,
            )
        )
    return targets


def load_entities(
    connection: sqlite3.Connection, rows: Sequence[int]
) -> defaultdict[int, set[tuple[str, int]]]:
    """Row id -> entities of its scene."""
    sql = "SELECT row, kind, entity FROM entities WHERE row IN ({})"
    entities: defaultdict[int, set[tuple[str, int]]] = defaultdict(set)
    for row, kind, entity in _fetch(connection, sql, rows):
        entities[row].add((kind, entity))
    return entities


def load_bases(
    connection: sqlite3.Connection, items: Collection[Item]
) -> dict[Item, dict[str, Base]]:
    """Base values of these Plex items: what they had before the first write."""
    bases = {}
    for server in {server for server, _ in items}:
        sql = "SELECT rating_key, base FROM bases WHERE server = ? AND rating_key IN ({})"
        keys = [key for owner, key in items if owner == server]
        for key, base in _fetch(connection, sql, keys, (server,)):
            bases[server, key] = base_from_json(base)
    return bases


def save_scenes(connection: sqlite3.Connection, server: str, states: Sequence[SceneState]) -> None:
    """Replace these scenes' rows within the caller's transaction. Base values are only added."""
    known = current_rows(connection, server, [state.scene for state in states])
    entities = load_entities(connection, sorted(known.values()))
    _add_bases(connection, [target for state in states for target in state.targets])
    for state in states:
        row = _save_scene(connection, server, state, known.get(state.scene))
        known[state.scene] = row
        _save_targets(connection, row, state)
        _save_entities(connection, row, state, entities[row])
        entities[row] = set(state.entities)


def _save_scene(
    connection: sqlite3.Connection, server: str, state: SceneState, row: int | None
) -> int:
    texts = [storable(getattr(state, name)) for name in _TEXTS]
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


def _add_bases(connection: sqlite3.Connection, targets: Iterable[TargetState]) -> None:
    new = [(t.target.server, t.target.rating_key, t.base) for t in targets if t.base]
    stored = load_bases(connection, {(server, key) for server, key, _ in new})
    for server, key, base in new:
        kept = stored.get((server, key), {})
        if base.keys() - kept.keys():
            stored[server, key] = {**base, **kept}
            connection.execute(
                "INSERT OR REPLACE INTO bases (server, rating_key, base) VALUES (?, ?, ?)",
                (server, key, base_to_json(stored[server, key])),
            )


def _fetch(
    connection: sqlite3.Connection, sql: str, values: Sequence[int], first: tuple[object, ...] = ()
) -> Iterator[tuple[Any, ...]]:
    for start in range(0, len(values), _CHUNK):
        chunk = values[start : start + _CHUNK]
        marks = ", ".join("?" * len(chunk))
        yield from connection.execute(sql.format(marks), (*first, *chunk)).fetchall()
