"""Plex's side of a batch: plan, write, read back, record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager
from typing import Protocol

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.edges.plex.client import PlexClient, Sent
from plexsync.edges.stash.client import StashClient
from plexsync.edges.stash.covers import CoverImage
from plexsync.flows.outage.outage_controller import OutageController
from plexsync.flows.results import Done, Failed, Postponed, Result
from plexsync.flows.sync.matcher import MatchedScene
from plexsync.flows.sync.planning import is_foreign, plan_scene
from plexsync.flows.sync.scene_reader import DesiredScene
from plexsync.flows.sync.write_record import Task, Write, compare, new_task, settle, state_of
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import (
    Interrupted,
    PlexAuthError,
    PlexServerDown,
    PlexTemporaryError,
    SyncError,
    TransientError,
)
from plexsync.model.ledger import SYNCED
from plexsync.model.plex import FIELDS, IMAGE, Base, Edit, PlexItem, Target
from plexsync.model.words import label
from plexsync.policy.notes import how_much
from plexsync.policy.outcome import is_upload_of

AHEAD = 10
"""Items planned at a time; Plex needs longer to write them than we to plan the next."""

Read = Callable[[Iterable[Target]], tuple[dict[Target, PlexItem], dict[Target, SyncError]]]


class LineLimits(Protocol):
    """Keeps how long a request line the server in use takes, from one process to the next."""

    def line_limit(self, now: float) -> int | None:
        """The longest request line in bytes; None: not known."""

    def keep_line_limit(self, limit: int, now: float) -> None:
        """Remember it for a while."""


class WriteItems:
    """Writes the located items of a batch, a few at a time, and records what Plex confirms."""

    def __init__(
        self,
        config: PlexSyncConfig,
        plex: PlexClient,
        stash: StashClient,
        ledger: Ledger,
        pool: Executor,
        read: Read,
        limits: LineLimits,
        outages: OutageController,
        log: Log,
    ) -> None:
        self._config = config
        self._plex = plex
        self._stash = stash
        self._ledger = ledger
        self._pool = pool
        self._read = read
        self._limits = limits
        self._outages = outages
        self._log = log
        self._stopped: SyncError | None = None

    def run(self, located: Sequence[MatchedScene], now: float) -> list[Result]:
        """Bring every located item in step; one result per wish."""
        known = self._plex.line_limit = self._limits.line_limit(now) if located else None
        tasks = self._write_all(located, now)
        self._read_back([task for task in tasks if task.changing])
        for task in tasks:
            settle(task, now)
            self._tell(task)
        self._save([task for task in tasks if task.touched], now, intent=False)
        if self._plex.line_limit not in (None, known):
            self._limits.keep_line_limit(self._plex.line_limit, now)
        return [self._result(task) for task in tasks]

    def _write_all(self, located: Sequence[MatchedScene], now: float) -> list[Task]:
        """Plan and write; the next few are planned while Plex is busy with the last few."""
        self._stopped = None
        tasks: list[Task] = []
        under_way: list[Future[None]] = []
        try:
            for start in range(0, len(located), AHEAD):
                some = [self._planned(each) for each in located[start : start + AHEAD]]
                changing = [task for task in some if task.changing]
                self._look_at_images([write for task in changing for write in task.writes])
                # Intent first: after a crash the ledger still knows what Plex had, what is ours.
                self._save(changing, now, intent=True)
                under_way += [self._pool.submit(self._write_task, task) for task in changing]
                tasks += some
        finally:
            wait(under_way)
        for each in under_way:
            each.result()
        return tasks

    def _planned(self, located: MatchedScene) -> Task:
        preserve = self._config.preserve_plex_edits
        return new_task(
            located.desired_scene, plan_scene(located, self._ledger, preserve, self._plex.fit)
        )

    def _save(self, tasks: Sequence[Task], now: float, *, intent: bool) -> None:
        self._ledger.save([state_of(task, now, intent=intent) for task in tasks])

    def _write_task(self, task: Task) -> None:
        if self._stopped is not None:
            task.postponed = True
            return
        try:
            for write in task.writes:
                self._write(task.desired_scene, write)
        except Interrupted:
            task.postponed = True
        except SyncError as error:
            task.error = error
            if isinstance(error, (PlexServerDown, PlexAuthError)):
                self._stopped = error

    def _write(self, desired_scene: DesiredScene, write: Write) -> None:
        text = [edit for edit in write.edits if FIELDS[edit.field].kind != IMAGE]
        target = write.item.target
        if text:
            self._plex.verify_server()
            with self._gently():
                write.sent = tuple(text)
                sent = self._plex.write(target, text)
            write.sent, write.torn, write.words = sent.edits, sent.torn, dict(sent.refused)
            self._tell_cut(desired_scene, sent)
        if write.unseen is not None:
            raise write.unseen
        for edit in write.images:
            if edit.field not in write.kept:
                self._upload(desired_scene, write, edit)

    def _look_at_images(self, writes: Sequence[Write]) -> None:
        """Before anything goes up: what Plex shows, for undo, and whether it is to stay."""
        preserve = self._config.preserve_plex_edits
        wanted = [w for w in writes if any(preserve or e.field not in w.base for e in w.images)]
        list(self._pool.map(self._look_at_item, wanted))

    def _look_at_item(self, write: Write) -> None:
        try:
            for edit in write.images:
                if self._config.preserve_plex_edits or edit.field not in write.base:
                    self._look(write, edit)
        except SyncError as error:
            write.unseen = error

    def _look(self, write: Write, edit: Edit) -> None:
        name, ours = edit.field, write.before.unconfirmed
        selected = self._plex.selected_image(write.item.target, name)
        if self._config.preserve_plex_edits and is_foreign(selected, name, write.written, ours):
            write.kept.add(name)
        # After a crash the selected one may be what went up just then: that is not Plex's own.
        elif not is_upload_of(selected, edit.value, ours.get(name, "")):
            locked = FIELDS[name].edit in write.item.locks
            write.base.setdefault(name, Base(selected, locked))

    def _upload(self, desired_scene: DesiredScene, write: Write, edit: Edit) -> None:
        name, target = edit.field, write.item.target
        image = self._image(desired_scene)
        with self._gently():
            refused = self._plex.upload_image(target, name, image)
        if refused:
            write.words[name] = refused
        else:
            write.done.add(name)

    @contextmanager
    def _gently(self) -> Iterator[None]:
        """One request that writes: at the pace of a recovery, and counted for it."""
        if not self._outages.throttle():
            raise Interrupted
        try:
            yield
        except SyncError as error:
            self._outages.record_write(not isinstance(error, TransientError))
            raise
        self._outages.record_write(True)

    def _image(self, desired_scene: DesiredScene) -> bytes:
        if desired_scene.image is None:
            cover = self._stash.cover(desired_scene.scene.id)
            if not isinstance(cover, CoverImage):
                raise PlexTemporaryError("Stash no longer has the cover that was to go up")
            desired_scene.image = cover.data
        return desired_scene.image

    def _read_back(self, tasks: Sequence[Task]) -> None:
        """Look at what Plex has now; only that is ever recorded as written."""
        writes = [w for task in tasks for w in task.writes if w.sent]
        if not writes:
            return
        try:
            with self._plex.in_flight.completing():
                items, _ = self._read({write.item.target for write in writes})
        except Interrupted:
            for task in tasks:
                task.postponed |= any(write.sent for write in task.writes)
            return
        except SyncError as error:
            for task in tasks:
                task.error = task.error or error.of_step()
            return
        for write in writes:
            item = items.get(write.item.target)
            if item is not None and compare(write, item):
                self._plex.replaces_lists()

    def _tell_cut(self, desired_scene: DesiredScene, sent: Sent) -> None:
        for name, cut in sent.cut.items():
            if cut.kept < cut.of:
                self._log.warn_once(
                    f"cut {desired_scene.scene.id} {name} {cut.kept}",
                    f"The {label(name)} is longer than Plex takes: "
                    f"{how_much(name, cut.kept, cut.of)} went.",
                    scene=desired_scene.scene.id,
                )

    def _tell(self, task: Task) -> None:
        for name, words in ((n, w) for write in task.writes for n, w in write.words.items()):
            self._log.warn_once(
                f"refused {name}",
                f"Plex refuses the {label(name)} of a scene ({words}); the rest of it is in step. "
                "It is tried again when it changes in Stash, or by Sync now. View Queue Status "
                "counts such scenes.",
                scene=task.desired_scene.scene.id,
            )

    def _result(self, task: Task) -> Result:
        job = task.desired_scene.job
        if task.postponed:
            return Postponed(job)
        if task.error is not None:
            return Failed(job, task.error)
        return Done(
            job=job,
            state=SYNCED,
            detail=task.notes,
            changed=task.changed,
            confidence=task.desired_scene.confidence,
        )
