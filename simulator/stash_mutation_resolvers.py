"""Mutations as resolvers: take the input apart, let the core do it, give back what it changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import GraphQLResolveInfo, ObjectValueNode

from simulator.stash_data import Entity, SimScene
from simulator.stash_hooks import Caller

Info = GraphQLResolveInfo[Any]
Given = Mapping[str, Any]


def _given(info: Info, value: Given) -> dict[str, Any]:
    """The input's fields; one written in the query with a variable that was not sent is null."""
    found = dict(value)
    for argument in info.field_nodes[0].arguments or ():
        if argument.name.value == "input" and isinstance(argument.value, ObjectValueNode):
            for field in argument.value.fields:
                found.setdefault(field.name.value, None)
    return found


def _scene_update(_: Any, info: Info, input: Given) -> SimScene | None:
    core, given = info.context.core, _given(info, input)
    core.mutations.scene_update(given, info.context.caller)
    found: SimScene | None = core.data.scenes.get(int(given["id"]))
    return found


def _scenes_update(_: Any, info: Info, input: Sequence[Given]) -> list[SimScene | None]:
    core = info.context.core
    core.mutations.scenes_update(input, info.context.caller)
    return [core.data.scenes.get(int(given["id"])) for given in input]


def _bulk_scene_update(_: Any, info: Info, input: Given) -> list[SimScene]:
    core, given = info.context.core, _given(info, input)
    core.mutations.bulk_scene_update(given, info.context.caller)
    scenes = core.data.scenes
    return [scenes[int(i)] for i in given.get("ids") or () if int(i) in scenes]


def _scene_destroy(_: Any, info: Info, input: Given) -> bool:
    info.context.core.mutations.scene_destroy(input, info.context.caller)
    return True


def _scenes_destroy(_: Any, info: Info, input: Given) -> bool:
    info.context.core.mutations.scenes_destroy(input, info.context.caller)
    return True


def _updater(kind: str) -> Callable[..., Entity]:
    def resolve(_: Any, info: Info, input: Given) -> Entity:
        core, given = info.context.core, _given(info, input)
        core.mutations.entity_update(kind, given, info.context.caller)
        found: Entity = core.data.entity(kind, given["id"])
        return found

    return resolve


def _destroyer(kind: str) -> Callable[..., bool]:
    """Serves both forms: `input: {id}` and `ids`."""

    def resolve(
        _: Any, info: Info, input: Given | None = None, ids: list[str] | None = None
    ) -> bool:
        sent = input["id"] if input is not None else ids
        info.context.core.mutations.entity_destroy(kind, sent, info.context.caller)
        return True

    return resolve


def _tags_merge(_: Any, info: Info, input: Given) -> Entity:
    core = info.context.core
    core.mutations.tags_merge(input, info.context.caller)
    found: Entity = core.data.entity("tag", input["destination"])
    return found


def _configure_plugin(_: Any, info: Info, plugin_id: str, input: Given) -> dict[str, Any]:
    """Replaces all settings of the plugin, as Stash does."""
    settings = dict(input)
    info.context.core.data.plugin_settings[plugin_id] = settings
    return settings


def _set_plugins_enabled(_: Any, info: Info, **args: Given) -> bool:
    core = info.context.core
    if core.plugin is not None:
        wanted = args["enabledMap"].get(core.plugin.manifest.id)
        core.plugin_enabled = core.plugin_enabled if wanted is None else bool(wanted)
    return True


def _run_plugin_task(
    _: Any,
    info: Info,
    plugin_id: str,
    task_name: str | None = None,
    description: str | None = None,
    args: Sequence[Given] | None = None,
    args_map: Given | None = None,
) -> str:
    core, caller = info.context.core, info.context.caller
    sent = args_map if args_map is not None else {a["key"]: _typed(a) for a in args or ()}
    # the job outlives the request: whether its client is still there no longer matters
    queued = core.queue_task(plugin_id, task_name, sent, Caller(caller.user))
    return str(queued.id)


def _typed(argument: Given) -> Any:
    """An old-style PluginArgInput's value."""
    value = argument.get("value") or {}
    if (items := value.get("a")) is not None:
        return [_typed({"value": item}) for item in items]
    if (fields := value.get("o")) is not None:
        return {field["key"]: _typed(field) for field in fields}
    return next(
        (value[name] for name in ("str", "i", "b", "f") if value.get(name) is not None), None
    )


def _run_plugin_operation(_: Any, info: Info, plugin_id: str, args: Given | None = None) -> Any:
    return info.context.core.operate(plugin_id, args or {}, info.context.caller)


def _stop_job(_: Any, info: Info, job_id: str) -> bool:
    if job := info.context.core.jobs.find(job_id):
        job.stop()
    return True


MUTATIONS: Mapping[str, Any] = {
    "Mutation.sceneUpdate": _scene_update,
    "Mutation.scenesUpdate": _scenes_update,
    "Mutation.bulkSceneUpdate": _bulk_scene_update,
    "Mutation.sceneDestroy": _scene_destroy,
    "Mutation.scenesDestroy": _scenes_destroy,
    **{
        f"Mutation.{kind}Update": _updater(kind) for kind in ("performer", "tag", "studio", "group")
    },
    **{f"Mutation.{k}Destroy": _destroyer(k) for k in ("performer", "tag", "studio", "group")},
    **{f"Mutation.{k}sDestroy": _destroyer(k) for k in ("performer", "tag", "studio", "group")},
    "Mutation.tagsMerge": _tags_merge,
    "Mutation.configurePlugin": _configure_plugin,
    "Mutation.setPluginsEnabled": _set_plugins_enabled,
    "Mutation.runPluginTask": _run_plugin_task,
    "Mutation.runPluginOperation": _run_plugin_operation,
    "Mutation.stopJob": _stop_job,
}
