"""What a batch has seen of items that show what they should: the next reconciliation need not read
them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.ledger.rows import standing_of
from plexsync.flows.sync.item_reader import AT_ONCE
from plexsync.flows.sync.media_server import FileIndex, Held
from plexsync.flows.sync.planning import kept_edits, plan_items
from plexsync.flows.sync.scene_write import SceneWrite
from plexsync.model.config import PlexSyncConfig
from plexsync.model.job import Job
from plexsync.model.ledger import Observation, SceneState
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.paths import PathMap
from plexsync.model.plex import IndexedPart, PlexItem, Target
from plexsync.model.reasons import RECONCILE
from plexsync.policy.batch_size import MOST
from plexsync.policy.desired import has_enough_metadata
from plexsync.policy.matching import HIGH
from plexsync.policy.unchanged import conclusion

TRUST = 5
"""Seconds. An item changed this recently may change again within the same second of Plex's clock."""

MOST_UNSETTLED = AT_ONCE - MOST
"""Items that are read a second time; with those of the next batch they fit into one request."""

Observed = list[tuple[int, Sequence[Observation]]]


class ReadBack(NamedTuple):
    """The items that were read after a batch was written.

    `moment` is a second of Plex's clock that had begun before any of them was read, 0 if none is
    known.
    """

    items: Mapping[Target, PlexItem] = {}
    moment: int = 0


class _Seen(NamedTuple):
    """A scene, its items as they were read, and what a reconciliation would observe of them.

    `old` if none of the items changed lately.
    """

    scene: int
    items: tuple[PlexItem, ...]
    observations: tuple[Observation, ...]
    old: bool

    def settled_by(self, moment: int) -> bool:
        """Whether no later change can carry the time of their last one."""
        return self.old or all(item.updated_at < moment for item in self.items)


class SeenEqual:
    """Makes the observations that a reconciliation would make of the same items.

    Plex dates its items to the second: what was written in the second in which it was read back
    may change once more without a trace, and is read again with the next batch.
    """

    def __init__(self, config: PlexSyncConfig, index: FileIndex, ledger: Ledger) -> None:
        self._preserve = config.preserve_plex_edits
        self._map, _ = PathMap.parse(config.path_map)
        self._index = index
        self._ledger = ledger
        self._unsettled: list[_Seen] = []

    @property
    def unsettled(self) -> set[Target]:
        """The items that should be read again together with those of the next batch."""
        return {item.target for seen in self._unsettled for item in seen.items}

    def observed(
        self,
        scenes: Sequence[SceneWrite],
        states: Sequence[SceneState],
        back: ReadBack,
        now: float,
    ) -> Observed:
        """The observations of this batch's scenes that show everything, and of those of earlier
        batches that have been read a second time. The batch began at `now`; `states` is what the
        ledger stores of its scenes.
        """
        batch = {each.scene.id for each in scenes}
        waiting = [seen for seen in self._unsettled if seen.scene not in batch]
        if back.items:
            waiting = [s for s in waiting if all(back.items.get(i.target) == i for i in s.items)]
        pairs = zip(scenes, states, strict=True)
        waiting += self._seen(list(pairs), back, now)
        settled = [seen for seen in waiting if seen.settled_by(back.moment)]
        self._unsettled = _few([seen for seen in waiting if not seen.settled_by(back.moment)])
        return [(seen.scene, seen.observations) for seen in settled]

    def _seen(
        self, pairs: Sequence[tuple[SceneWrite, SceneState]], back: ReadBack, now: float
    ) -> list[_Seen]:
        pinned = self._ledger.pins()
        equal: list[tuple[SceneWrite, SceneState, tuple[PlexItem, ...]]] = []
        for each, state in pairs:
            items = self._shown(each, back, now)
            if items and each.scene.id not in pinned and self._is_equal(each, state, items):
                equal.append((each, state, items))
        paths = [self._paths(each) for each, *_ in equal]
        held = self._index.at_paths([path for some in paths for path in some])
        found: list[_Seen] = []
        for (each, state, items), some in zip(equal, paths, strict=True):
            files = [file for path in some for file in held.get(path, ())]
            if {*map(_file, files)} == {*map(_proposed, each.proposed.candidates)}:
                basis = conclusion(each.basis, standing_of(state), files)
                observations = tuple(_observations(each, items, basis))
                found.append(_Seen(each.scene.id, items, observations, old=not each.changing))
        return found

    def _shown(self, each: SceneWrite, back: ReadBack, now: float) -> tuple[PlexItem, ...]:
        """The scene's items as they were read last; none unless that was after they changed."""
        if not each.changing:
            items = tuple(item for item, _ in each.matched)
            return items if all(item.updated_at < now - TRUST for item in items) else ()
        if any(item.target not in back.items for item, _ in each.matched):
            return ()
        return tuple(back.items[item.target] for item, _ in each.matched)

    def _is_equal(self, each: SceneWrite, state: SceneState, items: tuple[PlexItem, ...]) -> bool:
        """Whether all items that may be the scene's are, and show everything."""
        if not each.basis or each.error is not None or each.postponed:
            return False
        if each.confidence != HIGH or not has_enough_metadata(each.scene):
            return False
        if len(each.matched) != len(each.proposed.candidates):
            return False
        writes = each.items
        if each.changing:
            job = Job(scene=each.scene.id, reason=RECONCILE, born=each.job.born)
            after = SceneWrite(job, each.scene, state, each.desired, each.hash)
            after.matched = [(i, part) for i, (_, part) in zip(items, each.matched, strict=True)]
            writes = plan_items(after, self._ledger, self._preserve)
        if any(write.edits for write in writes):
            return False
        return not (self._preserve and any(kept_edits(w, each.values) for w in writes))

    def _paths(self, each: SceneWrite) -> list[str]:
        return [self._map.to_plex(file.path) for file in each.scene.files]


def _few(seen: Sequence[_Seen]) -> list[_Seen]:
    """The last of them, with so few items that reading these again takes no request of their own."""
    room, kept = MOST_UNSETTLED, []
    for each in reversed(seen):
        room -= len(each.items)
        if room < 0:
            break
        kept.append(each)
    return kept


def _observations(each: SceneWrite, items: Sequence[PlexItem], basis: str) -> Iterator[Observation]:
    for item in items:
        key, updated = item.target.rating_key, item.updated_at
        yield Observation(key, updated, each.hash, confidence=HIGH, basis=basis)


def _file(held: Held) -> tuple[object, ...]:
    _, key, section, place, size, file = held
    return key, section, place == 0, size, file


def _proposed(part: IndexedPart) -> tuple[object, ...]:
    """The same of a file as it was found before its item was read."""
    return part.target.rating_key, part.target.section, part.first, part.size, part.file
