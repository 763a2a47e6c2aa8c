"""What the ledger stores besides scenes: observations, backfills, pins, and jobs held back."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence

from plexsync.edges.ledger.encoding import storable, verdict_to_json
from plexsync.edges.ledger.ledger_queries import LedgerQueries
from plexsync.edges.ledger.summary_queries import ORPHANS_AT
from plexsync.edges.storage.queries import ask_in, asking
from plexsync.edges.transactions import transaction
from plexsync.model.item_record import Target
from plexsync.model.ledger import Observation, Pin


class LedgerTables(LedgerQueries):
    """What can be asked, and the connection over which the owner writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(asking(connection))
        self._connection = connection

    def _numbered(self, server: str) -> int:
        """The number of a server, in the caller's transaction; a new one gets the lowest that is
        free.
        """
        known = "SELECT number FROM servers WHERE server = ?"
        if server and not self._ask(known, (server,)):
            self._connection.execute(
                "INSERT INTO servers SELECT min(number) + 1, ? FROM"
                " (SELECT 0 AS number UNION SELECT number FROM servers)"
                " WHERE number + 1 NOT IN (SELECT number FROM servers)",
                (server,),
            )
        return int(self._ask(known, (server,))[0][0]) if server else 0


Observed = Sequence[tuple[int, Sequence[Observation]]]
"""Scenes with their observations."""


class Observations(LedgerTables):
    """The ledger's observations: one per scene and Plex item, rating key 0 if none matched."""

    def save_observations(self, observations: Iterable[tuple[int, Sequence[Observation]]]) -> None:
        """Replace the observations of these scenes, in one transaction."""
        with transaction(self._connection):
            self._replace_observations(list(observations))

    def _replace_observations(self, new: Observed) -> None:
        """The same in the caller's transaction."""
        self._connection.executemany(
            "DELETE FROM observations WHERE server = ? AND scene = ?",
            [(self._here, scene) for scene, _ in new],
        )
        self._connection.executemany(
            "INSERT INTO observations VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (self._here, scene, each.rating_key, each.updated, each.desired_hash)
                + (verdict_to_json(each.gaps, each.confidence), each.queued_at, each.basis)
                for scene, some in new
                for each in some
            ],
        )

    def concluded(self, after: int, last: int) -> dict[int, list[tuple[int, int, str]]]:
        """By scene, above `after` up to `last`: rating key, update time and basis of its
        observations.
        """
        rows = self._connection.execute(
            "SELECT scene, rating_key, plex_updated, basis FROM observations"
            " WHERE server = ? AND scene > ? AND scene <= ? ORDER BY scene, rating_key",
            (self._here, after, last),
        )
        found: dict[int, list[tuple[int, int, str]]] = {}
        for scene, *observed in rows:
            found.setdefault(scene, []).append(tuple(observed))
        return found

    def standing(self, after: int, last: int) -> dict[int, tuple[object, ...]]:
        """By scene, above `after` up to `last`: what a comparison uses of its state."""
        rows = self._connection.execute(
            "SELECT scene, state, since, oshash, path, cover_sha1, pictures, destroyed_at FROM"
            " scenes WHERE archived_at IS NULL AND server = ? AND scene > ? AND scene <= ?",
            (self._here, after, last),
        )
        return {row[0]: row for row in rows}

    def forget_observations(self, after: int, last: int, kept: Collection[int]) -> None:
        """Delete the observations of scenes above `after` up to `last` that are not in `kept`."""
        rows = self._connection.execute(
            "SELECT DISTINCT scene FROM observations WHERE server = ? AND scene > ? AND scene <= ?",
            (self._here, after, last),
        ).fetchall()
        gone = [(scene, ()) for (scene,) in rows if scene not in kept]
        if gone:
            self.save_observations(gone)

    def unclaimed(self, keys: Sequence[int]) -> list[int]:
        """Those of these rating keys that occur in no observation."""
        sql = "SELECT rating_key FROM observations WHERE server = ? AND rating_key IN ({})"
        rows = ask_in(asking(self._connection), sql, keys, (self._here,))
        claimed = {key for (key,) in rows}
        return [key for key in keys if key not in claimed]


