"""Parses Stash's JSON strictly: an answer of the wrong shape is an error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from plexsync.edges.stash.scenes import (
    Unusable,
    an_id,
    an_object,
    field_of,
    items,
    message_of,
    path_and_size,
    read_scene,
    utc_seconds,
)
from plexsync.model.errors import StashDown
from plexsync.model.scene import BASIC, Scene, SceneParts
from plexsync.model.stash_identity import Identity, IdentityAnswer

_NOT_FOUND = re.compile(r"scene with id -?\d+ not found")
_DEFAULT_AGE = 3600
OLDEST = (0, 27)
_VERSION = re.compile(r"v?([0-9]{1,4})\.([0-9]{1,4})")
_NOT_WHAT_WE_ASKED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class StashSettings:
    """What PlexSync needs of Stash's configuration: our saved settings, and how to stay signed in.

    `max_session_age` is in seconds, 0 means that sessions never expire; `api_key` is "" if Stash
    has none. `enabled`: PlexSync is not disabled in Stash.
    """

    plugin: Mapping[str, object]
    api_key: SecretStr = SecretStr("")
    max_session_age: int = _DEFAULT_AGE
    version: str = ""
    login: bool = True
    """Whether Stash requires a login at all."""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class ScenePage:
    """A page of scenes, the id at which it ended, and how many scenes follow."""

    scenes: tuple[Scene, ...]
    last: int
    left: int
    odd: Mapping[int, str] = field(default_factory=dict)
    """Scenes that are missing because Stash's answer about them is invalid, with the reasons."""


def read_body(status: int, body: bytes) -> dict[str, Any]:
    """The answer if it is an object. Raises StashDown for anything else."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        return answer
    raise StashDown(
        f"Stash answered {status} with something that is not GraphQL", status=status, cause="body"
    )


def read_settings(data: Mapping[str, Any]) -> StashSettings:
    """Parse the answer to the settings query; raises StashDown if its shape is wrong."""
    try:
        general = data["configuration"]["general"]
        plugin = (data["configuration"]["plugins"] or {}).get("PlexSync") or {}
        age = general["maxSessionAge"]
        return StashSettings(
            plugin=dict(plugin),
            api_key=SecretStr(str(general["apiKey"] or "")),
            max_session_age=age if type(age) is int and age >= 0 else _DEFAULT_AGE,
            version=str((data.get("version") or {}).get("version") or ""),
            login=general.get("username") != "",
            enabled=read_enabled(data),
        )
    except _NOT_WHAT_WE_ASKED as problem:
        raise wrong_shape("the settings", problem) from None


def read_enabled(data: Mapping[str, Any]) -> bool:
    """Whether PlexSync is not disabled; raises StashDown if the answer's shape is wrong."""
    try:
        ours = [each for each in data.get("plugins") or () if each["id"] == "PlexSync"]
        return all(each["enabled"] is not False for each in ours)
    except _NOT_WHAT_WE_ASKED as problem:
        raise wrong_shape("the plugins", problem) from None


@dataclass(frozen=True, slots=True)
class SceneAnswers:
    """Stash's answers about some scenes.

    `found` has None for a scene that Stash does not have. `unusable` and `failing` say in words why
    a scene could not be read: its answer was invalid, or Stash reported an error.
    """

    found: dict[int, Scene | None] = field(default_factory=dict)
    unusable: dict[int, str] = field(default_factory=dict)
    failing: dict[int, str] = field(default_factory=dict)

    @property
    def scenes(self) -> list[Scene]:
        """The scenes that exist."""
        return [scene for scene in self.found.values() if scene is not None]

    @property
    def odd(self) -> dict[int, str]:
        """Why existing scenes could not be read."""
        return self.unusable | self.failing

    def add(self, others: SceneAnswers) -> None:
        """Add the answers about other scenes."""
        self.found.update(others.found)
        self.unusable.update(others.unusable)
        self.failing.update(others.failing)


def read_scenes(
    ids: Iterable[int],
    data: Mapping[str, Any],
    errors: Iterable[object],
    parts: SceneParts = BASIC,
) -> SceneAnswers:
    """Parse the answer to a batch query; an error in one scene does not affect the others.

    Raises StashDown if an error cannot be assigned to a scene.
    """
    sick = by_answer(errors)
    answers = SceneAnswers()
    for n, scene in enumerate(ids):
        trouble = sick.get(f"s{n}", "")
        if trouble and not _NOT_FOUND.search(trouble):
            answers.failing[scene] = trouble
            continue
        try:
            answers.found[scene] = None if trouble else _scene_or_none(scene, data, f"s{n}", parts)
        except Unusable as problem:
            answers.unusable[scene] = str(problem)
    return answers


@dataclass(frozen=True, slots=True)
class UpdatedPage:
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


