"""Stash's side of a batch: reads scenes and computes their desired states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.edges.stash.client import StashClient
from plexsync.flows.results import Done, Failed, Result
from plexsync.flows.sync.collection_notes import CollectionNotes
from plexsync.flows.sync.in_step import InStep
from plexsync.flows.sync.picture_reader import PictureReader, ScenePictures
from plexsync.flows.sync.scene_write import SceneWrite, divided
from plexsync.flows.sync.selection import Selection
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import PlexPermanentError, SyncError
from plexsync.model.job import COMPARES, EDIT, Job
from plexsync.model.ledger import LEFT_OUT, SYNCED, TOO_LITTLE, UNDONE, SceneState
from plexsync.model.reasons import CREATE, FORCED, OVERWRITE, RETRY, SCAN, UPDATE
from plexsync.model.scene import Scene
from plexsync.policy.desired import Desired, desired, has_enough_metadata, hash_desired

MEANT = frozenset({UPDATE, CREATE, RETRY, FORCED, OVERWRITE})
"""Reasons that request this particular scene; only they write a scene again that was undone."""

_TRUST = 5.0
"""Seconds. The pictures of a scene changed this recently may change again within the same second of
its time in Stash.
"""

KEPT_PICTURES = 32 * 1024 * 1024
"""Maximum bytes of pictures in memory for one batch; the rest is read again for the upload."""


class SceneReader:
    """Reads scenes and their pictures from Stash and decides which of them are compared with Plex."""

    def __init__(
        self,
        config: PlexSyncConfig,
        stash: StashClient,
        ledger: Ledger,
        pictures: PictureReader,
        notes: CollectionNotes,
        log: Log,
    ) -> None:
        self._config = config
        self._pictures = pictures
        self._notes = notes
        self._stash = stash
        self._ledger = ledger
        self._log = log
        self._selection = Selection(config, stash)
        self._fingerprint = config.desired_fingerprint()
        self._in_step = InStep(config, stash, ledger, self._selection)
        self._bases: Mapping[int, str] = {}

    def in_step(self, scenes: Sequence[int], after: int) -> set[int]:
        """Those of the next scenes above the id `after` that `read` would find in step. Raises as
        `ask`.
        """
        return self._in_step.among(scenes, after)

    def ask(self, jobs: Sequence[Job]) -> Mapping[int, Scene | SyncError]:
        """Stash's answers about the scenes of at most 50 jobs.

        Raises StashDown or StashAuthError if Stash does not answer; all jobs are then unchanged.
        """
        wanted = [job.scene for job in jobs]
        answers, rows = self._stash.scenes_and_rows(wanted, self._selection.parts)
        self._selection.begin([each for each in answers.values() if isinstance(each, Scene)])
        self._bases = self._in_step.bases(rows)
        return answers

    def read(
        self, jobs: Sequence[Job], answers: Mapping[int, Scene | SyncError], now: float
    ) -> tuple[list[SceneWrite], list[Result]]:
        """The scenes that must be compared with Plex, and the results of the jobs that end here."""
        states = self._ledger.scenes([job.scene for job in jobs])
        installed_at = float(self._ledger.get_meta("installed_at") or 0.0)
        scenes, ended = divided(
            self._begin(job, answers[job.scene], states.get(job.scene), installed_at, now)
            for job in jobs
        )
        self._read_pictures([each for each in scenes if each.pictures.asked])
        scenes, in_step = divided(map(self._desire, scenes))
        _drop_beyond(scenes, KEPT_PICTURES)
        self._notes.save(now)
        return scenes, ended + in_step

    def read_late_pictures(self, scenes: Sequence[SceneWrite]) -> None:
        """Read the pictures that `read` left out, since Plex has items for all of these scenes."""
        late = [each for each in scenes if not each.pictures.asked]
        self._read_pictures(late)
        for each in late:
            self._desire(each)
        _drop_beyond(scenes, KEPT_PICTURES)

    def _begin(
        self,
        job: Job,
        answer: Scene | SyncError,
        state: SceneState | None,
        installed_at: float,
        now: float,
    ) -> SceneWrite | Result:
        if isinstance(answer, SyncError):
            return Failed(job, answer)
        state = self._own_state(state, answer, now)
        early = self._ends_here(job, answer, state, installed_at)
        if early is not None:
            return early
        scene = SceneWrite(job, answer, state)
        if not self._config.syncs_images or answer.updated_at < now - _TRUST:
            scene.basis = self._bases.get(answer.id, "")
        if not self._asks_now(state):
            scene.pictures = self._pictures.known(answer, state)
        return scene

    def _read_pictures(self, scenes: Sequence[SceneWrite]) -> None:
        found = self._pictures.read([(each.scene, each.state) for each in scenes])
        for each, pictures in zip(scenes, found, strict=True):
            each.pictures = pictures

    def _own_state(self, state: SceneState | None, scene: Scene, now: float) -> SceneState | None:
        """The ledger's row, unless Stash's database was replaced and the id belongs to another
        file.
        """
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
        """The result for a scene that should not be in Plex now; None if it should."""
        if state is not None and state.state == UNDONE and not _is_meant(job):
            return Done(job=job, state=UNDONE, detail=state.detail)
        old = max(scene.updated_at, scene.created_at) < installed_at
        if state is None and job.reason == SCAN and old:
            return Done(
                job=job, state="", detail="older than the installation, and not edited since"
            )
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
        """Whether the pictures are read before Plex is asked. Without images nothing is read, and
        the desired state is computed only once.
        """
        return _may_be_in_step(state) or not self._config.syncs_images

    def _desire(self, each: SceneWrite) -> SceneWrite | Result:
        """Compute the desired state; returns a result if that is all."""
        job, scene, state = each.job, each.scene, each.state
        hierarchy = self._selection.hierarchy
        wanted, problem = desired(scene, self._config, each.pictures.images, hierarchy)
        if wanted is None:
            return Failed(job, PlexPermanentError(problem or "the metadata is invalid"))
        each.desired = self._watched(wanted, scene, each.pictures)
        if wanted.cut:
            self._log.warn_once(
                ("cut", scene.id, wanted.cut),
                f"Not all of this scene fits into Plex: {', '.join(wanted.cut)}. "
                '"Tags per scene" and "Performers per scene" in the settings allow more names.',
                scene=scene.id,
            )
        fingerprint = f"{self._ledger.server} {self._fingerprint}"
        each.hash = hash_desired(each.desired, scene.files, fingerprint)
        if not self._is_whole(each):
            each.basis = ""
        in_step = state is not None and state.desired_hash == each.hash
        if state is None or not in_step or state.destroyed_at is not None or job.reason in COMPARES:
            return each
        self._notes.see(scene, each.values, [target.target for target in state.targets])
        entities = each.desired.entities
        news = entities if entities != state.entities else None
        basis = each.basis if each.basis != state.basis else ""
        return Done(job=job, state=SYNCED, detail="in step", entities=news, basis=basis)

    def _is_whole(self, each: SceneWrite) -> bool:
        """Whether nothing besides its basis decides what is to be done with the scene: no text that
        is cut, no collection, and no picture but a cover that there is, with which Stash moves the
        scene's time.
        """
        if each.desired.cut or self._notes.concern(each.values):
            return False
        covered = len(each.pictures.images) == len(self._config.picture_choices)
        return covered and not self._config.more_pictures if each.pictures.asked else True

    def _watched(self, wanted: Desired, scene: Scene, pictures: ScenePictures) -> Desired:
        """The desired state, including the entities on which the filters depend and those whose
        pictures it may show.
        """
        more = self._selection.entities(scene) | pictures.watched
        return wanted._replace(entities=wanted.entities | more) if more else wanted


def _is_meant(job: Job) -> bool:
    """Whether the job is for this particular scene, as is a backfill job that was merged with an
    edit.
    """
    return job.reason in MEANT or (job.reason in COMPARES and job.priority == EDIT)


def _may_be_in_step(state: SceneState | None) -> bool:
    return state is not None and state.desired_hash != ""


def is_other_file(state: SceneState, scene: Scene) -> bool:
    """Whether the scene's id belonged to another file when the ledger last recorded it."""
    if not scene.files:
        return False
    first = scene.files[0]
    moved = state.path and first.path != state.path
    other = state.oshash and first.oshash and first.oshash != state.oshash
    known = {(f.oshash, f.path) for f in scene.files}
    return bool(moved and other) and not any(
        oshash == state.oshash or path == state.path for oshash, path in known
    )


def _drop_beyond(scenes: Sequence[SceneWrite], budget: int) -> None:
    for each in scenes:
        for sha1, data in list(each.pictures.data.items()):
            budget -= len(data)
            if budget < 0:
                del each.pictures.data[sha1]


def ever_written(state: SceneState | None) -> bool:
    """Whether any value of the scene was ever written to Plex."""
    return state is not None and any(target.written for target in state.targets)
