"""Applies the fields of an update to the stored objects."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Any

from simulator.stash_data import Entity, SimScene, StashData, StashError, number

Given = Mapping[str, Any]
_TEXTS = ("title", "code", "details", "director")
_APART = {
    "id",
    "name",
    "image",
    "front_image",
    "back_image",
    "parent_id",
    "parent_ids",
    "child_ids",
}
_PLAIN = ("rating100", "organized", "resume_time", "play_duration")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")


def apply_scene(data: StashData, scene: SimScene, given: Given) -> None:
    """Apply a SceneUpdateInput; null clears a field, a missing one stays. Sets `updated_at`."""
    fields = dict(given)
    for name in _TEXTS:
        if name in fields:
            setattr(scene, name, (fields[name] or "").strip())
    for name in _PLAIN:
        if name in fields:
            setattr(scene, name, fields[name])
    if "date" in fields:
        scene.date = _date(fields["date"])
    if "urls" in fields or "url" in fields:
        scene.urls = list(fields.get("urls") or filter(None, [fields.get("url")]))
    if "stash_ids" in fields:
        scene.stash_ids = [dict(item) for item in fields["stash_ids"] or ()]
    if fields.get("cover_image"):
        scene.cover = picture(fields["cover_image"])
    if "gallery_ids" in fields:
        scene.galleries = [number(gallery) for gallery in fields["gallery_ids"] or ()]
    _relations(data, scene, fields)
    data.touch(scene)


def _relations(data: StashData, scene: SimScene, fields: Given) -> None:
    if "studio_id" in fields:
        studio = fields["studio_id"]
        scene.studio = data.refer("studio", [studio])[0] if studio else None
    if "performer_ids" in fields:
        scene.performers = data.refer("performer", fields["performer_ids"] or ())
    if "tag_ids" in fields:
        scene.tags = data.refer("tag", fields["tag_ids"] or ())
    for name, key in (("groups", "group_id"), ("movies", "movie_id")):
        if name in fields:
            given = fields[name] or ()
            data.refer("group", [item[key] for item in given])
            scene.groups = [(number(item[key]), item.get("scene_index")) for item in given]


def _date(value: str | None) -> str | None:
    if not value:
        return None
    if not _DATE.fullmatch(value):
        raise StashError(f'parsing time "{value}" as "2006-01-02": cannot parse')
    return value


def picture(text: str) -> bytes:
    """The bytes of a cover sent as a data: URL or bare base64; a web address is not fetched."""
    _, _, content = text.rpartition("base64,")
    try:
        return base64.b64decode(content, validate=True)
    except binascii.Error:
        raise StashError("error processing cover image: illegal base64 data") from None


def apply_bulk(data: StashData, scene: SimScene, given: Given) -> None:
    """Apply a BulkSceneUpdateInput, whose lists say SET, ADD or REMOVE."""
    fields = {name: value for name, value in given.items() if name != "ids"}
    now: Mapping[str, Sequence[Any]] = {
        "performer_ids": scene.performers,
        "tag_ids": scene.tags,
        "group_ids": [group for group, _ in scene.groups],
        "movie_ids": [group for group, _ in scene.groups],
        "urls": scene.urls,
        "gallery_ids": scene.galleries,
    }
    for name, old in now.items():
        if name in fields:
            fields[name] = _changed(old, fields[name])
    for name in ("group_ids", "movie_ids"):
        if name in fields:
            index = dict(scene.groups)
            ids = [number(i) for i in fields.pop(name)]
            fields["groups"] = [{"group_id": i, "scene_index": index.get(i)} for i in ids]
    apply_scene(data, scene, fields)


def _changed(old: Sequence[Any], change: Given | None) -> list[str]:
    if change is None:
        return []
    before = [str(item) for item in old]
    named = [str(item) for item in change.get("ids") or change.get("values") or ()]
    if change["mode"] == "SET":
        return named
    if change["mode"] == "REMOVE":
        return [item for item in before if item not in named]
    return before + [item for item in named if item not in before]


def apply_entity(data: StashData, kind: str, entity: Entity, given: Given) -> None:
    """Apply an update of a performer, tag, studio or group; the scenes' `updated_at` stays, as does
    that of tags which come to stand below another one."""
    if "parent_id" in given:
        parent = given["parent_id"]
        data.put_below(kind, entity.id, [parent] if parent else [])
    if "parent_ids" in given:
        data.put_below(kind, entity.id, given["parent_ids"] or ())
    if "child_ids" in given:
        _set_children(data, kind, entity, data.refer(kind, given["child_ids"] or ()))
    name = given.get("name")
    if name is not None:
        entity.name = name.strip()
    for field in ("image", "front_image"):
        if field in given:
            entity.image = picture(given[field]) if given[field] else None
    entity.more.update({k: v for k, v in given.items() if k not in _APART})
    entity.updated_at = data.now()


def _set_children(data: StashData, kind: str, entity: Entity, children: Sequence[int]) -> None:
    for each in data.entities[kind].values():
        above = [number for number in each.parents if number != entity.id]
        if each.id in children:
            data.put_below(kind, each.id, [*above, entity.id])
        else:
            each.parents = above
