"""Matches scenes with Plex items: the index proposes, the live items decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from plexsync.edges.clock import Clock
from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.edges.stash.client import StashClient
from plexsync.flows.results import Done, Failed, Result
from plexsync.flows.sync.item_reader import ItemReader
from plexsync.flows.sync.media_server import Depth, FileIndex, MediaServer
from plexsync.flows.sync.scene_matcher import SceneMatcher, candidates_of
from plexsync.flows.sync.scene_write import SceneWrite, divided
from plexsync.flows.sync.selection import Selection
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import (
    LIBRARY,
    REQUEST,
    AmbiguousMatch,
    Interrupted,
    PlexNotFound,
    PlexTemporaryError,
    SyncError,
)
from plexsync.model.formatting import counted, quoted
from plexsync.model.job import EDIT
from plexsync.model.ledger import SHARED
from plexsync.model.paths import PathMap
from plexsync.model.plex import PlexItem, Target
from plexsync.model.reasons import FORCED, OVERWRITE
from plexsync.policy.backoff import is_last_try
from plexsync.policy.matching import LOW, NONE, Match, describe
from plexsync.policy.passed_over import why_missing

REFRESH_PAUSE = 30.0
"""Seconds between refreshes of the index because of misses."""


class ItemMatcher:
    """Matches scenes with Plex items; refreshes the index at most once for a batch's misses."""

    def __init__(
        self,
        config: PlexSyncConfig,
        server: MediaServer,
        index: FileIndex,
        ledger: Ledger,
        stash: StashClient,
        clock: Clock,
        log: Log,
    ) -> None:
        self._config = config
        self._server = server
        self._index = index
        self._ledger = ledger
        self._clock = clock
        self._log = log
        self._map, _ = PathMap.parse(config.path_map)
        self._scenes = SceneMatcher(self._map, index, stash, ledger, Selection(config, stash))
        self._items = ItemReader(server, index)
        self._refreshed: float | None = None

    def match(
        self, scenes: Sequence[SceneWrite], *, ahead: bool = False
    ) -> tuple[list[SceneWrite], list[Result]]:
        """Split a batch into scenes that are found in Plex, and results of the others.

        With `ahead` the batch before it is still being written: raises Interrupted if libraries
        would have to be read, or if another server answers.
        """
        if not scenes:
            return [], []
        if ahead and self._server.server_id() != self._ledger.server:
            raise Interrupted
        self.verify_server()
        self._scenes.begin()
        if not self._index.complete(self._config.plex_library):
            self._refresh_in_turn(Depth.NEW, ahead=ahead)
        found, failed, misses = self._pass(scenes)
        trouble: SyncError | None = None
        for worthwhile in (self._news_may_help, self._reading_may_help):
            depth = worthwhile(misses) if misses and trouble is None else None
            if depth is not None:
                trouble = self._try_to_refresh(depth, ahead=ahead)
                more, worse, misses = self._pass(misses)
                found, failed = found + more, failed + worse
        return found, failed + [Failed(each.job, trouble or self._missing(each)) for each in misses]

    def _refresh_in_turn(self, depth: Depth, *, ahead: bool) -> None:
        if ahead:
            raise Interrupted
        self.refresh(depth)

    def _try_to_refresh(self, depth: Depth, *, ahead: bool) -> SyncError | None:
        """Refresh the index for misses; a library that cannot be listed holds up only those."""
        try:
            self._refresh_in_turn(depth, ahead=ahead)
        except PlexTemporaryError as problem:
            if problem.cause == "server":
                raise
            problem.fault = LIBRARY
            return problem
        return None

    def took_news(self) -> bool:
        """Whether the index has learned of files since this was last asked."""
        news, self._index.news = self._index.news, False
        return news

    def _news_may_help(self, misses: Sequence[SceneWrite]) -> Depth | None:
        """The depth of a refresh for new items; None if it would not help."""
        worth = self._may_refresh() or any(map(_asked_for_now, misses))
        return Depth.NEW if worth else None

    def _reading_may_help(self, misses: Sequence[SceneWrite]) -> Depth | None:
        """The depth for reading whole libraries: those whose clock moved, or all before a scene is
        given up.
        """
        last = any(is_last_try(each.job) for each in misses)
        depth = Depth.DOUBTED if last else Depth.MISSED
        return depth if self._index.worth_reading(self._clock.now(), depth) else None

    def _missing(self, scene: SceneWrite) -> PlexNotFound:
        pin = self._scenes.pins.get(scene.scene.id)
        if pin is not None:
            return PlexNotFound(
                "Plex does not have the file that this scene is pinned to; remove the pin to "
                "match the scene by its own path again",
                paths=[self._map.to_stash(pin.part)],
            )
        files = [(self._map.to_plex(file.path), file.size) for file in scene.scene.files]
        message = why_missing(files, self._index.libraries)
        return PlexNotFound(message, paths=[file.path for file in scene.scene.files])

    def verify_first_server(self) -> None:
        """Verify the server if none is known yet."""
        if not self._ledger.server:
            self.verify_server()

    def verify_server(self) -> None:
        """Make sure that the ledger is for the Plex server that answers.

        Raises PlexTemporaryError if another server answers than the one for which the batch was
        read.
        """
        self._server.verify_server()
        if self._ledger.use_server(self._server.server_id()):
            self._log.warning(
                "Another Plex server answers at this address; it starts with an empty ledger."
            )
            raise PlexTemporaryError("another Plex server answers", cause="server", fault=REQUEST)

    def _pass(
        self, scenes: Sequence[SceneWrite]
    ) -> tuple[list[SceneWrite], list[Result], list[SceneWrite]]:
        """The scenes that are found in Plex, results of others, and those that the index does not
        show yet.
        """
        for each in scenes:
            each.proposed = self._scenes.propose(each.scene)
        targets = {part.target for each in scenes for part in candidates_of(each.proposed)}
        items, broken = self._items.read(targets)
        self._scenes.meet(items)
        outcomes = [self._outcome(each, items, broken) for each in scenes]
        found, ended = divided(outcome for outcome in outcomes if outcome is not None)
        misses = [each for each, outcome in zip(scenes, outcomes, strict=True) if outcome is None]
        return found, ended, misses

    def _outcome(
        self,
        scene: SceneWrite,
        items: Mapping[Target, PlexItem],
        broken: Mapping[Target, SyncError],
    ) -> SceneWrite | Result | None:
        """The outcome of a proposal by the live items; None if Plex does not have the scene."""
        parts = candidates_of(scene.proposed)
        error = next((broken[p.target] for p in parts if p.target in broken), None)
        if error is not None:
            return Failed(scene.job, error)
        for part in parts:
            if part.target not in items:
                self._index.forget(part.target)
        found = self._scenes.confirm(scene.scene, scene.proposed, items)
        if found.confidence == NONE:
            return None
        scene.confidence = found.confidence
        refusal = self._log_match(scene, found)
        if refusal is not None:
            return refusal
        scene.matched, rivals = self._scenes.share(scene, found, items)
        scene.rivals = frozenset(rivals)
        if scene.matched:
            return scene
        return Done(
            job=scene.job,
            state=SHARED,
            detail="; ".join(rivals.values()),
            rivals=scene.rivals,
            path=scene.scene.files[0].path,
        )

    def _log_match(self, scene: SceneWrite, found: Match) -> Failed | None:
        """Log the confidence of the match; returns a failure if it is too low."""
        number, named = scene.scene.id, describe(found.candidates)
        unsure = found.confidence == LOW
        (self._log.info if unsure else self._log.debug)(
            f"{'Uncertain' if unsure else 'Sure'} match by {found.rule} "
            f"({found.confidence} confidence)",
            scene=number,
            candidates=len(named),
        )
        if unsure and self._config.strict_matching:
            return Failed(scene.job, AmbiguousMatch(_ambiguous(found), named))
        if unsure:
            self._log.warning(
                f"Used the first of {len(named)} Plex items that could be this scene.",
                scene=number,
                path=[each.words() for each in named],
            )
        return None

    def _may_refresh(self) -> bool:
        now = self._clock.monotonic()
        return self._refreshed is None or now - self._refreshed >= REFRESH_PAUSE

    def follow(self) -> None:
        """Refresh the libraries whose clocks moved; a single request if none did."""
        self.verify_server()
        self.refresh(Depth.MOVED)

    def refresh(self, depth: Depth = Depth.NEW) -> None:
        """Bring the index up to date."""
        wanted, now = self._config.plex_library, self._clock.now()
        result = self._index.refresh(wanted, now, depth=depth)
        if depth is not Depth.MOVED:  # that depth may have skipped a library
            self._refreshed = self._clock.monotonic()
        if result.whole:
            for line in unreadable_items(self._index):
                self._log.warn_once(line, line)
        for name in result.missing:
            self._log.warn_once(
                f"library {name}",
                f"Plex has no movie library named {quoted(name)}; check the setting Plex libraries.",
            )


def unreadable_items(index: FileIndex) -> Iterator[str]:
    """After a refresh, a line for each library with items that Plex itself cannot deliver."""
    names = {library.key: library.title for library in index.libraries}
    for key, items in index.unreadable().items():
        yield (
            f"Plex itself cannot read {counted(len(items), 'item')} of the library "
            f"{names.get(key, key)}; PlexSync continues without them. Check Setup says where they are."
        )


def _asked_for_now(scene: SceneWrite) -> bool:
    """Whether the user just requested this scene, perhaps after a scan in Plex."""
    job = scene.job
    return job.priority == EDIT and job.reason in (FORCED, OVERWRITE) and not job.attempts


def _ambiguous(found: Match) -> str:
    if found.doubt:
        return f"one Plex item has a file of this name, but {found.doubt}; it is not taken"
    return (
        f"{len(found.targets)} Plex items could be this scene; none is taken while "
        '"Accept uncertain matches" is off'
    )
