"""What wishes for one scene mean to each other, and which job goes first."""

from __future__ import annotations

from dataclasses import replace

from plexsync.model.job import Job

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


def order(job: Job) -> tuple[float, ...]:
    """Sorting key: edits before bulk, then by due time and age."""
    return job.priority, job.not_before, job.born, job.scene
