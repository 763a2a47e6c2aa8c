"""What the ledger's rows must be besides what their tables declare, and what each can do without."""

from __future__ import annotations

from plexsync.edges.row_audit import CLOCK, DIGITS, JSON, Table

_OF_TARGET = "(SELECT s.scene FROM scenes s WHERE s.id = targets.row)"
_OF_BASE = (
    "(SELECT s.scene FROM targets t JOIN scenes s ON s.id = t.row"
    " WHERE t.server = bases.server AND t.rating_key = bases.rating_key)"
)
_NUMBERS = (
    "CASE WHEN key IN ('watermark', 'swept', 'swept at', 'counted_at')"
    " THEN is_moment(CAST({0} AS BLOB))"
    " WHEN key IN ('recoveries', 'counted_after') THEN {0} NOT GLOB '*[^0-9]*' AND length({0}) BETWEEN 1 AND 18"
    " ELSE 1 END"
)
TABLES = (
    Table("meta", rules={"value": _NUMBERS}),
    Table(
        "scenes",
        scene="scenes.scene",
        mends={
            **dict.fromkeys(("detail", "wish", "oshash", "path", "cover_etag", "cover_sha1"), "''"),
            "state": "'waiting'",
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
    Table("pins", scene="pins.scene", mends={"rating_key": "0"}),
    Table("bulks", vital=True),
    Table("bulk_ids", vital=True),
    Table("seen", cache=True),
    Table("outage_jobs", cache=True),
    Table("looked", rules={"plex_updated": CLOCK}, cache=True),
)
"""A scene's row is mended rather than deleted: what was written to Plex hangs on it."""
