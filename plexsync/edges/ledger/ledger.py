"""The ledger: the state of each scene, what was written to Plex, and what Plex had before."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence

from plexsync.edges.ledger.backfill_queries import ALL, LIVE, SERVER
from plexsync.edges.ledger.collections import Collections
from plexsync.edges.ledger.encoding import unconfirmed_from_json, written_from_json
from plexsync.edges.ledger.rows import destroy_scenes, forget_scenes, save_scenes
from plexsync.edges.ledger.schema import SCHEMA
from plexsync.edges.ledger.side_tables import (
    Backfills,
    Observations,
    Observed,
    Orphans,
    OutageJobs,
    Pins,
    Seen,
)
from plexsync.edges.ledger.summary_queries import ORPHANS_AT
from plexsync.edges.ledger.tables import TABLES
from plexsync.edges.storage import files, id_sets
from plexsync.edges.storage.queries import ask_in
from plexsync.edges.storage.row_audit import Lost, audited
from plexsync.edges.transactions import transaction
from plexsync.model.ledger import (
    GIVEN_UP,
    KINDS,
    LEFT_OUT,
    RIVAL,
    SHARED,
    SYNCED,
    UNDONE,
    SceneState,
)
from plexsync.model.plex import Base, Target, Value, Written

_CACHE_KIB = 16 * 1024
_UNTOUCHED = (SHARED, UNDONE, LEFT_OUT, *GIVEN_UP)
"""States of scenes that are not compared because another scene was written."""
_COUNTS = f"SELECT server, state, COUNT(*) FROM scenes WHERE {LIVE} GROUP BY server, state"
_MEMBERS = f"SELECT server, state, scene FROM scenes WHERE {LIVE}"
"""What the sets of scenes by their state are made of."""


class Ledger(Backfills, Pins, Observations, Orphans, OutageJobs, Seen, Collections):
    """ledger.db, opened by the owner. A damaged file is set aside and replaced by an empty one.

    Everything about scenes concerns the Plex server set by `use_server`, which is stored; rows of
    other servers are left alone. `lost` is what unreadable rows were about. A file that is known to be
    `sound` is not checked.
    """

    lost = Lost()

    def __init__(self, path: str, warn: Callable[[str], None], *, sound: bool = False) -> None:
        connection = files.open_sqlite(path, SCHEMA, warn, sound=sound)
        super().__init__(connection)
        if not sound:
            self.lost = audited(connection, TABLES, path, warn)
        self._connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if isinstance(self._here, str):  # lost with a damaged row
            with transaction(connection):
                self._numbered(self.server)
        if not id_sets.agree(connection, _COUNTS):
            with transaction(connection):
                id_sets.make(connection, connection.execute(_MEMBERS))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def set_meta(self, key: str, value: str) -> None:
        """Store a value under a name."""
        with transaction(self._connection) as connection:
            _set_meta(connection, key, value)

    def use_server(self, server: str) -> bool:
        """Work on this server's rows from now on; True if another one was current before.

        Rows stored before any server was known become the first one's.
        """
        before = self.server
        if server in ("", before):
            return False
        with transaction(self._connection) as connection:
            number = self._numbered(server)
            for table in ("scenes", "pins") if not before else ():
                connection.execute(
                    f"UPDATE OR IGNORE {table} SET server = ? WHERE server = 0", (number,)
                )
            if not before:
                id_sets.make(connection, connection.execute(_MEMBERS))
            _set_meta(connection, SERVER, server)
            connection.execute("DELETE FROM meta WHERE key = ?", (ORPHANS_AT,))
        self._in_use = server
        return bool(before)

    def save(
        self, states: Iterable[SceneState], observed: Observed = (), *, targets: bool = True
    ) -> None:
        """Replace scenes, and observations of some of them, in one transaction; a destroyed one
        becomes live again. Without `targets` these stay as they are stored.

        Base values are never replaced. A target that a scene no longer has can still be inherited.
        """
        with transaction(self._connection) as connection:
            save_scenes(connection, self, list(states), self._numbered, targets=targets)
            self._replace_observations(observed)

    def basis_of(self, scenes: Sequence[int]) -> dict[int, str]:
        """The basis of those of these scenes that are in step and have one."""
        sql = (
            f"SELECT scene, basis FROM scenes WHERE {LIVE} AND server = ? AND state = ?"
            " AND desired_hash <> '' AND basis <> '' AND scene IN ({})"
        )
        return dict(ask_in(self._ask, sql, scenes, (self._here, SYNCED)))

    def keep_basis_of(self, scenes: Mapping[int, str]) -> None:
        """Store the basis of these scenes, which are in step."""
        if not scenes:
            return
        with transaction(self._connection) as connection:
            connection.executemany(
                "UPDATE scenes SET basis = ? WHERE archived_at IS NULL AND server = ? AND scene = ?",
                [(basis, self._here, scene) for scene, basis in scenes.items()],
            )

    def set_aside(self, scene: int, now: float) -> None:
        """Archive the scene's rows: its id now belongs to another file."""
        with transaction(self._connection) as connection:
            connection.execute(
                "UPDATE scenes SET archived_at = ?"
                " WHERE archived_at IS NULL AND server = ? AND scene = ?",
                (now, self._here, scene),
            )
            id_sets.place(connection, {scene: ""}, self._numbered(self.server))

    def forget_ids(self, now: float) -> None:
        """Archive all rows, for every server: from now on scene ids mean other scenes.

        What was written to each Plex item and what it had before can still be inherited.
        """
        with transaction(self._connection) as connection:
            connection.execute(
                "UPDATE scenes SET archived_at = ? WHERE archived_at IS NULL", (now,)
            )
            for table in ("pins", "observations", "orphans", "backfills", "backfill_runs"):
                connection.execute(f"DELETE FROM {table}")
            connection.execute("DELETE FROM meta WHERE key = ?", (ORPHANS_AT,))
            connection.execute("UPDATE collections SET kind = '', entity = 0")
            id_sets.make(connection, ())

    def destroy(self, scenes: Iterable[int], now: float) -> None:
        """Mark scenes as destroyed in Stash, for every server; their rows and pins are kept for a
        while.
        """
        with transaction(self._connection) as connection:
            destroy_scenes(connection, list(scenes), now)

    def forget_destroyed(self, before: float) -> int:
        """Delete scenes destroyed before that time, with their pins and base values; returns how
        many.
        """
        with transaction(self._connection) as connection:
            return forget_scenes(connection, before)

    def inherit(
        self, target: Target
    ) -> tuple[Mapping[str, Written], Mapping[str, Base], Sequence[Mapping[str, Value]]]:
        """What was ever written to this Plex item (the latest per field), its base values, and what
        was sent to it but not seen there.
        """
        item = (target.server, target.rating_key)
        rows = self._connection.execute(
            "SELECT written, unconfirmed FROM targets WHERE server = ? AND rating_key = ?"
            " ORDER BY synced_at, rowid",
            (self._number(target.server), target.rating_key),
        ).fetchall()
        written: dict[str, Written] = {}
        for name, value in (pair for row in rows for pair in written_from_json(row[0]).items()):
            if name not in written or written[name].at <= value.at:
                written[name] = value
        unconfirmed = [unconfirmed_from_json(text) for _, text in rows if text != "{}"]
        return written, self.bases({item}).get(item, {}), unconfirmed

    def owner(self, target: Target) -> int | None:
        """The live scene that owns this Plex item; of several the one written last."""
        row = self._connection.execute(
            "SELECT s.scene FROM targets t JOIN scenes s ON s.id = t.row"
            f" WHERE t.server = ? AND t.rating_key = ? AND t.left_at IS NULL AND {LIVE}"
            " AND s.server = ? ORDER BY s.state = ?, t.synced_at DESC, s.scene LIMIT 1",
            (self._number(target.server), target.rating_key, self._here, SHARED),
        ).fetchone()
        return int(row[0]) if row else None

    def neighbours(self, scene: int) -> list[int]:
        """Live scenes that share a Plex item with this one, or lost theirs to it; none that was given
        up or is not to be written.
        """
        sql = (  # CROSS JOIN fixes the order: SQLite would go through all scenes of the server
            "SELECT o.scene FROM scenes s CROSS JOIN targets t ON t.row = s.id"
            " CROSS JOIN targets u ON u.server = t.server AND u.rating_key = t.rating_key"
            " CROSS JOIN scenes o ON o.id = u.row WHERE s.archived_at IS NULL AND s.server = ?1"
            " AND s.scene = ?2 AND u.left_at IS NULL AND o.scene <> ?2 AND o.server = ?1"
            " AND o.archived_at IS NULL AND o.destroyed_at IS NULL"
            f" AND o.state NOT IN ({', '.join('?' * len(_UNTOUCHED))})"
        )
        rows = self._connection.execute(sql, (self._here, scene, *_UNTOUCHED)).fetchall()
        waiting = self.scenes_with(RIVAL, [scene], 0, ALL)
        return sorted({*waiting, *(int(row[0]) for row in rows)})

    def any_in(self, state: str) -> bool:
        """Whether any live scene is in this state."""
        sql = f"SELECT 1 FROM scenes WHERE {LIVE} AND server = ? AND state = ? LIMIT 1"
        return self._connection.execute(sql, (self._here, state)).fetchone() is not None

    def shared(self) -> dict[int, str]:
        """Live scenes whose Plex items belong to other scenes, with their first paths."""
        rows = self._connection.execute(
            f"SELECT scene, path FROM scenes WHERE {LIVE} AND server = ? AND state = ?",
            (self._here, SHARED),
        )
        return {int(scene): str(path) for scene, path in rows}

    def live_between(self, after: int, last: int) -> list[int]:
        """Live scene ids above `after` and up to `last`."""
        rows = self._connection.execute(
            f"SELECT scene FROM scenes WHERE {LIVE} AND server = ? AND scene > ? AND scene <= ?",
            (self._here, after, last),
        )
        return [int(row[0]) for row in rows]

    def entities_of(self, kind: str) -> set[int]:
        """Entities of a kind that live scenes were written with."""
        rows = self._connection.execute(
            "SELECT DISTINCT e.entity FROM entities e JOIN scenes s ON s.id = e.row"
            f" WHERE e.kind = ? AND s.server = ? AND {LIVE}",
            (KINDS[kind], self._here),
        )
        return {int(row[0]) for row in rows}

    def ahead(self, reason: str) -> set[int]:
        """Scenes listed by backfills with this reason that are still to be queued."""
        rows = self._connection.execute(
            "SELECT number FROM backfill_ids JOIN backfills ON backfills.id = backfill_ids.backfill"
            " WHERE reason = ? AND kind = 'scene' AND number > after",
            (reason,),
        )
        return {int(row[0]) for row in rows}

    def last_written(self, limit: int) -> list[int]:
        """The live scenes in step that were written last, the latest first."""
        rows = self._connection.execute(
            "SELECT s.scene FROM targets t JOIN scenes s ON s.id = t.row"
            f" WHERE t.left_at IS NULL AND t.written <> '{{}}' AND {LIVE}"
            " AND s.server = ? AND s.state = ? GROUP BY s.scene"
            " ORDER BY max(t.synced_at) DESC LIMIT ?",
            (self._here, SYNCED, limit),
        )
        return [int(row[0]) for row in rows]

    def written_scenes(self, state: str = "") -> list[int]:
        """Live scenes (in this state) with anything of ours in Plex that was not undone yet,
        ascending.
        """
        rows = self._connection.execute(
            f"SELECT scene FROM scenes WHERE {LIVE} AND server = ?1 AND state <> ?2"
            " AND (?3 = '' OR state = ?3) AND EXISTS"
            " (SELECT 1 FROM targets WHERE row = scenes.id AND left_at IS NULL"
            " AND (written <> '{}' OR unconfirmed <> '{}')) ORDER BY scene",
            (self._here, UNDONE, state),
        )
        return [int(row[0]) for row in rows]


def _set_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (key, value))
