"""The queries of ledger.db, for its owner and for processes that read beside it: what is about single
scenes. Light like read_state."""

from __future__ import annotations

from plexsync.edges.ledger.encoding import (
    base_from_json,
    dirty_from_json,
    entities_from_text,
    later,
    pictures_from_json,
    read_back_from_json,
    refused_from_json,
    unconfirmed_from_json,
    verdict_from_json,
    written_from_json,
)
from plexsync.edges.ledger.summary_queries import SummaryQueries
from plexsync.edges.storage.queries import ask_in
from plexsync.model.item_record import Target
from plexsync.model.ledger import SYNCED, UNDONE, WAITING, Observation, Pin, SceneState, TargetState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from plexsync.model.item_record import Base

    Item = tuple[str, int]
    """A Plex item: server and rating key."""

TEXTS = ("state", "detail", "desired_hash", "oshash", "path", "cover_etag", "cover_sha1", "basis")
COLUMNS = (*TEXTS, "since", "destroyed_at", "pictures", "entities")
"""The columns of a scene that are fields of SceneState."""

_STORED = [field for field in SceneState._fields if field != "targets"]
_SCENES = (
    f"SELECT id, {', '.join(_STORED)} FROM scenes"
    " WHERE archived_at IS NULL AND server = ? AND scene IN ({})"
)
_PATH = 1 + _STORED.index("path")
_TARGETS = (
    "SELECT row, server, section, rating_key, part, written, dirty, unconfirmed, read_back, refused,"
    " synced_at, EXISTS (SELECT 1 FROM targets u WHERE u.server = t.server"
    " AND u.rating_key = t.rating_key AND (u.synced_at, u.rowid) > (t.synced_at, t.rowid))"
    " FROM targets t WHERE left_at IS NULL AND row IN ({}) ORDER BY row, place"
)


class LedgerQueries(SummaryQueries):
    """The queries; those about scenes are limited to the current Plex server."""

    def scenes(self, ids: Iterable[int]) -> dict[int, SceneState]:
        """The states of these scenes, live and destroyed; unknown ones are omitted."""
        wanted = sorted(set(ids))
        found = list(ask_in(self._ask, _SCENES, wanted, (self._here,), "iissnssssssNss"))
        targets = self._targets({row[0]: row[_PATH] for row in found})
        return {
            scene: SceneState._make(
                (
                    scene,
                    *plain,
                    pictures_from_json(pictures),
                    destroyed_at,
                    entities_from_text(entities),
                    tuple(targets.get(row, ())),
                    basis,
                )
            )
            for row, scene, *plain, pictures, destroyed_at, entities, basis in found
        }

    def _targets(self, paths: Mapping[int, str]) -> dict[int, list[TargetState]]:
        """By the row of their scene; `paths` are those of the scenes."""
        found = list(ask_in(self._ask, _TARGETS, sorted(paths), (), "iisiStssssni"))
        bases = self.bases({(self._name(number), key) for _, number, _, key, *_ in found})
        targets: dict[int, list[TargetState]] = {}
        for row, number, section, key, part, *values, synced_at, followed in found:
            server = self._name(number)
            written, dirty, unconfirmed, read_back, refused = values
            targets.setdefault(row, []).append(
                TargetState(
                    target=Target(server, section, key),
                    part=paths[row] if part is None else part,
                    written=later(written, written_from_json),
                    base=bases.get((server, key), {}),
                    dirty=dirty_from_json(dirty),
                    unconfirmed=unconfirmed_from_json(unconfirmed),
                    read_back=read_back_from_json(read_back),
                    refused=refused_from_json(refused),
                    synced_at=synced_at,
                    followed=bool(followed),
                )
            )
        return targets

    def bases(self, items: Collection[Item]) -> dict[Item, Mapping[str, Base]]:
        """Base values of these Plex items: what they had before the first write."""
        sql = "SELECT rating_key, base FROM bases WHERE server = ? AND rating_key IN ({})"
        bases: dict[Item, Mapping[str, Base]] = {}
        for server in {server for server, _ in items}:
            keys = [key for owner, key in items if owner == server]
            for key, base in ask_in(self._ask, sql, keys, (self._number(server),), "it"):
                bases[server, key] = later(base, base_from_json)
        return bases

    def holders(self, items: Sequence[int]) -> dict[int, set[int]]:
        """By rating key, the live scenes for which these Plex items were written, or are to be;
        undone ones keep theirs.
        """
        sql = (  # CROSS JOIN: few items, but nearly all scenes are in these states
            "SELECT t.rating_key, s.scene FROM targets t CROSS JOIN scenes s ON s.id = t.row"
            " WHERE s.archived_at IS NULL AND s.destroyed_at IS NULL AND s.server = ?1"
            " AND s.state IN (?2, ?3, ?4) AND t.left_at IS NULL AND t.server = ?1"
            " AND t.rating_key IN ({})"
        )
        found: dict[int, set[int]] = {}
        for key, scene in ask_in(
            self._ask, sql, items, (self._here, SYNCED, WAITING, UNDONE), "ii"
        ):
            found.setdefault(key, set()).add(scene)
        return found

    def pins(self) -> dict[int, Pin]:
        """All pins on the current server, by scene; there are few, since users set them."""
        sql = "SELECT scene, part, rating_key FROM pins WHERE server = ? ORDER BY scene"
        found = self._ask(sql, (self._here,), "isi")
        return {scene: Pin(part, key) for scene, part, key in found}

    def only_pinned(self) -> list[int]:
        """Scenes on the current server of which nothing but their pin is known, ascending."""
        sql = (
            "SELECT scene FROM pins WHERE server = ? AND NOT EXISTS (SELECT 1 FROM scenes s"
            " WHERE s.archived_at IS NULL AND s.server = pins.server AND s.scene = pins.scene)"
            " ORDER BY scene"
        )
        return [scene for (scene,) in self._ask(sql, (self._here,), "i")]

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
