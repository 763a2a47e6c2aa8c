"""Actions of a user, a scan or a job in Stash, as Python calls that fire the hooks."""

from __future__ import annotations

import base64
import functools
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from simulator.stash_core import StashCore
from simulator.stash_data import SimScene, StashData
from simulator.stash_hooks import Caller
from simulator.stash_mutations import Runs
from simulator.stash_schema import coerce

SceneRef = SimScene | int
Ids = int | Sequence[int]
Time = float | str | None
Group = int | tuple[int, int | None]
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////"
    "////////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQAB"
    "PxA="
)


def _seconds(value: Time) -> float | None:
    if not isinstance(value, str):
        return value
    return datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp()


def _id(scene: SceneRef) -> int:
    return scene if isinstance(scene, int) else scene.id


def _lists_set(name: str, value: Any) -> Any:
    """In a bulk update a plain list replaces the values."""
    if not isinstance(value, (list, tuple)):
        return value
    return {"values" if name == "urls" else "ids": list(value), "mode": "SET"}


class Actions:
    """All actions that fire hooks return the plugin's runs, in order.

    `patience` is how many seconds the client of each call waits before it closes the connection:
    the running hook is then killed and the hooks of the remaining objects never run.
    """

    def __init__(self, core: StashCore) -> None:
        self.core = core
        self.patience: float | None = None

    @property
    def data(self) -> StashData:
        """The tables."""
        return self.core.data

    # --- filling the database, without hooks

    def add_performer(self, name: str, disambiguation: str = "") -> int:
        """Add a performer; returns the id."""
        performer = self.data.add_entity("performer", name)
        performer.more["disambiguation"] = disambiguation or None
        return performer.id

    def add_tag(self, name: str, parents: Sequence[int] = ()) -> int:
        """A tag's id."""
        tag = self.data.add_entity("tag", name)
        tag.parents = list(parents)
        return tag.id

    def add_studio(self, name: str, parent: int = 0) -> int:
        """A studio's id."""
        studio = self.data.add_entity("studio", name)
        studio.parents = [parent] if parent else []
        return studio.id

    def add_group(self, name: str) -> int:
        """Add a group; returns the id."""
        return self.data.add_entity("group", name).id

    def add_scene(
        self,
        title: str = "",
        files: Sequence[tuple[str, int]] = (("/data/a.mp4", 1000),),
        groups: Sequence[Group] = (),
        created_at: Time = None,
        updated_at: Time = None,
        **fields: Any,
    ) -> int:
        """Add a scene; returns the id. `fields` are those of SimScene, `groups` ids or (id, index)
        pairs.
        """
        created = _seconds(created_at)
        own = {k: list(v) if isinstance(v, (list, tuple)) else v for k, v in fields.items()}
        scene = self.data.add_scene(
            title=title,
            files=[self.data.new_file(path, size) for path, size in files],
            groups=[(group, None) if isinstance(group, int) else group for group in groups],
            created_at=created,
            updated_at=created if updated_at is None else _seconds(updated_at),
            **own,
        )
        return scene.id

    def scene(self, scene_id: int) -> SimScene:
        """The stored scene itself; changing it fires no hook and updates no time."""
        return self.data.scene(scene_id)

    # --- edits

    def edit(self, scene: SceneRef, **fields: Any) -> Runs:
        """`sceneUpdate` with just these fields, by their GraphQL names; BadInput for others."""
        given = self._input("SceneUpdateInput", {"id": _id(scene), **fields})
        return self.core.mutations.scene_update(given, self._caller())

    def edit_form(self, scene: SceneRef, **changes: Any) -> Runs:
        """A save in the web page's edit form, which sends all of its fields."""
        stored = self.scene(_id(scene))
        form = {
            "title": stored.title,
            "code": stored.code,
            "urls": stored.urls,
            "date": stored.date or "",
            "director": stored.director,
            "gallery_ids": stored.galleries,
            "studio_id": stored.studio,
            "performer_ids": stored.performers,
            "groups": [{"group_id": g, "scene_index": n} for g, n in stored.groups],
            "tag_ids": stored.tags,
            "stash_ids": stored.stash_ids,
            "details": stored.details,
        }
        return self.edit(stored, **{**form, **changes})

    def organize(self, scene: SceneRef) -> Runs:
        """A click on "organized"."""
        return self.edit(scene, organized=True)

    def set_cover(self, scene: SceneRef, picture: bytes) -> Runs:
        """A cover uploaded in the web page: the whole picture travels through the hook's input."""
        text = base64.b64encode(picture).decode()
        return self.edit(scene, cover_image=f"data:image/jpeg;base64,{text}")

    def play(self, scene: SceneRef) -> Runs:
        """Count a play, which fires no hook and updates no time."""
        self.scene(_id(scene)).play_count += 1
        return []

    def bulk_edit(self, ids: Sequence[int], **fields: Any) -> Runs:
        """`bulkSceneUpdate`; a list field is a list (set) or {"ids": [...], "mode": "ADD"}."""
        changes = {name: _lists_set(name, value) for name, value in fields.items()}
        given = self._input("BulkSceneUpdateInput", {"ids": list(ids), **changes})
        return self.core.mutations.bulk_scene_update(given, self._caller())

    def scenes_update(self, inputs: Sequence[Mapping[str, Any]]) -> Runs:
        """`scenesUpdate`, each input with its `id`."""
        given = [self._input("SceneUpdateInput", item) for item in inputs]
        return self.core.mutations.scenes_update(given, self._caller())

    # --- jobs: scan, identify, clean

    def identify(self, scene: SceneRef, **fields: Any) -> Runs:
        """The Identify job found these fields; `cover_image` may be bytes, groups are sent as
        movies.
        """
        if isinstance(fields.get("cover_image"), bytes):
            fields["cover_image"] = base64.b64encode(fields["cover_image"]).decode()
        if "groups" in fields:
            groups = fields.pop("groups")
            fields["movies"] = [{"movie_id": g, "scene_index": None} for g in groups]
        given = self._input("SceneUpdateInput", {"id": _id(scene), **fields})
        with self.core.jobs.alone:
            return self.core.mutations.identify(given, self._caller())

    def auto_tag(self, scene: SceneRef, **fields: Any) -> Runs:
        """Auto Tag changes a scene and its `updated_at`, and fires no hook."""
        stored = self.scene(_id(scene))
        for name, value in fields.items():
            setattr(stored, name, value)
        self.data.touch(stored)
        return []

    def scan_new(self, path: str, size: int, cover: bytes | None = b"") -> int:
        """A scan finds a new file: Scene.Create.Post, and only then a cover (None for none)."""
        with self.core.jobs.alone:
            return self._scan(path, size, cover)

    def scan_many(self, files: Sequence[str | tuple[str, int]]) -> list[int]:
        """A scan finds several files; `parallel_hooks` of them are handled at the same time."""
        found = [(file, 1000) if isinstance(file, str) else file for file in files]
        with self.core.jobs.alone:
            return self.core.mutations.scan_many(
                [functools.partial(self._scan, path, size, b"") for path, size in found],
                self.core.config.parallel_hooks,
            )

    def scan_changed(self, scene: SceneRef, size: int | None = None) -> Runs:
        """A scan finds the file's content changed; the scene's `updated_at` stays."""
        stored = self.scene(_id(scene))
        file, now = stored.files[0], self.data.now()
        file.size = file.size if size is None else size
        file.mod_time = file.updated_at = now
        return self._rescanned(stored)

    def move_file(self, scene: SceneRef, new_path: str) -> Runs:
        """A scan finds the file renamed; the scene's `updated_at` stays."""
        stored = self.scene(_id(scene))
        stored.files[0].path, stored.files[0].updated_at = new_path, self.data.now()
        return self._rescanned(stored)

    def add_file(self, scene: SceneRef, path: str, size: int) -> Runs:
        """A scan finds a second copy of the scene's file; this one moves `updated_at`."""
        stored = self.scene(_id(scene))
        like = stored.files[0] if stored.files else None
        stored.files.append(self.data.new_file(path, size, like))
        self.data.touch(stored)
        return self._rescanned(stored)

    def clean(self, scene: SceneRef) -> Runs:
        """The Clean job finds that the scene's file is gone."""
        given = {"id": str(_id(scene))}
        with self.core.jobs.alone:
            return self.core.mutations.scene_destroy(given, self._caller(), shown_id="")

    def destroy(self, scene: SceneRef, **flags: bool) -> Runs:
        """`sceneDestroy`; flags are `delete_file` and `delete_generated`."""
        given = self._input("SceneDestroyInput", {"id": _id(scene), **flags})
        return self.core.mutations.scene_destroy(given, self._caller())

    def destroy_many(self, ids: Sequence[int], **flags: bool) -> Runs:
        """`scenesDestroy`."""
        given = self._input("ScenesDestroyInput", {"ids": list(ids), **flags})
        return self.core.mutations.scenes_destroy(given, self._caller())

    def merge_scenes(self, sources: Sequence[int], destination: int) -> Runs:
        """`sceneMerge`: the sources' files move, the sources are deleted, no hook is fired."""
        target = self.scene(destination)
        for source in sources:
            target.files += self.data.scenes.pop(source).files
        self.data.touch(target)
        return []

    # --- the plumbing

    def _scan(self, path: str, size: int, cover: bytes | None) -> int:
        number = len(self.data.scenes) + 1
        picture = cover if cover != b"" else JPEG + str(number).encode() + path.encode()
        return self.core.mutations.scan_new((path, size), picture, self._caller())

    def _rescanned(self, scene: SimScene) -> Runs:
        with self.core.jobs.alone:
            return self.core.mutations.rescanned(scene, self._caller())

    def _input(self, type_name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        return coerce(self.core.schema, type_name, given)

    def _caller(self) -> Caller:
        if self.patience is None:
            return self.core.caller()
        deadline = time.monotonic() + self.patience
        return self.core.caller(lambda: time.monotonic() >= deadline)
