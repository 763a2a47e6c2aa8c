"""Compares scenes with their Plex items; unchanged ones are not read again."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.plex.library_index import PlexIndex
from plexsync.edges.stash.client import StashClient
from plexsync.edges.stash.scene_answers import RawPage, ScenePage
from plexsync.flows.reconcile.comparison import NEVER, Comparison
from plexsync.flows.reconcile.unchanged import Basis, Unchanged
from plexsync.flows.sync.picture_reader import PictureReader
from plexsync.flows.sync.planning import kept_edits, plan_items
from plexsync.flows.sync.scene_matcher import SceneMatcher, candidates_of
from plexsync.flows.sync.scene_reader import is_other_file
from plexsync.flows.sync.scene_write import ItemWrite, SceneWrite
from plexsync.flows.sync.seen_equal import TRUST
from plexsync.flows.sync.selection import Selection
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import StashDown
from plexsync.model.job import Job
from plexsync.model.ledger import GIVEN_UP, KEPT, UNDONE, Observation, SceneState
from plexsync.model.paths import PathMap
from plexsync.model.plex import PlexItem, Target
from plexsync.model.reasons import RECONCILE
from plexsync.model.scene import Scene, SceneParts
from plexsync.policy.desired import desired, has_enough_metadata, hash_desired
from plexsync.policy.gaps import MISSING, find_gaps
from plexsync.policy.matching import NONE
from plexsync.policy.plan import shows

_NONE = Basis()

AT_ONCE = 100
"""Items that fill a request: several are in memory, since they are read ahead."""


class Compare:
    """Decides for which scenes items must be read from Plex, and compares them."""

    def __init__(
        self,
        config: PlexSyncConfig,
        stash: StashClient,
        pictures: PictureReader,
        index: PlexIndex,
        ledger: Ledger,
    ) -> None:
        self._config = config
        self._stash = stash
        self._pictures = pictures
        self._ledger = ledger
        path_map, _ = PathMap.parse(config.path_map)
        self._selection = Selection(config, stash)
        self._matcher = SceneMatcher(path_map, index, stash, ledger, self._selection)
        self._unchanged = Unchanged(config, self._selection, path_map, index, ledger)
        self._choices = config.picture_choices.keys()
        self._fingerprint = ""

    @property
    def parts(self) -> SceneParts:
        """What has to be read of the scenes."""
        return self._selection.parts

    def read(self, page: RawPage, after: int) -> tuple[ScenePage, Basis]:
        """Parse those scenes of a page of the ids above `after` of which anything has changed."""
        self._matcher.begin()
        self._selection.begin(())
        while True:
            known = self._selection.hierarchy
            basis = self._unchanged.basis(page, after, self._matcher.pins)
            scenes = page.scenes(basis.same)
            self._selection.begin(scenes.scenes)
            if self._selection.hierarchy is known:
                return scenes, basis

    def views(
        self, scenes: Sequence[Scene], oldest: float, basis: Basis = _NONE
    ) -> list[Comparison]:
        """What ledger and index have about a page of scenes, with what is known of their basis.

        Scenes that were never requested, and have not changed since `oldest`, are skipped (0: none
        is).
        """
        self._matcher.begin()
        self._selection.begin(scenes)
        self._fingerprint = f"{self._ledger.server} {self._config.desired_fingerprint()}"
        ids = [scene.id for scene in scenes]
        states, before = self._ledger.scenes(ids), self._ledger.observations(ids)
        views = [self._view(s, states.get(s.id), before.get(s.id, ()), basis) for s in scenes]
        for view in views:
            view.basis = basis.digests.get(view.scene.id, "")
            if self._concerns_us(view, oldest):
                self._desire(view)
        return views

    def _view(
        self,
        scene: Scene,
        state: SceneState | None,
        before: tuple[Observation, ...],
        basis: Basis,
    ) -> Comparison:
        found = self._matcher.propose(scene, basis.held)
        if state is not None and is_other_file(state, scene):
            state = None
        observations = tuple(
            Observation(part.target.rating_key, part.updated, "") for part in candidates_of(found)
        )
        return Comparison(scene, state, found, before, observations)

    def _concerns_us(self, view: Comparison, oldest: float) -> bool:
        """Whether the scene has enough metadata and should be in Plex."""
        scene, state = view.scene, view.state
        view.left_out = bool(self._selection.why_left_out(scene))
        if view.left_out or not scene.files or (state is not None and state.state == UNDONE):
            return False
        if state is None and max(scene.updated_at, scene.created_at) < oldest:
            return False
        if has_enough_metadata(scene):
            return True
        view.basis = ""
        return state is not None and any(target.written for target in state.targets)

    def _desire(self, view: Comparison) -> None:
        """Take over the last observations if nothing has changed; otherwise its items must be read."""
        images = self._images(view)
        wanted, _ = desired(view.scene, self._config, images, self._selection.hierarchy)
        if wanted is None:  # a sync would reject it too
            return
        view.pictures = len(self._choices - images.keys())
        view.desired_hash = hash_desired(wanted, view.scene.files, self._fingerprint)
        if view.match.confidence == NONE:
            gaps = ((MISSING, ""),) if self._config.reconcile_missing else ()
            view.observations = (Observation(0, 0, view.desired_hash, gaps, NONE),) if gaps else ()
        else:
            view.observations = tuple(
                observation._replace(desired_hash=view.desired_hash)
                for observation in view.observations
            )
        if _keys(view.observations) == _keys(view.before) and not view.waits:
            view.observations = view.before
        elif view.match.confidence != NONE:
            view.desired = wanted

    def _images(self, view: Comparison) -> Mapping[str, str]:
        """The checksums of the scene's pictures; those that may have changed are read from Stash."""
        scene, state = view.scene, view.state
        known = self._pictures.known_images(scene, state)
        if state is None or scene.updated_at <= state.since or not self._choices:
            return known
        view.basis = ""
        try:
            return self._pictures.read([(scene, state)])[0].images
        except StashDown:  # one scene's picture must not stop a reconciliation
            return known

    def inspect(
        self,
        views: Iterable[Comparison],
        items: Mapping[Target, PlexItem],
        broken: Container[Target],
        now: float,
    ) -> None:
        """Compare scenes with their live items; undecided ones are read again next time."""
        self._matcher.meet(items)
        for view in views:
            self._inspect(view, items, broken, now)

    def _inspect(
        self,
        view: Comparison,
        items: Mapping[Target, PlexItem],
        broken: Container[Target],
        now: float,
    ) -> None:
        if view.desired is None:
            return
        parts = candidates_of(view.match)
        found = self._matcher.confirm(view.scene, view.match, items)
        view.unread = any(part.target in broken for part in parts)
        view.absent = found.confidence == NONE
        if view.absent or view.unread:
            view.observations = tuple(
                observation._replace(updated=NEVER) for observation in view.observations
            )
            return
        job = Job(scene=view.scene.id, reason=RECONCILE, born=now)
        scene = SceneWrite(job, view.scene, view.state, view.desired, view.desired_hash)
        scene.matched, rivals = self._matcher.share(scene, found, items)
        view.lost = bool(rivals)
        view.basis = "" if view.lost else view.basis  # other scenes may give them up
        if view.state is not None and view.state.state in GIVEN_UP:
            scene.matched = self._matcher.free(view.scene, scene.matched)
        preserve = self._config.preserve_plex_edits
        view.shared = not scene.matched
        if all(shows(item, scene.values) for item, _ in scene.matched):  # as most do
            planned = []
        else:
            planned = plan_items(scene, self._ledger, preserve)
        view.writes = sum(bool(each.edits) for each in planned)
        gaps = {each.item.target.rating_key: _found(each, scene, preserve) for each in planned}
        view.observations = tuple(
            _judged(each, gaps.get(each.rating_key, ()), found.confidence, now)
            for each in view.observations
        )


