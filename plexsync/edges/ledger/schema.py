"""The ledger's tables.

A scene's row is current, or archived (its id now belongs to another file). Base values belong to
the Plex item. `left_at` marks a target that the scene no longer has; what was written there is
kept. A Plex server is a number, 0 until the first is known; the few collections have its name. The
`part` of a target is NULL if it is the scene's path. The table `entities` finds the scenes of an
entity, the column of a scene its entities.
"""

from __future__ import annotations

from plexsync.edges.storage import id_sets

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
    """
    CREATE TABLE servers (number INTEGER PRIMARY KEY, server TEXT NOT NULL UNIQUE);
    INSERT INTO servers VALUES (0, '');
    INSERT INTO servers (server) SELECT server FROM (
        SELECT value AS server FROM meta WHERE key = 'server'
        UNION SELECT server FROM scenes UNION SELECT server FROM targets
        UNION SELECT server FROM bases UNION SELECT server FROM pins
        UNION SELECT server FROM observations UNION SELECT server FROM orphans
    ) WHERE typeof(server) = 'text' AND server <> '';
    CREATE TABLE new_scenes (
        id INTEGER PRIMARY KEY, server INTEGER NOT NULL, scene INTEGER NOT NULL,
        state TEXT NOT NULL, detail TEXT NOT NULL, since REAL NOT NULL,
        desired_hash TEXT NOT NULL, oshash TEXT NOT NULL, path TEXT NOT NULL,
        cover_etag TEXT NOT NULL, cover_sha1 TEXT NOT NULL, destroyed_at REAL, archived_at REAL,
        pictures TEXT NOT NULL DEFAULT '{}', entities TEXT NOT NULL DEFAULT ''
    );
    INSERT INTO new_scenes SELECT id, coalesce(number, -1), scene, state, detail, since, desired_hash,
        oshash, path, cover_etag, cover_sha1, destroyed_at, archived_at, pictures,
        coalesce((SELECT group_concat(each, ';') FROM (
            SELECT kind || ':' || group_concat(entity, ',') AS each FROM entities
            WHERE row = scenes.id GROUP BY kind ORDER BY kind)), '')
        FROM scenes LEFT JOIN servers USING (server);
    CREATE TABLE new_targets (
        row INTEGER NOT NULL REFERENCES new_scenes (id) ON DELETE CASCADE, place INTEGER NOT NULL,
        server INTEGER NOT NULL, section TEXT NOT NULL, rating_key INTEGER NOT NULL, part TEXT,
        written BLOB NOT NULL, dirty TEXT NOT NULL, synced_at REAL NOT NULL, left_at REAL,
        unconfirmed TEXT NOT NULL DEFAULT '{}', read_back TEXT NOT NULL DEFAULT '{}',
        refused TEXT NOT NULL DEFAULT '{}', PRIMARY KEY (row, server, rating_key)
    );
    INSERT OR IGNORE INTO new_targets SELECT row, place, coalesce(number, -1), section, rating_key,
        nullif(part, (SELECT path FROM scenes WHERE id = row)), written, dirty, synced_at, left_at,
        unconfirmed, read_back, refused FROM targets LEFT JOIN servers USING (server);
    CREATE TABLE new_bases (
        server INTEGER NOT NULL, rating_key INTEGER NOT NULL, base BLOB NOT NULL,
        PRIMARY KEY (server, rating_key)
    );
    INSERT OR IGNORE INTO new_bases SELECT coalesce(number, -1), rating_key, base
        FROM bases LEFT JOIN servers USING (server);
    CREATE TABLE new_entities (
        kind INTEGER NOT NULL, entity INTEGER NOT NULL, scene INTEGER NOT NULL,
        row INTEGER NOT NULL, PRIMARY KEY (kind, entity, scene, row)
    ) WITHOUT ROWID;
    INSERT INTO new_entities SELECT CASE kind WHEN 'performer' THEN 0 WHEN 'tag' THEN 1
        WHEN 'studio' THEN 2 WHEN 'group' THEN 3 WHEN 'performer_tag' THEN 4
        WHEN 'rival' THEN 5 WHEN 'performer picture' THEN 6 WHEN 'group picture' THEN 7
        END AS number, entity, scene, row FROM entities WHERE number >= 0
        ORDER BY number, entity, scene, row;
    CREATE TABLE new_pins (
        server INTEGER NOT NULL, scene INTEGER NOT NULL, part TEXT NOT NULL,
        rating_key INTEGER NOT NULL, PRIMARY KEY (server, scene)
    );
    INSERT OR IGNORE INTO new_pins SELECT coalesce(number, -1), scene, part, rating_key
        FROM pins LEFT JOIN servers USING (server);
    CREATE TABLE new_observations (
        server INTEGER NOT NULL, scene INTEGER NOT NULL, rating_key INTEGER NOT NULL,
        plex_updated INTEGER NOT NULL, desired_hash TEXT NOT NULL, verdict TEXT NOT NULL,
        queued_at REAL NOT NULL, basis TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (server, scene, rating_key)
    ) WITHOUT ROWID;
    INSERT OR IGNORE INTO new_observations SELECT coalesce(number, -1), scene, rating_key, plex_updated,
        desired_hash, verdict, queued_at, basis FROM observations LEFT JOIN servers USING (server);
    CREATE TABLE new_orphans (
        server INTEGER NOT NULL, rating_key INTEGER NOT NULL, section TEXT NOT NULL,
        file TEXT NOT NULL, found_at REAL NOT NULL, PRIMARY KEY (server, rating_key)
    ) WITHOUT ROWID;
    INSERT OR IGNORE INTO new_orphans SELECT coalesce(number, -1), rating_key, section, file, found_at
        FROM orphans LEFT JOIN servers USING (server);
    DELETE FROM servers WHERE number = 0;
    DROP TABLE entities; DROP TABLE targets; DROP TABLE bases; DROP TABLE pins;
    DROP TABLE observations; DROP TABLE orphans; DROP TABLE scenes;
    ALTER TABLE new_scenes RENAME TO scenes;
    ALTER TABLE new_targets RENAME TO targets;
    ALTER TABLE new_bases RENAME TO bases;
    ALTER TABLE new_entities RENAME TO entities;
    ALTER TABLE new_pins RENAME TO pins;
    ALTER TABLE new_observations RENAME TO observations;
    ALTER TABLE new_orphans RENAME TO orphans;
    CREATE UNIQUE INDEX scenes_current ON scenes (server, scene) WHERE archived_at IS NULL;
    CREATE INDEX scenes_live ON scenes (server, state, scene, archived_at, destroyed_at)
        WHERE archived_at IS NULL AND destroyed_at IS NULL;
    CREATE INDEX scenes_destroyed ON scenes (destroyed_at) WHERE destroyed_at IS NOT NULL;
    CREATE INDEX targets_by_item ON targets (server, rating_key);
    CREATE INDEX targets_refused ON targets (row) WHERE refused <> '{}';
    CREATE INDEX observations_by_item ON observations (server, rating_key);
    CREATE INDEX observations_edited ON observations (server, scene)
        WHERE instr(verdict, '"drifted"') > 0 OR instr(verdict, '"kept"') > 0;
    CREATE INDEX orphans_by_file ON orphans (server, file, rating_key);
    """,
    id_sets.SCHEMA,
    "ALTER TABLE scenes ADD COLUMN basis TEXT NOT NULL DEFAULT ''",
)
