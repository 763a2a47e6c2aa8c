"""Stash's JSON turned into values; an answer of the wrong shape is never guessed at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from plexsync.model.errors import StashDown
from plexsync.model.scene import Entity, Scene, VideoFile

_NOT_FOUND = re.compile(r"scene with id -?\d+ not found")
_DEFAULT_AGE = 3600
_NOT_WHAT_WE_ASKED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class StashSettings:
    """What Stash's configuration says: our own saved settings, and how to stay signed in.

    `max_session_age` is in seconds, 0 means that sessions never expire; `api_key` is "" when Stash
    has none.
    """

    plugin: Mapping[str, object]
    api_key: str = field(default="", repr=False)
    max_session_age: int = _DEFAULT_AGE
    version: str = ""


def read_settings(data: Mapping[str, Any]) -> StashSettings:
    """The answer to the settings query; raises StashDown when it has another shape."""
    try:
        general = data["configuration"]["general"]
        plugin = (data["configuration"]["plugins"] or {}).get("PlexSync") or {}
        age = general["maxSessionAge"]
        return StashSettings(
            plugin=dict(plugin),
            api_key=str(general["apiKey"] or ""),
            max_session_age=age if type(age) is int and age >= 0 else _DEFAULT_AGE,
            version=str((data.get("version") or {}).get("version") or ""),
        )
    except _NOT_WHAT_WE_ASKED as problem:
        raise wrong_shape("the settings", problem) from None


def read_scenes(
    ids: Iterable[int], data: Mapping[str, Any], errors: Iterable[object]
) -> dict[int, Scene | None]:
    """The scenes of a batch query; None where Stash has no such scene.

    A scene that Stash could not tell us about (an error names it) is left out: its half-empty
    values must not pass for wishes. Raises StashDown when that leaves nothing, when an error
    belongs to no scene, or when the answer has another shape.
    """
    sick = _by_answer(errors)
    found: dict[int, Scene | None] = {}
    for n, scene in enumerate(ids):
        trouble = sick.get(f"s{n}", "")
        if not trouble:
            found[scene] = _scene_or_none(scene, data, f"s{n}")
        elif _NOT_FOUND.search(trouble):
            found[scene] = None
    if sick and not found:
        raise failed(next(iter(sick.values())))
    return found


def read_scene(raw: Any) -> Scene:
    """One scene of an answer; raises StashDown when it has another shape."""
    try:
        return Scene(
            id=int(raw["id"]),
            title=_text(raw["title"]),
            details=_text(raw["details"]),
            date=_text(raw["date"]),
            rating100=_whole(raw["rating100"]),
            code=_text(raw["code"]),
            director=_text(raw["director"]),
            studio=_entity(raw["studio"]) if raw["studio"] else None,
            performers=_entities(raw["performers"]),
            tags=_entities(raw["tags"]),
            groups=_entities(member["group"] for member in raw["groups"]),
            files=_files(raw["files"]),
            created_at=utc_seconds(raw["created_at"]),
            updated_at=utc_seconds(raw["updated_at"]),
        )
    except _NOT_WHAT_WE_ASKED as problem:
        raise wrong_shape("a scene", problem) from None


def read_updates(data: Mapping[str, Any]) -> list[tuple[int, float]]:
    """Ids and times of update, in the order given; raises StashDown for another shape."""
    try:
        rows = data["findScenes"]["scenes"]
        return [(int(row["id"]), utc_seconds(row["updated_at"])) for row in rows]
    except (KeyError, TypeError, ValueError) as problem:
        raise wrong_shape("recently updated scenes", problem) from None


def read_ids(data: Mapping[str, Any]) -> tuple[list[int], int]:
    """Ids in the order given, and the count beside them; raises StashDown for another shape."""
    try:
        found = data["findScenes"]
        return [int(row["id"]) for row in found["scenes"]], int(found["count"])
    except (KeyError, TypeError, ValueError) as problem:
        raise wrong_shape("the list of scenes", problem) from None


def read_files(data: Mapping[str, Any]) -> tuple[list[tuple[int, str, int | None]], int]:
    """Scene, path and size of each file in the order given, and the count of scenes beside them.

    A scene without a file has one with the path "". Raises StashDown for another shape.
    """
    try:
        found = data["findScenes"]
        files = [
            (int(row["id"]), _text(file["path"]), _whole(file["size"]))
            for row in found["scenes"]
            for file in row["files"] or [{"path": "", "size": None}]
        ]
        return files, int(found["count"])
    except _NOT_WHAT_WE_ASKED as problem:
        raise wrong_shape("the files of scenes", problem) from None


def read_page(data: Mapping[str, Any]) -> tuple[list[Scene], int]:
    """Whole scenes in the order given, and the count beside them; StashDown for another shape."""
    try:
        found = data["findScenes"]
        return [read_scene(row) for row in found["scenes"]], int(found["count"])
    except (KeyError, TypeError, ValueError) as problem:
        raise wrong_shape("a page of scenes", problem) from None


def utc_seconds(text: str) -> float:
    """An RFC 3339 time with any offset as seconds since the epoch; raises ValueError."""
    plain = re.sub(r"\.\d+", "", text.strip())
    moment = datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", plain))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.timestamp()


def message_of(error: object) -> str:
    """What a GraphQL error says: one line of at most 300 characters."""
    text = error.get("message") if isinstance(error, dict) else error
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)[:1000]).split())[:300]


def failed(error: object, status: int = 200) -> StashDown:
    """The failure that a GraphQL error stands for; a query that this Stash does not know says so."""
    text = f"Stash answered {status} with an error: {message_of(error)}"
    extensions = error.get("extensions") if isinstance(error, dict) else None
    if isinstance(extensions, dict) and extensions.get("code") == "GRAPHQL_VALIDATION_FAILED":
        text += " (PlexSync needs Stash 0.27 or newer)"
    return StashDown(text, status=status, cause="body")


def wrong_shape(what: str, problem: Exception) -> StashDown:
    """The error for an answer that is JSON, but not what was asked for."""
    detail = message_of(f"{type(problem).__name__} {problem}")
    return StashDown(f"Stash's answer about {what} has an unknown shape: {detail}", cause="body")


def _by_answer(errors: Iterable[object]) -> dict[str, str]:
    """Error messages by the answer that they spoiled, such as "s3"."""
    sick: dict[str, str] = {}
    for error in errors:
        path = error.get("path") if isinstance(error, dict) else None
        if not (isinstance(path, list) and path and isinstance(path[0], str)):
            raise failed(error)
        sick.setdefault(path[0], message_of(error))
    return sick


def _scene_or_none(wanted: int, data: Mapping[str, Any], answer: str) -> Scene | None:
    if answer not in data:
        raise wrong_shape(f"scene {wanted}", KeyError(answer))
    if data[answer] is None:
        return None
    scene = read_scene(data[answer])
    if scene.id != wanted:
        raise wrong_shape(f"scene {wanted}", ValueError(f"it is scene {scene.id}"))
    return scene


def _text(raw: Any) -> str:
    if raw is None:
        return ""
    if not isinstance(raw, str):
        raise TypeError(f"text expected, not {type(raw).__name__}")
    return raw


def _whole(raw: Any) -> int | None:
    return None if raw is None else int(raw)


def _entity(raw: Any) -> Entity:
    return Entity(int(raw["id"]), _text(raw["name"]))


def _entities(raw: Iterable[Any]) -> tuple[Entity, ...]:
    """In Stash's order, each id once."""
    unique: dict[int, Entity] = {}
    for entity in map(_entity, raw):
        unique.setdefault(entity.id, entity)
    return tuple(unique.values())


def _files(raw: Iterable[Any]) -> tuple[VideoFile, ...]:
    """In Stash's order (primary first), each path once."""
    unique: dict[str, VideoFile] = {}
    for file in raw:
        path, size = _text(file["path"]), _whole(file["size"])
        prints = {p["type"]: _text(p["value"]) for p in file["fingerprints"]}
        known = size if size and size > 0 else None
        unique.setdefault(path, VideoFile(path, known, prints.get("oshash", "")))
    return tuple(unique.values())
