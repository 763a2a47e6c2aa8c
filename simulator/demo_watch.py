"""Looks at both servers, field by field, and takes the time from a save to its arrival in Plex."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from simulator.demo_stage import Trouble
from simulator.demo_table import Row, Value
from simulator.plex import PlexSim, SimItem
from simulator.plex_library import stem
from simulator.stash import SimScene, StashSim

FIELDS = ("title", "summary", "studio", "date", "performers", "tags", "collections", "poster")
PATIENCE = 45.0
"""Seconds after which something that has not arrived never will."""
_POLL = 0.004


def in_stash(stash: StashSim, scene: SimScene) -> dict[str, Value]:
    """What Plex should show of a scene, worked out from Stash alone."""
    data = stash.data
    studio = "".join(e.name for e in data.known("studio", [scene.studio] if scene.studio else []))
    return {
        "title": scene.title or stem(scene.path),
        "summary": scene.details,
        "studio": studio,
        "date": _whole_date(scene.date or ""),
        "performers": frozenset(e.name for e in data.known("performer", scene.performers)),
        "tags": frozenset(e.name for e in data.known("tag", scene.tags)),
        "collections": frozenset({studio} - {""}),
        "poster": hashlib.sha1(scene.cover).hexdigest() if scene.cover else "",
    }


def _whole_date(date: str) -> str:
    """A year or a month stands for its first day."""
    return date and date + "-01-01"[len(date) - 4 :]


def in_plex(plex: PlexSim, item: SimItem) -> dict[str, Value]:
    """What Plex shows of an item; a poster that nobody uploaded is ""."""
    with plex.lock:
        poster = item.selected_poster
        return {
            "title": item.title,
            "summary": item.summary,
            "studio": item.studio,
            "date": item.originallyAvailableAt,
            "performers": frozenset(item.actor),
            "tags": frozenset(item.genre),
            "collections": frozenset(item.collection),
            "poster": poster.rpartition("/")[2] if poster.startswith("upload://") else "",
        }


@dataclass(slots=True)
class Pair:
    """A scene and one Plex item of its file. `start` is what Plex had before PlexSync came."""

    scene: int
    name: str
    item: SimItem
    start: Mapping[str, Value]
    ours: set[str] = field(default_factory=set)
    """The fields that have had a value from Stash."""

    @property
    def touched(self) -> bool:
        """Whether somebody asked for this scene at all."""
        return bool(self.ours)

    def wanted(self, wish: Mapping[str, Value]) -> dict[str, Value]:
        """What Plex has to show: Stash's values, what a user added, and what was never ours."""
        wanted = {
            name: value if value or name in self.ours else self.start[name]
            for name, value in wish.items()
        }
        wanted["collections"] = frozenset(wish["collections"]) | frozenset(
            self.start["collections"]
        )
        return wanted


@dataclass(slots=True)
class _Wait:
    pair: Pair
    field: str
    stash: Value
    wanted: Value
    before: Value
    saved: float
    arrives: bool
    seen: float | None = None

    def row(self, step: str, after: Value) -> Row:
        seconds = None if self.seen is None else self.seen - self.saved
        return Row(
            step, self.pair.name, self.field, self.stash, self.wanted, self.before, after,
            seconds, self.arrives,
        )  # fmt: skip


class Watch:
    """Knows which items belong to which scene, and what each save has to bring about."""

    def __init__(self, plex: PlexSim, stash: StashSim) -> None:
        self._plex = plex
        self._stash = stash
        self.pairs: list[Pair] = []
        self.rows: list[Row] = []
        self._waits: list[_Wait] = []

    def add(self, scene: int, name: str, item: SimItem) -> None:
        """From now on this item is looked at."""
        self.pairs.append(Pair(scene, name, item, in_plex(self._plex, item)))

    def save(self, action: Callable[[], object], scenes: Iterable[int]) -> None:
        """Do what a user does and expect these scenes to arrive; the time starts before it."""
        affected = [pair for pair in self.pairs if pair.scene in set(scenes)]
        before = [in_plex(self._plex, pair.item) for pair in affected]
        saved = time.monotonic()
        action()
        for pair, values in zip(affected, before, strict=True):
            self._expect(pair, values, saved)

    def _expect(self, pair: Pair, before: Mapping[str, Value], saved: float) -> None:
        first = not pair.touched
        wish = in_stash(self._stash, self._stash.scene(pair.scene))
        pair.ours |= {name for name, value in wish.items() if value}
        for name, wanted in pair.wanted(wish).items():
            kept = first and before[name] == wanted and not wish[name] and bool(wanted)
            if before[name] != wanted or kept:
                self._waits.append(
                    _Wait(pair, name, wish[name], wanted, before[name], saved, not kept)
                )

    def arrived(self) -> bool:
        """Look once; whether all that is expected is in Plex."""
        now: dict[int, dict[str, Value]] = {}
        for wait in self._waits:
            key = wait.pair.item.key
            if key not in now:
                now[key] = in_plex(self._plex, wait.pair.item)
            if wait.seen is None and now[key][wait.field] == wait.wanted:
                wait.seen = time.monotonic()
        return all(wait.seen for wait in self._waits)

    def complete(self) -> set[str]:
        """The items of this step that show all they have to."""
        self.arrived()
        missing = {wait.pair.name for wait in self._waits if not wait.seen}
        return {wait.pair.name for wait in self._waits} - missing

    def finish(self, step: str) -> float:
        """Wait for everything, make it the step's rows, and return the longest time in seconds.

        Raises Trouble when something does not arrive; its rows are kept then too.
        """
        deadline = time.monotonic() + PATIENCE
        while not self.arrived() and time.monotonic() < deadline:
            time.sleep(_POLL)
        late = [wait for wait in self._waits if wait.seen is None]
        longest = max((w.seen - w.saved for w in self._waits if w.seen and w.arrives), default=0.0)
        for wait in self._waits:
            after = in_plex(self._plex, wait.pair.item)[wait.field]
            self.rows.append(wait.row(step, after))
        self._waits.clear()
        if late:
            raise Trouble(
                f"{len(late)} of the changes had not arrived in Plex {PATIENCE:.0f} s later"
            )
        return longest

    def compare(self, step: str) -> list[Row]:
        """Every field of every item against Stash, or for scenes nobody saved against the start."""
        rows = []
        for pair in self.pairs:
            wish = in_stash(self._stash, self._stash.scene(pair.scene))
            wanted = pair.wanted(wish) if pair.touched else dict(pair.start)
            after = in_plex(self._plex, pair.item)
            rows += [
                Row(step, pair.name, name, wish[name], wanted[name], pair.start[name], after[name])
                for name in FIELDS
            ]
        return rows
