"""One batch of scenes, from Stash to Plex."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from plexsync.edges.log.log import Log
from plexsync.flows.results import Result
from plexsync.flows.sync.batch import Batch
from plexsync.flows.sync.matcher import ItemMatcher
from plexsync.flows.sync.media_server import MediaServer
from plexsync.flows.sync.revival import Revival
from plexsync.flows.sync.scene_reader import SceneReader
from plexsync.flows.sync.scene_write import SceneWrite
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import Interrupted, PlexServerDown, PlexTemporaryError, SyncError
from plexsync.model.job import Job
from plexsync.model.paths import PathMap, folder_of
from plexsync.model.reasons import CREATE
from plexsync.model.scene import Scene


class Writer(Protocol):
    """The last step of a batch; the dry run has its own."""

    def expect(self) -> None:
        """There may soon be something to send: make ready for it meanwhile."""

    def begin(self, batch: Batch) -> None:
        """Plan the batch's scenes; what has to be sent to Plex is under way afterwards."""

    def end(self, batch: Batch) -> list[Result]:
        """One result per scene. Raises SyncError if nothing could be done."""


class SyncScenes:
    """Reads, matches and writes a batch; every job gets exactly one result."""

    def __init__(
        self,
        reader: SceneReader,
        matcher: ItemMatcher,
        writer: Writer,
        scan: ScanFolder | None,
        revival: Revival | None,
    ) -> None:
        self._reader = reader
        self._matcher = matcher
        self._writer = writer
        self._scan = scan
        self._revival = revival
        self._followed = False

    def retry_arrived(self, now: float, *, refresh: bool) -> None:
        """Queue dead letters whose files are now in the index; `refresh` updates it first."""
        try:
            if refresh:
                self._matcher.verify_server()
                self._matcher.refresh()
        except (SyncError, Interrupted):
            return  # the next batch meets the same failure and handles it
        if self._revival is not None and self._matcher.took_news():
            self._revival.revive(now)

    def follow_clocks(self, now: float) -> None:
        """Refresh the libraries whose clocks moved, and make jobs due that waited for their files."""
        try:
            self._matcher.follow()
        except PlexTemporaryError as problem:
            if problem.cause != "server":  # of other libraries the index may have learned
                self.retry_arrived(now, refresh=False)
            return
        except (SyncError, Interrupted):
            return  # as above
        if self._revival is not None and not self._followed:
            self._followed = True  # another process may have refreshed the index before
            self._revival.make_arrived_due()
        self.retry_arrived(now, refresh=False)

    def in_step(self, scenes: Sequence[int], after: int) -> set[int]:
        """Those of the next scenes above the id `after` for which there is nothing to do. Raises
        StashDown, StashAuthError or Interrupted.
        """
        return self._reader.in_step(scenes, after)

    def sync(self, jobs: Sequence[Job], now: float) -> list[Result]:
        """Try each job once. An error that stops a whole step is not the fault of its jobs."""
        return self.end(self.begin(Batch(jobs, now)))

    def begin(self, batch: Batch) -> Batch:
        """Do everything up to the writes, which are under way then. Never raises: `end` does."""
        try:
            self._prepare(batch)
        except Interrupted:
            batch.put_back()
        except SyncError as error:
            batch.fail(error)
        except Exception as problem:  # noqa: BLE001 - for `end`
            batch.problem = problem
        return batch

    def end(self, batch: Batch) -> list[Result]:
        """Wait for the writes of a batch and read them back; one result per job."""
        if batch.problem is not None:
            raise batch.problem
        try:
            if batch.planned:
                batch.results += self._writer.end(batch)
        except Interrupted:
            batch.put_back()
        except SyncError as error:
            batch.fail(error)
        return batch.results

    def _prepare(self, batch: Batch) -> None:
        self._matcher.verify_first_server()
        scenes, ended = self._read(batch.jobs, batch.now)
        batch.results += ended
        if scenes:
            self._writer.expect()
        ahead = batch.behind is not None
        batch.scenes, ended = self._matcher.match(scenes, ahead=ahead)
        batch.results += ended
        self._reader.read_late_pictures(batch.scenes)
        self._writer.begin(batch)
        batch.planned = True

    def _read(self, jobs: Sequence[Job], now: float) -> tuple[list[SceneWrite], list[Result]]:
        answers = self._reader.ask(jobs)
        if self._scan is not None:
            self._scan.for_new_scenes(jobs, answers, now)
        return self._reader.read(jobs, answers, now)


SCAN_PAUSE = 60.0
"""Seconds between scans of the same folder."""

_ASKED_BEFORE = "PlexNotFound"
"""The error class whose attempts a job has only after its folder was scanned."""


class ScanFolder:
    """Requests partial scans, one per folder and minute, in every library that contains the folder."""

    def __init__(self, config: PlexSyncConfig, server: MediaServer, log: Log) -> None:
        self._config = config
        self._server = server
        self._log = log
        self._map, _ = PathMap.parse(config.path_map)
        self._asked: dict[str, float] = {}

    def for_new_scenes(
        self, jobs: Sequence[Job], answers: Mapping[int, Scene | SyncError], now: float
    ) -> None:
        """Request a scan of each new scene's folder. Scans are optional: a failure here delays
        nothing.
        """
        for job in jobs:
            scene = answers[job.scene]
            new = job.reason == CREATE and _ASKED_BEFORE not in job.attempts
            if not isinstance(scene, Scene) or not scene.files or not new:
                continue
            folder = folder_of(self._map.to_plex(scene.files[0].path))
            try:
                self._ask(folder, now)
            except PlexServerDown:
                return  # the rest of the batch would fail too; requested again with the next try
            except SyncError as error:
                self._asked[folder] = now
                self._log.warn_once(
                    "scan refused",
                    f"Plex did not accept a request to scan a folder ({error.message}); new files "
                    "appear when Plex scans by itself.",
                )

    def _ask(self, folder: str, now: float) -> None:
        if 0 <= now - self._asked.get(folder, -SCAN_PAUSE) < SCAN_PAUSE:
            return
        sections = [
            section
            for section in self._server.sections(self._config.plex_library).found
            if section.below(folder) is not None
        ]
        if not sections:
            self._log.warn_once(
                f"scan {folder}",
                "No Plex library holds this folder, so Plex was not asked to scan it; "
                "check the path map.",
                path=folder,
            )
        for section in sections:
            self._server.scan_folder(section.key, folder)
        self._asked[folder] = now
