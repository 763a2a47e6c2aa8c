"""The desired state of a scene in Plex, field by field, according to the settings."""

from __future__ import annotations

import hashlib
import json
import ntpath
import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from plexsync.model.metadata import Limits, SyncMetadata, validate_metadata
from plexsync.model.plex import FIELDS, IMAGE, Value
from plexsync.model.scene import Entity, Scene, VideoFile
from plexsync.model.text import clean
from plexsync.model.values import name_key, value_hash

__all__ = ["Desired", "desired", "file_title", "has_enough_metadata", "value_hash", "hash_desired"]

_UNSOURCED = frozenset({"tagline"})
"""Fields that Stash does not have: never written, whatever the setting says."""


class FieldSettings(Protocol):
    """The settings used here; the switches named in FIELDS are read by name."""

    @property
    def sync_master(self) -> bool: ...
    @property
    def sync_collection(self) -> bool: ...
    @property
    def sync_groups(self) -> bool: ...
    @property
    def max_tags(self) -> int: ...
    @property
    def max_performers(self) -> int: ...
    @property
    def strip_emoji(self) -> bool: ...
    @property
    def strict_mode(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Desired:
    """The desired state of one scene: a value per enabled field, and the entities named in them.

    `entities` are (kind, Stash id) pairs of the kinds "performer", "tag", "studio" and "group".
    `cut` describes each value that did not fit.
    """

    scene: int
    values: Mapping[str, Value]
    entities: frozenset[tuple[str, int]]
    cut: tuple[str, ...] = ()


def file_title(scene: Scene) -> str:
    """The first file's name without its extension, "" when the scene has no file."""
    if not scene.files:
        return ""
    path = scene.files[0].path
    windows = re.match(r"[A-Za-z]:[\\/]|\\\\", path)
    name = ntpath.basename(path) if windows else posixpath.basename(path)
    stem, extension = posixpath.splitext(name)
    return name if " " in extension else stem


def has_enough_metadata(scene: Scene) -> bool:
    """The quality gate: the scene has a title, details, a studio, performers, tags or a date."""
    texts = (scene.title, scene.details, scene.date)
    if any(clean(text, multiline=False, strip_emoji=False) for text in texts):
        return True
    return bool(scene.studio or scene.performers or scene.tags)


def desired(
    scene: Scene, config: FieldSettings, images: Mapping[str, str]
) -> tuple[Desired | None, str | None]:
    """The desired state of a scene, or None and a line that names what is invalid (strict mode
    only).

    `images` maps "poster" and "background" to the SHA-1 of the image. Only enabled fields are
    included; with the master switch off there are none.
    """
    enabled = [name for name in FIELDS if _enabled(name, config)]
    raw = _raw(scene, config)
    left_out: list[str] = []
    limits = Limits(
        max_tags=config.max_tags,
        strip_emoji=config.strip_emoji,
        strict_mode=config.strict_mode,
        max_performers=config.max_performers,
        cut=left_out.append,
    )
    checked = {name: raw[name] for name in raw if name in enabled or name == "title"}
    metadata, error = validate_metadata(checked, limits)
    if metadata is None:
        return None, error
    values = {
        name: value for name in enabled if (value := _value(name, metadata, images)) is not None
    }
    return Desired(scene.id, values, _entities(scene, config, values), tuple(left_out)), None


def hash_desired(desired: Desired, files: Sequence[VideoFile], fingerprint: str) -> str:
    """32 hex digits that change with any value, any file's path or size, or the fingerprint.

    The fingerprint covers everything else that matters: server, libraries, settings.
    """
    document = {
        "values": {name: value_hash(value) for name, value in desired.values.items()},
        "files": sorted([file.path, file.size or 0] for file in files),
        "fingerprint": fingerprint,
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:32]


def _enabled(name: str, config: FieldSettings) -> bool:
    if not config.sync_master or name in _UNSOURCED:
        return False
    if name == "collections":
        return config.sync_collection or config.sync_groups
    setting = FIELDS[name].setting
    return not setting or bool(getattr(config, setting))


def _raw(scene: Scene, config: FieldSettings) -> dict[str, object]:
    rating = scene.rating100
    return {
        "title": _title(scene),
        "summary": scene.details,
        "studio": scene.studio.name if scene.studio else "",
        "date": scene.date,
        "rating": "" if rating is None else rating / 10,
        "original_title": scene.code,
        "performers": _disambiguated(scene.performers),
        "tags": _names(scene.tags),
        "directors": scene.director.split(","),
        "collections": _names(_collections(scene, config)),
    }


def _title(scene: Scene) -> str:
    """Never empty: falls back to the file name, then to the scene's number."""
    for text in (scene.title, file_title(scene)):
        if clean(text, multiline=False, strip_emoji=False):
            return text
    return f"Scene {scene.id}"


def _collections(scene: Scene, config: FieldSettings) -> list[Entity]:
    studio = [scene.studio] if scene.studio and config.sync_collection else []
    return studio + (list(scene.groups) if config.sync_groups else [])


def _names(entities: Iterable[Entity]) -> list[str]:
    return [entity.name for entity in entities]


def _disambiguated(performers: Sequence[Entity]) -> list[str]:
    """Names, with the disambiguation where two performers of the scene share a name."""
    times = Counter(name_key(performer.name) for performer in performers)
    return [
        f"{each.name} ({each.disambiguation})"
        if times[name_key(each.name)] > 1 and each.disambiguation.strip()
        else each.name
        for each in performers
    ]


def _value(name: str, metadata: SyncMetadata, images: Mapping[str, str]) -> Value | None:
    if FIELDS[name].kind == IMAGE:
        return images.get(name) or None
    value: Value = getattr(metadata, name)
    return value


def _entities(
    scene: Scene, config: FieldSettings, values: Mapping[str, Value]
) -> frozenset[tuple[str, int]]:
    named: list[tuple[str, Sequence[Entity]]] = []
    if "performers" in values:
        named.append(("performer", scene.performers))
    if "tags" in values:
        named.append(("tag", scene.tags))
    in_collections = config.sync_collection and "collections" in values
    if scene.studio and ("studio" in values or in_collections):
        named.append(("studio", (scene.studio,)))
    if config.sync_groups and "collections" in values:
        named.append(("group", scene.groups))
    return frozenset((kind, entity.id) for kind, entities in named for entity in entities)
