"""The number of live jobs by rank and reason, updated with each change instead of counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from plexsync.edges.queue.job_index import EDITS, FRESH, rank
from plexsync.model.job import Job


class JobCounts:
    """The numbers; those by reason are of backfill jobs only."""

    def __init__(self) -> None:
        self._numbers: Counter[tuple[int, str]] = Counter()

    def replace(self, before: Job | None, after: Job | None) -> None:
        """Count a job that is stored, changed or gone."""
        for job, change in ((before, -1), (after, 1)):
            if job is not None:
                self._numbers[rank(job), job.reason] += change

    @property
    def edits(self) -> int:
        """All that are no backfill jobs."""
        return sum(number for (each, _), number in self._numbers.items() if each == EDITS)

    def untried(self, reason: str) -> int:
        """Those of a reason that have not been tried yet."""
        return self._numbers[FRESH, reason]

    def fresh(self, but: Collection[str]) -> int:
        """Those that have not been tried yet, without these reasons."""
        numbers = self._numbers.items()
        return sum(number for (each, why), number in numbers if each == FRESH and why not in but)

    def any_besides(self, reasons: Collection[str]) -> bool:
        """Whether there is any job other than those of backfills with these reasons."""
        numbers = self._numbers.items()
        return any(
            number and (each == EDITS or why not in reasons) for (each, why), number in numbers
        )
