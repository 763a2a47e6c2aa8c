"""Which Plex items stand for a scene: the index proposes, the live items decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from plexsync.edges.clock import Clock
from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.edges.plex.client import PlexClient
from plexsync.edges.plex.library_index import Depth, PlexIndex
from plexsync.edges.stash.client import StashClient
from plexsync.flows.results import Done, Failed, Result
from plexsync.flows.sync.claims import Claims
from plexsync.flows.sync.scene_reader import DesiredScene
from plexsync.flows.sync.unreadable import unreadable_items
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import (
    REQUEST,
    AmbiguousMatch,
    PlexAuthError,
    PlexNotFound,
    PlexTemporaryError,
    SyncError,
    TransientError,
)
from plexsync.model.job import EDIT
from plexsync.model.ledger import SHARED, Pin
from plexsync.model.paths import PathMap
from plexsync.model.plex import IndexedPart, PlexItem, Target
from plexsync.model.plex_state import FAILURE
from plexsync.model.reasons import FORCED
from plexsync.policy.backoff import is_last_try
from plexsync.policy.matching import Match, describe, match, pinned
from plexsync.policy.passed_over import why_missing

REFRESH_PAUSE = 30.0
"""Seconds between two refreshes of the index for the sake of misses."""

MOST_CANDIDATES = 20
"""Items looked at live for one scene; a file name as common as this matches nothing anyway."""


@dataclass(slots=True)
class MatchedScene:
    """A wish with the live items it is to be written to, and the Plex file that matched each."""

    desired_scene: DesiredScene
    items: list[tuple[PlexItem, str]]


class ItemMatcher:
    """Matches scenes with Plex items; refreshes the index at most once for a batch's misses."""

    def __init__(
        self,
        config: PlexSyncConfig,
        plex: PlexClient,
        index: PlexIndex,
        ledger: Ledger,
        stash: StashClient,
        clock: Clock,
        log: Log,
    ) -> None:
        self._config = config
        self._plex = plex
        self._index = index
        self._ledger = ledger
        self._clock = clock
        self._log = log
        self._map, _ = PathMap.parse(config.path_map)
        self._claims = Claims(self._map, stash, ledger)
        self._refreshed: float | None = None
        self._pins: dict[int, Pin] = {}
        self.news = False
        """The index has learned of files since somebody last reset this."""

    def match(
        self, desired_scenes: Sequence[DesiredScene]
    ) -> tuple[list[MatchedScene], list[Result]]:
        """Split a batch into what is found in Plex and what ends or waits here."""
        if not desired_scenes:
            return [], []
        self.meet_server()
        self._pins = self._ledger.pins()
        if not self._index.complete(self._config.plex_library):
            self.refresh()
        found, failed, misses = self._pass(desired_scenes)
        for worthwhile in (self._news_may_help, self._reading_may_help):
            depth = worthwhile(misses) if misses else None
            if depth is not None:
                self.refresh(depth)
                more, worse, misses = self._pass(misses)
                found, failed = found + more, failed + worse
        return found, failed + [
            Failed(desired_scene.job, self._missing(desired_scene)) for desired_scene in misses
        ]

    def _news_may_help(self, misses: Sequence[DesiredScene]) -> Depth | None:
        """Whether to ask Plex what is new."""
        worth = self._may_refresh() or any(map(_asked_for_now, misses))
        return Depth.NEW if worth else None

    def _reading_may_help(self, misses: Sequence[DesiredScene]) -> Depth | None:
        """Whether to read whole libraries: where the clock moved, all before one is given up."""
        last = any(is_last_try(desired_scene.job) for desired_scene in misses)
        depth = Depth.DOUBTED if last else Depth.MISSED
        return depth if self._index.worth_reading(self._clock.now(), depth) else None

    def _missing(self, desired_scene: DesiredScene) -> PlexNotFound:
        pin = self._pins.get(desired_scene.scene.id)
        if pin is not None:
            return PlexNotFound(
                "Plex does not have the file that this scene is pinned to; take the pin back to "
                "match the scene by its own path again",
                paths=[self._map.to_stash(pin.part)],
            )
        files = [(self._map.to_plex(file.path), file.size) for file in desired_scene.scene.files]
        message = why_missing(files, self._index.libraries)
        return PlexNotFound(message, paths=[file.path for file in desired_scene.scene.files])

    def first_server(self) -> None:
        """Before anything is known of any server, ask which one it is."""
        if not self._ledger.server:
            self.meet_server()

    def meet_server(self) -> None:
        """Make sure that the ledger and Plex mean the same server.

        Raises PlexTemporaryError when another one answers than the batch was gathered for.
        """
        self._plex.verify_server()
        if self._ledger.use_server(self._plex.server_id()):
            self._log.warning(
                "Another Plex server answers at this address; it starts with an empty ledger."
            )
            raise PlexTemporaryError("another Plex server answers", cause="server", fault=REQUEST)

    def _pass(
        self, desired_scenes: Sequence[DesiredScene]
    ) -> tuple[list[MatchedScene], list[Result], list[DesiredScene]]:
        proposals = [self._propose(desired_scene) for desired_scene in desired_scenes]
        items, broken = self.read({part.target for parts in proposals for part in parts})
        found: list[MatchedScene] = []
        ended: list[Result] = []
        misses: list[DesiredScene] = []
        for desired_scene, parts in zip(desired_scenes, proposals, strict=True):
            error = next((broken[p.target] for p in parts if p.target in broken), None)
            if error is not None:
                ended.append(Failed(desired_scene.job, error))
                continue
            live = self._live(parts, items)
            pin = self._pins.get(desired_scene.scene.id)
            outcome = self._judge(
                desired_scene, self._claims.match(desired_scene.scene, live, pin), items
            )
            if outcome is None:
                misses.append(desired_scene)
            elif isinstance(outcome, MatchedScene):
                found.append(outcome)
            else:
                ended.append(outcome)
        return found, ended, misses

    def _propose(self, desired_scene: DesiredScene) -> list[IndexedPart]:
        """The parts that decide by the index alone; the live items confirm or drop them."""
        pin = self._pins.get(desired_scene.scene.id)
        paths = [self._map.to_plex(file.path) for file in desired_scene.scene.files]
        parts = self._index.find([pin.part] if pin else paths)
        found = pinned(pin, parts) if pin else match(desired_scene.scene.files, parts, self._map)
        return list(found.candidates[:MOST_CANDIDATES])

    def _live(
        self, parts: Iterable[IndexedPart], items: dict[Target, PlexItem]
    ) -> list[IndexedPart]:
        """Only the parts that their items really have now, with Plex's size of today."""
        parts = list(parts)
        for part in parts:
            if part.target not in items:
                self._index.forget(part.target)
        return still_there(parts, items, self._index)

    def _judge(
        self, desired_scene: DesiredScene, found: Match, items: dict[Target, PlexItem]
    ) -> MatchedScene | Result | None:
        if found.confidence == "NONE":
            return None
        desired_scene.confidence = found.confidence
        named = describe(found.candidates)
        tell = self._log.info if found.confidence == "LOW" else self._log.debug
        tell(
            f"{'Uncertain' if found.confidence == 'LOW' else 'Sure'} match by {found.rule} "
            f"({found.confidence} confidence)",
            scene=desired_scene.scene.id,
            candidates=len(named),
        )
        targets = list(found.targets)
        if found.confidence == "LOW":
            if self._config.strict_matching:
                return Failed(desired_scene.job, AmbiguousMatch(_ambiguous(found), named))
            self._log.warning(
                f"Took the first of {len(named)} Plex items that could be this scene.",
                scene=desired_scene.scene.id,
                path=[each.words() for each in named],
            )
            targets = targets[:1]
        return self._owned(desired_scene, [(items[t], found.matched[t]) for t in targets])

    def _owned(
        self, desired_scene: DesiredScene, items: list[tuple[PlexItem, str]]
    ) -> MatchedScene | Result:
        mine, rivals = self._claims.split(desired_scene, items, self._pins)
        if mine:
            return MatchedScene(desired_scene, mine)
        detail = "; ".join(rivals.values())
        return Done(
            job=desired_scene.job,
            state=SHARED,
            detail=detail,
            rivals=frozenset(rivals),
            path=desired_scene.scene.files[0].path,
        )

    def read(
        self, targets: Iterable[Target]
    ) -> tuple[dict[Target, PlexItem], dict[Target, SyncError]]:
        """The live items, many at a time; one that spoils its request is found by halving.

        Raises what is not a single item's fault.
        """
        wanted = sorted(targets, key=lambda t: t.rating_key)
        items: dict[Target, PlexItem] = {}
        broken: dict[Target, SyncError] = {}
        for start in range(0, len(wanted), 50):
            self._read_some(wanted[start : start + 50], items, broken)
        if len(broken) > 1 and not items:  # never that many items at once by their own faults
            raise next(iter(broken.values()))
        return items, broken

    def _read_some(
        self,
        wanted: Sequence[Target],
        items: dict[Target, PlexItem],
        broken: dict[Target, SyncError],
    ) -> None:
        try:
            answer = self._plex.items([target.rating_key for target in wanted])
        except (TransientError, PlexAuthError) as error:
            if not broken and not items and self._stops(error):
                raise
            if len(wanted) == 1:
                broken[wanted[0]] = error
                return
            middle = len(wanted) // 2
            self._read_some(wanted[:middle], items, broken)
            self._read_some(wanted[middle:], items, broken)
            return
        for target in wanted:
            item = answer.get(target.rating_key)
            if item is not None:
                items[target] = item

    def _stops(self, error: SyncError) -> bool:
        """Whether halving would be in vain: it concerns no item, or Plex as a whole."""
        return error.fault == REQUEST or (error.unproven and not self._plex.check(FAILURE).healthy)

    def _may_refresh(self) -> bool:
        now = self._clock.monotonic()
        return self._refreshed is None or now - self._refreshed >= REFRESH_PAUSE

    def follow(self) -> None:
        """Catch up with the libraries whose clocks moved; one request when none did."""
        self.meet_server()
        self.refresh(Depth.MOVED)

    def refresh(self, depth: Depth = Depth.NEW) -> None:
        """Bring the index up to date."""
        wanted, now = self._config.plex_library, self._clock.now()
        result = self._index.refresh(wanted, now, depth=depth)
        if depth is not Depth.MOVED:  # that one may have passed a library over
            self._refreshed = self._clock.monotonic()
        self.news = self.news or result.added > 0
        if result.whole:
            for line in unreadable_items(self._index):
                self._log.warn_once(line, line)
        for name in result.missing:
            self._log.warn_once(
                f"library {name}",
                f"Plex has no movie library named {name!r}; check the setting Plex libraries.",
            )


def still_there(
    parts: Iterable[IndexedPart], items: Mapping[Target, PlexItem], index: PlexIndex
) -> list[IndexedPart]:
    """Only the parts that their items really have now, with Plex's size of today.

    An item that has other files by now is corrected in the index.
    """
    live = []
    for part in parts:
        item = items.get(part.target)
        if item is None or item.deleted:
            continue
        sizes = {each.file: each.size for each in item.parts}
        if part.file in sizes:
            live.append(replace(part, size=sizes[part.file]))
        elif sizes:
            index.correct(part.target, item)
    return live


def _asked_for_now(desired_scene: DesiredScene) -> bool:
    """Whether somebody waits for this scene, who may just have let Plex scan its file."""
    job = desired_scene.job
    return job.priority == EDIT and job.reason == FORCED and not job.attempts


def _ambiguous(found: Match) -> str:
    if found.doubt:
        return f"one Plex item has a file of this name, but {found.doubt}; it is not taken"
    return (
        f"{len(found.targets)} Plex items could be this scene; none is taken while "
        '"Accept uncertain matches" is off'
    )
