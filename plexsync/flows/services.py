"""The services that the composition root provides to the loop, to tasks and to the page's commands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from plexsync.edges.messenger import Sender
from plexsync.edges.page.command_store import CommandStore
from plexsync.edges.plex.client import PlexClient
from plexsync.edges.plex.library_index import PlexIndex
from plexsync.edges.plex.plex_tv import PlexTv
from plexsync.edges.stores import Stores
from plexsync.flows.backfill_turns import BackfillTurns
from plexsync.flows.outage.outage_controller import OutageController
from plexsync.flows.reconcile.auto_reconcile import AutoReconcile
from plexsync.flows.reconcile.reconciliation import Reconciliation
from plexsync.flows.results import Outcome
from plexsync.flows.sync.collection_writer import CollectionWriter
from plexsync.flows.sync.sync_scenes import SyncScenes
from plexsync.model.config import PlexSyncConfig

Trial = Callable[[str, str], PlexClient]
"""Makes a client for an address and a token; the caller closes it."""


class WorkerServices(Protocol):
    """What the composition root builds for the worker."""

    outages: OutageController
    reconcile: AutoReconcile
    backfills: BackfillTurns
    sender: Sender
    entered: PlexSyncConfig | None
    """The settings as last read, whether they allow any work or not."""

    def reconciliation(self, config: PlexSyncConfig) -> Reconciliation:
        """The comparison of Stash with Plex for these settings."""

    def plex(self, config: PlexSyncConfig) -> PlexClient:
        """The client for these settings (the same object while they stay the same)."""

    def sync(self, config: PlexSyncConfig) -> SyncScenes:
        """The steps of a batch for these settings."""

    def collections(self, config: PlexSyncConfig) -> CollectionWriter:
        """Writes what collections show, for these settings."""

    def config(self, *, anybody: bool = False) -> PlexSyncConfig:
        """Read the current settings from Stash; raises StashDown or StashAuthError, and
        AnotherStash unless `anybody` is set.
        """

    def check_owner(self) -> None:
        """Raise AnotherStash if the data folder belongs to another Stash."""


class PageCommands(Protocol):
    """Carries out the page's commands."""

    session_refused: bool
    """Stash refused our session while a command was carried out."""

    @property
    def waiting(self) -> bool:
        """Whether any command is left to be carried out."""

    def carry_out_waiting(self, leave: Callable[[], str]) -> int:
        """Carry out waiting commands, a few at most; returns how many."""


class LoopServices(WorkerServices, Protocol):
    """The services of the loop: the page's commands are built in a layer above it."""

    def commands(self, store: CommandStore) -> PageCommands:
        """Carries out the commands that `store` holds."""


class OwnerServices(Protocol):
    """Services for a task that owns the data folder."""

    stores: Stores
    outages: OutageController
    reconcile: AutoReconcile
    backfills: BackfillTurns

    def reconciliation(self, config: PlexSyncConfig) -> Reconciliation:
        """The comparison of Stash with Plex for these settings."""

    def sync(self, config: PlexSyncConfig) -> SyncScenes:
        """The steps of a batch for these settings."""

    def index(self, config: PlexSyncConfig) -> PlexIndex:
        """The library index."""

    def trial(self, config: PlexSyncConfig) -> Trial:
        """Makes clients for addresses that are only tried."""

    def plex_tv(self) -> PlexTv:
        """A client for plex.tv; the caller closes it."""

    def worker(
        self, leave: Callable[[], str], observe: Callable[[Sequence[Outcome], float], None]
    ) -> Loop:
        """The drain loop; `leave` says why to stop, `observe` receives the outcomes of each batch."""


class Loop(Protocol):
    """The drain loop, see flows/worker/worker.py."""

    def start(self) -> None:
        """Do what is due once, before the first job."""

    def take_in(self, now: float) -> None:
        """Move waiting inbox records and scenes of backfills into the queue."""

    def ring_alarms(self, now: float) -> None:
        """Run the duties that are due, and queue what they found."""

    def request_sweep(self) -> None:
        """Make a sweep due now."""

    def waits_for(self, now: float) -> str:
        """What all work waits for now, "" if it can continue."""

    def drain(self) -> str:
        """Work until it must stop; returns the reason."""
