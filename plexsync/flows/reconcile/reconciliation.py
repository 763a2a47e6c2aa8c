"""Compares Stash and Plex page by page: gaps are found here, and closed by queued jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.plex.client import PlexClient
from plexsync.edges.plex.library_index import PlexIndex
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.edges.stash.client import StashClient
from plexsync.edges.stash.scene_answers import ScenePage
from plexsync.flows.reconcile.compare import Compare, in_batches, targets_of
from plexsync.flows.reconcile.comparison import Comparison
from plexsync.flows.reconcile.orphans import count_orphans
from plexsync.flows.reconcile.read_ahead import PagesAhead, ReadAhead
from plexsync.flows.reconcile.unchanged import Basis
from plexsync.flows.sync.item_reader import ItemReader
from plexsync.flows.sync.matcher import ItemMatcher
from plexsync.flows.sync.picture_reader import PictureReader
from plexsync.flows.updated import is_past
from plexsync.model.config import PlexSyncConfig
from plexsync.model.formatting import quoted
from plexsync.model.job import COMPARES
from plexsync.model.ledger import Observation
from plexsync.model.library_names import called
from plexsync.model.paths import PathMap
from plexsync.model.plex import Section
from plexsync.model.reasons import RECONCILE, SWEEP
from plexsync.model.scene import Scene
from plexsync.policy.dry_pass import Judged
from plexsync.policy.gaps import MISSING, ORPHANED, Gap, GapCount, chosen
from plexsync.policy.reconcile_schedule import ALL, Order, Run

_BEYOND = 2**62
"""Larger than every scene id."""

Tell = Callable[[Run], None]
Judge = Callable[[Judged], None]


class NoSuchLibrary(ValueError):
    """No library that PlexSync writes to has that name."""


@dataclass(slots=True)
class _Session:
    """State of a run that is not stored."""

    started: float
    waiting: set[int]
    """Scenes found by an earlier reconciliation that are not in the queue yet."""
    section: Section | None = None
    held: list[Comparison] = field(default_factory=list)
    """Scenes whose items are not read yet, until they fill a request."""
    met: set[int] = field(default_factory=set)
    """Rating keys observed by a dry run, which stores no observations."""

    def not_met(self, keys: Sequence[int]) -> list[int]:
        """Those of these rating keys that it has not observed."""
        return [key for key in keys if key not in self.met]


class Reconciliation:
    """Compares pages of scenes with Plex and queues what differs, behind the edits.

    Only counts and less than one request's worth of scenes are kept from page to page.
    """

    def __init__(
        self,
        config: PlexSyncConfig,
        stash: StashClient,
        pictures: PictureReader,
        plex: PlexClient,
        matcher: ItemMatcher,
        index: PlexIndex,
        ledger: Ledger,
        queue: JobQueue,
        readers: Executor,
        pages: Executor,
    ) -> None:
        self._config = config
        self._stash = stash
        self._plex = plex
        self._matcher = matcher
        self._pages = PagesAhead(stash, pages)
        self._ahead = ReadAhead(ItemReader(plex, index), readers, config.plex_connections)
        self._index = index
        self._ledger = ledger
        self._queue = queue
        self._map, _ = PathMap.parse(config.path_map)
        self._compare = Compare(config, stash, pictures, index, ledger)
        self._session: _Session | None = None

    def page(
        self,
        run: Run,
        now: float,
        *,
        dry: bool = False,
        tell: Tell = lambda run: None,
        judge: Judge | None = None,
    ) -> Run:
        """Compare the next page of a run; returns the run's new state, `done` after the last page.

        What was found is queued when this returns. A `dry` run writes nothing but the index, which
        is a cache. `tell` is called with the run's state now and then, `judge` with what a
        sync would do with each scene. Raises NoSuchLibrary, or SyncError if a server fails: then repeat the page.
        """
        session = self._begin(run, now)
        page, basis = self._read(run, now, whole=judge is not None)
        scenes, over = _in_scope(page, run.order)
        views = self._views(run, scenes, basis, session, now, flush=over, tell=tell)
        if judge is not None:
            for view in views:
                judge(view.judged(strict=self._config.strict_matching))
        session.met.update(*basis.same.values() if dry else ())
        tally = self._record(run, views, session, now, dry)
        tally = self._pass_over(page, tally, now, dry)
        if run.order.scope == ALL:
            tally = self._after_page(run, page, over, tally, session, dry)
        checked = run.checked + len(scenes) + len(page.odd) + len(page.known)
        return replace(
            run,
            cursor=page.last,
            held=tuple(view.scene.id for view in session.held),
            checked=checked,
            total=max(run.total, checked + page.left if run.order.scope == ALL else checked),
            seen=now,
            done=over,
            tally=tally,
        )

    def _begin(self, run: Run, now: float) -> _Session:
        """Before the first page in this process: check the server, refresh the index once."""
        session, self._session = self._session, None
        held = [view.scene.id for view in session.held] if session else []
        if session is not None and (session.started, held) == (run.started, list(run.held)):
            self._session = session
            return session
        self._matcher.verify_server()
        self._matcher.refresh()
        waiting = {
            scene
            for backfill in self._ledger.backfills()
            if backfill.reason in COMPARES and backfill.kind == "scene"
            for scene in self._ledger.backfill_ids(backfill, backfill.after)
        }
        session = _Session(run.started, waiting, self._section(run.order))
        if run.held:
            session.held = self._compare.views(
                self._stash.readable_scenes(run.held, self._compare.parts), 0.0
            )
        self._session = session
        return session

    def _section(self, order: Order) -> Section | None:
        if not order.library:
            return None
        known = self._plex.sections(self._config.plex_library).found
        meant = called(order.library, [section.title for section in known])
        for section in known:
            if section.title in meant:
                return section
        names = ", ".join(section.title for section in known) or "none"
        raise NoSuchLibrary(
            f"PlexSync writes to no library named {quoted(order.library)}, only to: {names}."
        )

    def _read(self, run: Run, now: float, *, whole: bool) -> tuple[ScenePage, Basis]:
        """The next page; unless it is read `whole`, without the scenes that have not changed."""
        size, parts = self._config.reconcile_batch_size, self._compare.parts
        if run.order.scope != ALL:
            page = run.cursor + 1
            return self._stash.latest_scenes(f"{run.order.by}_at", page, size, parts), Basis()
        raw = self._pages.page(run.cursor, size, parts, now)
        return (raw.scenes(), Basis()) if whole else self._compare.read(raw, run.cursor)

    def _views(
        self,
        run: Run,
        scenes: Sequence[Scene],
        basis: Basis,
        session: _Session,
        now: float,
        *,
        flush: bool,
        tell: Tell,
    ) -> list[Comparison]:
        """The decided scenes of a page, with those held back by earlier pages."""
        oldest = float(self._ledger.get_meta("installed_at") or 0.0) if run.order.known else 0.0
        views = self._compare.views(scenes, oldest, basis)
        waiting = (view for view in views if view.desired is not None)
        batches, held = in_batches([*session.held, *waiting], flush)
        needed = [set().union(*map(targets_of, batch)) for batch in batches]
        with closing(self._ahead.each(needed)) as read:
            for batch, (items, broken) in zip(batches, read, strict=True):
                tell(run)
                self._compare.inspect(batch, items, broken, now)
        session.held = held
        return [*(view for view in views if view.desired is None), *chain.from_iterable(batches)]

    def _record(
        self, run: Run, views: Sequence[Comparison], session: _Session, now: float, dry: bool
    ) -> GapCount:
        """Store observations, count the page's gaps and queue their scenes: safe against a crash."""
        tally, ids = run.tally, []
        changed: list[tuple[int, Sequence[Observation]]] = []
        for view in views:
            gaps = () if view.tried else self._gaps(view, run.order, session)
            sure = not (view.unsure and self._config.strict_matching)
            wanted = bool(gaps) and sure and not dry
            if view.unread:
                tally = replace(tally, unread=tally.unread + 1)
            if gaps:
                tally = tally.add(f"scene {view.scene.id}", gaps, queued=wanted, unsure=view.unsure)
            if wanted and not self._waits(view.scene.id, session):
                ids.append(view.scene.id)
                view.observations = tuple(
                    observation._replace(queued_at=now) for observation in view.observations
                )
            if (concluded := view.concluded) != view.before:
                changed.append((view.scene.id, concluded))
            if dry:
                session.met.update(observation.rating_key for observation in view.observations)
        if not dry:
            self._ledger.save_observations(changed)
            if ids:
                self._ledger.add_backfill(RECONCILE, "scene", ids, now)
                session.waiting.update(ids)
            moved = [view.scene.id for view in views if view.misjudged and view.scene.id not in ids]
            if moved:  # now left out or let in, or with an item of their own, which is no gap
                self._ledger.add_backfill(SWEEP, "scene", moved, now)
        return tally

    def _gaps(self, view: Comparison, order: Order, session: _Session) -> tuple[Gap, ...]:
        section = session.section
        gaps = view.gaps(section.key if section else "")
        if section and any(gap.kind == MISSING for gap in gaps):
            gaps = gaps if self._lies_in(view.scene, section) else ()
        return chosen(gaps, order.kinds, order.fields)

    def _lies_in(self, scene: Scene, section: Section) -> bool:
        """Whether the scene's files are in that library's folders."""
        paths = [self._map.to_plex(file.path) for file in scene.files]
        return any(section.below(path) is not None for path in paths)

    def _waits(self, scene: int, session: _Session) -> bool:
        job = self._queue.jobs.get(scene)
        return scene in session.waiting or (job is not None and job.reason in COMPARES)

    def _pass_over(self, page: ScenePage, tally: GapCount, now: float, dry: bool) -> GapCount:
        """Skip scenes for which Stash's answer is unusable; those that were ever synced are queued,
        so that each gets a dead letter that says what is wrong.
        """
        known = list(self._ledger.scenes(list(page.odd)))
        if known and not dry:
            self._ledger.add_backfill(RECONCILE, "scene", known, now)
        return replace(tally, unread=tally.unread + len(page.odd))

    def _queue_vanished(self, run: Run, page: ScenePage, last: int) -> None:
        """Queue scenes of the ledger that Stash no longer lists, to be checked one by one."""
        there = {scene.id for scene in page.scenes} | page.known
        pinned = {scene for scene in self._ledger.only_pinned() if run.cursor < scene <= last}
        if gone := {*self._ledger.live_between(run.cursor, last), *pinned} - there:
            self._ledger.add_backfill(SWEEP, "scene", gone, run.seen)

    def _after_page(
        self, run: Run, page: ScenePage, over: bool, tally: GapCount, session: _Session, dry: bool
    ) -> GapCount:
        """Delete observations of removed scenes; after the last page list the orphans."""
        if not dry:
            last = _BEYOND if over else page.last
            self._queue_vanished(run, page, last)
            there = {scene.id for scene in page.scenes} | page.odd | page.known
            self._ledger.forget_observations(run.cursor, last, there)
        if not over or not chosen([Gap(ORPHANED)], run.order.kinds, ()):
            return tally
        section = session.section.key if session.section else ""
        if dry:
            return count_orphans(tally, self._index, section, session.not_met, lambda found: None)
        keep = partial(self._ledger.keep_orphans, now=run.started)
        tally = count_orphans(tally, self._index, section, self._ledger.unclaimed, keep)
        self._ledger.forget_older_orphans(section, run.started)
        return tally


def _in_scope(page: ScenePage, order: Order) -> tuple[list[Scene], bool]:
    """The scenes in the order's scope, and whether none follows."""
    if order.scope == ALL:
        return list(page.scenes), page.left <= 0
    times = [(s, s.created_at if order.by == "created" else s.updated_at) for s in page.scenes]
    scenes = [scene for scene, at in times if at >= order.since]
    return scenes, page.left <= 0 or not times or is_past(times[-1][1], order.since)
