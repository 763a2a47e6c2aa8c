"""Jobs, each of which makes Plex equal to Stash for one scene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from plexsync.model.arguments import shown
from plexsync.model.json_text import dumps
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.reasons import FORCED, OVERWRITE, RECONCILE, RETRY, UPDATE
from plexsync.model.stored import LATEST

EDIT = 0
BACKFILL = 1

COMPARES = (FORCED, OVERWRITE, RECONCILE)
"""Reasons of jobs that compare with Plex even if the ledger says that the scene is in step."""

ASKED = (FORCED, OVERWRITE, RETRY)
"""Reasons of jobs that the user asked for: these retry fields that Plex refused before."""


class Job(NamedTuple):
    """The live job of a scene, of which there is one at most. Times are wall-clock seconds.

    It carries the scene's id and never its metadata: the worker reads the scene from Stash, so the
    newest edit always wins.
    """

    scene: int
    reason: str
    """Why the job exists: one of model/reasons.py."""
    born: float
    priority: int = EDIT
    """EDIT runs before BACKFILL."""
    not_before: float = 0.0
    starts: int = 0
    """How often it was started alone without ending; after three the job is a dead letter."""
    running: bool = False
    """Set before a run and cleared after it. Set at start-up, the last worker died during the run.
    """
    attempts: Mapping[str, int] = {}
    """Failed attempts by error class."""
    last_error: str = ""
    last_message: str = ""
    last_cause: str = ""
    last_status: int | None = None
    first_failure: float | None = None
    last_failure: float | None = None
    paths: tuple[str, ...] = ()
    """The scene's files as Stash sees them, while the job waits for Plex to scan one of them."""

    def to_dict(self) -> dict[str, object]:
        """The job as JSON-safe values."""
        return self._asdict()

    @classmethod
    def from_dict(cls, raw: object) -> Job:
        """Rebuild a job; raises ValueError for anything that is not one.

        Other versions may have more fields or fewer: only the scene id is required.
        """
        if not isinstance(raw, dict):
            raise ValueError(f"a job must be an object, not {type(raw).__name__}")
        given = {"scene": 0, "reason": UPDATE, "born": 0.0, **raw}
        job = cls(**{key: value for key, value in given.items() if key in _FIELDS})
        job._check()
        return job._replace(paths=tuple(job.paths))

    def _check(self) -> None:
        _check_scene(self.scene)
        times = (self.born, self.not_before, self.first_failure or 0.0, self.last_failure or 0.0)
        if not all(_is_number(time) for time in times):
            raise ValueError("a time of the job is not a number")
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
        """The job as strict JSON (no NaN). Of a new job, as most are, only what makes it one is
        written, which takes half the time; `from_dict` adds the rest.
        """
        new = self[_NEW:] == _UNTRIED
        return dumps(dict(zip(_FIELDS[:_NEW], self)) if new else self.to_dict())  # noqa: B905


_FIELDS = Job._fields
_NEW = _FIELDS.index("starts")
_UNTRIED = Job(scene=0, reason=UPDATE, born=0.0)[_NEW:]


def _check_scene(scene: object) -> None:
    if type(scene) is not int or not 0 < scene < 2**63:
        raise ValueError(f"scene id {shown(scene)} is not a positive whole number")


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and -LATEST <= cast("float", value) <= LATEST
