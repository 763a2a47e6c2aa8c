"""What a result means for its job: finish, try later, bury, or wait for somebody."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from plexsync.edges.dead_letters import DeadLetters
from plexsync.edges.job_queue import JobQueue
from plexsync.edges.ledger import Ledger
from plexsync.edges.log import Log
from plexsync.flows.intake import Intake
from plexsync.flows.results import Done, Failed, Result
from plexsync.model.config import PlexSyncConfig
from plexsync.model.dead_letter import Letter
from plexsync.model.errors import AmbiguousMatch, PlexNotFound, SyncError
from plexsync.model.job import Job
from plexsync.model.ledger import AMBIGUOUS, FAILED, NOT_IN_PLEX, SYNCED, UNDONE, SceneState
from plexsync.policy.backoff import (
    Bury,
    Finish,
    Later,
    Wait,
    verdict,
)

DEAD_STATES = {"AmbiguousMatch": AMBIGUOUS, "PlexNotFound": NOT_IN_PLEX}


@dataclass(slots=True)
class Stores:
    """The durable stores that belong to the owner of the data folder."""

    queue: JobQueue
    letters: DeadLetters
    ledger: Ledger


@dataclass(slots=True)
class _Ends:
    """What a batch comes to in the queue: scenes that are done, jobs for later, scenes that wait
    as before, and for whom."""

    finished: list[int] = field(default_factory=list)
    later: list[Job] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)


class Settle:
    """Records results; every hand-over writes the new before it forgets the old."""

    def __init__(self, stores: Stores, intake: Intake, rng: random.Random, log: Log) -> None:
        self._stores = stores
        self._intake = intake
        self._rng = rng
        self._log = log

    def batch(self, results: Sequence[Result], config: PlexSyncConfig, now: float) -> list[Wait]:
        """Record a batch; returns what has to be waited for, if anything."""
        ends = _Ends()
        for result in results:
            if isinstance(result, Failed):
                result.error.message = self._log.safe(result.error.message)
            if isinstance(result, Done):
                self._done(result, ends, now)
            elif isinstance(result, Failed):
                self._failed(result, config, now, ends)
            else:
                ends.left.append(result.job.scene)
        self._stores.letters.remove([r.job.scene for r in results if isinstance(r, Done)])
        queue = self._stores.queue
        queue.rewrite(*ends.later)
        queue.release(ends.left)
        queue.finish(ends.finished)
        return ends.waits

    def _done(self, result: Done, ends: _Ends, now: float) -> None:
        job = result.job
        if result.changed:
            self._log.debug("synced", scene=job.scene, changed=", ".join(result.changed))
        if result.state not in ("", SYNCED):
            self.note(job.scene, result.state, result.detail, now)
        ends.finished.append(job.scene)

    def _failed(
        self,
        result: Failed,
        config: PlexSyncConfig,
        now: float,
        ends: _Ends,
    ) -> None:
        decision = verdict(result.job, result.error, now, self._rng, config.max_retries)
        if isinstance(decision, Later):
            self._log.debug(
                f"{result.error.kind}: {result.error.message}; tried again in "
                f"{decision.job.not_before - now:.0f} s",
                scene=decision.job.scene,
            )
            ends.later.append(decision.job)
        elif isinstance(decision, Bury) and _ends_quietly(decision.error, config):
            self.note(result.job.scene, NOT_IN_PLEX, decision.error.message, now)
            ends.finished.append(result.job.scene)
        elif isinstance(decision, Bury):
            self.bury(decision.job, decision.error, now)
        elif isinstance(decision, Finish):
            self._intake.drop(result.job.scene, now)
        else:
            ends.left.append(result.job.scene)
            ends.waits.append(decision)

    def bury(self, job: Job, error: SyncError, now: float) -> None:
        """Give a job up: its dead letter first, then its row."""
        candidates = error.candidates if isinstance(error, AmbiguousMatch) else ()
        self._stores.letters.add(
            Letter(
                scene=job.scene,
                error=error.kind,
                message=error.message,
                status=error.status,
                cause=error.cause,
                attempts=job.attempts,
                first_failure=job.first_failure or now,
                last_failure=now,
                buried_at=now,
                candidates=tuple(candidates),
                job=job.to_dict(),
                paths=error.paths if isinstance(error, PlexNotFound) else (),
            )
        )
        self.note(job.scene, DEAD_STATES.get(error.kind, FAILED), error.message, now)
        self._stores.queue.bury(job.scene)
        self._log.warning(
            f"Gave up on a scene ({error.kind}): {error.message}. It is kept as a dead letter; "
            "an edit of the scene tries again.",
            scene=job.scene,
            **({"path": list(candidates)} if candidates else {}),
        )

    def note(self, scene: int, state: str, detail: str, now: float) -> None:
        """Remember how a scene stands when nothing was written to Plex."""
        ledger = self._stores.ledger
        known = ledger.scenes([scene]).get(scene) or SceneState(scene=scene, state=state)
        since = known.since if known.state == state == UNDONE else now
        ledger.save([replace(known, state=state, detail=detail, since=since, wish="")])


def _ends_quietly(error: SyncError, config: PlexSyncConfig) -> bool:
    """Whether the user wants no dead letter of a scene that Plex did not show in all its time."""
    return config.skip_not_found and isinstance(error, PlexNotFound)
