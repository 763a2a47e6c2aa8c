"""Results of a batch, job by job, and the outcomes that are recorded."""

from __future__ import annotations

from plexsync.model.errors import AmbiguousMatch, SyncError
from plexsync.model.job import Job
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.stats import DONE, FAILED, REQUEUED, RETRIED
from plexsync.policy.matching import LOW


class Done(NamedTuple):
    """The job is done. `changed` names the fields written to Plex."""

    job: Job
    state: str
    detail: str = ""
    changed: tuple[str, ...] = ()
    confidence: str = ""
    """Confidence of the match, "" if none was needed."""
    rivals: frozenset[int] = frozenset()
    """Scenes that own this one's Plex items; a change of them affects it."""
    path: str = ""
    """The scene's first file, if the ledger is to store it for a scene that was not written."""
    entities: frozenset[tuple[str, int]] | None = None
    """The (kind, id) pairs whose rename or removal affects a scene that was not written; None keeps
    those in the ledger.
    """
    basis: str = ""
    """The basis of a scene that is in step, if the ledger has another one."""


class Failed(NamedTuple):
    """The job failed; policy/backoff.py decides what that means."""

    job: Job
    error: SyncError


class Postponed(NamedTuple):
    """Plex went away before this job's turn, or the worker had to step aside: it was not tried."""

    job: Job


Result = Done | Failed | Postponed

WRITTEN, IN_STEP, LEFT_OUT, LATER, GIVEN_UP, RETURNED, UNTRIED = (
    "written to Plex",
    "needed nothing",
    "left out",
    "failed, to be retried",
    "given up",
    "put back while a server was away",
    "not tried",
)
"""Kinds of outcomes: the first three end a job well; after the fourth and the last two it waits."""

ENDED_WELL = (WRITTEN, IN_STEP, LEFT_OUT)

_COUNTED_AS = {
    **dict.fromkeys(ENDED_WELL, DONE),
    LATER: RETRIED,
    GIVEN_UP: FAILED,
    RETURNED: REQUEUED,
}


class Outcome(NamedTuple):
    """The outcome of a job, decided once, by the recorder; log, statistics, drains, outages and the
    page all use it.

    `job` is the job as stored, or as it was when it ended; `why` gives details. `waits_for` is what
    a RETURNED job waits for: "plex", "stash" or "auth".
    """

    result: Result
    kind: str
    job: Job
    why: str = ""
    waits_for: str = ""

    @property
    def scene(self) -> int:
        """The scene of the job."""
        return self.job.scene

    @property
    def error(self) -> SyncError | None:
        """The error, if the job failed."""
        return self.result.error if isinstance(self.result, Failed) else None

    @property
    def changed(self) -> tuple[str, ...]:
        """The fields written to Plex."""
        return self.result.changed if isinstance(self.result, Done) else ()

    @property
    def confidence(self) -> str:
        """Confidence of the match, "" if none was needed."""
        if isinstance(self.result, Done):
            return self.result.confidence
        return LOW if isinstance(self.error, AmbiguousMatch) else ""

    @property
    def in_step(self) -> bool:
        """Whether Plex shows the scene as Stash has it."""
        return self.kind in (WRITTEN, IN_STEP)

    @property
    def counted_as(self) -> str:
        """The outcome's name in the statistics; "" for a job that was not tried."""
        return _COUNTED_AS.get(self.kind, "")
