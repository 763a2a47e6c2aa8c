"""Resolvers that do more than read an attribute, by "Type.field"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLResolveInfo

from simulator.stash_constants import SYSTEM_STATUS, VERSION
from simulator.stash_data import KINDS, Entity, SimFile, SimScene, number
from simulator.stash_queries import find_by_ids, find_entities, find_scenes
from simulator.stash_ui import plugin_paths

Info = GraphQLResolveInfo[Any]

# --- queries


def _find_scene(_: Any, info: Info, id: str | None = None, checksum: str | None = None) -> Any:
    scenes = info.context.core.data.scenes
    if id is not None:
        return scenes.get(number(id))
    found = (s for s in list(scenes.values()) if any(f.checksum == checksum for f in s.files))
    return next(found, None)


def _find_scenes(
    _: Any,
    info: Info,
    ids: Sequence[str] | None = None,
    scene_ids: Sequence[int] | None = None,
    scene_filter: Mapping[str, Any] | None = None,
    filter: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    core = info.context.core
    if wanted := ids or scene_ids:
        page = found = find_by_ids(core.data, wanted)
    else:
        found, page = find_scenes(core.data, scene_filter or {}, filter or {}, core.stamp)
    return {"found": found, "scenes": page}


def _find_entities(kind: str) -> Any:
    """The list of performers, studios, tags or groups, sorted and paged."""

    def resolve(_: Any, info: Info, filter: Mapping[str, Any] | None = None) -> dict[str, Any]:
        found, page = find_entities(info.context.core.data.entities[kind].values(), filter or {})
        return {"count": len(found), f"{kind}s": page}

    return resolve


def _total(name: str) -> Any:
    """The sum over the primary files of all scenes found, not only those of the page."""

    def resolve(result: Mapping[str, Any], info: Info) -> float:
        return float(sum(getattr(scene.files[0], name) for scene in result["found"] if scene.files))

    return resolve


def _configuration(_: Any, info: Info) -> dict[str, Any]:
    core = info.context.core
    general = {
        "databasePath": core.config.database,
        "configFilePath": "/root/.stash/config.yml",
        "pluginsPath": "/root/.stash/plugins",
        "pythonPath": "",
        "apiKey": core.config.api_key,
        "username": core.config.username,
        "password": "********" if core.config.password else "",
        "maxSessionAge": core.config.max_session_age,
        "parallelTasks": core.config.parallel_hooks,
    }
    return {"general": general}


def _plugin_settings(_: Any, info: Info, include: Sequence[str] | None = None) -> dict[str, Any]:
    stored = info.context.core.data.plugin_settings
    return {
        key: value for key, value in stored.items() if include is None or (key in include and value)
    }


def _plugins(_: Any, info: Info) -> list[dict[str, Any]]:
    core = info.context.core
    if core.plugin is None:  # to clients of the API it appears installed
        bare = dict.fromkeys(("description", "url", "version", "requires"))
        return [{**bare, "id": "PlexSync", "name": "PlexSync", "enabled": core.plugin_enabled}]
    manifest = core.plugin.manifest
    return [
        {
            "id": manifest.id,
            "name": manifest.name,
            "description": None,
            "url": None,
            "version": manifest.version or None,
            "enabled": core.plugin_enabled,
            "requires": list(manifest.ui.requires) or None,
            "paths": plugin_paths(manifest, info.context.base),
        }
    ]


def _job_queue(_: Any, info: Info) -> list[Any] | None:
    return info.context.core.jobs.waiting() or None


def _find_job(_: Any, info: Info, input: Mapping[str, Any]) -> Any:
    return info.context.core.jobs.find(input["id"])


# --- scenes and what they refer to


def _performers(scene: SimScene, info: Info) -> list[Entity]:
    found: list[Entity] = info.context.core.data.known("performer", sorted(scene.performers))
    return found


def _tags(scene: SimScene, info: Info) -> list[Entity]:
    found: list[Entity] = info.context.core.data.known("tag", scene.tags)
    return sorted(found, key=lambda tag: (tag.more.get("sort_name") or tag.name).lower())


def _studio(scene: SimScene, info: Info) -> Entity | None:
    found: Entity | None = info.context.core.data.entities["studio"].get(scene.studio)
    return found


def _groups(scene: SimScene, info: Info) -> list[dict[str, Any]]:
    table = info.context.core.data.entities["group"]
    return [{"group": table[g], "scene_index": n} for g, n in scene.groups if g in table]


def _movies(scene: SimScene, info: Info) -> list[dict[str, Any]]:
    table = info.context.core.data.entities["group"]
    return [{"movie": table[g], "scene_index": n} for g, n in scene.groups if g in table]


def _paths(scene: SimScene, info: Info) -> dict[str, str | None]:
    context = info.context
    base, key = f"{context.base}/scene/{scene.id}", context.core.config.api_key
    return {
        "screenshot": f"{base}/screenshot?t={int(scene.updated_at)}",
        "preview": f"{base}/preview",
        "stream": f"{base}/stream" + (f"?apikey={key}" if key else ""),
        "webp": f"{base}/webp",
        "vtt": f"{base}/{scene.id}_thumbs.vtt",
        "sprite": f"{base}/{scene.id}_sprite.jpg",
        "funscript": None,
        "interactive_heatmap": None,
        "caption": None,
    }


def _fingerprint(file: SimFile, info: Info, type: str) -> str | None:
    return next((f["value"] for f in file.fingerprints if f["type"] == type), None)


def _stash_id_time(item: Mapping[str, Any], info: Info) -> str:
    return str(item.get("updated_at") or info.context.core.stamp(0))


def _image(kind: str, name: str = "image") -> Any:
    """The address of a picture; it is marked if Stash serves a placeholder there."""

    def resolve(entity: Entity, info: Info) -> str:
        own = "" if entity.image else "&default=true"
        address = f"{info.context.base}/{kind}/{entity.id}/{name}"
        return f"{address}?t={int(entity.updated_at)}{own}"

    return resolve


def _find_entity(kind: str) -> Any:
    def resolve(_: Any, info: Info, id: str) -> Entity | None:
        found: Entity | None = info.context.core.data.entities[kind].get(number(id))
        return found

    return resolve


def _entity_tags(entity: Entity, info: Info) -> list[Entity]:
    ids = [int(i) for i in entity.more.get("tag_ids") or ()]
    found: list[Entity] = info.context.core.data.known("tag", ids)
    return found


def _parent_studio(entity: Entity, info: Info) -> Entity | None:
    found = info.context.core.data.known("studio", entity.parents)
    return found[0] if found else None


def _parents(entity: Entity, info: Info) -> list[Entity]:
    found: list[Entity] = info.context.core.data.known("tag", entity.parents)
    return found


def _children(kind: str) -> Any:
    def resolve(entity: Entity, info: Info) -> list[Entity]:
        every = info.context.core.data.entities[kind].values()
        return [each for each in every if entity.id in each.parents]

    return resolve


def _galleries(scene: SimScene, info: Info) -> list[dict[str, Any]]:
    covers = info.context.core.data.gallery_covers
    return [
        {"id": gallery, "cover": {"id": covers[gallery]} if gallery in covers else None}
        for gallery in scene.galleries
    ]


def _group_studio(entity: Entity, info: Info) -> Entity | None:
    studio = int(entity.more.get("studio_id") or 0)
    found: Entity | None = info.context.core.data.entities["studio"].get(studio)
    return found


QUERIES: Mapping[str, Any] = {
    "Query.findScene": _find_scene,
    "Query.findScenes": _find_scenes,
    **{f"Query.find{kind.capitalize()}s": _find_entities(kind) for kind in KINDS},
    **{f"Query.find{kind.capitalize()}": _find_entity(kind) for kind in KINDS},
    "Query.configuration": _configuration,
    "Query.plugins": _plugins,
    "Query.version": lambda _, info: VERSION,
    "Query.systemStatus": lambda _, info: {
        **SYSTEM_STATUS,
        "databasePath": info.context.core.config.database,
        "status": info.context.core.status,
    },
    "Query.jobQueue": _job_queue,
    "Query.findJob": _find_job,
    "FindScenesResultType.count": lambda result, info: len(result["found"]),
    "FindScenesResultType.duration": _total("duration"),
    "FindScenesResultType.filesize": _total("size"),
    "ConfigResult.plugins": _plugin_settings,
    "Scene.url": lambda scene, info: scene.urls[0] if scene.urls else None,
    "Scene.last_played_at": lambda scene, info: None,
    "Scene.performers": _performers,
    "Scene.tags": _tags,
    "Scene.studio": _studio,
    "Scene.groups": _groups,
    "Scene.movies": _movies,
    "Scene.paths": _paths,
    "VideoFile.fingerprint": _fingerprint,
    "StashID.updated_at": _stash_id_time,
    "Performer.image_path": _image("performer"),
    "Studio.image_path": _image("studio"),
    "Tag.image_path": _image("tag"),
    "Group.front_image_path": _image("group", "frontimage"),
    "Performer.tags": _entity_tags,
    "Studio.tags": _entity_tags,
    "Group.tags": _entity_tags,
    "Studio.parent_studio": _parent_studio,
    "Studio.child_studios": _children("studio"),
    "Tag.parents": _parents,
    "Tag.children": _children("tag"),
    "Scene.galleries": _galleries,
    "Group.studio": _group_studio,
    "Job.subTasks": lambda job, info: None,
}
