"""A Plex that fails now and then, reproducibly for a seed."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from simulator.plex import PlexSim

KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "500": ("status", {"status": 500}),
    "503": ("status", {"status": 503}),
    "429": ("status", {"status": 429, "retry_after": 2}),
    "reset": ("reset", {"at": "before"}),
    "lost answer": ("reset", {"at": "after"}),
    "refused": ("status", {"status": 400}),
}


class Sickness:
    """Makes a share of the writes fail, each in one of KINDS; items in `refused` accept none at
    all.

    The n-th write of an item has the same result in every run with the same seed.
    """

    def __init__(self, plex: PlexSim, seed: int, share: float, refused: set[int]) -> None:
        self.well = False
        self._seed, self._share, self._refused = seed, share, refused
        self._tries: Counter[str] = Counter()
        self._seen: object = None
        self._verdict = ""
        for name, (kind, options) in KINDS.items():
            plex.add_fault(kind, match=self._meets(name), **options)

    def forget(self) -> None:
        """Start over."""
        self.well = False
        self._tries.clear()

    def _meets(self, name: str) -> Any:
        return lambda request: self._judge(request) == name

    def _judge(self, request: Any) -> str:
        # The server calls this for one request after the other, once per kind.
        if self._seen is not request:
            self._seen = request
            self._verdict = self._decide(request)
        return self._verdict

    def _decide(self, request: Any) -> str:
        if request.method not in ("PUT", "POST"):
            return ""
        item = dict(request.params).get("id") or request.path.split("/")[3]
        if int(item) in self._refused:
            return "refused"
        self._tries[item] += 1
        dice = random.Random(f"{self._seed} {item} {self._tries[item]}")
        if self.well or dice.random() >= self._share:
            return ""
        return dice.choice([name for name in KINDS if name != "refused"])
