"""Which picture of a scene becomes its poster and its background."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from plexsync.model.ledger import SceneState
from plexsync.model.pictures import (
    COVER,
    GALLERY,
    GROUP,
    NEVER_SEEN,
    PERFORMER,
    Kept,
    PictureSource,
)
from plexsync.model.scene import Scene

Choices = Mapping[str, Sequence[str]]
"""Field -> the words of its choice, in the user's order; only fields that are written."""

PICTURE_OF = {"performer": "performer picture", "group": "group picture"}
"""Kind of entity -> the kind under which the ledger records that a scene may show its picture."""


def sources(scene: Scene, words: Iterable[str]) -> list[PictureSource]:
    """The pictures of a choice that the scene has, in the order of the choice. The cover is always
    included: only Stash's answer shows whether there is one.
    """
    found: list[PictureSource] = []
    for word in words:
        if word == COVER:
            found.append(PictureSource("scene", scene.id))
        elif word == GROUP:
            found += [PictureSource("group", g.id) for g in scene.groups if g.has_picture][:1]
        elif word == GALLERY and scene.gallery_cover:
            found.append(PictureSource("image", scene.gallery_cover))
        elif word == PERFORMER and len(scene.performers) == 1:
            found += [PictureSource("performer", p.id) for p in scene.performers if p.has_picture]
    return found


def watched(scene: Scene, choices: Choices) -> frozenset[tuple[str, int]]:
    """The (kind, id) pairs, for the ledger, whose picture the scene may show."""
    words = {word for some in choices.values() for word in some}
    groups = [(PICTURE_OF["group"], g.id) for g in scene.groups if GROUP in words]
    alone = PERFORMER in words and len(scene.performers) == 1
    return frozenset(groups + [(PICTURE_OF["performer"], p.id) for p in scene.performers if alone])


def kept(state: SceneState | None, source: PictureSource) -> Kept:
    """What the ledger has about a picture of this scene."""
    if state is None:
        return NEVER_SEEN
    if source.kind == "scene":
        return Kept(state.cover_etag, state.cover_sha1)
    return state.pictures.get(source, NEVER_SEEN)


def all_kept(state: SceneState | None) -> dict[PictureSource, Kept]:
    """All pictures of a scene that the ledger has, including the cover."""
    if state is None:
        return {}
    cover = PictureSource("scene", state.scene)
    return {**state.pictures, cover: Kept(state.cover_etag, state.cover_sha1)}


def first_known(
    scene: Scene, state: SceneState | None, choices: Choices
) -> dict[str, PictureSource]:
    """Field -> the picture that it shows according to the ledger, without asking Stash."""
    chosen = {
        field: next((s for s in sources(scene, words) if kept(state, s).sha1), None)
        for field, words in choices.items()
    }
    return {field: source for field, source in chosen.items() if source is not None}


def choose(
    candidates: Iterable[PictureSource], there: Callable[[PictureSource], bool | None]
) -> tuple[PictureSource | None, PictureSource | None]:
    """The first picture that is `there`, or the one to read from Stash before that can be decided
    (`there` returns None for it).
    """
    for source in candidates:
        answer = there(source)
        if answer is None:
            return None, source
        if answer:
            return source, None
    return None, None
