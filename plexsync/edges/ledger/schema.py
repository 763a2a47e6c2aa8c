"""The ledger's tables.

A scene's row is current, or archived (its id now belongs to another file). Base values belong to
the Plex item. `left_at` marks a target that the scene no longer has; what was written there is
kept.
"""

from __future__ import annotations

from plexsync.edges.storage.row_audit import CLOCK, DIGITS, JSON, NUMBER, Table

SCHEMA = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
    CREATE TABLE scenes (
        id INTEGER PRIMARY KEY,
        server TEXT NOT NULL,
        scene INTEGER NOT NULL,
        state TEXT NOT NULL,
        detail TEXT NOT NULL,
        since REAL NOT NULL,
        wish TEXT NOT NULL,
        oshash TEXT NOT NULL,
        path TEXT NOT NULL,
        cover_etag TEXT NOT NULL,
        cover_sha1 TEXT NOT NULL,
        destroyed_at REAL,
        archived_at REAL
    );
    CREATE UNIQUE INDEX scenes_current ON scenes (server, scene) WHERE archived_at IS NULL;
    CREATE INDEX scenes_live ON scenes (server, state)
        WHERE archived_at IS NULL AND destroyed_at IS NULL;
    CREATE INDEX scenes_destroyed ON scenes (destroyed_at) WHERE destroyed_at IS NOT NULL;
    CREATE TABLE targets (
        row INTEGER NOT NULL REFERENCES scenes (id) ON DELETE CASCADE,
        place INTEGER NOT NULL,
        server TEXT NOT NULL,
        section TEXT NOT NULL,
        rating_key INTEGER NOT NULL,
        part TEXT NOT NULL,
        written TEXT NOT NULL,
        dirty TEXT NOT NULL,
        synced_at REAL NOT NULL,
        left_at REAL,
        PRIMARY KEY (row, server, rating_key)
    );
    CREATE INDEX targets_by_item ON targets (server, rating_key);
    CREATE TABLE bases (
        server TEXT NOT NULL,
        rating_key INTEGER NOT NULL,
        base TEXT NOT NULL,
        PRIMARY KEY (server, rating_key)
    );
    CREATE TABLE entities (
        kind TEXT NOT NULL,
        entity INTEGER NOT NULL,
        scene INTEGER NOT NULL,
        row INTEGER NOT NULL REFERENCES scenes (id) ON DELETE CASCADE,
        PRIMARY KEY (kind, entity, scene, row)
    ) WITHOUT ROWID;
    CREATE INDEX entities_by_row ON entities (row, kind, entity);
    CREATE TABLE bulks (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        reason TEXT NOT NULL,
        kind TEXT NOT NULL,
        ids TEXT NOT NULL,
        after INTEGER NOT NULL,
        born REAL NOT NULL
    );
    """,
    "ALTER TABLE targets ADD COLUMN unconfirmed TEXT NOT NULL DEFAULT '{}'",
    """
    CREATE TABLE pins (
        server TEXT NOT NULL,
        scene INTEGER NOT NULL,
        part TEXT NOT NULL,
        rating_key INTEGER NOT NULL,
        PRIMARY KEY (server, scene)
    );
    """,
    """
    CREATE TABLE looked (
        server TEXT NOT NULL,
        scene INTEGER NOT NULL,
        rating_key INTEGER NOT NULL,
        plex_updated INTEGER NOT NULL,
        wish TEXT NOT NULL,
        verdict TEXT NOT NULL,
        queued_at REAL NOT NULL,
        PRIMARY KEY (server, scene, rating_key)
    ) WITHOUT ROWID;
    CREATE INDEX looked_by_item ON looked (server, rating_key);
    """,
    """
    ALTER TABLE targets ADD COLUMN read_back TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE targets ADD COLUMN refused TEXT NOT NULL DEFAULT '{}';
    CREATE INDEX targets_refused ON targets (row) WHERE refused <> '{}';
    """,
    """
    CREATE TABLE bulk_ids (
        bulk INTEGER NOT NULL REFERENCES bulks (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        PRIMARY KEY (bulk, number)
    ) WITHOUT ROWID;
    INSERT OR IGNORE INTO bulk_ids SELECT bulks.id, listed.value
        FROM bulks, json_each(CASE WHEN json_valid(bulks.ids) THEN bulks.ids ELSE '[]' END) listed
        WHERE typeof(bulks.ids) = 'text' AND typeof(listed.value) = 'integer';
    ALTER TABLE bulks RENAME COLUMN ids TO digest;
    UPDATE bulks SET digest = CASE digest WHEN 'null' THEN '' ELSE 'of an earlier version' END;
    CREATE TABLE seen (
        kind TEXT NOT NULL,
        id INTEGER NOT NULL,
        at REAL NOT NULL,
        PRIMARY KEY (kind, id)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE outage_jobs (
        scene INTEGER PRIMARY KEY,
        outage REAL NOT NULL,
        recovered INTEGER NOT NULL
    );
    """,
    """
    ALTER TABLE scenes RENAME COLUMN wish TO desired_hash;
    DROP INDEX looked_by_item;
    ALTER TABLE looked RENAME TO observations;
    ALTER TABLE observations RENAME COLUMN wish TO desired_hash;
    CREATE INDEX observations_by_item ON observations (server, rating_key);
    ALTER TABLE bulks RENAME TO backfills;
    ALTER TABLE bulk_ids RENAME TO backfill_ids;
    ALTER TABLE backfill_ids RENAME COLUMN bulk TO backfill;
    UPDATE meta SET key = 'installed_at' WHERE key = 'watermark';
    UPDATE meta SET key = 'watermark' WHERE key = 'swept';
    """,
    """
    CREATE TABLE collections (
        server TEXT NOT NULL,
        section TEXT NOT NULL,
        name_key TEXT NOT NULL,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        entity INTEGER NOT NULL,
        owner TEXT NOT NULL,
        due_at REAL,
        quick INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        detail TEXT NOT NULL,
        etag TEXT NOT NULL,
        sha1 TEXT NOT NULL,
        rating_key INTEGER NOT NULL,
        written TEXT NOT NULL,
        base TEXT NOT NULL,
        dirty TEXT NOT NULL,
        unconfirmed TEXT NOT NULL,
        read_back TEXT NOT NULL,
        refused TEXT NOT NULL,
        synced_at REAL NOT NULL,
        PRIMARY KEY (server, section, name_key)
    );
    CREATE INDEX collections_due ON collections (due_at) WHERE due_at IS NOT NULL;
    CREATE INDEX collections_by_entity ON collections (kind, entity);
    """,
    "ALTER TABLE scenes ADD COLUMN pictures TEXT NOT NULL DEFAULT '{}'",
    """
    DROP INDEX scenes_live;
    CREATE INDEX scenes_live ON scenes (server, state, scene, archived_at, destroyed_at)
        WHERE archived_at IS NULL AND destroyed_at IS NULL;
    CREATE INDEX observations_edited ON observations (server, scene)
        WHERE instr(verdict, '"drifted"') > 0 OR instr(verdict, '"kept"') > 0;
    CREATE TABLE orphans (
        server TEXT NOT NULL,
        rating_key INTEGER NOT NULL,
        section TEXT NOT NULL,
        file TEXT NOT NULL,
        found_at REAL NOT NULL,
        PRIMARY KEY (server, rating_key)
    ) WITHOUT ROWID;
    CREATE INDEX orphans_by_file ON orphans (server, file, rating_key);
    """,
    """
    CREATE TABLE backfill_runs (
        reason TEXT PRIMARY KEY,
        began REAL NOT NULL,
        queued INTEGER NOT NULL,
        paused_until REAL
    );
    """,
    "ALTER TABLE observations ADD COLUMN basis TEXT NOT NULL DEFAULT ''",
)

_OF_TARGET = "(SELECT s.scene FROM scenes s WHERE s.id = targets.row)"
_OF_BASE = (
    "(SELECT s.scene FROM targets t JOIN scenes s ON s.id = t.row"
    " WHERE t.server = bases.server AND t.rating_key = bases.rating_key)"
)
_NUMBERS = (
    "CASE WHEN key IN ('installed_at', 'watermark', 'swept at', 'counted_at', 'orphans_at')"
    " THEN is_moment(CAST({0} AS BLOB))"
    " WHEN key IN ('recoveries', 'counted_after') THEN {0} NOT GLOB '*[^0-9]*'"
    # Stash is asked for the scenes above that one, and takes no larger number for an id.
    " AND length({0}) BETWEEN 1 AND 10 AND CAST({0} AS INTEGER) < 1 << 31"
    " ELSE 1 END"
)
TABLES = (
    Table("meta", rules={"value": _NUMBERS}),
    Table(
        "scenes",
        scene="scenes.scene",
        rules={"pictures": JSON},
        mends={
            **dict.fromkeys(
                ("detail", "desired_hash", "oshash", "path", "cover_etag", "cover_sha1"), "''"
            ),
            "state": "'waiting'",
            "pictures": "'{}'",
            "since": "0",
            "destroyed_at": "NULL",
            "archived_at": "NULL",
        },
    ),
    Table(
        "targets",
        scene=_OF_TARGET,
        rules={
            "section": f"{{0}} = '' OR {DIGITS}",
            **dict.fromkeys(("written", "dirty", "unconfirmed", "read_back", "refused"), JSON),
        },
        mends={
            **dict.fromkeys(("section", "part"), "''"),
            **dict.fromkeys(("written", "unconfirmed", "read_back", "refused"), "'{}'"),
            **dict.fromkeys(("place", "synced_at"), "0"),
            "dirty": "'[]'",
            "left_at": "NULL",
        },
    ),
    Table("bases", scene=_OF_BASE, rules={"base": JSON}),
    Table("entities", scene="entities.scene"),
    Table(
        "collections",
        rules={
            **dict.fromkeys(
                ("written", "base", "dirty", "unconfirmed", "read_back", "refused"), JSON
            ),
            "section": DIGITS,
            "kind": "{0} IN ('studio', 'group', 'performer', 'tag', '')",
            "attempts": "{0} < 100",
        },
        mends={
            **dict.fromkeys(("kind", "owner", "detail", "etag", "sha1"), "''"),
            **dict.fromkeys(("written", "unconfirmed", "read_back", "refused"), "'{}'"),
            **dict.fromkeys(("entity", "quick", "attempts", "synced_at"), "0"),
            "dirty": "'[]'",
            "due_at": "0",
        },
    ),
    Table("pins", scene="pins.scene", mends={"rating_key": "0"}),
    Table("backfills", rules={"id": NUMBER}, vital=True),
    Table("backfill_ids", vital=True),
    Table(
        "backfill_runs",
        mends={"began": "0", "queued": "0", "paused_until": "NULL"},
        cache=True,
    ),
    Table("seen", cache=True),
    Table("outage_jobs", cache=True),
    Table(
        "observations",
        rules={"plex_updated": f"{{0}} = -1 OR {CLOCK}"},  # -1: to be read again
        signed=("plex_updated",),
        cache=True,
    ),
    Table("orphans", rules={"section": DIGITS}, cache=True),
)
"""A scene's row is repaired rather than deleted, since it holds what was written to Plex."""
