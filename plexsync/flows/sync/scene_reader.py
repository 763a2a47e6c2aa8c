"""Stash's side of a batch: what each scene should look like in Plex."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.edges.stash.answers import SceneAnswers
from plexsync.edges.stash.client import StashClient
from plexsync.edges.stash.pictures import (
    Picture,
    PictureData,
    PictureMissing,
    PictureRefused,
    PictureUnchanged,
)
from plexsync.flows.results import Done, Failed, Result
from plexsync.flows.sync.collection_notes import CollectionNotes
from plexsync.flows.sync.selection import Selection
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import (
    PlexPermanentError,
    PlexTemporaryError,
    SceneGone,
    SceneUnusable,
    SyncError,
)
from plexsync.model.job import COMPARES, EDIT, Job
from plexsync.model.ledger import LEFT_OUT, SYNCED, TOO_LITTLE, UNDONE, SceneState
from plexsync.model.reasons import CREATE, FORCED, RETRY, SCAN, UPDATE
from plexsync.model.scene import WHOLE, Scene
from plexsync.policy.desired import Desired, desired, has_enough_metadata, hash_desired

MEANT = frozenset({UPDATE, CREATE, RETRY, FORCED})
"""Reasons that mean this very scene; only they make PlexSync write one again that was undone."""

KEPT_COVERS = 32 * 1024 * 1024
"""Bytes of cover images kept in memory for one batch; the rest is fetched again when it goes up."""


@dataclass(slots=True)
class DesiredScene:
    """One scene of a batch on its way to Plex."""

    job: Job
    scene: Scene
    state: SceneState | None
    desired: Desired
    hash: str
    cover_etag: str = ""
    cover_sha1: str = ""
    cover_missing: bool = False
    image: bytes | None = None
    cover_asked: bool = True
    """False until `with_covers`, for a scene that cannot be in step anyway."""
    confidence: str = ""
    """How sure its match with Plex is, once it has one."""


@dataclass(slots=True)
class ScenesRead:
    """What a batch came to on Stash's side."""

    desired_scenes: list[DesiredScene]
    """What Plex must see."""
    results: list[Result]
    """Jobs that end here."""
    scenes: dict[int, Scene]


