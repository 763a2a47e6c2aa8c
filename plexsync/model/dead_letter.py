"""A scene that PlexSync gave up on, and why."""

from __future__ import annotations

from dataclasses import dataclass, field

from plexsync.model.candidate import Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
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
