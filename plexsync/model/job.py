"""The wish "Plex equals Stash for this scene", and where it stands."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from typing import cast

from plexsync.model.candidate import Candidate
from plexsync.model.reasons import FORCED, RECONCILE, RETRY, UPDATE
from plexsync.model.stored import LATEST

EDIT = 0
BACKFILL = 1

COMPARES = (FORCED, RECONCILE)
"""Reasons of jobs that look at Plex although the ledger says that all is in step."""

ASKED = (FORCED, RETRY)
"""Reasons of jobs that a person asked for: they try again what Plex refused before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One live wish per scene. Times are wall-clock seconds since the epoch.

    It carries the scene's id, never its metadata: the worker reads the scene afresh, so the newest
    edit always wins.
    """

    scene: int
    reason: str
    """Why: one of model/reasons.py."""
    born: float
    priority: int = EDIT
    """EDIT goes before BULK."""
    not_before: float = 0.0
    starts: int = 0
    """Starts alone that found no end; three bury the job."""
    running: bool = False
    """Marked before a run, cleared after it: found set at start-up, the last worker died in it."""
    attempts: dict[str, int] = field(default_factory=dict)
    """Failed attempts by error class."""
    last_error: str = ""
    last_message: str = ""
    last_cause: str = ""
    last_status: int | None = None
    first_failure: float | None = None
    last_failure: float | None = None
    paths: tuple[str, ...] = ()
    """The scene's files, as Stash sees them, while it waits for Plex to have one of them."""

    def to_dict(self) -> dict[str, object]:
        """The job as JSON-safe values."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_dict(cls, raw: object) -> Job:
        """Rebuild a job; raises ValueError for anything that is not one.

        Another PlexSync may know more fields or fewer: only the scene must be there.
        """
        if not isinstance(raw, dict):
            raise ValueError(f"a job must be an object, not {type(raw).__name__}")
        known = {f.name for f in fields(cls)}
        given = {"scene": 0, "reason": UPDATE, "born": 0.0, **raw}
        job = cls(**{key: value for key, value in given.items() if key in known})
        job._check()
        return replace(job, paths=tuple(job.paths))

    def _check(self) -> None:
        if type(self.scene) is not int or self.scene <= 0:
            raise ValueError(f"scene id {self.scene!r} is not a positive whole number")
        times = (self.born, self.not_before, self.first_failure or 0.0, self.last_failure or 0.0)
        if not all(_is_number(time) for time in times):
            raise ValueError("a time of the job is not one")
        counts = (self.starts, self.priority, self.last_status or 0)
        if not all(type(n) is int and abs(n) < 2**53 for n in counts):
            raise ValueError("a count of the job is not a whole number")
        texts = (self.reason, self.last_error, self.last_message, self.last_cause)
        if not all(isinstance(text, str) for text in texts):
            raise ValueError("a reason of the job is not a text")
        if type(self.running) is not bool:
            raise ValueError("whether the job runs is neither true nor false")
        if not isinstance(self.attempts, dict) or not all(
            type(n) is int for n in self.attempts.values()
        ):
            raise ValueError("attempts must map error classes to counts")
        if not isinstance(self.paths, (list, tuple)) or not all(
            isinstance(path, str) for path in self.paths
        ):
            raise ValueError("paths must be a list of texts")

    def to_json(self) -> str:
        """The job as strict JSON (no NaN)."""
        return json.dumps(self.to_dict(), allow_nan=False)


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and -LATEST <= cast("float", value) <= LATEST


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One per scene. Times are wall-clock seconds since the epoch.

    `error` is the error class, `cause` its short word ("refused", "dns", "timeout", ...), `status`
    the HTTP status when there was an answer, `attempts` the failures by class, `candidates` the
    Plex items that an ambiguous match could not choose from, `job` the last job as JSON values, `paths` the files in Stash that Plex
    did not have.
    """

    scene: int
    error: str
    message: str
    buried_at: float
    first_failure: float
    last_failure: float
    status: int | None = None
    cause: str = ""
    attempts: dict[str, int] = field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()
    job: dict[str, object] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
