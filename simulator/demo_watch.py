"""Compares both servers by field, and measures the time from a save to its arrival in Plex."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from simulator.demo_stage import Trouble
from simulator.demo_table import Row, Value
from simulator.patience import PATIENCE
from simulator.plex import PlexSim, SimItem
from simulator.plex_library import stem
from simulator.stash import SimScene, StashSim

FIELDS = ("title", "summary", "studio", "date", "performers", "tags", "collections", "poster")
_POLL = 0.004


def in_stash(stash: StashSim, scene: SimScene) -> dict[str, Value]:
    """What Plex should show of a scene, by Stash's data alone."""
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
    """What Plex shows of an item; "" for a poster that was not uploaded."""
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
    """The fields that have ever had a value from Stash."""

    @property
    def touched(self) -> bool:
        """Whether the scene was saved at all."""
        return bool(self.ours)

    def wanted(self, desired: Mapping[str, Value]) -> dict[str, Value]:
        """What Plex must show: Stash's values, what a user added, and what was never ours."""
        wanted = {
            name: value if value or name in self.ours else self.start[name]
            for name, value in desired.items()
        }
        wanted["collections"] = frozenset(desired["collections"]) | frozenset(
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
    """Knows which items belong to which scene, and what each save must change."""

    def __init__(self, plex: PlexSim, stash: StashSim) -> None:
        self._plex = plex
        self._stash = stash
        self.pairs: list[Pair] = []
        self.rows: list[Row] = []
        self._waits: list[_Wait] = []

    def add(self, scene: int, name: str, item: SimItem) -> None:
        """Watch this item from now on."""
        self.pairs.append(Pair(scene, name, item, in_plex(self._plex, item)))

    def save(self, action: Callable[[], object], scenes: Iterable[int]) -> None:
        """Run a user's action and expect changes of these scenes; the time starts before it."""
        affected = [pair for pair in self.pairs if pair.scene in set(scenes)]
        before = [in_plex(self._plex, pair.item) for pair in affected]
        saved = time.monotonic()
        action()
        for pair, values in zip(affected, before, strict=True):
            self._expect(pair, values, saved)

    def _expect(self, pair: Pair, before: Mapping[str, Value], saved: float) -> None:
        first = not pair.touched
        desired = in_stash(self._stash, self._stash.scene(pair.scene))
        pair.ours |= {name for name, value in desired.items() if value}
        for name, wanted in pair.wanted(desired).items():
            kept = first and before[name] == wanted and not desired[name] and bool(wanted)
            if before[name] != wanted or kept:
                self._waits.append(
                    _Wait(pair, name, desired[name], wanted, before[name], saved, not kept)
                )

    def arrived(self) -> bool:
        """Check once whether all expected changes are in Plex."""
        now: dict[int, dict[str, Value]] = {}
        for wait in self._waits:
            key = wait.pair.item.key
            if key not in now:
                now[key] = in_plex(self._plex, wait.pair.item)
            if wait.seen is None and now[key][wait.field] == wait.wanted:
                wait.seen = time.monotonic()
        return all(wait.seen for wait in self._waits)

    def complete(self) -> set[str]:
        """The items of this step that show everything expected."""
        self.arrived()
        missing = {wait.pair.name for wait in self._waits if not wait.seen}
        return {wait.pair.name for wait in self._waits} - missing

    def finish(self, step: str) -> float:
        """Wait for all changes, add the step's rows, and return the longest time in seconds.

        Raises Trouble if a change does not arrive; the rows are added then too.
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
        """Compare all fields of all items with Stash, or for unsaved scenes with the start."""
        rows = []
        for pair in self.pairs:
            desired = in_stash(self._stash, self._stash.scene(pair.scene))
            wanted = pair.wanted(desired) if pair.touched else dict(pair.start)
            after = in_plex(self._plex, pair.item)
            rows += [
                Row(
                    step,
                    pair.name,
                    name,
                    desired[name],
                    wanted[name],
                    pair.start[name],
                    after[name],
                )
                for name in FIELDS
            ]
        return rows
