"""What the composition root gives to the loop, to tasks and to the page's commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from plexsync.edges.plex.client import PlexClient
from plexsync.edges.plex.library_index import PlexIndex
from plexsync.edges.stores import Stores
from plexsync.flows.outage.outage_controller import OutageController
from plexsync.flows.reconcile.auto_reconcile import AutoReconcile
from plexsync.flows.reconcile.reconciliation import Reconciliation
from plexsync.flows.results import Outcome
from plexsync.flows.sync.collection_writer import CollectionWriter
from plexsync.flows.sync.sync_scenes import SyncScenes
from plexsync.model.config import PlexSyncConfig


class WorkerServices(Protocol):
    """What the composition root builds for the worker."""

    outages: OutageController
    reconcile: AutoReconcile

    def reconciliation(self, config: PlexSyncConfig) -> Reconciliation:
        """The comparison of Stash with Plex for these settings."""

    def plex(self, config: PlexSyncConfig) -> PlexClient:
        """The client for these settings (the same object while they stay the same)."""

    def sync(self, config: PlexSyncConfig) -> SyncScenes:
        """The steps of a batch for these settings."""

    def collections(self, config: PlexSyncConfig) -> CollectionWriter:
        """What brings collections in step, for these settings."""

    def config(self, *, anybody: bool = False) -> PlexSyncConfig:
        """The settings as Stash has them now; raises StashDown or StashAuthError, and AnotherStash
        unless it may be `anybody`.
        """

    def check_owner(self) -> None:
        """Raises AnotherStash where the data folder is another one's."""


class OwnerServices(Protocol):
    """What a task may use that owns the data folder."""

    stores: Stores
    outages: OutageController
    reconcile: AutoReconcile

    def reconciliation(self, config: PlexSyncConfig) -> Reconciliation:
        """The comparison of Stash with Plex for these settings."""

    def sync(self, config: PlexSyncConfig) -> SyncScenes:
        """The steps of a batch for these settings."""

    def index(self, config: PlexSyncConfig) -> PlexIndex:
        """The library index."""

    def worker(
        self, leave: Callable[[], str], observe: Callable[[Sequence[Outcome], float], None]
    ) -> Loop:
        """The drain loop; `leave` says why to stop, `observe` is given the outcomes of each batch."""


class Loop(Protocol):
    """The drain loop, see flows/worker/worker.py."""

    def start(self) -> None:
        """What is due once, before the first job."""

    def take_in(self, now: float) -> None:
        """Bring what waits in the inbox and in stored backfills into the queue."""

    def look_around(self, now: float) -> None:
        """Do what is due by its own clock, and bring what it found into the queue."""

    def request_sweep(self) -> None:
        """Let a sweep be due now."""

    def waits_for(self, now: float) -> str:
        """Who or what stops all work now."""

    def run(self) -> str:
        """Work until it is to leave; returns the reason."""
