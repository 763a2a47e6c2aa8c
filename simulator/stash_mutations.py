"""Stash's mutations and jobs: change the data, then fire the hooks as Stash does.

Inputs are mappings of the GraphQL fields that were given (null included), already coerced to the
schema's types.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from graphql import GraphQLInputObjectType

from simulator.plugin_runner import PluginRun
from simulator.stash_apply import Given, apply_bulk, apply_entity, apply_scene
from simulator.stash_data import SimScene, StashData, number
from simulator.stash_hooks import Caller, Plugin
from simulator.stash_inputs import (
    PERFORMER_UPDATE,
    SCENE_UPDATE,
    STUDIO_UPDATE,
    generated_struct,
    scene_destroy,
    scene_update,
    written_struct,
)

Runs = list[PluginRun]


class Mutations:
    """Everything that changes the data and fires hooks; methods return the plugin's runs.

    The data is committed before the first hook runs and is not locked meanwhile.
    """

    def __init__(
        self,
        data: StashData,
        plugin: Callable[[], Plugin | None],
        input_type: Callable[[str], GraphQLInputObjectType],
        seed: int = 0,
    ) -> None:
        self.data = data
        self._plugin = plugin
        self._type = input_type
        self._random = random.Random(seed)

    # --- scenes

    def scene_update(self, given: Given, caller: Caller) -> Runs:
        """`sceneUpdate`."""
        scene = self.data.scene(given["id"])
        with self.data.lock:
            apply_scene(self.data, scene, given)
        return self._updated(scene, scene_update(given), given, caller)

    def scenes_update(self, inputs: Sequence[Given], caller: Caller) -> Runs:
        """`scenesUpdate`: each scene's hook gets the whole list as input."""
        with self.data.lock:
            pairs = [(self.data.scene(given["id"]), given) for given in inputs]
            for scene, given in pairs:
                apply_scene(self.data, scene, given)
        shape = [scene_update(given) for given in inputs]
        return _in_turn((self._updated(s, shape, given, caller) for s, given in pairs), caller)

    def bulk_scene_update(self, given: Given, caller: Caller) -> Runs:
        """`bulkSceneUpdate`: each scene's hook gets the same input."""
        with self.data.lock:
            scenes = [self.data.scene(i) for i in given.get("ids") or ()]
            for scene in scenes:
                apply_bulk(self.data, scene, given)
        shape = generated_struct(self._type("BulkSceneUpdateInput"), given)
        return _in_turn((self._updated(s, shape, given, caller) for s in scenes), caller)

    def identify(self, given: Given, caller: Caller) -> Runs:
        """What the Identify job does: the hook's input is composed afterwards from the fields that
        were set.
        """
        scene = self.data.scene(given["id"])
        with self.data.lock:
            apply_scene(self.data, scene, given)
        fields = [name for name in SCENE_UPDATE if name != "id" and given.get(name) is not None]
        return self.fire("Scene.Update.Post", scene.id, scene_update(given), fields, caller)

    def scene_destroy(self, given: Given, caller: Caller, shown_id: str | None = None) -> Runs:
        """`sceneDestroy`; Clean shows an empty id in the input."""
        scene = self.data.scene(given["id"])
        del self.data.scenes[scene.id]
        ids = {"id": given["id"] if shown_id is None else shown_id}
        return self._destroyed(scene, ids, given, caller)

    def scenes_destroy(self, given: Given, caller: Caller) -> Runs:
        """`scenesDestroy`."""
        with self.data.lock:
            scenes = [self.data.scene(i) for i in given["ids"]]
            for scene in scenes:
                del self.data.scenes[scene.id]
        ids = {"ids": given["ids"]}
        return _in_turn((self._destroyed(s, ids, given, caller) for s in scenes), caller)

    # --- scans

    def scan_new(self, file: tuple[str, int], cover: bytes | None, caller: Caller) -> int:
        """A new file: the scene, its hook, and only then the cover."""
        scene = self.data.add_scene(files=[self.data.new_file(*file)])
        self.fire("Scene.Create.Post", scene.id, None, None, caller)
        if cover is not None:
            scene.cover = cover
            self.data.touch(scene)
        return scene.id

    def scan_many(self, jobs: Iterable[Callable[[], int]], workers: int) -> list[int]:
        """Process several files concurrently, as a scan does."""
        with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
            return list(pool.map(lambda job: job(), jobs))

    def rescanned(self, scene: SimScene, caller: Caller) -> Runs:
        """The hook of a changed, moved or added file."""
        return self.fire("Scene.Update.Post", scene.id, None, None, caller)

    # --- performers, tags, studios, groups

    def entity_update(self, kind: str, given: Given, caller: Caller) -> Runs:
        """`performerUpdate`, `tagUpdate`, `studioUpdate`, `groupUpdate`."""
        entity = self.data.entity(kind, given["id"])
        with self.data.lock:
            apply_entity(self.data, kind, entity, given)
        shape, fields = self._entity_shape(kind, given), self._shuffled(given)
        return _in_turn(
            (
                self.fire(f"{name}.Update.Post", entity.id, shape, fields, caller)
                for name in _names(kind)
            ),
            caller,
        )

    def entity_destroy(self, kind: str, sent: str | list[str], caller: Caller) -> Runs:
        """`xDestroy` with one id, `xsDestroy` with a list of them."""
        ids = [number(i) for i in (sent if isinstance(sent, list) else [sent])]
        shape = sent if isinstance(sent, list) else {"id": sent}
        with self.data.lock:
            for entity_id in ids:
                self.data.remove_entity(kind, entity_id)
        events = ((name, i) for i in ids for name in _names(kind))
        return _in_turn(
            (self.fire(f"{name}.Destroy.Post", i, shape, None, caller) for name, i in events),
            caller,
        )

    def tags_merge(self, given: Given, caller: Caller) -> Runs:
        """`tagsMerge`: one hook, with the destination's id."""
        target = self.data.entity("tag", given["destination"])
        with self.data.lock:
            for source in given["source"]:
                self.data.merge_entity("tag", number(source), target.id)
        shape = generated_struct(self._type("TagsMergeInput"), given)
        return self.fire("Tag.Merge.Post", target.id, shape, None, caller)

    # --- firing

    def fire(
        self, trigger: str, subject: int, shape: Any, fields: Sequence[str] | None, caller: Caller
    ) -> Runs:
        """Run the plugin's hooks for one event."""
        plugin = self._plugin()
        return plugin.fire(trigger, subject, shape, fields, caller) if plugin else []

    def _updated(self, scene: SimScene, shape: Any, given: Given, caller: Caller) -> Runs:
        return self.fire("Scene.Update.Post", scene.id, shape, self._shuffled(given), caller)

    def _destroyed(self, scene: SimScene, ids: Given, given: Given, caller: Caller) -> Runs:
        file = scene.files[0] if scene.files else None
        traces = (file.checksum, file.oshash, file.path) if file else ("", "", "")
        shape = scene_destroy(ids, given, traces)
        return self.fire("Scene.Destroy.Post", scene.id, shape, None, caller)

    def _shuffled(self, given: Given) -> list[str]:
        names = list(given)
        self._random.shuffle(names)
        return names

    def _entity_shape(self, kind: str, given: Given) -> dict[str, Any]:
        written = {"performer": PERFORMER_UPDATE, "studio": STUDIO_UPDATE}
        if kind in written:
            return written_struct(written[kind], given)
        return generated_struct(self._type(f"{kind.capitalize()}UpdateInput"), given)


def _names(kind: str) -> list[str]:
    """A group's events are sent twice: under the new name and under the old one."""
    return ["Group", "Movie"] if kind == "group" else [kind.capitalize()]


def _in_turn(batches: Iterable[Runs], caller: Caller) -> Runs:
    """The hooks of one object after the other; none for the rest once the client has disconnected."""
    runs: Runs = []
    for batch in batches:
        runs += batch
        if caller.gone():
            break
    return runs