class SceneReader:
    """Reads scenes and covers from Stash and decides which of them concern Plex at all."""

    def __init__(
        self,
        config: PlexSyncConfig,
        stash: StashClient,
        ledger: Ledger,
        pool: Executor,
        notes: CollectionNotes,
        log: Log,
    ) -> None:
        self._config = config
        self._pool = pool
        self._notes = notes
        self._stash = stash
        self._ledger = ledger
        self._log = log
        self._selection = Selection(config, stash)

    def read(self, jobs: Sequence[Job], now: float) -> ScenesRead:
        """Read a batch of at most 50 scenes.

        Raises StashDown or StashAuthError when Stash does not answer; no job is touched then.
        """
        answer = self._stash.scenes([job.scene for job in jobs], WHOLE)
        self._selection.begin(answer.scenes)
        scenes = {scene.id: scene for scene in answer.scenes}
        states = self._ledger.scenes([job.scene for job in jobs])
        installed_at = float(self._ledger.get_meta("installed_at") or 0.0)
        results: list[Result] = []
        open_: list[tuple[Job, Scene, SceneState | None]] = []
        for job in jobs:
            scene = scenes.get(job.scene)
            if scene is None:
                results.append(Failed(job, _absent(answer, job.scene)))
                continue
            state = self._own_state(states.get(job.scene), scene, now)
            early = self._ends_here(job, scene, state, installed_at)
            if early is None:
                open_.append((job, scene, state))
            else:
                results.append(early)
        known = [(scene, state) for _, scene, state in open_ if self._asks_now(state)]
        covers = iter(self._covers(known))
        desired_scenes: list[DesiredScene] = []
        for job, scene, state in open_:
            cover = next(covers) if self._asks_now(state) else None
            outcome = self._desired(job, scene, state, cover)
            if isinstance(outcome, DesiredScene):
                desired_scenes.append(outcome)
            else:
                results.append(outcome)
        _drop_beyond(desired_scenes, KEPT_COVERS)
        self._notes.save(now)
        return ScenesRead(desired_scenes, results, scenes)

    def with_covers(self, desired_scenes: Sequence[DesiredScene]) -> list[DesiredScene]:
        """The scenes with the covers that `read` left out: Plex has items for all of these."""
        late = [desired_scene for desired_scene in desired_scenes if not desired_scene.cover_asked]
        covers = iter(
            self._covers([(desired_scene.scene, desired_scene.state) for desired_scene in late])
        )
        whole = [
            desired_scene
            if desired_scene.cover_asked
            else self._with_cover(desired_scene, next(covers))
            for desired_scene in desired_scenes
        ]
        _drop_beyond(whole, KEPT_COVERS)
        return whole

    def _with_cover(self, desired_scene: DesiredScene, cover: Picture) -> DesiredScene:
        found = self._desired(desired_scene.job, desired_scene.scene, desired_scene.state, cover)
        return (
            replace(found, confidence=desired_scene.confidence)
            if isinstance(found, DesiredScene)
            else desired_scene
        )

    def _own_state(self, state: SceneState | None, scene: Scene, now: float) -> SceneState | None:
        """The ledger's row, unless Stash's database was replaced and the id means another file."""
        if state is not None and is_other_file(state, scene):
            self._ledger.set_aside(scene.id, now)
            self._log.warning(
                "A scene id now belongs to another file; its old record was set aside.",
                scene=scene.id,
            )
            return None
        return state

    def _ends_here(
        self, job: Job, scene: Scene, state: SceneState | None, installed_at: float
    ) -> Result | None:
        unwanted = self._unwanted(job, scene, state, installed_at)
        if unwanted is not None and (scene.files or unwanted.state == LEFT_OUT):
            return unwanted
        if not scene.files:
            error = PlexPermanentError("the scene has no file, so nothing in Plex can match it")
            return Failed(job, error)
        if not has_enough_metadata(scene) and not ever_written(state):
            return Done(job=job, state=TOO_LITTLE, detail="too little metadata")
        return None

    def _unwanted(
        self, job: Job, scene: Scene, state: SceneState | None, installed_at: float
    ) -> Done | None:
        """The end of a job for a scene that nobody wants in Plex now."""
        if state is not None and state.state == UNDONE and not _is_meant(job):
            return Done(job=job, state=UNDONE, detail=state.detail)
        old = max(scene.updated_at, scene.created_at) < installed_at
        if state is None and job.reason == SCAN and old:
            return Done(job=job, state="", detail="older than the installation, nobody edited it")
        why = self._selection.why_left_out(scene)
        if not why:
            return None
        return Done(
            job=job,
            state=LEFT_OUT,
            detail=why,
            path=scene.files[0].path if scene.files else "",
            entities=self._selection.entities(scene),
        )

    def _asks_now(self, state: SceneState | None) -> bool:
        """Whether the cover is settled before Plex is asked; without images nothing is asked, and
        what a scene should look like is worked out once."""
        return _may_be_in_step(state) or not self._config.syncs_images

    def _covers(self, scenes: Sequence[tuple[Scene, SceneState | None]]) -> list[Picture]:
        if not self._config.syncs_images:
            return [PictureUnchanged()] * len(scenes)
        etags = [
            (scene.id, state.cover_etag if state is not None else "") for scene, state in scenes
        ]
        return list(self._pool.map(lambda pair: self._stash.cover(*pair), etags))

    def _desired(
        self, job: Job, scene: Scene, state: SceneState | None, cover: Picture | None
    ) -> DesiredScene | Result:
        etag, sha1 = (state.cover_etag, state.cover_sha1) if state is not None else ("", "")
        data: bytes | None = None
        if isinstance(cover, PictureData):
            etag, sha1, data = cover.etag, cover.sha1, cover.data
        elif isinstance(cover, (PictureMissing, PictureRefused)):
            etag, sha1 = "", ""
        if isinstance(cover, PictureRefused):
            self._log.warning(f"The cover is not used: {cover.reason}.", scene=scene.id)
        wanted, problem = desired(scene, self._config, self._images(sha1))
        if wanted is None:
            return Failed(job, PlexPermanentError(problem or "the metadata is not usable"))
        wanted = self._watched(wanted, scene)
        if wanted.cut:
            self._log.warn_once(
                ("cut", scene.id, wanted.cut),
                f"Not all of this scene fits into Plex: {', '.join(wanted.cut)}. "
                '"Tags per scene" and "Performers per scene" in the settings allow more names.',
                scene=scene.id,
            )
        fingerprint = f"{self._ledger.server} {self._config.desired_fingerprint()}"
        digest = hash_desired(wanted, scene.files, fingerprint)
        missing = isinstance(cover, PictureMissing)
        in_step = state is not None and state.desired_hash == digest and state.destroyed_at is None
        if state is not None and in_step and job.reason not in COMPARES:
            self._notes.see(scene, wanted.values, [each.target for each in state.targets])
            news = wanted.entities if wanted.entities != state.entities else None
            return Done(job=job, state=SYNCED, detail="in step", entities=news)
        asked = cover is not None
        return DesiredScene(job, scene, state, wanted, digest, etag, sha1, missing, data, asked)

    def _watched(self, wanted: Desired, scene: Scene) -> Desired:
        """With the entities that decide whether the scene is wanted at all."""
        decisive = self._selection.entities(scene)
        return replace(wanted, entities=wanted.entities | decisive) if decisive else wanted

    def _images(self, sha1: str) -> dict[str, str]:
        return {"poster": sha1, "background": sha1} if sha1 else {}


def _is_meant(job: Job) -> bool:
    """Whether the job is about this very scene; a bulk one that an edit joined is, too."""
    return job.reason in MEANT or (job.reason in COMPARES and job.priority == EDIT)


def _may_be_in_step(state: SceneState | None) -> bool:
    return state is not None and state.desired_hash != ""


def is_other_file(state: SceneState, scene: Scene) -> bool:
    """Whether the scene's id was another file's when the ledger last knew it."""
    if not scene.files:
        return False
    first = scene.files[0]
    moved = state.path and first.path != state.path
    other = state.oshash and first.oshash and first.oshash != state.oshash
    known = {(f.oshash, f.path) for f in scene.files}
    return bool(moved and other) and not any(
        oshash == state.oshash or path == state.path for oshash, path in known
    )


def _absent(answers: SceneAnswers, scene: int) -> SyncError:
    if scene in answers.unusable:
        return SceneUnusable(
            f"Stash's answer for this scene is unusable: {answers.unusable[scene]}; open the scene "
            "in Stash, correct it and save it again",
            cause="stash",
        )
    if scene in answers.failing:
        return PlexTemporaryError(
            f"Stash cannot read this scene: {answers.failing[scene]}", cause="stash"
        )
    return SceneGone("the scene no longer exists in Stash")


def _drop_beyond(desired_scenes: Sequence[DesiredScene], budget: int) -> None:
    for desired_scene in desired_scenes:
        budget -= len(desired_scene.image or b"")
        if budget < 0:
            desired_scene.image = None


def ever_written(state: SceneState | None) -> bool:
    """Whether anything of the scene was ever written to Plex."""
    return state is not None and any(target.written for target in state.targets)
