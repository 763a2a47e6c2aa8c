"""Saves scenes in the ledger's tables, and deletes them there."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence

from plexsync.edges.ledger.backfill_queries import LIVE
from plexsync.edges.ledger.encoding import (
    base_to_json,
    entities_from_text,
    entities_to_text,
    pictures_to_json,
    read_back_to_json,
    refused_to_json,
    storable,
    unconfirmed_to_json,
    written_to_json,
)
from plexsync.edges.ledger.ledger_queries import COLUMNS, TEXTS, LedgerQueries
from plexsync.edges.ledger.packing import packed
from plexsync.edges.storage import id_sets
from plexsync.edges.storage.queries import ask_in, asking
from plexsync.model.ledger import DESTROYED, KINDS, SceneState, TargetState
from plexsync.model.values import concise

Entity = tuple[str, int]
"""Kind and Stash id."""

_UPDATE = f"UPDATE scenes SET {', '.join(f'{c} = ?' for c in COLUMNS)} WHERE id = ?"
_INSERT = (
    f"INSERT INTO scenes ({', '.join(COLUMNS)}, server, scene)"
    f" VALUES ({', '.join('?' * (len(COLUMNS) + 2))})"
)


def save_scenes(
    connection: sqlite3.Connection,
    queries: LedgerQueries,
    states: Sequence[SceneState],
    numbered: Callable[[str], int],
    *,
    targets: bool,
) -> None:
    """Replace these scenes' rows within the caller's transaction, with `targets` also those of their
    items, in the order in which the items were written. Base values are only added.

    `numbered` gives a server its number.
    """
    here = numbered(queries.server)
    known = _current_rows(connection, here, [state.scene for state in states])
    written = [target for state in states for target in state.targets] if targets else []
    numbers = {name: numbered(name) for name in {target.target.server for target in written}}
    _add_bases(connection, queries, written, numbers)
    for state in states:
        row, before = known.get(state.scene, (None, frozenset()))
        row = _save_scene(connection, here, state, row)
        known[state.scene] = row, state.entities
        if targets:
            _save_targets(connection, row, state, numbers)
        drop_entities(connection, before - state.entities, state.scene, row)
        _add_entities(connection, state.entities - before, state.scene, row)
    live = {s.scene: storable(s.state) if s.destroyed_at is None else "" for s in states}
    id_sets.place(connection, live, here)


def _current_rows(
    connection: sqlite3.Connection, here: int, scenes: Iterable[int]
) -> dict[int, tuple[int, frozenset[Entity]]]:
    """Scene id -> row id and entities of those scenes that are in the ledger."""
    sql = (
        "SELECT scene, id, entities FROM scenes"
        " WHERE archived_at IS NULL AND server = ? AND scene IN ({})"
    )
    rows = ask_in(asking(connection), sql, sorted(set(scenes)), (here,))
    return {scene: (row, entities_from_text(entities)) for scene, row, entities in rows}


def _save_scene(
    connection: sqlite3.Connection, here: int, state: SceneState, row: int | None
) -> int:
    texts = [storable(getattr(state, name)) for name in TEXTS]
    values = [*texts, state.since, state.destroyed_at, pictures_to_json(state.pictures)]
    values.append(entities_to_text(state.entities))
    if row is not None:
        connection.execute(_UPDATE, (*values, row))
        return row
    return int(connection.execute(_INSERT, (*values, here, state.scene)).lastrowid or 0)


def standing_of(state: SceneState) -> tuple[object, ...]:
    """What `Observations.standing` has of a scene that is saved like this."""
    texts = [storable(text) for text in (state.oshash, state.path, state.cover_sha1)]
    more = (*texts, pictures_to_json(state.pictures), state.destroyed_at)
    return (state.scene, storable(state.state), state.since, *more)


def _save_targets(
    connection: sqlite3.Connection, row: int, state: SceneState, numbers: Mapping[str, int]
) -> None:
    when = max([state.since, *(target.synced_at for target in state.targets)])
    connection.execute(
        "UPDATE targets SET left_at = ? WHERE row = ? AND left_at IS NULL", (when, row)
    )
    items = [(numbers[t.target.server], t.target.rating_key) for t in state.targets]
    connection.executemany(
        "INSERT OR REPLACE INTO targets (row, place, server, section, rating_key, part, written,"
        " dirty, unconfirmed, read_back, refused, synced_at, left_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
        [
            (
                *(row, place, number, target.target.section, key),
                None if target.part == state.path else storable(target.part),
                *(
                    packed(written_to_json(concise(target.written))),
                    json.dumps(sorted(target.dirty)),
                ),
                *(unconfirmed_to_json(target.unconfirmed), read_back_to_json(target.read_back)),
                *(refused_to_json(target.refused), target.synced_at),
            )
            for place, (target, (number, key)) in enumerate(zip(state.targets, items, strict=True))
        ],
    )
    connection.executemany("DELETE FROM orphans WHERE server = ? AND rating_key = ?", items)


def _add_entities(
    connection: sqlite3.Connection, entities: Iterable[Entity], scene: int, row: int
) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO entities (kind, entity, scene, row) VALUES (?, ?, ?, ?)",
        [(KINDS[kind], number, scene, row) for kind, number in entities],
    )


def drop_entities(
    connection: sqlite3.Connection, entities: Iterable[Entity], scene: int, row: int
) -> None:
    """Delete entities of a scene from their table, within the caller's transaction."""
    connection.executemany(
        "DELETE FROM entities WHERE kind = ? AND entity = ? AND scene = ? AND row = ?",
        [(KINDS[kind], number, scene, row) for kind, number in entities],
    )