class Orphans(LedgerTables):
    """The ledger's Plex items whose files no scene has, as the last reconciliation found them.

    An item that is written to later is removed from them at once.
    """

    def keep_orphans(self, items: Iterable[tuple[Target, str]], now: float) -> None:
        """Add items with their first files."""
        with transaction(self._connection) as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO orphans (server, rating_key, section, file, found_at)"
                " VALUES (?, ?, ?, ?, ?)",
                [
                    (self._here, target.rating_key, target.section, storable(file), now)
                    for target, file in items
                ],
            )

    def forget_older_orphans(self, section: str, now: float) -> None:
        """Delete what was not found at `now` in this library; "" stands for all of them."""
        with transaction(self._connection) as connection:
            connection.execute(
                "DELETE FROM orphans WHERE found_at <> ? AND (? = '' OR section = ?)",
                (now, section, section),
            )
            if not section:
                connection.execute(
                    "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)", (ORPHANS_AT, str(now))
                )


CLEARED = "cleared"
CLEARED_KEPT = 86400.0
"""Seconds; sweeps look back for a few hours only."""


class Seen(LedgerTables):
    """The ledger's table of entities and times that sweeps have seen."""

    def clear_scenes(self, scenes: Iterable[int], now: float) -> None:
        """Ignore changes of these scenes up to now: the user has cleared their jobs."""
        lately = {
            scene: at for scene, at in self.seen(CLEARED).items() if 0 <= now - at < CLEARED_KEPT
        }
        self.see(CLEARED, {**lately, **dict.fromkeys(scenes, now)})

    def cleared(self) -> dict[int, float]:
        """Scenes whose jobs the user cleared recently, and when."""
        return self.seen(CLEARED)

    def seen(self, kind: str) -> dict[int, float]:
        """Ids of a kind, each with the latest update time seen."""
        rows = self._connection.execute("SELECT id, at FROM seen WHERE kind = ?", (kind,))
        return {int(number): float(at) for number, at in rows}

    def see(self, kind: str, found: Mapping[int, float]) -> None:
        """Replace what is stored for a kind."""
        if self.seen(kind) == found:
            return
        with transaction(self._connection) as connection:
            connection.execute("DELETE FROM seen WHERE kind = ?", (kind,))
            connection.executemany(
                "INSERT INTO seen (kind, id, at) VALUES (?, ?, ?)",
                [(kind, number, at) for number, at in found.items()],
            )


