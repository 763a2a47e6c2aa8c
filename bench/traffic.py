"""Requests to Plex: the simulator's journal, counted and timed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Request = Sequence[object]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests of one measurement by purpose; times by the servers' clock."""

    writes: tuple[Span, ...]
    uploads: tuple[Span, ...]
    items: tuple[Span, ...]
    index: tuple[Span, ...]
    greetings: tuple[Span, ...]

    @property
    def reads(self) -> int:
        """The number of requests other than writes and uploads."""
        return len(self.items) + len(self.index) + len(self.greetings)

    @property
    def end(self) -> float:
        """When the last answer was sent."""
        return max(end for _, end in self._all())

    def split(self, start: float) -> tuple[float, float, float]:
        """Seconds from `start` to the end with a write, only a read, and nothing in flight."""
        writing, busy = _covered(self.writes + self.uploads), _covered(self._all())
        return writing, busy - writing, self.end - start - busy

    def side_by_side(self) -> float:
        """The share of the time of uploads in which an edit was in flight too."""
        uploads, edits = _covered(self.uploads), _covered(self.writes)
        both = uploads + edits - _covered(self.uploads + self.writes)
        return both / uploads

    def _all(self) -> tuple[Span, ...]:
        return self.writes + self.uploads + self.items + self.index + self.greetings


def sort(journal: Iterable[Request]) -> Traffic:
    """Sort a journal: edits, uploads, reads of items, reads of lists for the index, and identity
    checks.
    """
    kinds: dict[str, list[Span]] = {name: [] for name in ("PUT", "POST", "items", "lists", "other")}
    for method, path, at, done in journal:
        span = float(str(at)), float(str(done))
        kinds[_kind(str(method), str(path))].append(span)
    return Traffic(*map(tuple, kinds.values()))


def _kind(method: str, path: str) -> str:
    if method != "GET":
        return "POST" if method == "POST" else "PUT"
    if path.startswith("/library/metadata/"):
        return "items"
    return "lists" if path.startswith("/library/sections") else "other"


def _covered(spans: Iterable[Span]) -> float:
    """Seconds in which at least one of these was in flight."""
    total, until = 0.0, 0.0
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total
