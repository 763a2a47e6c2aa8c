"""What the audit of ledger.db has to know of its tables."""

from __future__ import annotations

from plexsync.edges.ledger.packing import PACKED
from plexsync.edges.storage import id_sets
from plexsync.edges.storage.row_audit import CLOCK, DIGITS, JSON, NUMBER, Table

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
_TEXT = "typeof({0}) = 'text' AND is_utf8(CAST({0} AS BLOB))"
_PACKED_JSON = f"({PACKED}) OR ({_TEXT}) AND {JSON}"
TABLES = (
    Table("meta", rules={"value": _NUMBERS}),
    Table("servers", rules={"number": NUMBER}, vital=True),
    Table(
        "scenes",
        scene="scenes.scene",
        rules={"pictures": JSON},
        mends={
            **dict.fromkeys(
                ("detail", "desired_hash", "oshash", "path", "cover_etag", "cover_sha1")
                + ("entities", "basis"),
                "''",
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
            "written": _PACKED_JSON,
            **dict.fromkeys(("dirty", "unconfirmed", "read_back", "refused"), JSON),
        },
        mends={
            "section": "''",
            **dict.fromkeys(("written", "unconfirmed", "read_back", "refused"), "'{}'"),
            **dict.fromkeys(("place", "synced_at"), "0"),
            "dirty": "'[]'",
            **dict.fromkeys(("part", "left_at"), "NULL"),
        },
    ),
    Table("bases", scene=_OF_BASE, rules={"base": _PACKED_JSON}),
    Table("entities", scene="entities.scene", rules={"kind": "{0} < 8"}),
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
    Table(id_sets.TABLE, rules={"bits": id_sets.BYTES}, cache=True),
)
"""A scene's row is repaired rather than deleted, since it holds what was written to Plex."""
