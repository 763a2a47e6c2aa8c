"""The desired state of a scene in Plex, field by field, according to the settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Protocol

from plexsync.model.hierarchy import FLAT, Hierarchy
from plexsync.model.metadata import Limits, validate_metadata
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex import FIELDS, IMAGE, Value
from plexsync.model.scene import Scene, VideoFile
from plexsync.model.text import clean
from plexsync.model.values import value_hash
from plexsync.policy.recipe.recipe import RecipeSettings, recipe_of

__all__ = ["Desired", "desired", "has_enough_metadata", "hash_desired"]


_IMAGES = frozenset(name for name, field in FIELDS.items() if field.kind == IMAGE)
_in_order = json.JSONEncoder(sort_keys=True).encode


class FieldSettings(RecipeSettings, Protocol):
    """The settings used here, besides those that recipes read by name."""

    @property
    def max_tags(self) -> int: ...
    @property
    def max_performers(self) -> int: ...
    @property
    def strict_mode(self) -> bool: ...


class Desired(NamedTuple):
    """The desired state of one scene: a value per enabled field, and the entities they come from.

    `entities` are (kind, Stash id) pairs of the kinds "performer", "tag", "studio" and "group".
    `cut` describes each value that did not fit.
    """

    scene: int
    values: Mapping[str, Value]
    entities: frozenset[tuple[str, int]]
    cut: tuple[str, ...] = ()


def has_enough_metadata(scene: Scene) -> bool:
    """Whether the scene has a title, details, a studio, performers, tags or a date."""
    texts = (scene.title, scene.details, scene.date)
    if any(clean(text, multiline=False, strip_emoji=False) for text in texts):
        return True
    return bool(scene.studio or scene.performers or scene.tags)


def desired(
    scene: Scene,
    config: FieldSettings,
    images: Mapping[str, str],
    hierarchy: Hierarchy = FLAT,
) -> tuple[Desired | None, str | None]:
    """The desired state of a scene, or None and a line that names what is invalid (strict mode
    only).

    `images` maps "poster" and "background" to the SHA-1 of the image; `hierarchy` is needed if the
    recipe says so. Only enabled fields are included; with the master switch off there are none.
    """
    recipe = recipe_of(config)
    left_out: list[str] = []
    limits = Limits(
        max_tags=config.max_tags,
        strip_emoji=config.strip_emoji,
        strict_mode=config.strict_mode,
        max_performers=config.max_performers,
        cut=left_out.append,
    )
    metadata, error = validate_metadata(recipe.values(scene, hierarchy), limits)
    if metadata is None:
        return None, error
    values: dict[str, Value] = {
        name: images[name] if name in _IMAGES else getattr(metadata, name)
        for name in recipe.fields
        if name not in _IMAGES or images.get(name)
    }
    entities = recipe.entities(scene, hierarchy) if values else frozenset()
    return Desired(scene.id, values, entities, tuple(left_out)), None


def hash_desired(desired: Desired, files: Sequence[VideoFile], fingerprint: str) -> str:
    """32 hex digits that change with any value, any file's path or size, or the fingerprint.

    The fingerprint covers everything else that matters: server, libraries, settings.
    """
    document = {
        "values": {name: value_hash(value) for name, value in desired.values.items()},
        "files": sorted([file.path, file.size or 0] for file in files),
        "fingerprint": fingerprint,
    }
    return hashlib.sha256(_in_order(document).encode()).hexdigest()[:32]
