"""The queries about backfills, see ledger_queries.py: what is stored, and what is left of it."""

from __future__ import annotations

from plexsync.edges.storage.queries import ask_in
from plexsync.model.ledger import KINDS, UNTIL_RESUMED, Backfill, BackfillRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plexsync.edges.storage.queries import Ask

LIVE = "archived_at IS NULL AND destroyed_at IS NULL"
EDITED = "instr(verdict, '\"drifted\"') > 0 OR instr(verdict, '\"kept\"') > 0"
"""Whether an observation has an edit made in Plex: the condition of the index observations_edited."""

ALL = 2**31
"""More scenes than there are."""

SERVER = "server"
"""The key of the current server in the table `meta`."""

SAMPLE = 1000
"""Scenes from which it is estimated how many of a backfill are in step."""

_LISTED = (
    "FROM backfills b JOIN backfill_ids i ON i.backfill = b.id AND i.number > b.after"
    " WHERE b.kind = 'scene'"
)
_LISTED_AHEAD = (
    "SELECT b.reason, (SELECT COUNT(*) FROM backfill_ids i WHERE i.backfill = b.id"
    " AND i.number > b.after) FROM backfills b WHERE b.kind = 'scene'"
)
"""By backfill, since counting along its key costs a seventh of grouping 100 000 rows by reason."""
_IN_STEP = (
    "SELECT scene FROM scenes WHERE archived_at IS NULL AND server = ? AND desired_hash <> ''"
    " AND scene IN ({})"
)
_SAMPLE_AHEAD = (
    "SELECT COUNT(*), COALESCE(SUM(EXISTS (SELECT 1 FROM scenes s WHERE s.archived_at IS NULL"
    " AND s.server = ?1 AND s.scene = i.number AND s.desired_hash <> '')), 0)"
    f" {_LISTED} AND i.number % ?2 = 0 AND b.reason = ?3"
)


