"""The queries about all of ledger.db, see ledger_queries.py. The status needs no others, so this does not
load how scenes are stored.
"""

from __future__ import annotations

from plexsync.edges.ledger.backfill_queries import LIVE, BackfillQueries
from plexsync.model.ledger import LEFT_OUT

ORPHANS_AT = "orphans_at"
"""The key in `meta` for when the items without a scene were last looked for in all libraries."""

_ORPHAN_ORDERS = {
    "file": "file, rating_key",
    "file_desc": "file DESC, rating_key DESC",
    "item": "rating_key",
}
ORPHAN_ORDERS = tuple(_ORPHAN_ORDERS)

_REFUSALS = (
    # CROSS: few targets are refused anything, and SQLite would look up each of the scenes.
    "SELECT t.refused FROM targets t CROSS JOIN scenes s ON s.id = t.row WHERE t.refused <> '{}'"
    " AND t.left_at IS NULL AND s.archived_at IS NULL AND s.destroyed_at IS NULL AND s.server = ?"
    " GROUP BY t.row"
)

_WHY_LEFT_OUT = (
    "SELECT detail, COUNT(*), SUM(EXISTS (SELECT 1 FROM targets t WHERE t.row = s.id AND"
    " t.left_at IS NULL AND (t.written <> '{}' OR t.unconfirmed <> '{}'))) FROM scenes s"
    " WHERE s.archived_at IS NULL AND s.destroyed_at IS NULL AND s.state = ? AND s.server = ?"
    " GROUP BY detail ORDER BY COUNT(*) DESC, detail"
)


class SummaryQueries(BackfillQueries):
    """The queries; those about scenes are limited to the current Plex server."""

    def counts(self) -> dict[str, int]:
        """The number of live scenes by state."""
        sql = f"SELECT state, COUNT(*) FROM scenes WHERE {LIVE} AND server = ? GROUP BY state"
        return dict(self._ask(sql, (self._here,), "si"))

    def left_out(self) -> list[tuple[str, int, int]]:
        """(reason, number, number with values of ours in Plex) of live scenes that the filters
        leave out; the most frequent reason first.
        """
        return self._ask(_WHY_LEFT_OUT, (LEFT_OUT, self._here), "sii")

    def refusals(self) -> list[tuple[str, int, str]]:
        """The fields that Plex refuses: name, number of live scenes, and Plex's latest message."""
        scenes: dict[str, int] = {}
        said: dict[str, tuple[float, str]] = {}
        found = self._ask(_REFUSALS, (self._here,), "s")
        if not found:
            return []
        from plexsync.edges.ledger.encoding import refused_from_json

        for (text,) in found:
            for field, refusal in refused_from_json(text).items():
                scenes[field] = scenes.get(field, 0) + 1
                said[field] = max(said.get(field, (0.0, "")), (refusal.at, refusal.words))
        return [(field, count, said[field][1]) for field, count in sorted(scenes.items())]

    def orphans(
        self, limit: int, offset: int = 0, search: str = "", after: int = 0, order: str = "file"
    ) -> list[tuple[int, str, str]]:
        """(rating key, library, file) of Plex items without a scene; `search` is part of the path,
        and only items above `after` are returned.
        """
        sql = (
            f"SELECT rating_key, section, file FROM orphans WHERE {_ORPHANS}"
            f" ORDER BY {_ORPHAN_ORDERS[order]} LIMIT ? OFFSET ?"
        )
        values = (self._here, after, search, _pattern(search), limit, offset)
        return self._ask(sql, values, "iss")

    def orphan_count(self, search: str = "") -> int:
        """How many Plex items without a scene there are."""
        sql = f"SELECT COUNT(*) FROM orphans WHERE {_ORPHANS}"
        return sum(n for (n,) in self._ask(sql, (self._here, 0, search, _pattern(search)), "i"))

    def orphans_at(self) -> float | None:
        """When all libraries were last searched for items without a scene; None: never."""
        try:
            return float(self.get_meta(ORPHANS_AT))
        except ValueError:
            return None


_ORPHANS = "server = ? AND rating_key > ? AND (? = '' OR file LIKE ? ESCAPE '!')"


def _pattern(search: str) -> str:
    plain = search.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{plain}%"
