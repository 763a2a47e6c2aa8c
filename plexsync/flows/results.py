"""What became of a job in one batch."""

from __future__ import annotations

from dataclasses import dataclass

from plexsync.model.errors import SyncError
from plexsync.model.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The job needs nothing more. `changed` names the fields written to Plex."""

    job: Job
    state: str
    detail: str = ""
    changed: tuple[str, ...] = ()
    confidence: str = ""
    """How sure the match was, "" when none was needed."""


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
