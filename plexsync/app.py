"""The composition root: the only place that builds the parts of the owner and connects them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from plexsync.edges import legacy
from plexsync.edges.clock import Clock
from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.edges.messenger import Sender
from plexsync.edges.page import read_state
from plexsync.edges.page.command_store import CommandStore
from plexsync.edges.plex.client import PlexClient
from plexsync.edges.plex.library_index import PlexIndex
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.edges.stash.client import StashClient
from plexsync.edges.storage import files
from plexsync.edges.storage.files import NewerSchema
from plexsync.edges.storage.soundness import Soundness
from plexsync.edges.stores import Stores
from plexsync.flows.backfill_turns import BackfillTurns
from plexsync.flows.outage.outage_controller import OutageController
from plexsync.flows.page.commands import Commands
from plexsync.flows.reconcile.auto_reconcile import AutoReconcile
from plexsync.flows.reconcile.reconciliation import Reconciliation
from plexsync.flows.setup.saved_settings import SavedSettings
from plexsync.flows.sync.collection_notes import CollectionNotes
from plexsync.flows.sync.collection_writer import CollectionWriter
from plexsync.flows.sync.item_reader import ItemReader
from plexsync.flows.sync.matcher import ItemMatcher
from plexsync.flows.sync.picture_reader import PictureReader
from plexsync.flows.sync.revival import Revival
from plexsync.flows.sync.scene_reader import SceneReader
from plexsync.flows.sync.sync_scenes import ScanFolder, SyncScenes
from plexsync.flows.sync.write_items import WriteItems
from plexsync.flows.worker.batches import Observe
from plexsync.flows.worker.folder_owner import FolderOwner
from plexsync.flows.worker.intake import Intake
from plexsync.flows.worker.page_turn import PageTurn
from plexsync.flows.worker.statistics import Statistics
from plexsync.flows.worker.worker import Worker
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import SyncError
from plexsync.model.paths import index_keys
from plexsync.model.reasons import RECONCILE
from plexsync.services import Services

MEET_EVERY = 900.0
"""Seconds after which a worker checks Stash's identity again."""

DLQ, LEDGER, INDEX = "dlq.db", "ledger.db", "plex_index.db"

LEGACY = (
    "An earlier product has left its queue, dead letters or sync times here. They are not read, but"
    ' kept in {}. Press "Sync All Scenes" to sync every scene.'
)


