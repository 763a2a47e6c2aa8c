"""Parses Stash's answers about several scenes, each of which stands or falls alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from plexsync.edges.stash.answers import NOT_FOUND, by_answer, wrong_shape
from plexsync.edges.stash.scenes import (
    Unusable,
    an_id,
    an_object,
    field_of,
    items,
    path_and_size,
    read_scene,
    utc_seconds,
)
from plexsync.model.errors import PlexTemporaryError, SceneGone, SceneUnusable, SyncError
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.scene import BASIC, Scene, SceneParts


class Failing(Unusable):
    """Stash reported an error instead of a scene."""


Answer = Scene | Unusable | None
"""A scene, why it could not be read, or None if Stash does not have it."""


class ScenePage(NamedTuple):
    """A page of scenes, the id at which it ended, and how many scenes follow."""

    scenes: tuple[Scene, ...]
    last: int
    left: int
    odd: frozenset[int] = frozenset()
    """Scenes that are missing because they could not be read."""
    known: frozenset[int] = frozenset()
    """Scenes that are missing because the caller knows them."""


class RawPage(NamedTuple):
    """The same, not parsed yet.

    `rows` has the scenes as Stash returned them. Those that had to be asked for one by one are in
    `answers` instead.
    """

    rows: Mapping[int, object]
    last: int
    left: int
    parts: SceneParts
    answers: Mapping[int, Answer] = {}

    def scenes(self, known: Collection[int] = ()) -> ScenePage:
        """Parse the scenes but those that the caller knows."""
        answers = self.read(known)
        found, odd = tuple(only_scenes(answers.values())), frozenset(only_odd(answers))
        return ScenePage(found, self.last, self.left, odd, frozenset(known))

    def read(self, known: Collection[int] = ()) -> dict[int, Answer]:
        """The same, with what is wrong with a scene that could not be read."""
        read = {s: _or_problem(row, self.parts) for s, row in self.rows.items() if s not in known}
        return {**self.answers, **read}


def only_scenes(answers: Iterable[Answer]) -> list[Scene]:
    """The scenes among these answers."""
    return [answer for answer in answers if isinstance(answer, Scene)]


def only_odd(answers: Mapping[int, Answer]) -> dict[int, Unusable]:
    """Those that could not be read."""
    return {scene: answer for scene, answer in answers.items() if isinstance(answer, Unusable)}


def or_error(answer: Answer) -> Scene | SyncError:
    """The scene, or the error for a job of it."""
    if isinstance(answer, Failing):
        return PlexTemporaryError(f"Stash cannot read this scene: {answer}", cause="stash")
    if isinstance(answer, Unusable):
        return SceneUnusable(
            f"Stash's answer for this scene is unusable: {answer}; open the scene in Stash, "
            "correct it and save it again",
            cause="stash",
        )
    return answer or SceneGone("the scene no longer exists in Stash")


def read_scenes(
    ids: Iterable[int],
    data: Mapping[str, Any],
    errors: Iterable[object],
    parts: SceneParts = BASIC,
) -> dict[int, Answer]:
    """Parse the answer to a batch query; an error in one scene does not affect the others.

    Raises StashDown if an error cannot be assigned to a scene.
    """
    sick = by_answer(errors)
    answers: dict[int, Answer] = {}
    for n, scene in enumerate(ids):
        try:
            answers[scene] = _read_one(scene, data, f"s{n}", sick.get(f"s{n}", ""), parts)
        except Unusable as problem:
            answers[scene] = problem
    return answers


def _read_one(
    wanted: int, data: Mapping[str, Any], answer: str, trouble: str, parts: SceneParts
) -> Scene | None:
    if trouble:
        if NOT_FOUND.search(trouble):
            return None
        raise Failing(trouble)
    if answer not in data:
        raise Unusable("it is missing")
    if data[answer] is None:
        return None
    scene = read_scene(data[answer], parts)
    if scene.id != wanted:
        raise Unusable(f"it is about scene {scene.id}")
    return scene


def read_rows(data: Mapping[str, Any]) -> tuple[dict[int, object], list[int], int]:
    """Scenes by id, not parsed yet, their ids in the order of the answer, and its count.

    Raises StashDown if the answer is not a list of scenes.
    """
    rows, count = _list(data, "a page of scenes")
    ids = [_id_of(row) for row in rows]
    return dict(zip(ids, rows, strict=True)), ids, count


def _or_problem(row: object, parts: SceneParts) -> Scene | Unusable:
    try:
        return read_scene(row, parts)
    except Unusable as problem:
        return problem


def read_ids(data: Mapping[str, Any]) -> tuple[list[int], int]:
    """Ids in the order of the answer, and its count; raises StashDown if the shape is wrong."""
    rows, count = _list(data, "the list of scenes")
    return [_id_of(row) for row in rows], count


def read_files(data: Mapping[str, Any]) -> tuple[list[tuple[int, str, int | None]], int]:
    """Scene, path and size in bytes of each file in the order of the answer, and its count of
    scenes.

    A scene without a readable file has one with the path "". Raises StashDown if the answer is not
    a list of scenes.
    """
    rows, count = _list(data, "the files of scenes")
    files: list[tuple[int, str, int | None]] = []
    for row in rows:
        scene, some = _id_of(row), []
        with suppress(Unusable):
            some = field_of(row, "files", lambda raw: [path_and_size(file) for file in items(raw)])
        files += [(scene, path, size) for path, size in some or [("", None)]]
    return files, count


def check_onwards(ids: Sequence[int], after: int, left: int) -> None:
    """Raise StashDown unless a list of the scenes above `after` makes progress; otherwise it would
    be read forever.
    """
    ascending = all(one < next_ for one, next_ in zip([after, *ids], ids, strict=False))
    if not ascending or (left and not ids):
        told = f"of {left} scenes above {after} it lists {len(ids)}, not in their order"
        raise wrong_shape("a list of scenes", ValueError(told))


class UpdatedPage(NamedTuple):
    """Updated entities, newest first: the number of `rows`, their readable ids, and those that also
    have a readable time.
    """

    rows: int
    ids: frozenset[int]
    times: Sequence[tuple[int, float]]


def read_updates(data: Mapping[str, Any]) -> UpdatedPage:
    """Parse a list of updates; unreadable rows are skipped. Raises StashDown if it is not a list."""
    rows, _ = _list(data, "recently updated scenes", counted=False)
    ids: list[int] = []
    times: list[tuple[int, float]] = []
    for row in rows:
        with suppress(Unusable):
            ids.append(field_of(row, "id", an_id))
            times.append((ids[-1], field_of(row, "updated_at", utc_seconds)))
    return UpdatedPage(len(rows), frozenset(ids), times)


def _list(data: Mapping[str, Any], what: str, *, counted: bool = True) -> tuple[list[Any], int]:
    """The rows of `findScenes`, and its count."""
    try:
        found = field_of(data, "findScenes", an_object)
        return field_of(found, "scenes", items), field_of(found, "count", an_id) if counted else 0
    except Unusable as problem:
        raise wrong_shape(what, problem) from None


def _id_of(row: object) -> int:
    """Read an id; a list without ids is unusable, which is Stash's fault."""
    try:
        return field_of(row, "id", an_id)
    except Unusable as problem:
        raise wrong_shape("a list of scenes", problem) from None
