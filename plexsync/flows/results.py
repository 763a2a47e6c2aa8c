"""What a batch came to, job by job: its result, and the outcome that the records show."""

from __future__ import annotations

from dataclasses import dataclass

from plexsync.model.errors import AmbiguousMatch, SyncError
from plexsync.model.job import Job
from plexsync.model.stats import DONE, FAILED, PUT_BACK, RETRIED
from plexsync.policy.matching import LOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The job needs nothing more. `changed` names the fields written to Plex."""

    job: Job
    state: str
    detail: str = ""
    changed: tuple[str, ...] = ()
    confidence: str = ""
    """How sure the match was, "" when none was needed."""
    rivals: frozenset[int] = frozenset()
    """The scenes that have the Plex items of this one; what becomes of them concerns it."""
    path: str = ""
    """The scene's first file, where the ledger is to know it of a scene that was not written."""
    entities: frozenset[tuple[str, int]] | None = None
    """Whose rename or removal concerns a scene that was not written; None: as the ledger has it."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The job met an error; what that means is decided by policy/backoff."""

    job: Job
    error: SyncError


@dataclass(frozen=True, slots=True)
class Postponed:
    """Plex went away before this job's turn, or somebody else came first: it was not tried."""

    job: Job


Result = Done | Failed | Postponed

WRITTEN, IN_STEP, LEFT_OUT, LATER, GIVEN_UP, RETURNED, UNTRIED = (
    "written to Plex",
    "needed nothing",
    "left out",
    "failed and tried again later",
    "given up",
    "put back while a server was away",
    "not tried",
)
"""What can become of a job: the first three end it well, the fourth and the last two keep it."""

ENDED_WELL = (WRITTEN, IN_STEP, LEFT_OUT)

_COUNTED_AS = {
    **dict.fromkeys(ENDED_WELL, DONE),
    LATER: RETRIED,
    GIVEN_UP: FAILED,
    RETURNED: PUT_BACK,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job, decided once, by whoever records it; log, statistics, drains, outages
    and pages show this and guess nothing.

    `job` is the job as it is kept, or as it was when it ended; `why` says more in words.
    `waits_for`: on whom a job waits that was RETURNED: "plex", "stash" or "auth".
    """

    result: Result
    kind: str
    job: Job
    why: str = ""
    waits_for: str = ""

    @property
    def scene(self) -> int:
        """The scene that the job is about."""
        return self.job.scene

    @property
    def error(self) -> SyncError | None:
        """What went wrong, if anything."""
        return self.result.error if isinstance(self.result, Failed) else None

    @property
    def changed(self) -> tuple[str, ...]:
        """The fields written to Plex."""
        return self.result.changed if isinstance(self.result, Done) else ()

    @property
    def confidence(self) -> str:
        """How sure the match was, "" when none was needed."""
        if isinstance(self.result, Done):
            return self.result.confidence
        return LOW if isinstance(self.error, AmbiguousMatch) else ""

    @property
    def in_step(self) -> bool:
        """Whether Plex shows the scene as Stash has it."""
        return self.kind in (WRITTEN, IN_STEP)

    @property
    def counted_as(self) -> str:
        """The statistics' word for it; "" for a job that was not tried."""
        return _COUNTED_AS.get(self.kind, "")
