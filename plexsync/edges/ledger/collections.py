"""The collections into which PlexSync put items: whose they are, and what was written to them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from plexsync.edges.ledger import encoding
from plexsync.edges.ledger.encoding import storable
from plexsync.edges.ledger.side_tables import LedgerTables
from plexsync.edges.storage.queries import ask_in
from plexsync.edges.transactions import transaction
from plexsync.model.collection import Collection, Source
from plexsync.model.ledger import TargetState
from plexsync.model.plex import Target
from plexsync.model.values import concise, name_key, name_keys

_CHUNK = 400
_COLUMNS = (
    "section, name, kind, entity, owner, due_at, quick, attempts, detail, etag, sha1, rating_key, written,"
    " base, dirty, unconfirmed, read_back, refused, synced_at"
)
_MARKS = ", ".join("?" * 19)


class Collections(LedgerTables):
    """The ledger's table of collections, one row per library and name."""

    def collections(self, section: str, names: Iterable[str]) -> dict[str, Collection]:
        """These collections of a library, as far as they are known, by the key of their names."""
        keys = sorted({name_key(name) for name in names})
        found: dict[str, Collection] = {}
        for start in range(0, len(keys), _CHUNK):
            some = keys[start : start + _CHUNK]
            where = f"section = ? AND name_key IN ({', '.join('?' * len(some))})"
            found |= {name_key(row.name): row for row in self._collections(where, section, *some)}
        return found

    def due_collections(self, now: float, limit: int) -> list[Collection]:
        """Those that are due for a check, the longest due first."""
        return self._collections("due_at <= ? ORDER BY due_at, section, name LIMIT ?", now, limit)

    def next_collection(self) -> float | None:
        """When the next one is due; None if none is."""
        row = self._connection.execute(
            "SELECT MIN(due_at) FROM collections WHERE server = ? AND due_at IS NOT NULL",
            (self.server,),
        ).fetchone()
        return None if row[0] is None else float(row[0])

    def written_collections(self) -> list[Collection]:
        """Those with values that PlexSync wrote and has not undone."""
        return self._collections("(written <> '{}' OR unconfirmed <> '{}') ORDER BY section, name")

    def save_collections(self, collections: Iterable[Collection]) -> None:
        """Store these collections completely."""
        with transaction(self._connection) as connection:
            connection.executemany(
                f"INSERT OR REPLACE INTO collections (server, name_key, {_COLUMNS})"
                f" VALUES (?, ?, {_MARKS})",
                [(self.server, name_key(each.name), *_row(each)) for each in collections],
            )

    def forget_collection(self, section: str, name: str) -> None:
        """Remove a collection that Plex no longer has."""
        with transaction(self._connection) as connection:
            connection.execute(
                "DELETE FROM collections WHERE server = ? AND section = ? AND name_key = ?",
                (self.server, section, name_key(name)),
            )

    def touch_collections(self, kind: str, ids: Iterable[int], now: float) -> None:
        """These performers, studios, tags or groups changed: make the collections that represent
        them due.
        """
        with transaction(self._connection) as connection:
            connection.executemany(
                "UPDATE collections SET due_at = ?, quick = 0, attempts = 0"
                " WHERE server = ? AND kind = ? AND entity = ? AND owner <> 'foreign'",
                [(now, self.server, kind, number) for number in ids],
            )

    def touch_all_collections(self, now: float) -> None:
        """Make all collections due that are not foreign."""
        with transaction(self._connection) as connection:
            connection.execute(
                "UPDATE collections SET due_at = ?, quick = 0, attempts = 0"
                " WHERE server = ? AND owner <> 'foreign'",
                (now, self.server),
            )

    def put_into(self, section: str, name: str, keys: Sequence[int]) -> bool:
        """Whether PlexSync put every one of these items into the collection: none had its name
        before it was sent.
        """
        sql = (
            "SELECT rating_key, written, unconfirmed FROM targets WHERE server = ?"
            " AND section = ? AND rating_key IN ({})"
        )
        rows = ask_in(self._ask, sql, keys, (self._here, section))
        found = {key for key, *values in rows if _put_there(name_key(name), *values)}
        return bool(keys) and found >= set(keys)

    def _collections(self, where: str, *values: object) -> list[Collection]:
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM collections WHERE server = ? AND {where}",
            (self.server, *values),
        )
        return [_read(self.server, row) for row in rows]


def _put_there(key: str, written: str | bytes, unconfirmed: str) -> bool:
    ours = encoding.written_from_json(written).get("collections")
    sent = encoding.unconfirmed_from_json(unconfirmed).get("collections", ())
    return key in name_keys(ours.value if ours else ()) | name_keys(sent)


def _row(each: Collection) -> tuple[object, ...]:
    plex = each.plex
    return (
        *(each.section, storable(each.name), each.source.kind, each.source.id, each.owner),
        *(each.due_at, int(each.quick), each.attempts, storable(each.detail), each.etag, each.sha1),
        *(plex.target.rating_key, encoding.written_to_json(concise(plex.written))),
        *(encoding.base_to_json(plex.base), json.dumps(sorted(plex.dirty))),
        *(
            encoding.unconfirmed_to_json(plex.unconfirmed),
            encoding.read_back_to_json(plex.read_back),
        ),
        *(encoding.refused_to_json(plex.refused), plex.synced_at),
    )


def _read(server: str, row: Sequence[Any]) -> Collection:
    (
        section,
        name,
        kind,
        entity,
        owner,
        due_at,
        quick,
        attempts,
        detail,
        etag,
        sha1,
        key,
        *values,
    ) = row
    written, base, dirty, unconfirmed, read_back, refused, synced_at = values
    return Collection(
        section=section,
        name=name,
        source=Source(kind, entity),
        owner=owner,
        due_at=due_at,
        quick=bool(quick),
        attempts=attempts,
        detail=detail,
        etag=etag,
        sha1=sha1,
        plex=TargetState(
            target=Target(server, section, key, collection=True),
            written=encoding.written_from_json(written),
            base=encoding.base_from_json(base),
            dirty=encoding.dirty_from_json(dirty),
            unconfirmed=encoding.unconfirmed_from_json(unconfirmed),
            read_back=encoding.read_back_from_json(read_back),
            refused=encoding.refused_from_json(refused),
            synced_at=synced_at,
        ),
    )