def _add_bases(
    connection: sqlite3.Connection,
    queries: LedgerQueries,
    targets: Iterable[TargetState],
    numbers: Mapping[str, int],
) -> None:
    new = [(t.target.server, t.target.rating_key, t.base) for t in targets if t.base]
    stored = queries.bases({(server, key) for server, key, _ in new})
    for server, key, base in new:
        kept = stored.get((server, key), {})
        if base.keys() - kept.keys():
            stored[server, key] = {**base, **kept}
            connection.execute(
                "INSERT OR REPLACE INTO bases (server, rating_key, base) VALUES (?, ?, ?)",
                (numbers[server], key, packed(base_to_json(stored[server, key]))),
            )


def destroy_scenes(connection: sqlite3.Connection, scenes: Sequence[int], now: float) -> None:
    """Mark scenes as destroyed on every server, also those of which nothing but a pin is known."""
    connection.executemany(
        "INSERT INTO scenes (server, scene, state, detail, since, desired_hash, oshash, path,"
        " cover_etag, cover_sha1) SELECT server, scene, '', '', 0, '', '', '', '', '' FROM pins"
        " WHERE scene = ? AND NOT EXISTS (SELECT 1 FROM scenes s WHERE s.archived_at IS NULL"
        " AND s.server = pins.server AND s.scene = pins.scene)",
        [(scene,) for scene in scenes],
    )
    connection.executemany(
        "UPDATE scenes SET destroyed_at = ?, state = ?, since = ?, desired_hash = ''"
        f" WHERE {LIVE} AND scene = ?",
        [(now, DESTROYED, now, scene) for scene in scenes],
    )
    id_sets.take_out(connection, scenes)


def forget_scenes(connection: sqlite3.Connection, before: float) -> int:
    """Delete scenes destroyed before that time, with their pins and base values; returns how many."""
    old = "s.archived_at IS NULL AND s.destroyed_at < ?"
    listed = f"SELECT s.entities, s.scene, s.id FROM scenes s WHERE {old}"
    held = "SELECT {} FROM targets t JOIN scenes s ON s.id = t.row WHERE"
    connection.execute(
        "DELETE FROM bases WHERE (server, rating_key) IN"
        f" ({held.format('t.server, t.rating_key')} {old})"
        f" AND NOT EXISTS ({held.format('1')} t.server = bases.server"
        f" AND t.rating_key = bases.rating_key AND ({old}) IS NOT 1)",
        (before, before),
    )
    connection.execute(
        f"DELETE FROM pins WHERE (server, scene) IN (SELECT server, scene FROM scenes s WHERE {old})",
        (before,),
    )
    for entities, scene, row in connection.execute(listed, (before,)).fetchall():
        drop_entities(connection, entities_from_text(entities), scene, row)
    return connection.execute(f"DELETE FROM scenes AS s WHERE {old}", (before,)).rowcount