def read_identity(data: Mapping[str, Any], errors: Iterable[object], asked: int) -> IdentityAnswer:
    """What identifies a Stash, and its answers about `asked` scenes.

    Unreadable scenes are skipped. Raises StashDown if nothing useful is left.
    """
    sick = by_answer(errors)
    try:
        asked_for = [data[f"s{n}"] for n in range(asked)]
        known, odd = _created(row for row in asked_for if row is not None)
        ends = [data[end]["scenes"] for end in ("oldest", "newest") if end not in sick]
        listed, more = _created(row for end in ends for row in end)
        database = str(data["systemStatus"]["databasePath"] or "")
    except _NOT_WHAT_WE_ASKED as problem:
        raise wrong_shape("its identity", problem) from None
    trouble = [*odd, *more, *(said for said in sick.values() if not _NOT_FOUND.search(said))]
    if trouble and not (known if asked else listed):
        raise unwell(trouble[0])
    sample = listed if len(ends) == 2 else known | listed
    return IdentityAnswer(Identity(database, sample, max(sample, default=0)), known)


def _created(rows: Iterable[object]) -> tuple[dict[int, float], list[str]]:
    """When each scene was created, and the errors of scenes for which that is unreadable."""
    found: dict[int, float] = {}
    odd = []
    for row in rows:
        try:
            found[field_of(row, "id", an_id)] = field_of(row, "created_at", utc_seconds)
        except Unusable as problem:
            odd.append(str(problem))
    return found, odd


def check_onwards(ids: Sequence[int], after: int, left: int) -> None:
    """Raise StashDown unless a list of the scenes above `after` makes progress; otherwise it would
    be read forever.
    """
    ascending = all(one < next_ for one, next_ in zip([after, *ids], ids, strict=False))
    if not ascending or (left and not ids):
        told = f"of {left} scenes above {after} it lists {len(ids)}, not in their order"
        raise wrong_shape("a list of scenes", ValueError(told))


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


def read_page(
    data: Mapping[str, Any], parts: SceneParts = BASIC
) -> tuple[SceneAnswers, list[int], int]:
    """Whole scenes, their ids in the order of the answer, and its count.

    Raises StashDown if the answer is not a list of scenes.
    """
    rows, count = _list(data, "a page of scenes")
    answers, ids = SceneAnswers(), []
    for row in rows:
        ids.append(_id_of(row))
        try:
            answers.found[ids[-1]] = read_scene(row, parts)
        except Unusable as problem:
            answers.unusable[ids[-1]] = str(problem)
    return answers, ids, count


def failed(error: object, status: int = 200, version: str = "") -> StashDown:
    """The failure for a GraphQL error; its text says so if Stash does not know the query.

    `version` is Stash's, "" if unknown.
    """
    text = f"Stash answered {status} with an error: {message_of(error)}"
    extensions = error.get("extensions") if isinstance(error, dict) else None
    if isinstance(extensions, dict) and extensions.get("code") == "GRAPHQL_VALIDATION_FAILED":
        text += f" ({_misfit(version)})"
    return StashDown(text, status=status, cause="body")


def _misfit(version: str) -> str:
    found = _VERSION.match(version)
    if found is None:
        return "PlexSync needs Stash 0.27 or newer; for a newer Stash there may be a newer PlexSync"
    if (int(found[1]), int(found[2])) < OLDEST:
        return f"this is Stash {version}, and PlexSync needs 0.27 or newer: update Stash"
    return f"Stash {version} no longer supports this PlexSync's queries: update PlexSync"


def unwell(trouble: str) -> StashDown:
    """The failure of a Stash whose answers are unusable for every scene."""
    return StashDown(f"Stash's answers about scenes are unusable: {trouble}", cause="body")


def wrong_shape(what: str, problem: Exception) -> StashDown:
    """The error for an answer that is JSON, but of the wrong shape."""
    detail = message_of(f"{type(problem).__name__} {problem}")
    return StashDown(f"Stash's answer about {what} has an unknown shape: {detail}", cause="body")


def by_answer(errors: Iterable[object]) -> dict[str, str]:
    """Error messages by the alias of the part that they affect, such as "s3"."""
    sick: dict[str, str] = {}
    for error in errors:
        path = error.get("path") if isinstance(error, dict) else None
        if not (isinstance(path, list) and path and isinstance(path[0], str)):
            raise failed(error)
        sick.setdefault(path[0], message_of(error))
    return sick


def _scene_or_none(
    wanted: int, data: Mapping[str, Any], answer: str, parts: SceneParts
) -> Scene | None:
    if answer not in data:
        raise Unusable("it is missing")
    if data[answer] is None:
        return None
    scene = read_scene(data[answer], parts)
    if scene.id != wanted:
        raise Unusable(f"it is about scene {scene.id}")
    return scene


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