def _found(write: ItemWrite, scene: SceneWrite, preserve: bool) -> tuple[tuple[str, str], ...]:
    """The gaps of an item as (kind, field), and the edits in Plex that stay."""
    kept = kept_edits(write, scene.values) if preserve else ()
    gaps = [(gap.kind, gap.field) for gap in find_gaps(write.edits, write.written)]
    return (*gaps, *((KEPT, name) for name in kept))


def _judged(
    observation: Observation, gaps: tuple[tuple[str, str], ...], confidence: str, now: float
) -> Observation:
    """The observation with what was found now. Plex's time of an edit has whole seconds only, so one
    that stays is dated by our clock.
    """
    return observation._replace(
        updated=observation.updated if observation.updated < now - TRUST else NEVER,
        gaps=gaps,
        confidence=confidence,
        queued_at=now if any(kind == KEPT for kind, _ in gaps) else 0.0,
    )


def _keys(observations: Sequence[Observation]) -> list[tuple[int, int, str]]:
    """What must be unchanged for an observation to stay valid."""
    return sorted(
        (observation.rating_key, observation.updated, observation.desired_hash)
        for observation in observations
    )


def in_batches(
    views: Iterable[Comparison], flush: bool
) -> tuple[list[list[Comparison]], list[Comparison]]:
    """Group scenes so that the items of each batch fill one request. Returns the batches and the
    scenes left over; with `flush` the last batch may be smaller, and no scene is left over.
    """
    batches: list[list[Comparison]] = []
    batch: list[Comparison] = []
    items = 0
    for view in views:
        more = len(targets_of(view))
        if batch and items + more > AT_ONCE:
            batches.append(batch)
            batch, items = [], 0
        batch.append(view)
        items += more
    if batch and (flush or items >= AT_ONCE):
        batches.append(batch)
        batch = []
    return batches, batch


def targets_of(view: Comparison) -> set[Target]:
    """The items that must be read to compare a scene."""
    return {part.target for part in candidates_of(view.match)}
