"""A new scene in Stash: ask Plex to look at its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plexsync.edges.log.log import Log
from plexsync.edges.plex.client import PlexClient
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import PlexServerDown, SyncError
from plexsync.model.job import Job
from plexsync.model.paths import PathMap, folder_of
from plexsync.model.reasons import CREATE
from plexsync.model.scene import Scene

SCAN_PAUSE = 60.0
"""Seconds between two scans of the same folder."""

_ASKED_BEFORE = "PlexNotFound"
"""The attempts that a job can only have once its folder was asked for."""


class ScanFolder:
    """Asks for partial scans, one per folder and minute, in every library that holds the folder."""

    def __init__(self, config: PlexSyncConfig, plex: PlexClient, log: Log) -> None:
        self._config = config
        self._plex = plex
        self._log = log
        self._map, _ = PathMap.parse(config.path_map)
        self._asked: dict[str, float] = {}

    def for_new_scenes(self, jobs: Sequence[Job], scenes: Mapping[int, Scene], now: float) -> None:
        """Ask for each new scene's folder. A scan is a help: what fails here holds nothing up."""
        for job in jobs:
            scene = scenes.get(job.scene)
            new = job.reason == CREATE and _ASKED_BEFORE not in job.attempts
            if scene is None or not scene.files or not new:
                continue
            folder = folder_of(self._map.to_plex(scene.files[0].path))
            try:
                self._ask(folder, now)
            except PlexServerDown:
                return  # the rest of the batch meets it too; asked again with the next try
            except SyncError as error:
                self._asked[folder] = now
                self._log.warn_once(
                    "scan refused",
                    f"Plex did not take the request to scan a folder ({error.message}); new files "
                    "appear when Plex scans by itself.",
                )

    def _ask(self, folder: str, now: float) -> None:
        if 0 <= now - self._asked.get(folder, -SCAN_PAUSE) < SCAN_PAUSE:
            return
        sections = [
            section
            for section in self._plex.sections(self._config.plex_library).found
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
            self._plex.scan_folder(section.key, folder)
        self._asked[folder] = now
