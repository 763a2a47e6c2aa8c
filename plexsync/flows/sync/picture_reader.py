"""Reads the pictures of a batch of scenes from Stash: each once, and only if it changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from plexsync.edges.log.log import Log
from plexsync.edges.stash.client import StashClient
from plexsync.edges.stash.pictures import (
    Picture,
    PictureData,
    PictureMissing,
    PictureRefused,
    PictureUnchanged,
)
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import PlexTemporaryError
from plexsync.model.ledger import SceneState
from plexsync.model.pictures import Kept, PictureSource
from plexsync.model.scene import Scene
from plexsync.policy.pictures import Choices, all_kept, choose, first_known, kept, sources, watched

Ask = tuple[PictureSource, str]
"""A picture, and the ETag of the known version."""


@dataclass(slots=True)
class ScenePictures:
    """The pictures that one scene should show, by field, and what to store about them."""

    shown: Mapping[str, PictureSource] = field(default_factory=dict)
    kept: dict[PictureSource, Kept] = field(default_factory=dict)
    watched: frozenset[tuple[str, int]] = frozenset()
    data: dict[str, bytes] = field(default_factory=dict)
    """SHA-1 -> bytes, within the memory limit; the rest is read again for the upload."""
    no_cover: bool = False
    """Whether there is nothing to show because Stash has no cover yet."""
    asked: bool = True
    """Whether Stash was asked; otherwise this is what the ledger has."""

    @property
    def images(self) -> dict[str, str]:
        """Field -> the SHA-1 of the picture that it should show."""
        return {name: self.kept[source].sha1 for name, source in self.shown.items()}


class PictureReader:
    """Requests no picture that a scene does not have, and none after the first that it has."""

    def __init__(
        self, config: PlexSyncConfig, stash: StashClient, pool: Executor, log: Log
    ) -> None:
        self._choices: Choices = config.picture_choices
        self._only_covers = not config.more_pictures
        self._stash = stash
        self._pool = pool
        self._log = log

    def known(self, scene: Scene, state: SceneState | None) -> ScenePictures:
        """What the ledger has, without a request to Stash."""
        shown = first_known(scene, state, self._choices)
        return ScenePictures(shown, all_kept(state), watched(scene, self._choices), asked=False)

    def known_images(self, scene: Scene, state: SceneState | None) -> dict[str, str]:
        """The SHA-1 by field of `known`; quick where only covers are shown, as most users have it."""
        if state is None or not self._only_covers:
            return self.known(scene, state).images
        return dict.fromkeys(self._choices, state.cover_sha1) if state.cover_sha1 else {}

    def read(self, scenes: Sequence[tuple[Scene, SceneState | None]]) -> list[ScenePictures]:
        """The pictures of these scenes as Stash has them now, in the same order."""
        if not self._choices:
            return [ScenePictures(kept=all_kept(state)) for _, state in scenes]
        answers: dict[Ask, Picture] = {}
        while True:
            wanted = dict.fromkeys(ask for pair in scenes for ask in self._open(*pair, answers))
            if not wanted:
                return [self._settled(scene, state, answers) for scene, state in scenes]
            answers |= zip(wanted, self._pool.map(self._fetch, wanted), strict=True)

    def data(self, pictures: ScenePictures, sha1: str) -> bytes:
        """The bytes of one of these pictures. Raises PlexTemporaryError if Stash now has another
        one.
        """
        if sha1 not in pictures.data:
            source = next(s for s, seen in pictures.kept.items() if seen.sha1 == sha1)
            picture = self._fetch((source, ""))
            if not isinstance(picture, PictureData):
                raise PlexTemporaryError("Stash no longer has the cover that was to be uploaded")
            pictures.data[sha1] = picture.data
        return pictures.data[sha1]

    def _fetch(self, ask: Ask) -> Picture:
        source, etag = ask
        return self._stash.picture(source.kind, source.id, etag)

    def _open(
        self, scene: Scene, state: SceneState | None, answers: Mapping[Ask, Picture]
    ) -> list[Ask]:
        """The pictures to read before it can be decided what the scene shows."""
        there = _there(state, answers)
        unknown = [choose(sources(scene, w), there)[1] for w in self._choices.values()]
        return [(source, kept(state, source).etag) for source in unknown if source is not None]

    def _settled(
        self, scene: Scene, state: SceneState | None, answers: Mapping[Ask, Picture]
    ) -> ScenePictures:
        found = ScenePictures(watched=watched(scene, self._choices))
        there, shown = _there(state, answers), {}
        for name, words in self._choices.items():
            candidates = sources(scene, words)
            source, _ = choose(candidates, there)
            if source is not None:
                shown[name] = source
            for each in candidates:
                self._note(found, scene.id, each, kept(state, each), answers)
                answer = answers.get((each, kept(state, each).etag))
                missing = each.kind == "scene" and isinstance(answer, PictureMissing)
                found.no_cover |= source is None and missing
        found.shown = shown
        return found

    def _note(
        self,
        found: ScenePictures,
        scene: int,
        source: PictureSource,
        before: Kept,
        answers: Mapping[Ask, Picture],
    ) -> None:
        answer = answers.get((source, before.etag))
        if isinstance(answer, PictureData):
            found.kept[source] = Kept(answer.etag, answer.sha1)
            found.data[answer.sha1] = answer.data
        elif isinstance(answer, PictureUnchanged) or (answer is None and before.sha1):
            found.kept[source] = before
        elif isinstance(answer, PictureRefused):
            what = "cover" if source.kind == "scene" else f"picture of {source.kind} {source.id}"
            self._log.warning(f"The {what} is not used: {answer.reason}.", scene=scene)


def _there(
    state: SceneState | None, answers: Mapping[Ask, Picture]
) -> Callable[[PictureSource], bool | None]:
    def there(source: PictureSource) -> bool | None:
        answer = answers.get((source, kept(state, source).etag))
        return None if answer is None else isinstance(answer, (PictureData, PictureUnchanged))

    return there
