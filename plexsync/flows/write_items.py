"""Plex's side of a batch: plan, write, read back, record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from plexsync.edges.covers import CoverImage
from plexsync.edges.ledger import Ledger
from plexsync.edges.log import Log
from plexsync.edges.plex import PlexClient
from plexsync.edges.stash import StashClient
from plexsync.flows.gather import Wish
from plexsync.flows.locate import Located
from plexsync.flows.planning import is_foreign, plan_scene
from plexsync.flows.plex_watch import PlexWatch
from plexsync.flows.results import Done, Failed, Postponed, Result
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import (
    PlexAuthError,
    PlexServerDown,
    PlexTemporaryError,
    SyncError,
    TransientError,
)
from plexsync.model.ledger import SYNCED, WAITING, SceneState, TargetState
from plexsync.model.plex import FIELDS, IMAGE, Base, Edit, PlexItem, Target, Value, Written
from plexsync.model.values import value_hash
from plexsync.policy.outcome import adopted, applied, is_upload_of, recorded

AHEAD = 10
"""Items planned at a time; Plex needs longer to write them than we to plan the next."""

ReadBack = Callable[[Iterable[Target]], tuple[dict[Target, PlexItem], dict[Target, SyncError]]]


@dataclass(slots=True)
class Write:
    """One item of a wish: what is known of it, what is to change, and what became of that."""

    item: PlexItem
    part: str
    edits: tuple[Edit, ...]
    before: TargetState
    written: dict[str, Written]
    base: dict[str, Base]
    dirty: frozenset[str]
    sent: tuple[Edit, ...] = ()
    done: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Task:
    """A wish with its writes; `error` is the first thing that went wrong."""

    wish: Wish
    values: dict[str, Value]
    writes: list[Write]
    error: SyncError | None = None
    postponed: bool = False

    @property
    def changing(self) -> bool:
        """Whether anything of it goes to Plex."""
        return any(write.edits for write in self.writes)


class _Interrupted(Exception):
    """The worker is to step aside; what was not sent yet waits."""


class WriteItems:
    """Writes the located items of a batch, a few at a time, and records what Plex confirms."""

    def __init__(
        self,
        config: PlexSyncConfig,
        plex: PlexClient,
        stash: StashClient,
        ledger: Ledger,
        pool: Executor,
        read: ReadBack,
        watch: PlexWatch,
        log: Log,
    ) -> None:
        self._config = config
        self._plex = plex
        self._stash = stash
        self._ledger = ledger
        self._pool = pool
        self._read = read
        self._watch = watch
        self._log = log
        self._stopped: SyncError | None = None

    def run(self, located: Sequence[Located], now: float) -> list[Result]:
        """Bring every located item in step; one result per wish."""
        tasks = self._write_all(located, now)
        self._read_back([task for task in tasks if task.changing])
        for task in tasks:
            self._settle(task, now)
        self._ledger.save(
            [self._state(task, now, intent=False) for task in tasks if not task.postponed]
        )
        return [self._result(task) for task in tasks]

    def _write_all(self, located: Sequence[Located], now: float) -> list[Task]:
        """Plan and write; the next few are planned while Plex is busy with the last few."""
        self._stopped = None
        tasks: list[Task] = []
        under_way: list[Future[None]] = []
        try:
            for start in range(0, len(located), AHEAD):
                some = [self._task(each) for each in located[start : start + AHEAD]]
                changing = [task for task in some if task.changing]
                # Intent first: after a crash the ledger still knows what Plex had, what is ours.
                self._ledger.save([self._state(task, now, intent=True) for task in changing])
                under_way += [self._pool.submit(self._write_task, task) for task in changing]
                tasks += some
        finally:
            wait(under_way)
        for each in under_way:
            each.result()
        return tasks

    def _task(self, located: Located) -> Task:
        wish = located.wish
        planned = plan_scene(located, self._ledger, self._config.preserve_plex_edits)
        for name in planned.cut:
            self._log.warn_once(
                f"cut {wish.scene.id} {name}",
                f"The {name} is longer than Plex takes in one request; its end was cut.",
                scene=wish.scene.id,
            )
        writes = [
            Write(
                p.item, p.part, p.edits, p.before, dict(p.ours), dict(p.before.base), p.before.dirty
            )
            for p in planned.items
        ]
        return Task(wish, dict(planned.values), writes)

    def _write_task(self, task: Task) -> None:
        if self._stopped is not None:
            task.postponed = True
            return
        try:
            for write in task.writes:
                self._write(task.wish, write)
        except _Interrupted:
            task.postponed = True
        except SyncError as error:
            task.error = error
            if isinstance(error, (PlexServerDown, PlexAuthError)):
                self._stopped = error

    def _write(self, wish: Wish, write: Write) -> None:
        text = [edit for edit in write.edits if FIELDS[edit.field].kind != IMAGE]
        target = write.item.target
        if text:
            self._plex.verify_server()
            with self._gently():
                write.sent = tuple(text)
                write.sent = tuple(self._plex.write(target, text))
        for edit in write.edits:
            if FIELDS[edit.field].kind == IMAGE:
                self._upload(wish, write, edit)

    def _upload(self, wish: Wish, write: Write, edit: Edit) -> None:
        name, target = edit.field, write.item.target
        if name not in write.base or self._config.preserve_plex_edits:
            selected = self._plex.selected_image(target, name)
            unseen = write.before.unconfirmed
            if self._config.preserve_plex_edits and is_foreign(
                selected, name, write.written, unseen
            ):
                write.kept.add(name)
                return
            # After a crash the selected one may be what went up just then: that is not Plex's own.
            if not is_upload_of(selected, edit.value, unseen.get(name, "")):
                locked = FIELDS[name].edit in write.item.locks
                write.base.setdefault(name, Base(selected, locked))
        image = self._image(wish)
        with self._gently():
            self._plex.upload_image(target, name, image)
        write.done.add(name)

    @contextmanager
    def _gently(self) -> Iterator[None]:
        """One request that writes: at the pace of a recovery, and counted for it."""
        if not self._watch.throttle():
            raise _Interrupted
        try:
            yield
        except SyncError as error:
            self._watch.wrote(not isinstance(error, TransientError))
            raise
        self._watch.wrote(True)

    def _image(self, wish: Wish) -> bytes:
        if wish.image is None:
            cover = self._stash.cover(wish.scene.id)
            if not isinstance(cover, CoverImage):
                raise PlexTemporaryError("Stash no longer has the cover that was to go up")
            wish.image = cover.data
        return wish.image

    def _read_back(self, tasks: Sequence[Task]) -> None:
        """Look at what Plex has now; only that is ever recorded as written."""
        writes = [w for task in tasks if not task.postponed for w in task.writes if w.sent]
        if not writes:
            return
        try:
            items, _ = self._read({write.item.target for write in writes})
        except SyncError as error:
            for task in tasks:
                task.error = task.error or error
            return
        for write in writes:
            item = items.get(write.item.target)
            if item is not None:
                write.done |= {edit.field for edit in write.sent if applied(edit, item)}

    def _settle(self, task: Task, now: float) -> None:
        for write in task.writes:
            agreed = adopted(task.values, write.item, write.written, write.dirty)
            sent = {edit.field: edit for edit in write.sent}
            for edit in write.edits:
                if edit.field in write.done:
                    value = recorded(sent.get(edit.field, edit), task.values, write.written)
                    write.written[edit.field] = Written(value, edit.wish, now)
            for name, value in agreed.items():
                write.written[name] = Written(value, value_hash(value), now)
            missed = {edit.field for edit in write.edits} - write.done - write.kept
            write.dirty = frozenset(missed)
            if missed and not task.postponed and task.error is None:
                task.error = PlexTemporaryError(
                    f"Plex took the edit, but {', '.join(sorted(missed))} reads back different",
                    cause="not applied",
                )

    def _state(self, task: Task, now: float, *, intent: bool) -> SceneState:
        wish = task.wish
        in_step = not intent and task.error is None
        previous = wish.state
        missing = frozenset({"poster"}) if wish.cover_missing and self._config.sync_poster else None
        return SceneState(
            scene=wish.scene.id,
            state=SYNCED if in_step else WAITING,
            detail="" if task.error is None else task.error.message,
            since=now,
            wish=wish.hash if in_step else "",
            oshash=wish.scene.files[0].oshash,
            path=wish.scene.files[0].path,
            cover_etag=wish.cover_etag if in_step else previous.cover_etag if previous else "",
            cover_sha1=wish.cover_sha1 if in_step else previous.cover_sha1 if previous else "",
            destroyed_at=None,
            entities=wish.desired.entities,
            targets=tuple(
                self._target(task, write, now, intent=intent, missing=missing)
                for write in task.writes
            ),
        )

    def _target(
        self, task: Task, write: Write, now: float, *, intent: bool, missing: frozenset[str] | None
    ) -> TargetState:
        for edit in write.edits:
            if FIELDS[edit.field].kind != IMAGE and edit.field not in write.base:
                before = write.item.values.get(edit.field, "")
                locked = FIELDS[edit.field].edit in write.item.locks
                write.base[edit.field] = Base(before, locked)
        planned = frozenset(edit.field for edit in write.edits)
        dirty = write.dirty | planned if intent else write.dirty | (missing or frozenset())
        coming = {
            e.field: recorded(e, task.values, write.written) for e in write.edits if not e.lock_only
        }
        return TargetState(
            target=write.item.target,
            part=write.part,
            written=write.written,
            base=write.base,
            dirty=dirty,
            unconfirmed={n: value for n, value in coming.items() if intent or n in write.dirty},
            synced_at=now,
        )

    def _result(self, task: Task) -> Result:
        job = task.wish.job
        if task.postponed:
            return Postponed(job)
        if task.error is not None:
            return Failed(job, task.error)
        changed = {e.field for w in task.writes for e in w.edits if not e.lock_only}
        return Done(
            job=job,
            state=SYNCED,
            changed=tuple(name for name in FIELDS if name in changed),
            confidence=task.wish.confidence,
            cover_missing=task.wish.cover_missing,
        )
