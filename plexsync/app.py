"""Composition root: builds every part, the one place that knows who uses what."""

from __future__ import annotations

import os
import random
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from plexsync import __version__, inbox
from plexsync.edges.clock import Clock, SystemClock
from plexsync.edges.dead_letters import DeadLetters
from plexsync.edges.job_queue import JobQueue
from plexsync.edges.ledger import Ledger
from plexsync.edges.log import Log
from plexsync.edges.ownership import Ownership
from plexsync.edges.path_words import load_words
from plexsync.edges.plex import PlexClient, load_client_id
from plexsync.edges.plex_index import PlexIndex
from plexsync.edges.stash import StashClient
from plexsync.flows.gather import Gather
from plexsync.flows.locate import Locate
from plexsync.flows.revive import Revive
from plexsync.flows.scan_folder import ScanFolder
from plexsync.flows.settle import Stores
from plexsync.flows.sync_scenes import SyncScenes
from plexsync.flows.worker import Worker
from plexsync.flows.write_items import WriteItems
from plexsync.model.config import PlexSyncConfig, read_config
from plexsync.model.connection import parse_connection
from plexsync.model.paths import index_keys

MOST_CONNECTIONS = 4

DISK_PAUSE = 60.0
"""Seconds between two tries while the data folder cannot be written."""


class App:
    """The worker's parts; each is built once and again only when a setting of it changes."""

    def __init__(
        self, folder: str, stash: StashClient, clock: Clock, log: Log, environ: dict[str, str]
    ) -> None:
        self._folder = folder
        self._stash = stash
        self._clock = clock
        self._log = log
        self._environ = environ
        self._pool: ThreadPoolExecutor | None = None
        self._plex: PlexClient | None = None
        self._plex_key: object = None
        self._sync: SyncScenes | None = None
        self._sync_key: object = None
        self.stores = self._open()

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name)

    def _open(self) -> Stores:
        warn = self._log.warning
        return Stores(
            queue=JobQueue(self._path("queue"), warn),
            letters=DeadLetters(self._path("dlq.db"), warn),
            ledger=Ledger(self._path("ledger.db"), warn),
        )

    def config(self) -> PlexSyncConfig:
        """The settings as Stash has them now; raises StashDown or StashAuthError."""
        found = self._stash.settings()
        config, warnings = read_config(found.plugin, self._environ)
        self._log.set_secrets([*self._stash.secrets, config.plex_token.get_secret_value()])
        words = load_words(self._folder, self._log.warning) if config.obfuscate_paths else None
        self._log.configure(debug=config.debug_logging, words=words)
        for warning in warnings:
            self._log.warn_once(warning, warning)
        return config

    def plex(self, config: PlexSyncConfig) -> PlexClient:
        """The client for these settings."""
        key = (
            config.plex_url,
            config.plex_token.get_secret_value(),
            config.connect_timeout,
            config.read_timeout,
            config.plex_connections,
        )
        if self._plex is None or key != self._plex_key:
            if self._plex is not None:
                self._plex.close()
            self._plex = PlexClient(
                config.plex_url,
                config.plex_token.get_secret_value(),
                load_client_id(self._path("device_id.json"), self._log.warning),
                connect_timeout=config.connect_timeout,
                read_timeout=config.read_timeout,
                connections=config.plex_connections,
                warn=self._log.warning,
            )
            self._plex_key = key
        return self._plex

    def sync(self, config: PlexSyncConfig) -> SyncScenes:
        """The steps of a batch for these settings."""
        plex = self.plex(config)
        if self._sync is not None and self._sync_key == (config, id(plex)):
            return self._sync
        self._close_sync()
        self._pool = ThreadPoolExecutor(max_workers=config.plex_connections)
        self._index = PlexIndex(
            self._path("plex_index.db"), plex, self._log.warning, keys=index_keys
        )
        ledger = self.stores.ledger
        locate = Locate(config, plex, self._index, ledger, self._stash, self._clock, self._log)
        self._sync = SyncScenes(
            Gather(config, self._stash, ledger, self._pool, self._log),
            locate,
            WriteItems(config, plex, self._stash, ledger, self._pool, locate.read, self._log),
            ScanFolder(config, plex, self._log) if config.trigger_plex_scan else None,
            Revive(config, self._index, self.stores.letters, self.stores.queue, self._log),
        )
        self._sync_key = (config, id(plex))
        return self._sync

    def _close_sync(self) -> None:
        if self._sync is not None:
            self._index.close()
        if self._pool is not None:
            self._pool.shutdown()
        self._sync = self._pool = None

    def close(self) -> None:
        """Close every file and connection."""
        self._close_sync()
        if self._plex is not None:
            self._plex.close()
        self.stores.queue.close()
        self.stores.letters.close()
        self.stores.ledger.close()


def live(
    plugin_dir: str,
    folder: str,
    block: bytes,
    ownership: Ownership,
    log: Log,
    clock: Clock | None = None,
) -> None:
    """Drain, step aside for tasks and come back, until there is nothing to do any more."""
    clock = clock or SystemClock()
    try:
        connection = parse_connection(block)
    except ValueError as problem:
        log.error(f"Stash's connection block is unusable: {problem}. The next event tries again.")
        return
    log.set_secrets([connection.cookie_value])
    log.info("worker starts", version=__version__, pid=os.getpid())
    stash = StashClient(connection)
    entry = os.path.join(plugin_dir, "PlexSync.py")

    def leave() -> str:
        if ownership.wanted():
            return "a task takes over"
        return "" if os.path.exists(entry) else "the plugin was removed"

    while True:
        reason = _work(folder, stash, clock, log, leave)
        log.info(f"worker stops: {reason}")
        if ownership.wanted():
            if ownership.stand_by():
                continue
            return
        ownership.release()
        # An event whose hook found the lock still taken would be stranded without this look.
        if reason != "nothing to do" or not inbox.collect(folder, limit=1):
            return
        if not ownership.claim():
            return


def _work(folder: str, stash: StashClient, clock: Clock, log: Log, leave: Callable[[], str]) -> str:
    """One ownership, from opening the stores to closing them; a sick disk is waited out."""
    while True:
        try:
            app = App(folder, stash, clock, log, dict(os.environ))
            try:
                worker = Worker(folder, app.stores, app, stash, clock, log, random.Random(), leave)
                worker.start()
                return worker.run()
            finally:
                app.close()
        except (sqlite3.Error, OSError) as problem:
            log.error(
                f"The data folder cannot be used ({problem}). Free some space or mend its rights; "
                "PlexSync tries again each minute and loses nothing."
            )
            clock.wait(DISK_PAUSE, lambda: bool(leave()))
            if leave():
                return leave()