class Backfills(LedgerTables):
    """The ledger's backfills.

    The ids of a backfill are rows of a separate table, so that a turn reads only those it queues.
    """

    def add_backfill(self, reason: str, kind: str, ids: Iterable[int] | None, now: float) -> int:
        """Store a backfill and return its id, or that of an identical one that has not begun.

        One that has begun is not reused: scenes that it has passed may have to be synced again.
        """
        wanted = [] if ids is None else sorted(set(ids))
        digest = "" if ids is None else hashlib.sha256(repr(wanted).encode()).hexdigest()
        with transaction(self._connection) as connection:
            same = connection.execute(
                "SELECT id FROM backfills WHERE reason = ? AND kind = ? AND digest = ? AND after = 0",
                (reason, kind, digest),
            ).fetchone()
            if same:
                return int(same[0])
            made = connection.execute(
                "INSERT INTO backfills (reason, kind, digest, after, born) VALUES (?, ?, ?, 0, ?)",
                (reason, kind, digest, now),
            )
            backfill = int(made.lastrowid or 0)
            connection.executemany(
                "INSERT INTO backfill_ids (backfill, number) VALUES (?, ?)",
                ((backfill, number) for number in wanted),
            )
            connection.execute(
                "INSERT OR IGNORE INTO backfill_runs VALUES (?, ?, 0, NULL)", (reason, now)
            )
        return backfill

    def advance(self, backfill_id: int, after: int, scenes: int = 0) -> None:
        """Store the progress of a backfill: the jobs up to `after`, so many scenes more, must be in
        the queue already.
        """
        with transaction(self._connection) as connection:
            connection.execute("UPDATE backfills SET after = ? WHERE id = ?", (after, backfill_id))
            connection.execute(
                "INSERT INTO backfill_runs SELECT reason, born, ?, NULL FROM backfills WHERE id = ?"
                " ON CONFLICT (reason) DO UPDATE SET queued = queued + excluded.queued",
                (scenes, backfill_id),
            )

    def end_backfill(self, backfill_id: int) -> None:
        """Delete a finished backfill."""
        with transaction(self._connection) as connection:
            connection.execute("DELETE FROM backfills WHERE id = ?", (backfill_id,))

    def pause_backfill(self, reason: str, until: float | None, now: float) -> None:
        """Have the backfills of a reason wait until then; None resumes them."""
        with transaction(self._connection) as connection:
            connection.execute(
                "INSERT INTO backfill_runs VALUES (?, ?, 0, ?)"
                " ON CONFLICT (reason) DO UPDATE SET paused_until = excluded.paused_until",
                (reason, now, until),
            )

    def end_run(self, reason: str) -> None:
        """Forget a run of backfills: each of its scenes had its turn, or it was stopped."""
        with transaction(self._connection) as connection:
            connection.execute("DELETE FROM backfill_runs WHERE reason = ?", (reason,))


class Pins(LedgerTables):
    """The ledger's pins, one per scene and Plex server.

    A scene whose pin is set or removed is no longer in step, so that its next job compares with
    Plex.
    """

    def pin(self, scene: int, pin: Pin) -> None:
        """Match the scene to this item, whatever its path."""
        row = (self._here, scene, storable(pin.part), pin.rating_key)
        with transaction(self._connection) as connection:
            connection.execute("INSERT OR REPLACE INTO pins VALUES (?, ?, ?, ?)", row)
            self._mark_dirty(connection, scene)

    def unpin(self, scene: int) -> bool:
        """Match the scene by its path again; False if it had no pin."""
        with transaction(self._connection) as connection:
            gone = connection.execute(
                "DELETE FROM pins WHERE server = ? AND scene = ?", (self._here, scene)
            )
            self._mark_dirty(connection, scene)
        return gone.rowcount > 0

    def _mark_dirty(self, connection: sqlite3.Connection, scene: int) -> None:
        connection.execute(
            "UPDATE scenes SET desired_hash = '' WHERE archived_at IS NULL AND server = ? AND scene = ?",
            (self._here, scene),
        )


class OutageJobs(LedgerTables):
    """Jobs held back by the current outage, which is identified by its start; each scene once."""

    def held_back(self, outage: float) -> dict[int, bool]:
        """The scenes held back by this outage, and whether they are in step again."""
        rows = self._connection.execute(
            "SELECT scene, recovered FROM outage_jobs WHERE outage = ?", (outage,)
        )
        return {int(scene): bool(recovered) for scene, recovered in rows}

    def hold_back(self, outage: float, scenes: Iterable[int]) -> None:
        """Add scenes held back by this outage; those of earlier outages are deleted."""
        with transaction(self._connection) as connection:
            connection.execute("DELETE FROM outage_jobs WHERE outage <> ?", (outage,))
            connection.executemany(
                "INSERT OR IGNORE INTO outage_jobs VALUES (?, ?, 0)",
                [(scene, outage) for scene in scenes],
            )

    def in_step_again(self, scenes: Iterable[int]) -> None:
        """Mark scenes that were held back as in step again."""
        with transaction(self._connection) as connection:
            connection.executemany(
                "UPDATE outage_jobs SET recovered = 1 WHERE scene = ?",
                [(scene,) for scene in scenes],
            )