class App(Services):
    """Services for the owner of the data folder, with the stores and the steps of a batch."""

    def __init__(
        self,
        folder: str,
        stash: StashClient,
        clock: Clock,
        log: Log,
        environ: Mapping[str, str],
        sender: Sender | None = None,
    ) -> None:
        super().__init__(folder, stash, clock, log, environ, sender)
        queue_lost = files.clear_path(self.path("queue"), log.warning, folder=True)
        files.clear_all_paths(folder, log.warning)
        newer = read_state.newer_files(folder)
        if newer:
            raise NewerSchema("; ".join(newer))
        kept = legacy.set_aside(
            folder
        )  # before any file is opened: they may have the names of ours
        if kept:
            log.warning(LEGACY.format(kept))
        self._met: tuple[float, str] | None = None
        self._pools: Sequence[ThreadPoolExecutor] = ()
        self._index: PlexIndex | None = None
        self._index_of: PlexClient | None = None
        self._sync: SyncScenes | None = None
        self._sync_key: object = None
        self._reconciliation: Reconciliation | None = None
        self._collections: CollectionWriter | None = None
        self.outages = OutageController(folder, clock, log, stash.in_flight.asked)
        self.soundness = Soundness(folder, log.warning)
        holds = self.soundness.holds
        self.stores = Stores(
            queue=JobQueue(self.path("queue"), log.warning),
            dead_letters=DeadLetters(self.path(DLQ), log.warning, sound=holds(DLQ)),
            ledger=Ledger(self.path(LEDGER), log.warning, sound=holds(LEDGER)),
        )
        self.reconcile = AutoReconcile(folder, clock, log)
        lost = self.stores.dead_letters.lost | self.stores.ledger.lost
        if lost.scenes:
            self.stores.ledger.add_backfill(RECONCILE, "scene", lost.scenes, clock.now())
        if self.stores.queue.damaged or queue_lost or lost.all:
            self.reconcile.queue_was_damaged()
        self.statistics = Statistics(folder, self.stores, clock, log, self.traffic)
        self.backfills = BackfillTurns(
            self.stores, self.reconcile, self.outages, self.statistics.stats, clock, log
        )

    def config(self, *, anybody: bool = False) -> PlexSyncConfig:
        """See Services.config. If Stash was away meanwhile, the folder's owner is checked again."""
        try:
            return super().config(anybody=anybody)
        except SyncError:
            self._met = None
            raise

    def settings_read(self, settings: Mapping[str, object]) -> None:
        """Remember that they passed, and notice those that PlexSync had saved and that were lost again."""
        self.checked.note()
        saved = SavedSettings(self.folder, self.log.warning)
        saved.notice(settings, self.log, self.clock.now())

    def check_owner(self) -> None:
        """See Services.check_owner; a folder without an owner becomes this Stash's."""
        now, (at, address) = self.clock.monotonic(), self._met or (0.0, "")
        if self._met is not None and now - at < MEET_EVERY and address == self.stash.address:
            return
        self._met = None
        FolderOwner(self.folder, self.stash, self.log.warning).check(self.clock.now())
        self._met = now, self.stash.address

    def index(self, config: PlexSyncConfig) -> PlexIndex:
        """The library index, with the client for these settings."""
        plex = self.plex(config)
        if self._index is None or self._index_of is not plex:
            if self._index is not None:
                self._spent["lookups"] += self._index.lookups
                self._spent["hits"] += self._index.hits
                self._index.close()
            path, warn, sound = self.path(INDEX), self.log.warning, self.soundness.holds(INDEX)
            self._index = PlexIndex(path, plex, warn, keys=index_keys, sound=sound)
            self._index_of = plex
        return self._index

    def sync(self, config: PlexSyncConfig) -> SyncScenes:
        """The steps of a batch for these settings."""
        plex, index = self.plex(config), self.index(config)
        if self._sync is not None and self._sync_key == (config, id(plex)):
            return self._sync
        self._end_pools()
        # what is read for a batch does not queue up behind the writes of the one before it
        pool, readers = (ThreadPoolExecutor(config.plex_connections) for _ in range(2))
        pages = ThreadPoolExecutor(1)
        self._pools = pool, readers, pages
        stores = self.stores
        notes = CollectionNotes(
            config, self.stash, stores.ledger, enabled=config.collection_details
        )
        reader = ItemReader(plex, index)
        pictures = PictureReader(config, self.stash, readers, self.log)
        matcher = ItemMatcher(config, plex, index, stores.ledger, self.stash, self.clock, self.log)
        self._sync = SyncScenes(
            SceneReader(config, self.stash, stores.ledger, pictures, notes, self.log),
            matcher,
            WriteItems(
                config,
                plex,
                pictures,
                self.stash.in_flight,
                stores.ledger,
                pool,
                readers,
                reader.read,
                index,
                self.outages,
                notes,
                self.log,
            ),
            ScanFolder(config, plex, self.log) if config.trigger_plex_scan else None,
            Revival(config, index, stores.dead_letters, stores.queue, stores.ledger, self.log),
        )
        self._reconciliation = Reconciliation(
            config,
            self.stash,
            pictures,
            plex,
            matcher,
            index,
            stores.ledger,
            stores.queue,
            readers,
            pages,
        )
        self._collections = CollectionWriter(
            config, plex, self.stash, stores.ledger, pool, reader.read, self.outages, self.log
        )
        self._sync_key = (config, id(plex))
        return self._sync

    def collections(self, config: PlexSyncConfig) -> CollectionWriter:
        """Writes what collections show, for these settings."""
        self.sync(config)
        assert self._collections is not None
        return self._collections

    def reconciliation(self, config: PlexSyncConfig) -> Reconciliation:
        """The comparison of Stash with Plex for these settings."""
        self.sync(config)
        assert self._reconciliation is not None
        return self._reconciliation

    def traffic(self) -> dict[str, int]:
        """Traffic of this process so far, by the names in TRAFFIC."""
        total = dict(self._spent)
        if self._plex is not None:
            total["requests"] += self._plex.requests
            total["received"] += self._plex.received
        if self._index is not None:
            total["lookups"] += self._index.lookups
            total["hits"] += self._index.hits
        return total

    def commands(self, store: CommandStore) -> Commands:
        """Carries out the page's commands, from the store that the worker fills."""
        return Commands(self.folder, store, self, self.stash, self.clock, self.log)

    def page_turn(self) -> PageTurn:
        """Carries out what pages ask for while a task is at work."""
        stores = self.stores
        intake = Intake(self.folder, stores.queue, stores.ledger, stores.dead_letters, self.log)
        commands = self.commands(intake.commands)
        return PageTurn(self.folder, intake, commands, self.stash.in_flight, self.clock)

    def worker(self, leave: Callable[[], str], observe: Observe | None = None) -> Worker:
        """The drain loop over these stores; foreground and background differ in the arguments.

        Both keep statistics; a caller with its own observer reports the end of a drain itself.
        """
        statistics = self.statistics
        return Worker(
            self.folder,
            self.stores,
            self,
            self.stash,
            self.clock,
            self.log,
            random.Random(),
            leave,
            statistics.observe if observe is None else statistics.beside(observe),
        )

    def _end_pools(self) -> None:
        for pool in self._pools:
            pool.shutdown()
        self._sync, self._pools = None, ()

    def close(self) -> None:
        """Close every file and connection."""
        self.statistics.close()
        self._end_pools()
        if self._index is not None:
            self._index.close()
        super().close()
        self.stores.queue.close()
        self.stores.dead_letters.close()
        self.stores.ledger.close()


@contextmanager
def owning(
    folder: str, stash: StashClient, clock: Clock, log: Log, environ: Mapping[str, str]
) -> Iterator[App]:
    """An App for the folder's owner, closed at the end. Unless that is a failure, the databases are
    known to be sound until somebody writes to them.
    """
    app = App(folder, stash, clock, log, environ)
    try:
        yield app
    except BaseException:
        app.close()
        raise
    app.close()
    app.soundness.keep()
