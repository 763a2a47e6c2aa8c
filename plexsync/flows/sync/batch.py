"""The jobs of one batch while they are carried out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import Future, wait

from plexsync.flows.results import Failed, Postponed, Result
from plexsync.flows.sync.scene_write import SceneWrite
from plexsync.model.errors import SyncError
from plexsync.model.job import Job
from plexsync.model.plex import Target

FEW = 15
"""Writes that are left when the next batch is read: Plex takes longer for them than that takes."""


class Batch:
    """Jobs that are read, matched and planned together, and then written by a pool of threads.

    `behind` is the batch that is still being written when this one is read. Once a write of that
    one fails, nothing more of this one is sent: what the failure means for others is not known yet.
    """

    def __init__(self, jobs: Sequence[Job], now: float, behind: Batch | None = None) -> None:
        self.jobs = jobs
        self.now = now
        self.behind = behind
        self.known: Collection[int] = ()
        """Scenes that the ledger had in step before."""
        self.results: list[Result] = []
        """Of the jobs that have ended."""
        self.scenes: list[SceneWrite] = []
        """The scenes that Plex has."""
        self.planned = False
        """Whether it got as far as its writes."""
        self.problem: Exception | None = None
        """The bug, or the trouble with the disk, that kept it from that."""
        self.under_way: list[Future[None]] = []
        self.halted = False
        """Set once a write failed or was interrupted; nothing may be written beside it then."""
        self.stopped = False
        """Set when nothing more of it may be sent."""

    @property
    def may_send(self) -> bool:
        """Whether the next of its writes may be sent."""
        behind = self.behind  # another thread may reset it
        return not (self.stopped or (behind is not None and behind.halted))

    @property
    def in_doubt(self) -> bool:
        """Whether only a probe of Plex can decide what became of it, or it was not tried to the
        end.
        """
        failed = (result.error for result in self.results if isinstance(result, Failed))
        return self.halted or not self.planned or any(error.unproven for error in failed)

    @property
    def targets(self) -> set[Target]:
        """The Plex items that it may change."""
        return {item.target for scene in self.scenes for item, _ in scene.matched}

    def leave_out_taken(self) -> None:
        """Put back the scenes that may change an item of an earlier scene, or of the batch that is
        still being written: what is written there has to be known first.
        """
        taken = self.behind.targets if self.behind is not None else set()
        scenes, self.scenes = self.scenes, []
        for scene in scenes:
            targets = {item.target for item, _ in scene.matched}
            if targets & taken:
                self.results.append(Postponed(scene.job))
            else:
                self.scenes.append(scene)
                taken |= targets

    def wait_until_few_are_left(self) -> None:
        """Wait until the pool is about to run out of its writes."""
        wait(self.under_way[-FEW:][:1])

    def stop(self) -> None:
        """Send nothing more of it, and wait for the requests in flight."""
        self.stopped = True
        self.wait_for_writes()

    def wait_for_writes(self) -> None:
        """Wait until no request of it is in flight, and none will be sent."""
        wait(self.under_way)

    def fail(self, error: SyncError) -> None:
        """End all jobs that have not ended yet with the error of a whole step."""
        ended = {result.job.scene for result in self.results}
        self.results += [
            Failed(job, error.of_step()) for job in self.jobs if job.scene not in ended
        ]

    def put_back(self) -> None:
        """End all jobs as not tried."""
        self.halted = True
        self.results = [Postponed(job) for job in self.jobs]
