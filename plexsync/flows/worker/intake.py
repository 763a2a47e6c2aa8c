"""From the inbox to the queue: one live job per scene."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace

from plexsync import inbox
from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.edges.page.command_store import CommandBook
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.flows.backfill import BULK_TURN, BULK_WINDOW
from plexsync.model.event import parse_event
from plexsync.model.job import BULK, COMPARES, Job
from plexsync.model.ledger import Bulk
from plexsync.model.reasons import RENAME
from plexsync.policy.events import (
    Expand,
    RunCommand,
    SyncScene,
    Wish,
    stronger_reason,
    wishes,
)

SETTLE = 2.0
"""Seconds a scene rests after an event, so that many saves in a row make one sync."""


class Intake:
    """Takes events over from the hooks and feeds bulk work, always new before old."""

    def __init__(
        self, folder: str, queue: JobQueue, ledger: Ledger, letters: DeadLetters, log: Log
    ) -> None:
        self._folder = folder
        self._queue = queue
        self._ledger = ledger
        self._letters = letters
        self._log = log
        self.commands = CommandBook(folder, log.clean)
        self._served = 0
        self.look_at_plex = False
        """Somebody has seen Plex well; whoever acts on it resets this."""

    def take_in(self, now: float) -> int:
        """Move waiting inbox records into the queue; returns how many.

        None follows a command before that is carried out: what it clears was there before it.
        """
        if self._command_waits():
            return 0
        records = inbox.collect(self._folder)
        jobs: dict[int, Job] = {}
        taken: list[str] = []
        unusable = 0
        for record in records:
            try:
                if record.data is None:
                    raise ValueError("it is larger than an event can be")
                event = parse_event(record.data, min(record.at, now))
            except ValueError as problem:
                inbox.set_aside(self._folder, record.name)
                self._log.warning(f"An inbox record was unusable and set aside: {problem}.")
                unusable += 1
                continue
            for wish in wishes(event):
                if isinstance(wish, RunCommand):
                    self.commands.accept(record.name, wish.sent, event.at)
                else:
                    self._grant(wish, jobs, event.at)
            taken.append(record.name)
            if self._command_waits():
                break
        self._queue.put_all(jobs.values())
        inbox.forget(self._folder, taken)
        return len(taken) + unusable

    def _command_waits(self) -> bool:
        return self.commands.waiting

    def _grant(self, wish: Wish, jobs: dict[int, Job], at: float) -> None:
        if isinstance(wish, SyncScene):
            held = jobs.get(wish.scene) or self._queue.jobs.get(wish.scene)
            reason = stronger_reason(held.reason, wish.reason) if held else wish.reason
            jobs[wish.scene] = Job(scene=wish.scene, reason=reason, born=at, not_before=at + SETTLE)
        elif isinstance(wish, Expand):
            self._ledger.add_bulk(RENAME, wish.kind, wish.ids, at)
        else:
            self.look_at_plex = True

    def drop(self, scene: int, now: float) -> None:
        """Forget a scene that Stash no longer has; Plex is not touched."""
        self._ledger.destroy([scene], now)
        self._letters.remove([scene])
        self._queue.finish([scene])

    def feed_bulk(self, now: float) -> None:
        """Keep up to BULK_WINDOW untried low-priority jobs in the queue from the stored walks.

        Jobs that were tried and wait take no place in it. The walks take turns, so that a rename
        need not wait for the end of a Sync All.
        """
        walks = self._in_turn(self._ledger.bulks())
        share = BULK_TURN if len(walks) > 1 else BULK_WINDOW
        left = BULK_WINDOW
        while walks and (room := min(left, BULK_WINDOW - self._queue.fresh)) > 0:
            walk = walks.popleft()
            size = min(room, share)
            scenes = self._ledger.bulk_scenes(walk, size)
            self._feed(walk, scenes, now)
            self._served, left = walk.id, left - size
            if len(scenes) < size:
                self._ledger.end_bulk(walk.id)
            else:
                walks.append(replace(walk, after=scenes[-1]))

    def _in_turn(self, walks: Sequence[Bulk]) -> deque[Bulk]:
        """The walks, beginning after the one that was served last."""
        later = [walk for walk in walks if walk.id > self._served]
        return deque([*later, *(walk for walk in walks if walk.id <= self._served)])

    def _feed(self, walk: Bulk, scenes: Sequence[int], now: float) -> None:
        self._queue.put_all(self._bulk_jobs(scenes, walk.reason, now))
        if walk.reason in COMPARES:
            self._insist(scenes, walk.reason)
        if scenes:
            self._ledger.advance(walk.id, scenes[-1])

    def _insist(self, scenes: Iterable[int], wanted: str) -> None:
        """A scene that waited already is to be compared with Plex too when its turn comes."""
        waiting = (self._queue.jobs[scene] for scene in scenes)
        stronger = [
            replace(job, reason=stronger_reason(wanted, job.reason))
            for job in waiting
            if not job.running
        ]
        self._queue.rewrite(*(job for job in stronger if job != self._queue.jobs[job.scene]))

    def _bulk_jobs(self, scenes: Iterable[int], reason: str, now: float) -> list[Job]:
        return [
            Job(scene=scene, reason=reason, born=now, priority=BULK, not_before=now)
            for scene in scenes
            if scene not in self._queue.jobs
        ]
