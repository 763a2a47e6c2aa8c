"""The queries of ledger.db, for its owner and for processes that read beside it; light like
read_state."""

from __future__ import annotations

from plexsync.edges.ledger.backfill_queries import LIVE, BackfillQueries
from plexsync.edges.ledger.encoding import (
    base_from_json,
    dirty_from_json,
    entities_from_text,
    pictures_from_json,
    read_back_from_json,
    refused_from_json,
    unconfirmed_from_json,
    verdict_from_json,
    written_from_json,
)
from plexsync.edges.storage.queries import ask_in
from plexsync.model.item_record import Target
from plexsync.model.ledger import LEFT_OUT, Observation, Pin, SceneState, TargetState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from plexsync.model.item_record import Base

    Item = tuple[str, int]
    """A Plex item: server and rating key."""

ORPHANS_AT = "orphans_at"
"""The key in `meta` for when the items without a scene were last looked for in all libraries."""

_ORPHAN_ORDERS = {
    "file": "file, rating_key",
    "file_desc": "file DESC, rating_key DESC",
    "item": "rating_key",
}
ORPHAN_ORDERS = tuple(_ORPHAN_ORDERS)

TEXTS = ("state", "detail", "desired_hash", "oshash", "path", "cover_etag", "cover_sha1", "basis")
COLUMNS = (*TEXTS, "since", "destroyed_at", "pictures", "entities")
"""The columns of a scene that are fields of SceneState."""

_SCENES = (
    f"SELECT id, scene, {', '.join(COLUMNS)} FROM scenes"
    " WHERE archived_at IS NULL AND server = ? AND scene IN ({})"
)
_PATH = 2 + COLUMNS.index("path")
_TARGETS = (
    "SELECT row, server, section, rating_key, part, written, dirty, unconfirmed, read_back, refused,"
    " synced_at FROM targets WHERE left_at IS NULL AND row IN ({}) ORDER BY row, place"
)
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


class LedgerQueries(BackfillQueries):
    """The queries; those about scenes are limited to the current Plex server."""

    def scenes(self, ids: Iterable[int]) -> dict[int, SceneState]:
        """The states of these scenes, live and destroyed; unknown ones are omitted."""
        wanted = sorted(set(ids))
        found = list(ask_in(self._ask, _SCENES, wanted, (self._here,), "iissssssssnNss"))
        targets = self._targets({row[0]: row[_PATH] for row in found})
        return {
            scene: SceneState(
                scene=scene,
                **dict(zip(COLUMNS[:-2], values, strict=True)),
                pictures=pictures_from_json(pictures),
                entities=entities_from_text(entities),
                targets=tuple(targets.get(row, ())),
            )
            for row, scene, *values, pictures, entities in found
        }

    def _targets(self, paths: Mapping[int, str]) -> dict[int, list[TargetState]]:
        """By the row of their scene; `paths` are those of the scenes."""
        found = list(ask_in(self._ask, _TARGETS, sorted(paths), (), "iisiStssssn"))
        bases = self.bases({(self._name(number), key) for _, number, _, key, *_ in found})
        targets: dict[int, list[TargetState]] = {}
        for row, number, section, key, part, *values, synced_at in found:
            server = self._name(number)
            written, dirty, unconfirmed, read_back, refused = values
            targets.setdefault(row, []).append(
                TargetState(
                    target=Target(server, section, key),
                    part=paths[row] if part is None else part,
                    written=written_from_json(written),
                    base=bases.get((server, key), {}),
                    dirty=dirty_from_json(dirty),
                    unconfirmed=unconfirmed_from_json(unconfirmed),
                    read_back=read_back_from_json(read_back),
                    refused=refused_from_json(refused),
                    synced_at=synced_at,
                )
            )
        return targets

    def bases(self, items: Collection[Item]) -> dict[Item, dict[str, Base]]:
        """Base values of these Plex items: what they had before the first write."""
        sql = "SELECT rating_key, base FROM bases WHERE server = ? AND rating_key IN ({})"
        bases = {}
        for server in {server for server, _ in items}:
            keys = [key for owner, key in items if owner == server]
            for key, base in ask_in(self._ask, sql, keys, (self._number(server),), "it"):
                bases[server, key] = base_from_json(base)
        return bases

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
        for (text,) in self._ask(_REFUSALS, (self._here,), "s"):
            for field, refusal in refused_from_json(text).items():
                scenes[field] = scenes.get(field, 0) + 1
                said[field] = max(said.get(field, (0.0, "")), (refusal.at, refusal.words))
        return [(field, count, said[field][1]) for field, count in sorted(scenes.items())]

    def pins(self) -> dict[int, Pin]:
        """All pins on the current server, by scene; there are few, since users set them."""
        sql = "SELECT scene, part, rating_key FROM pins WHERE server = ? ORDER BY scene"
        found = self._ask(sql, (self._here,), "isi")
        return {scene: Pin(part, key) for scene, part, key in found}

    def observations(self, scenes: Sequence[int]) -> dict[int, tuple[Observation, ...]]:
        """The latest observations of these scenes, by rating key; damaged ones are left out."""
        sql = (
            "SELECT scene, rating_key, plex_updated, desired_hash, verdict, queued_at, basis"
            " FROM observations WHERE server = ? AND scene IN ({}) ORDER BY scene, rating_key"
        )
        found: dict[int, list[Observation]] = {}
        rows = ask_in(self._ask, sql, scenes, (self._here,), "iizssns")
        for scene, key, updated, desired_hash, verdict, *more in rows:
            judged = verdict_from_json(verdict)
            if judged is not None:
                observation = Observation(key, updated, desired_hash, *judged, *more)
                found.setdefault(scene, []).append(observation)
        return {scene: tuple(observations) for scene, observations in found.items()}

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
