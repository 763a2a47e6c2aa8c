"""The loop: inbox to queue, queue to Plex, and sleep until there is something to do."""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Sequence
from typing import Protocol

from plexsync import inbox
from plexsync.edges.clock import Clock
from plexsync.edges.files import is_disk_trouble
from plexsync.edges.log import Log
from plexsync.edges.plex import PlexClient
from plexsync.edges.stash import StashClient
from plexsync.flows.intake import Intake
from plexsync.flows.results import Failed, Result
from plexsync.flows.settle import Settle, Stores
from plexsync.flows.sync_scenes import SyncScenes
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import (
    PlexPermanentError,
    PlexServerDown,
    PlexTemporaryError,
    StashAuthError,
    SyncError,
)
from plexsync.model.job import BULK, EDIT, Job
from plexsync.policy.backoff import Wait
from plexsync.policy.waiting import Hold, hold, idle_limit, pause

BATCH = 50
"""Scenes per query to Stash and per read from Plex."""

STASH_PATIENCE = 600.0
"""Seconds of silence from Stash after which the worker ends; the next event starts another."""

TELL_EVERY = 10
"""Jobs between two lines about the dead letters."""

DESTROYED_KEPT = 30 * 86400.0

COARSE_MTIME = 2.5
"""Some file systems stamp folders only each 2 s: a younger stamp proves nothing, so look again."""


class Parts(Protocol):
    """What the composition root builds for the worker."""

    def plex(self, config: PlexSyncConfig) -> PlexClient:
        """The client for these settings (the same object while they stay the same)."""

    def sync(self, config: PlexSyncConfig) -> SyncScenes:
        """The steps of a batch for these settings."""

    def config(self) -> PlexSyncConfig:
        """The settings as Stash has them now; raises StashDown or StashAuthError."""


