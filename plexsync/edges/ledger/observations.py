"""What reconciliations saw last, so that what has not changed since is not observations at again."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress

from plexsync.edges.transactions import transaction
from plexsync.model.ledger import Observation

_CHUNK = 400
_COLUMNS = "scene, rating_key, plex_updated, desired_hash, verdict, queued_at"


class Observations:
    """The ledger's looks: a scene has one per Plex item, or one with rating key 0 for none."""

    _connection: sqlite3.Connection
    _server: str

    def observations(self, scenes: Sequence[int]) -> dict[int, tuple[Observation, ...]]:
        """The last looks at these scenes, by rating key; unknown and damaged ones are left out."""
        found: defaultdict[int, list[Observation]] = defaultdict(list)
        for some in _chunks(scenes):
            rows = self._connection.execute(
                f"SELECT {_COLUMNS} FROM observations WHERE server = ? AND scene IN ({_marks(some)})"
                " ORDER BY scene, rating_key",
                (self._server, *some),
            )
            for scene, key, updated, desired_hash, verdict, queued_at in rows:
                with suppress(ValueError, TypeError, RecursionError):
                    observation = Observation(
                        key, updated, desired_hash, *_read(verdict), queued_at
                    )
                    found[scene].append(observation)
        return {scene: tuple(observations) for scene, observations in found.items()}

    def save_observations(self, observations: Iterable[tuple[int, Sequence[Observation]]]) -> None:
        """Replace these scenes' looks, in one transaction."""
        new = list(observations)
        with transaction(self._connection) as connection:
            connection.executemany(
                "DELETE FROM observations WHERE server = ? AND scene = ?",
                [(self._server, scene) for scene, _ in new],
            )
            connection.executemany(
                "INSERT INTO observations VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        self._server,
                        scene,
                        observation.rating_key,
                        observation.updated,
                        observation.desired_hash,
                    )
                    + (_verdict(observation), observation.queued_at)
                    for scene, some in new
                    for observation in some
                ],
            )

    def forget_observations(self, after: int, last: int, kept: Collection[int]) -> None:
        """Forget the scenes with ids above `after` up to `last` that are not in `kept`."""
        rows = self._connection.execute(
            "SELECT DISTINCT scene FROM observations WHERE server = ? AND scene > ? AND scene <= ?",
            (self._server, after, last),
        ).fetchall()
        gone = [(scene, ()) for (scene,) in rows if scene not in kept]
        if gone:
            self.save_observations(gone)

    def unclaimed(self, keys: Sequence[int]) -> list[int]:
        """Those of these rating keys that no scene was seen to have."""
        claimed: set[int] = set()
        for some in _chunks(keys):
            rows = self._connection.execute(
                "SELECT rating_key FROM observations WHERE server = ?"
                f" AND rating_key IN ({_marks(some)})",
                (self._server, *some),
            )
            claimed.update(key for (key,) in rows)
        return [key for key in keys if key not in claimed]


def _chunks(values: Sequence[int]) -> Iterable[Sequence[int]]:
    return (values[start : start + _CHUNK] for start in range(0, len(values), _CHUNK))


def _marks(values: Sequence[int]) -> str:
    return ", ".join("?" * len(values))


def _verdict(observation: Observation) -> str:
    if not observation.gaps and not observation.confidence:
        return ""
    return json.dumps([observation.confidence, *map(list, observation.gaps)], separators=(",", ":"))


def _read(text: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """Gaps and confidence; raises ValueError, TypeError or RecursionError for anything else."""
    if not text:
        return (), ""
    confidence, *gaps = json.loads(text)
    return tuple((str(kind), str(field)) for kind, field in gaps), str(confidence)


CLEARED = "cleared"
CLEARED_KEPT = 86400.0
"""Seconds; sweeps look back for a few hours only."""


class Seen:
    """The ledger's table of what sweeps saw; `connection` is the ledger's."""

    _connection: sqlite3.Connection

    def clear_scenes(self, scenes: Iterable[int], now: float) -> None:
        """Somebody wants nothing of what was changed in these scenes up to now."""
        lately = {
            scene: at for scene, at in self.seen(CLEARED).items() if 0 <= now - at < CLEARED_KEPT
        }
        self.see(CLEARED, {**lately, **dict.fromkeys(scenes, now)})

    def cleared(self) -> dict[int, float]:
        """Scenes whose jobs somebody cleared lately, and when."""
        return self.seen(CLEARED)

    def seen(self, kind: str) -> dict[int, float]:
        """Ids of a kind, and the time of update that was seen last."""
        rows = self._connection.execute("SELECT id, at FROM seen WHERE kind = ?", (kind,))
        return {int(number): float(at) for number, at in rows}

    def see(self, kind: str, found: Mapping[int, float]) -> None:
        """Remember these of a kind, and no others."""
        if self.seen(kind) == found:
            return
        with transaction(self._connection) as connection:
            connection.execute("DELETE FROM seen WHERE kind = ?", (kind,))
            connection.executemany(
                "INSERT INTO seen (kind, id, at) VALUES (?, ?, ?)",
                [(kind, number, at) for number, at in found.items()],
            )
