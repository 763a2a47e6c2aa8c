"""What wishes for one scene mean to each other, and which job goes first."""

from __future__ import annotations

from dataclasses import replace

from plexsync.model.job import EDIT, Job

LONGEST_WAIT = 660.0
"""Seconds. No delay is longer, so a later due time comes from a clock that was set back."""


def renewed(old: Job, new: Job) -> Job:
    """The job after one more wish for its scene: a fresh try that forgets no crash."""
    return replace(
        new,
        born=old.born,
        priority=min(old.priority, new.priority),
        starts=max(old.starts, new.starts),
        running=old.running or new.running,
    )


def ended(job: Job) -> Job:
    """The job after a run that came to an end, whichever: no crash is held against it."""
    return replace(job, running=False, starts=0)


def is_due(job: Job, now: float) -> bool:
    """Whether its time has come; a time beyond LONGEST_WAIT counts as come."""
    return not 0 < job.not_before - now <= LONGEST_WAIT


EDITS, FRESH, AGAIN = RANKS = (0, 1, 2)
"""Edits go first; of a backfill, scenes that were not tried yet go before those tried in vain."""

RETRY_SHARE = 5
"""One place in so many of a batch of backfill goes to retries, so that they wait for no end."""


def rank(job: Job) -> int:
    """To which of RANKS a job belongs."""
    if job.priority == EDIT:
        return EDITS
    return AGAIN if job.attempts else FRESH


def share(room: int, fresh: int, again: int) -> tuple[int, int]:
    """How many fresh jobs of a backfill and how many retries fill the room that edits left."""
    retries = min(again, max(room - fresh, room // RETRY_SHARE))
    return min(fresh, room - retries), retries
