"""Moves events from the inbox to the queue: one live job per scene."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from plexsync import inbox
from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.edges.page.command_store import CommandStore
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.flows.backfill import BACKFILL_TURN, BACKFILL_WINDOW, backfill_job
from plexsync.model.event import parse_event
from plexsync.model.job import COMPARES, Job
from plexsync.model.ledger import USED_FIELDS, Backfill
from plexsync.model.reasons import RENAME, UPDATE
from plexsync.policy.debounce import BURST, Debounce
from plexsync.policy.events import (
    Action,
    DetailsChanged,
    Expand,
    RunCommand,
    actions_of,
    stronger_reason,
)
from plexsync.policy.pictures import PICTURE_OF


class Passing(Protocol):
    """Ends scenes of a backfill without a job, see pass_over.py."""

    def choose(self, backfill: Backfill, scenes: Sequence[int]) -> Collection[int]:
        """Those of the next scenes of a backfill that need no job."""

    def record(self, backfill: Backfill, scenes: Sequence[int]) -> None:
        """Record them as jobs that ended, once they are no longer ahead."""


class Intake:
    """Takes over events and feeds backfills; always stores the new before it deletes the old."""

    def __init__(
        self, folder: str, queue: JobQueue, ledger: Ledger, dead_letters: DeadLetters, log: Log
    ) -> None:
        self._folder = folder
        self._queue = queue
        self._ledger = ledger
        self._dead_letters = dead_letters
        self._log = log
        self.commands = CommandStore(folder, log.clean)
        self._debounce = Debounce()
        self._served = 0
        self.probe_wanted = False
        """Set if another process reported that Plex is healthy; the caller resets it."""
        self.hierarchy_changed = False
        """Set if a tag or studio changed; the caller resets it."""

    def take_in(self, now: float) -> int:
        """Move waiting inbox records into the queue; returns how many.

        Stops at a command until it is carried out, so that clearing affects only earlier records.
        """
        if self._command_waits():
            return 0
        records = inbox.collect(self._folder)
        used = frozenset(self._ledger.get_meta(USED_FIELDS).split()) if records else frozenset()
        jobs: dict[int, Job] = {}
        taken: list[str] = []
        unusable = 0
        for record in records:
            try:
                if record.data is None:
                    raise ValueError("it is larger than any event")
                event = parse_event(record.data, min(record.at, now))
            except ValueError as problem:
                inbox.set_aside(self._folder, record.name)
                self._log.warning(f"An inbox record was unusable and set aside: {problem}.")
                unusable += 1
                continue
            for action in actions_of(event, used):
                if isinstance(action, RunCommand):
                    self.commands.accept(record.name, action.sent, event.at)
                else:
                    self._grant(action, jobs, event.at, len(records))
            taken.append(record.name)
            if self._command_waits():
                break
        self._queue.put_all(jobs.values())
        inbox.forget(self._folder, taken)
        return len(taken) + unusable

    def _command_waits(self) -> bool:
        return self.commands.waiting

    def _grant(self, action: Action, jobs: dict[int, Job], at: float, together: int) -> None:
        if isinstance(action, Job):
            held = jobs.get(action.scene) or self._queue.jobs.get(action.scene)
            reason = stronger_reason(held.reason, action.reason) if held else action.reason
            rest = self._debounce.rest(action.scene, at, together)
            if held or action.reason != UPDATE:  # a new scene in Stash gets its cover first
                rest = BURST
            jobs[action.scene] = action._replace(reason=reason, not_before=at + rest)
        elif isinstance(action, Expand):
            self._ledger.add_backfill(RENAME, action.kind, action.ids, at)
            self.hierarchy_changed |= action.kind in ("tag", "studio")
        elif isinstance(action, DetailsChanged):
            self._ledger.touch_collections(action.kind, [action.id], at)
            shown = PICTURE_OF.get(action.kind, "")
            if shown and self._ledger.scenes_with(shown, [action.id], 0, 1):
                self._ledger.add_backfill(RENAME, shown, [action.id], at)
        else:
            self.probe_wanted = True

    def drop(self, scene: int, now: float) -> None:
        """Drop a scene that Stash no longer has; Plex is not touched."""
        self._ledger.destroy([scene], now)
        self._dead_letters.remove([scene])
        self._queue.finish([scene])

    def feed_backfills(self, now: float, passing: Passing | None = None) -> bool:
        """Keep up to BACKFILL_WINDOW untried low-priority jobs in the queue; returns whether there
        are more scenes, and room for them.

        Jobs that wait for a retry do not count. Backfills take turns, so that a rename need not
        wait for the end of a Sync All; those that the queue holds have none.
        """
        held = self._queue.held
        free = [backfill for backfill in self._ledger.backfills() if backfill.reason not in held]
        backfills = self._in_turn(free)
        share = BACKFILL_TURN if len(backfills) > 1 else BACKFILL_WINDOW
        left = BACKFILL_WINDOW
        while backfills and (room := min(left, BACKFILL_WINDOW - self._queue.fresh)) > 0:
            backfill = backfills.popleft()
            size = min(room, share)
            scenes = self._ledger.backfill_scenes(backfill, size)
            self._feed(backfill, scenes, now, passing)
            self._served, left = backfill.id, left - size
            if len(scenes) < size:
                self._ledger.end_backfill(backfill.id)
            else:
                backfills.append(backfill._replace(after=scenes[-1]))
        return bool(backfills) and self._queue.fresh < BACKFILL_WINDOW

    def _in_turn(self, backfills: Sequence[Backfill]) -> deque[Backfill]:
        """The backfills, starting after the one that was fed last."""
        later = [backfill for backfill in backfills if backfill.id > self._served]
        return deque([*later, *(backfill for backfill in backfills if backfill.id <= self._served)])

    def _feed(
        self, backfill: Backfill, scenes: Sequence[int], now: float, passing: Passing | None
    ) -> None:
        idle = [scene for scene in scenes if scene not in self._queue.jobs]
        done = passing.choose(backfill, idle) if passing and idle else ()
        self._queue.put_all(
            backfill_job(scene, backfill.reason, now) for scene in idle if scene not in done
        )
        if backfill.reason in COMPARES:
            self._insist(scenes, backfill.reason)
        if scenes:
            self._ledger.advance(backfill.id, scenes[-1], len(scenes))
        if passing and done:
            passing.record(backfill, sorted(done))

    def _insist(self, scenes: Iterable[int], wanted: str) -> None:
        """Have scenes that already wait compared with Plex too."""
        waiting = (self._queue.jobs[scene] for scene in scenes)
        stronger = [
            job._replace(reason=stronger_reason(wanted, job.reason))
            for job in waiting
            if not job.running
        ]
        self._queue.rewrite(*(job for job in stronger if job != self._queue.jobs[job.scene]))