class BaseQueries:
    """Asks ledger.db; what is about scenes is limited to the current Plex server."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._in_use: str | None = None
        self._numbers = {"": 0}
        self._names = {0: ""}

    @property
    def server(self) -> str:
        """machineIdentifier of the current Plex server; "" until the first one is known."""
        if self._in_use is None:
            self._in_use = self.get_meta(SERVER)
        return self._in_use

    @property
    def _here(self) -> int | str:
        """The number of the current server."""
        return self._number(self.server)

    def _number(self, server: str) -> int | str:
        """The number of a server; its name if it has none, as in a file that is not migrated yet."""
        if server not in self._numbers:
            self._read_servers()
        return self._numbers.get(server, server)

    def _name(self, number: int) -> str:
        """The server with that number."""
        if number not in self._names:
            self._read_servers()
        return self._names.get(number, "")

    def _read_servers(self) -> None:
        self._names = {0: "", **dict(self._ask("SELECT number, server FROM servers", (), "is"))}
        self._numbers = {server: number for number, server in self._names.items()}

    def get_meta(self, key: str, default: str = "") -> str:
        """A stored value such as the watermark or the fingerprint of the settings."""
        found = self._ask("SELECT value FROM meta WHERE key = ?", (key,))
        return str(found[0][0]) if found else default


class BackfillQueries(BaseQueries):
    """The queries."""

    def backfills(self) -> list[Backfill]:
        """All unfinished backfills, oldest first."""
        sql = "SELECT id, reason, kind, digest <> '', after, born FROM backfills ORDER BY id"
        return [
            Backfill(number, reason, kind, bool(listed), after, born)
            for number, reason, kind, listed, after, born in self._ask(sql, (), "issiin")
        ]

    def backfill_runs(self) -> dict[str, BackfillRun]:
        """The backfills as the user sees them, by reason."""
        sql = "SELECT reason, began, queued, paused_until FROM backfill_runs"
        return {row[0]: BackfillRun(*row) for row in self._ask(sql, (), "sniN")}

    def parked(self) -> frozenset[str]:
        """The reasons of backfills that are paused with no end, until they are resumed."""
        sql = "SELECT reason FROM backfill_runs WHERE paused_until >= ?"
        return frozenset(reason for (reason,) in self._ask(sql, (UNTIL_RESUMED,), "s"))

    def backfill_ids(self, backfill: Backfill, after: int = 0, limit: int = -1) -> list[int]:
        """The ids above `after` stored with a backfill, ascending; `limit` -1 means all."""
        sql = "SELECT number FROM backfill_ids WHERE backfill = ? AND number > ? ORDER BY number LIMIT ?"
        return [number for (number,) in self._ask(sql, (backfill.id, after, limit), "i")]

    def backfill_scenes(self, backfill: Backfill, limit: int) -> list[int]:
        """The next scenes of a backfill, ascending, at most `limit`."""
        if backfill.kind == "scene":
            return self.backfill_ids(backfill, backfill.after, limit)
        if backfill.kind:
            ids = self.backfill_ids(backfill) if backfill.listed else None
            return self.scenes_with(backfill.kind, ids, backfill.after, limit)
        return self.live_scenes(backfill.after, limit)

    def backfill_ahead(self, backfill: Backfill) -> int:
        """How many scenes of a backfill are still to be queued."""
        if backfill.kind == "scene":
            sql = "SELECT COUNT(*) FROM backfill_ids WHERE backfill = ? AND number > ?"
            return sum(row[0] for row in self._ask(sql, (backfill.id, backfill.after), "i"))
        if backfill.kind:
            return len(self.backfill_scenes(backfill, ALL))
        sql = f"SELECT COUNT(*) FROM scenes WHERE {LIVE} AND server = ? AND scene > ?"
        return sum(row[0] for row in self._ask(sql, (self._here, backfill.after), "i"))

    def ahead_by_reason(self) -> dict[str, tuple[int, int]]:
        """How many scenes are still to be queued by backfills of each reason, and how many of those
        are known to be as they were written; the latter is estimated from about SAMPLE of them.
        """
        found: dict[str, tuple[int, int]] = {}
        listed: dict[str, int] = {}
        for reason, ahead in self._ask(_LISTED_AHEAD, (), "si"):
            if ahead:
                listed[reason] = listed.get(reason, 0) + ahead
        for reason, ahead in listed.items():
            step = ahead // SAMPLE + 1
            sample = self._ask(_SAMPLE_AHEAD, (self._here, step, reason), "ii")
            share = [known / taken for taken, known in sample if taken]
            found[reason] = ahead, round(ahead * share[0]) if share else 0
        for backfill in self.backfills():
            if backfill.kind != "scene":
                ahead = self.backfill_ahead(backfill)
                before = found.get(backfill.reason, (0, 0))
                found[backfill.reason] = before[0] + ahead, before[1] + ahead
        return found

    def in_step(self, scenes: Sequence[int]) -> set[int]:
        """Those of these scenes of which the ledger has that they are as they were written."""
        return {scene for (scene,) in ask_in(self._ask, _IN_STEP, scenes, (self._here,), "i")}

    def live_scenes(self, after: int, limit: int) -> list[int]:
        """Live scene ids above `after`, ascending, at most `limit`."""
        sql = (
            f"SELECT scene FROM scenes WHERE {LIVE} AND server = ? AND scene > ?"
            " ORDER BY scene LIMIT ?"
        )
        return [scene for (scene,) in self._ask(sql, (self._here, after, limit), "i")]

    def scenes_with(
        self, kind: str, ids: Iterable[int] | None, after: int, limit: int
    ) -> list[int]:
        """Like `live_scenes`, but only those with one of these entities (None: any of the kind)."""
        if ids is None:
            return self._scenes_with_kind(kind, after, limit)
        sql = (
            "SELECT e.scene FROM entities e JOIN scenes s ON s.id = e.row WHERE e.kind = ?"
            f" AND e.entity = ? AND e.scene > ? AND s.server = ? AND {LIVE}"
            " ORDER BY e.scene LIMIT ?"
        )
        found: set[int] = set()
        code = KINDS.get(kind)  # None, of a damaged row, finds nothing
        for entity in ids:
            rows = self._ask(sql, (code, entity, after, self._here, limit), "i")
            found.update(scene for (scene,) in rows)
        return sorted(found)[:limit]

    def _scenes_with_kind(self, kind: str, after: int, limit: int) -> list[int]:
        sql = (
            f"SELECT scene FROM scenes WHERE {LIVE} AND server = ? AND scene > ?"
            " AND instr(';' || entities, ?) > 0 ORDER BY scene LIMIT ?"
        )
        return [scene for (scene,) in self._ask(sql, (self._here, after, f";{kind}:", limit), "i")]
