"""Retries scenes whose missing file has appeared in Plex."""

from __future__ import annotations

from collections.abc import Sequence

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.flows.backfill import backfill
from plexsync.flows.sync.media_server import FileIndex
from plexsync.flows.sync.scene_matcher import propose
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import PlexNotFound
from plexsync.model.formatting import counted
from plexsync.model.paths import PathMap
from plexsync.model.reasons import REVIVED
from plexsync.model.scene import VideoFile
from plexsync.policy.matching import HIGH

SURE_RULES = ("path", "suffix")
"""Rules that prove that a missing file has appeared; a name alone does not."""

MOST_HURRIED = 5000
"""Maximum number of waiting jobs that are looked up when the index has new files; the others keep
their times."""


class Revival:
    """Queues scenes with a PlexNotFound dead letter when the index shows one of their files, and
    makes jobs due that wait for a file.
    """

    def __init__(
        self,
        config: PlexSyncConfig,
        index: FileIndex,
        dead_letters: DeadLetters,
        queue: JobQueue,
        ledger: Ledger,
        log: Log,
    ) -> None:
        self._map, _ = PathMap.parse(config.path_map)
        self._index = index
        self._dead_letters = dead_letters
        self._queue = queue
        self._ledger = ledger
        self._log = log

    def revive(self, now: float) -> int:
        """Check every such dead letter once; returns how many scenes were queued.

        The dead letter itself stays until the scene is in step.
        """
        lacking = self._dead_letters.scenes("PlexNotFound")
        there = (s for s in lacking if s not in self._queue.jobs and self._is_there(s))
        found = backfill(self._queue, self._ledger, there, REVIVED, now)
        if found:
            self._log.info(
                f"Tried again: {counted(len(found), 'scene')} that Plex lacked turned up."
            )
        self._free_shared(now)
        self.make_arrived_due()
        return len(found)

    def _free_shared(self, now: float) -> None:
        """Queue scenes whose Plex item belongs to another scene, if Plex now has an item for them,
        as after "Split Apart".
        """
        free = [
            scene
            for scene, path in self._ledger.shared().items()
            if scene not in self._queue.jobs and self._has_an_item(scene, path)
        ]
        backfill(self._queue, self._ledger, free, REVIVED, now)

    def _has_an_item(self, scene: int, path: str) -> bool:
        parts = self._index.find(self._in_plex([path] if path else []))
        return any(self._ledger.owner(part.target) in (None, scene) for part in parts)

    def make_arrived_due(self) -> None:
        """Make jobs due whose file may have appeared.

        A name alone is enough: such a try costs a job nothing, see policy/backoff.py.
        """
        waiting = self._queue.waiting_after(PlexNotFound.__name__, MOST_HURRIED)
        there = (j.scene for j in waiting if self._index.may_hold(self._in_plex(j.paths)))
        self._queue.make_due(there)

    def _is_there(self, scene: int) -> bool:
        dead_letter = self._dead_letters.get(scene)
        paths = dead_letter.paths if dead_letter else ()
        found = propose([VideoFile(path) for path in paths], None, self._index, self._map)
        # A dead letter has no sizes, which decide about a spelling when the scene is tried.
        return found.rule == "spelling" or (found.confidence == HIGH and found.rule in SURE_RULES)

    def _in_plex(self, paths: Sequence[str]) -> list[str]:
        return [self._map.to_plex(path) for path in paths]