class Worker:
    """Drains the queue for as long as it owns the data folder.

    `leave` says why to stop now ("" to go on); it is asked after each batch.
    """

    def __init__(
        self,
        folder: str,
        stores: Stores,
        parts: Parts,
        stash: StashClient,
        clock: Clock,
        log: Log,
        rng: random.Random,
        leave: Callable[[], str],
    ) -> None:
        self._folder = folder
        self._stores = stores
        self._parts = parts
        self._stash = stash
        self._clock = clock
        self._log = log
        self._leave = leave
        self._intake = Intake(folder, stores.queue, stores.ledger, stores.letters, log)
        self._settle = Settle(stores, self._intake, rng, log)
        self._hold = Hold()
        self._busy_at = clock.now()
        self._silent_since: float | None = None
        self._config: PlexSyncConfig | None = None
        self._jobs = 0

    def start(self) -> None:
        """What is due once per worker life, before the first job."""
        now = self._clock.now()
        self._stores.ledger.forget_destroyed(now - DESTROYED_KEPT)
        inbox.sweep(self._folder, now)
        if not self._stores.ledger.get_meta("watermark"):
            waiting = inbox.collect(self._folder, limit=1)
            first = min([now, *(record.at for record in waiting)])
            self._stores.ledger.set_meta("watermark", repr(first - 60.0))
        for job in self._stores.queue.poisoned():
            error = PlexPermanentError(
                "the worker died three times while it worked on this scene alone", cause="poison"
            )
            self._settle.bury(job, error, now)

    def run(self) -> str:
        """Work until idle, asked to step aside, or left alone; returns the reason."""
        while True:
            reason = self._leave()
            if reason:
                return reason
            now = self._clock.now()
            if self._intake.take_in(now):
                self._busy_at = now
            self._intake.feed_bulk(now)
            end = self._end(now)
            if end:
                return end
            batch = self._next(now)
            if batch:
                self._process(batch)
            else:
                self._sleep(now)

    def _end(self, now: float) -> str:
        if self._hold.reason == "session":
            return "Stash no longer accepts this worker's session; the next event brings a new one"
        silent = self._silent_since
        if silent is not None and self._clock.monotonic() - silent >= STASH_PATIENCE:
            return "Stash has not answered for ten minutes; the next event starts a new worker"
        limit = idle_limit(self._hold, self._pending())
        if limit is not None and not 0 <= now - self._busy_at < limit:
            return "nothing to do"
        return ""

    def _pending(self) -> bool:
        queue = self._stores.queue
        return bool(queue.count(EDIT) or queue.count(BULK))

    def _next(self, now: float) -> Sequence[Job]:
        """The jobs to run now: none while something has to be waited for."""
        if not self._pending() or self._hold.active(self._clock.monotonic()):
            return ()
        due = self._stores.queue.due(now, BATCH)
        if not due or not self._ready():
            return ()
        return due

    def _ready(self) -> bool:
        """Read the settings afresh, and ask Plex first when it was away."""
        try:
            config = self._parts.config()
        except StashAuthError:
            self._hold = Hold("session")
            return False
        except SyncError as error:
            self._stash_is_silent()
            self._wait_for("stash", error.message)
            return False
        self._silent_since = None
        if not self._usable(config):
            return False
        if self._hold.reason in ("plex", "auth"):
            health = self._parts.plex(config).check()
            if health.state != "healthy":
                self._wait_for("auth" if health.state == "unauthorised" else "plex", health.detail)
                return False
            self._log.info("Plex answers again.", waiting=self._stores.queue.count(EDIT))
        self._hold = Hold()
        if self._config is None:
            self._first_look(config)
        self._config = config
        return True

    def _first_look(self, config: PlexSyncConfig) -> None:
        """Once per worker life, as soon as the settings are known: the dead letters."""
        letters, now = self._stores.letters, self._clock.now()
        letters.purge(now - config.dlq_retention_days * 86400.0)
        self._tell_letters()
        if "PlexNotFound" in letters.counts():
            self._parts.sync(config).look_for_arrivals(now, refresh=True)

    def _tell_letters(self) -> None:
        counts = self._stores.letters.counts()
        if counts:
            listed = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
            self._log.info(f"{sum(counts.values())} dead letters: {listed}.")

    def _usable(self, config: PlexSyncConfig) -> bool:
        problem = config.missing()
        if problem:
            self._log.warn_once("settings", problem)
            self._wait_for("settings", problem)
            return False
        if not config.enabled or not config.sync_master:
            self._log.warn_once("paused", "PlexSync is paused in its settings; events are kept.")
            self._wait_for("paused", "")
            return False
        self._notice_settings(config)
        return True

    def _notice_settings(self, config: PlexSyncConfig) -> None:
        """A change of settings makes every scene of the ledger dirty; equal ones cost nothing."""
        ledger, now = self._stores.ledger, self._clock.now()
        fingerprint = config.wish_fingerprint()
        known = ledger.get_meta("settings")
        if known == fingerprint:
            return
        if known:
            ledger.add_bulk("settings", "", None, now)
            self._log.info("Settings changed; the scenes written so far are checked again.")
        ledger.set_meta("settings", fingerprint)

    def _process(self, batch: Sequence[Job]) -> None:
        config = self._config
        if config is None:
            return
        self._stores.queue.start([job.scene for job in batch])
        for results in self._attempt(batch, config):
            self._record(results, config)
        now = self._clock.now()
        self._parts.sync(config).look_for_arrivals(now, refresh=False)
        self._busy_at = now
        before, self._jobs = self._jobs, self._jobs + len(batch)
        if before // TELL_EVERY != self._jobs // TELL_EVERY:
            self._tell_letters()

    def _attempt(self, batch: Sequence[Job], config: PlexSyncConfig) -> list[list[Result]]:
        """Run a batch; one that breaks our own code is repeated job by job, to find the culprit."""
        try:
            return [self._parts.sync(config).run(batch, self._clock.now())]
        except Exception as problem:  # noqa: BLE001 - the one net: a bug must not stop the queue
            if is_disk_trouble(problem):
                raise
            self._log.error(f"Unexpected: {problem!r}", trace=traceback.format_exc(limit=-6))
            if len(batch) == 1:
                error = PlexTemporaryError(f"unexpected {problem!r}", cause="bug")
                return [[Failed(batch[0], error)]]
        return [results for job in batch for results in self._attempt([job], config)]

    def _record(self, results: Sequence[Result], config: PlexSyncConfig) -> None:
        down = any(isinstance(r, Failed) and isinstance(r.error, PlexServerDown) for r in results)
        fault = down and self._parts.plex(config).check().state != "healthy"
        now = self._clock.now()
        waits = self._settle.batch(results, config, now, server_fault=fault)
        errors = {type(r.error).__name__: r.error for r in results if isinstance(r, Failed)}
        for wait in waits[:1]:
            self._hold_for(wait, errors)

    def _hold_for(self, wait: Wait, errors: dict[str, SyncError]) -> None:
        if wait.what == "stash" and "StashAuthError" in errors:
            self._hold = Hold("session")
            return
        wanted = {"plex": "PlexServerDown", "auth": "PlexAuthError", "stash": "StashDown"}
        error = errors.get(wanted[wait.what])
        self._wait_for(wait.what, error.message if error else "")

    def _wait_for(self, reason: str, detail: str) -> None:
        before = self._hold
        self._hold = hold(before, reason, self._clock.monotonic())
        if before.reason == reason:
            return
        words = {
            "plex": f"Plex is away ({detail}); jobs wait for it and nothing is lost.",
            "auth": "Plex rejects the token; enter a new one in Settings > Plugins > PlexSync. "
            "Jobs wait until then.",
            "stash": f"Stash is away ({detail}); jobs wait for it.",
        }
        if reason in words:
            self._log.warning(words[reason])

    def _sleep(self, now: float) -> None:
        if self._pending():
            self._keep_session(now)
        seen = inbox.signature(self._folder)
        if inbox.collect(self._folder, limit=1):
            return
        seconds = pause(
            self._hold, now, self._clock.monotonic(), self._stores.queue.next_due(), self._busy_at
        )
        if 0 <= now - seen / 1e9 < COARSE_MTIME:
            seconds = min(seconds, 0.25)
        self._clock.wait(seconds, lambda: inbox.signature(self._folder) != seen)

    def _keep_session(self, now: float) -> None:
        due = self._stash.next_keep_alive(now)
        if due is None or now < due:
            return
        try:
            self._stash.keep_alive(now)
        except StashAuthError:
            self._hold = Hold("session")
        except SyncError as error:
            self._stash_is_silent()
            self._log.debug(f"Stash: {error.message}")

    def _stash_is_silent(self) -> None:
        if self._silent_since is None:
            self._silent_since = self._clock.monotonic()
