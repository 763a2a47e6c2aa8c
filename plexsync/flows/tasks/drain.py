"""A drain of the queue in the foreground: when it ends, its progress, and its counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from plexsync import inbox
from plexsync.edges.stores import Stores
from plexsync.flows.backfill import BACKFILL_WINDOW
from plexsync.flows.results import IN_STEP, LATER, RETURNED, UNTRIED, WRITTEN, Outcome
from plexsync.flows.services import Loop
from plexsync.flows.tasks.context import TaskContext
from plexsync.model.formatting import counted
from plexsync.model.ledger import Backfill
from plexsync.model.places import OUR_FORM
from plexsync.policy.debounce import BURST
from plexsync.policy.outage_history import format_duration

ASSUMED = 2.0
"""Assumed seconds per scene until TRUSTED scenes are measured."""

TRUSTED = 5
"""Scenes after which the measured mean is used."""

TELL_EVERY = 10.0
"""Seconds between two log lines about the time that remains."""

NOTHING_DUE = "nothing is due"

PAUSED = (
    'PlexSync is paused in its settings: switch off "Pause syncing" and "Do not write anything" in '
    f"{OUR_FORM}."
)

STOPPED = {
    "stash": "Stash no longer answers.",
    "settings": "The settings are no longer complete.",
    "paused": PAUSED,
}


@dataclass(frozen=True, slots=True)
class Pace:
    """The measured pace of a drain."""

    scenes: int = 0
    seconds: float = 0.0

    def after(self, scenes: int, seconds: float) -> Pace:
        """The pace with one more batch."""
        return Pace(self.scenes + scenes, self.seconds + seconds)

    @property
    def mean(self) -> float:
        """Seconds per scene."""
        return self.seconds / self.scenes if self.scenes >= TRUSTED else ASSUMED

    def estimate(self, left: int) -> str:
        """How long `left` scenes will take, in words."""
        basis = f"{self.mean:.1f} s per scene"
        if self.scenes < TRUSTED:
            basis += f", assumed until {TRUSTED} are done"
        return f"about {format_duration(left * self.mean)} ({basis})"


@dataclass(slots=True)
class DrainCount:
    """Outcomes of the scenes so far; each scene counts once, however often it was tried."""

    outcomes: dict[int, str] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)
    turns: int = 0

    @property
    def done(self) -> int:
        """Scenes that were tried."""
        return len(self.outcomes)

    def note(self, outcome: Outcome) -> None:
        """Count the outcome of a scene."""
        self.turns += 1
        if outcome.kind != IN_STEP or self.outcomes.get(outcome.scene) != WRITTEN:
            self.outcomes[outcome.scene] = outcome.kind
        if outcome.error is not None:
            self.errors[outcome.error.kind] += 1

    def count(self, outcome: str) -> int:
        """How many scenes have this outcome."""
        return sum(each == outcome for each in self.outcomes.values())


class Drain:
    """One drain: when it ends, its progress, and its counts."""

    def __init__(self, context: TaskContext) -> None:
        owned = context.owner()
        self._context = context
        self._stores = owned.stores
        self._outages = owned.outages
        self.loop: Loop = owned.worker(self.leave, self.observe)
        self.tally = DrainCount()
        self.pace = Pace()
        self.stopped = ""
        self._left = 0
        self._told_at = context.clock.monotonic()

    def leave(self) -> str:
        """Why to end now: no job may be tried, or none is due; "" to continue.

        Also called between two requests; jobs of the current batch are not a reason to end.
        """
        if self._stores.queue.running:
            return ""
        now = self._context.clock.now()
        stopped = self.loop.waits_for(now)
        if stopped:
            self.stopped = STOPPED.get(stopped) or self._outages.why
            return self.stopped
        if inbox.collect(self._context.folder, limit=1) or self._stores.queue.due(now, 1):
            return ""
        return "" if due_now(self._stores, now) or _backfills_go_on(self._stores) else NOTHING_DUE

    def observe(self, outcomes: Sequence[Outcome], seconds: float) -> None:
        """Count and log the outcomes of a batch."""
        before = self.tally.turns
        for outcome in outcomes:
            if outcome.kind not in (RETURNED, UNTRIED):  # those were not tried at all
                self.tally.note(outcome)
                self._tell(outcome, seconds / len(outcomes))
        now = self._context.clock.now()
        self.pace = self.pace.after(self.tally.turns - before, seconds)
        self._left = due_now(self._stores, now) + ahead(self._stores)
        monotonic = self._context.clock.monotonic()
        if self._left and monotonic - self._told_at >= TELL_EVERY:
            self._told_at = monotonic
            self._context.log.info(
                f"{counted(self.tally.done, 'scene')} done, {self._left} to go: "
                f"{self.pace.estimate(self._left)}."
            )

    def expect(self, scenes: int) -> None:
        """Set how many scenes remain, as far as known."""
        self._left = scenes

    def measure(self) -> float:
        """Progress, 0 to 1; safe to call from another thread."""
        done = self.tally.done
        return 0.99 * done / max(1, done + self._left)

    def _tell(self, outcome: Outcome, seconds: float) -> None:
        scene, log = outcome.scene, self._context.log
        if outcome.kind == WRITTEN:
            changed = ", ".join(outcome.changed)
            log.info("Synced", scene=scene, changed=changed, seconds=round(seconds, 2))
        elif outcome.kind == LATER:
            log.info(f"Not yet: {outcome.why}", scene=scene)


def due_now(stores: Stores, now: float) -> int:
    """Jobs that are due, or only wait for the debounce."""
    return stores.queue.count_due(now + BURST)


def ahead(stores: Stores, *, held: bool = False) -> int:
    """Scenes of stored backfills that are not in the queue yet, also of `held` ones if asked for."""
    backfills = stores.ledger.backfills() if held else _free(stores)
    return sum(map(stores.ledger.backfill_ahead, backfills))


def _free(stores: Stores) -> list[Backfill]:
    held = stores.queue.held
    return [backfill for backfill in stores.ledger.backfills() if backfill.reason not in held]


def _backfills_go_on(stores: Stores) -> bool:
    return bool(_free(stores)) and stores.queue.fresh < BACKFILL_WINDOW
