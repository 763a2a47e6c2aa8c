"""The jobs of the last outage: those that it held back, and those of them in step again."""

from __future__ import annotations

from collections.abc import Iterable

from plexsync.edges.queue.job_index import is_due
from plexsync.edges.stores import Stores
from plexsync.flows.outage.outage_controller import OutageController
from plexsync.flows.results import Outcome


class HeldBack:
    """Counts each job once for an outage, from one process to the next.

    A job is held back when its time has come and Plex is away; one that waits for something else
    meanwhile is not.
    """

    def __init__(self, stores: Stores, outages: OutageController) -> None:
        self._stores = stores
        self._outages = outages
        last = outages.history.last()
        self._outage = last.start if last else 0.0
        self._held = stores.ledger.held_back(self._outage)

    def look(self, now: float) -> None:
        """While an outage lasts: note what it holds back by now."""
        outage = self._outages.history.ongoing()
        if outage is None:
            return
        if outage.start != self._outage:
            self._outage, self._held = outage.start, {}
        jobs = self._stores.queue.jobs
        new = [scene for scene in jobs if scene not in self._held and is_due(jobs[scene], now)]
        if new:
            self._stores.ledger.hold_back(self._outage, new)
            self._held.update(dict.fromkeys(new, False))
            self._tell()

    def settled(self, outcomes: Iterable[Outcome]) -> None:
        """Note which of them are in step again."""
        again = [o.scene for o in outcomes if o.in_step and self._held.get(o.scene) is False]
        if again:
            self._stores.ledger.in_step_again(again)
            self._held.update(dict.fromkeys(again, True))
            self._tell()

    def _tell(self) -> None:
        self._outages.count_jobs(len(self._held), sum(self._held.values()))
