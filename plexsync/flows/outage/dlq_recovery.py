"""Recovers dead letters of an outage: their scenes are queued again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from plexsync.edges.stash.client import StashClient
from plexsync.edges.stores import Stores
from plexsync.flows.backfill import backfill
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.errors import SceneGone
from plexsync.model.formatting import counted
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.reasons import RECOVERED, class_words
from plexsync.policy.outage_history import Outage

PAGE = 50

SLACK = 60.0
"""Seconds before and after an outage in which failures still belong to it."""


class Window(NamedTuple):
    """A span of wall-clock seconds; it contains a dead letter if one of its failures may be in it."""

    start: float
    end: float

    @classmethod
    def of(cls, outage: Outage, now: float) -> Window:
        """An outage's span, up to `now` if it is ongoing."""
        return cls(outage.start - SLACK, (now if outage.end is None else outage.end) + SLACK)

    def holds(self, dead_letter: DeadLetter) -> bool:
        """Whether the dead letter's failures and this span overlap."""
        return dead_letter.last_failure >= self.start and dead_letter.first_failure <= self.end


@dataclass(slots=True)
class Recovered:
    """The result for the dead letters in the window, by scene."""

    queued: list[int] = field(default_factory=list)
    already_queued: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)
    """Dead letters in the window of other classes than requested, by error class."""

    def sentence(self) -> str:
        """The result in words, with the next step if nothing was requeued."""
        parts = [f"{counted(len(self.queued), 'scene')} requeued"]
        if self.already_queued:
            parts.append(f"{len(self.already_queued)} already queued")
        if self.gone:
            parts.append(f"{len(self.gone)} no longer in Stash")
        text = ", ".join(parts) + "."
        if not self.queued and self.others:
            listed = ", ".join(
                f"{count} {class_words(kind)}" for kind, count in sorted(self.others.items())
            )
            text += (
                f" The window also holds {listed}; to requeue those run the task with the "
                f'argument error_types = "{",".join(sorted(self.others))}".'
            )
        return text


class DlqRecovery:
    """Recovers dead letters by new jobs, which read the scene again, so Stash's newest state wins.

    The dead letter stays until its scene is in step, so a second run finds it queued and does
    nothing.
    """

    def __init__(self, stores: Stores, stash: StashClient) -> None:
        self._stores = stores
        self._dead_letters = stores.dead_letters
        self._stash = stash

    def recover(self, window: Window, wanted: Collection[str], now: float) -> Recovered:
        """Recover the window's dead letters whose error class or cause is in `wanted`.

        Plex must have been found healthy before. Raises StashDown or StashAuthError; what was
        queued until then stays queued.
        """
        outcome = Recovered()
        dead_letters = []
        for dead_letter in self._dead_letters.all():
            if not window.holds(dead_letter):
                continue
            if dead_letter.error in wanted or dead_letter.cause in wanted:
                dead_letters.append(dead_letter)
            else:
                outcome.others[dead_letter.error] = outcome.others.get(dead_letter.error, 0) + 1
        back: list[int] = []
        try:
            for start in range(0, len(dead_letters), PAGE):
                scenes = [each.scene for each in dead_letters[start : start + PAGE]]
                back += self._in_stash(scenes, outcome)
        finally:
            queue, ledger = self._stores.queue, self._stores.ledger
            outcome.queued += backfill(queue, ledger, back, RECOVERED, now)
        ahead = set(back).difference(outcome.queued)
        outcome.already_queued += [scene for scene in back if scene in ahead]
        return outcome

    def _in_stash(self, scenes: Sequence[int], outcome: Recovered) -> list[int]:
        """Those that Stash still has and that are not already waiting."""
        jobs = self._stores.queue.jobs
        outcome.already_queued += [scene for scene in scenes if scene in jobs]
        rest = [scene for scene in scenes if scene not in jobs]
        known = self._stash.scenes(rest) if rest else {}
        gone = [scene for scene in rest if isinstance(known[scene], SceneGone)]
        self._dead_letters.remove(gone)
        outcome.gone += gone
        return [scene for scene in rest if scene not in gone]
