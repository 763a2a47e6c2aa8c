"""The simulated Stash's data: scenes, their files, and the entities they refer to."""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


class StashError(Exception):
    """An error that a resolver reports under `errors`, with status 200."""


@dataclass(slots=True)
class SimFile:
    """A video file. Times are seconds since the epoch; the fingerprints follow it when it moves."""

    id: int
    path: str
    size: int
    created_at: float
    updated_at: float
    mod_time: float
    checksum: str
    oshash: str
    duration: float = 1800.0
    width: int = 1920
    height: int = 1080

    @property
    def basename(self) -> str:
        return os.path.basename(self.path.replace("\\", "/"))

    @property
    def fingerprints(self) -> list[dict[str, str]]:
        return [
            {"type": "oshash", "value": self.oshash},
            {"type": "md5", "value": self.checksum},
        ]


@dataclass
class SimScene:
    """One scene as the database holds it; tests may change it directly (no hook is fired then).

    `studio`, `performers`, `tags` and `galleries` are ids, `groups` pairs of (id, index or None), times seconds
    since the epoch, `cover` the picture's bytes or None.
    """

    id: int
    created_at: float
    updated_at: float
    title: str = ""
    code: str = ""
    details: str = ""
    director: str = ""
    date: str | None = None
    rating100: int | None = None
    organized: bool = False
    urls: list[str] = field(default_factory=list)
    studio: int | None = None
    performers: list[int] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)
    groups: list[tuple[int, int | None]] = field(default_factory=list)
    stash_ids: list[dict[str, Any]] = field(default_factory=list)
    files: list[SimFile] = field(default_factory=list)
    galleries: list[int] = field(default_factory=list)
    cover: bytes | None = None
    o_counter: int = 0
    play_count: int = 0
    play_duration: float = 0.0
    resume_time: float = 0.0

    @property
    def path(self) -> str:
        """The primary file's path, "" without files."""
        return self.files[0].path if self.files else ""


@dataclass
class Entity:
    """A performer, tag, studio or group; `more` holds its other GraphQL fields once set.

    `parents` are the ids of the tags or the studio directly above; a test may create a cycle.
    `image` is its picture (a group's front), None where Stash shows one of its own.
    """

    id: int
    name: str
    created_at: float
    updated_at: float
    image: bytes | None = None
    more: dict[str, Any] = field(default_factory=dict)
    parents: list[int] = field(default_factory=list)


KINDS = ("performer", "tag", "studio", "group")


class StashData:
    """The tables. Hold `lock` while changing several things that belong together."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.now = clock
        self.lock = threading.RLock()
        self.scenes: dict[int, SimScene] = {}
        self.entities: dict[str, dict[int, Entity]] = {kind: {} for kind in KINDS}
        self.images: dict[int, bytes] = {}
        self.gallery_covers: dict[int, int] = {}  # gallery -> image
        self.plugin_settings: dict[str, dict[str, Any]] = {}
        self._ids = {
            name: itertools.count(1) for name in ("scene", "file", "gallery", "image", *KINDS)
        }

    # --- scenes and files

    def add_scene(self, **values: Any) -> SimScene:
        """Store a new scene; `created_at` and `updated_at` default to now."""
        now = self.now()
        for name in ("created_at", "updated_at"):
            values[name] = now if values.get(name) is None else values[name]
        with self.lock:
            scene = SimScene(id=next(self._ids["scene"]), **values)
            self.scenes[scene.id] = scene
        return scene

    def new_file(self, path: str, size: int, like: SimFile | None = None) -> SimFile:
        """A file not yet attached to a scene, with the fingerprints of `like` if given."""
        now, number = self.now(), next(self._ids["file"])
        digest = hashlib.md5(f"{number}:{path}:{size}".encode("utf-8", "replace")).hexdigest()
        return SimFile(
            id=number,
            path=path,
            size=size,
            created_at=now,
            updated_at=now,
            mod_time=now,
            checksum=like.checksum if like else digest,
            oshash=like.oshash if like else digest[:16],
        )

    def scene(self, scene_id: int | str) -> SimScene:
        """The scene; raises StashError if there is none or the id is not a number."""
        scene = self.scenes.get(number(scene_id))
        if scene is None:
            raise StashError(f"scene with id {scene_id} not found")
        return scene

    def touch(self, scene: SimScene) -> None:
        """Set `updated_at`, as every kind of scene update does."""
        scene.updated_at = self.now()

    # --- performers, tags, studios, groups

    def add_entity(self, kind: str, name: str) -> Entity:
        """Store a new performer, tag, studio or group."""
        now = self.now()
        with self.lock:
            entity = Entity(next(self._ids[kind]), name, now, now)
            self.entities[kind][entity.id] = entity
        return entity

    def add_gallery(self, cover: bytes | None) -> int:
        """Store a new gallery, with an image that is its cover."""
        with self.lock:
            gallery = next(self._ids["gallery"])
            if cover is not None:
                self.set_gallery_cover(gallery, cover)
        return gallery

    def set_gallery_cover(self, gallery: int, cover: bytes) -> None:
        """Make a new image the gallery's cover."""
        image = next(self._ids["image"])
        self.images[image], self.gallery_covers[gallery] = cover, image

    def entity(self, kind: str, entity_id: int | str) -> Entity:
        """The entity; raises StashError if there is none."""
        found = self.entities[kind].get(number(entity_id))
        if found is None:
            raise StashError(f"{kind} with id {entity_id} not found")
        return found

    def known(self, kind: str, ids: Iterable[int]) -> list[Entity]:
        """The entities that still exist, in the order given."""
        table = self.entities[kind]
        return [table[i] for i in ids if i in table]

    def refer(self, kind: str, ids: Sequence[Any]) -> list[int]:
        """Ids from a client as numbers without duplicates; raises StashError for an unknown one."""
        numbers = list(dict.fromkeys(number(i) for i in ids))
        if any(i not in self.entities[kind] for i in numbers):
            raise StashError("FOREIGN KEY constraint failed")
        return numbers

    def put_below(self, kind: str, child: int, parents: Sequence[Any]) -> None:
        """Set the parents of a tag or studio; StashError for a cycle."""
        above = self.refer(kind, parents)
        reached, open_ = set(above), list(above)
        while open_:
            new = set(self.entities[kind][open_.pop()].parents) - reached
            reached |= new
            open_ += new
        if child in reached:
            raise StashError(f"cannot place {kind} {child} below itself")
        self.entity(kind, child).parents = above

    def remove_entity(self, kind: str, entity_id: int) -> None:
        """Delete an entity; the scenes lose it, their `updated_at` stays."""
        with self.lock:
            self.entity(kind, entity_id)
            del self.entities[kind][entity_id]
            self._replace(kind, entity_id, None)

    def merge_entity(self, kind: str, source: int, destination: int) -> None:
        """Delete `source`; references to it become references to `destination`."""
        with self.lock:
            self.entity(kind, source)
            self.entity(kind, destination)
            del self.entities[kind][source]
            self._replace(kind, source, destination)
            self.entity(kind, destination).updated_at = self.now()

    def _replace(self, kind: str, old: int, new: int | None) -> None:
        for each in self.entities[kind].values():
            if old in (above := each.parents):
                kept = [new if i == old else i for i in above if i != old or new]
                each.parents = [i for i in dict.fromkeys(kept) if i and i != each.id]
        for scene in list(self.scenes.values()):
            if kind == "studio":
                scene.studio = new if scene.studio == old else scene.studio
            elif kind == "group":
                scene.groups = [(g if g != old else new or 0, n) for g, n in scene.groups]
                scene.groups = [(g, n) for g, n in scene.groups if g]
            elif old in (ids := scene.performers if kind == "performer" else scene.tags):
                kept = [new if i == old else i for i in ids if new or i != old]
                setattr(scene, f"{kind}s", list(dict.fromkeys(kept)))


def number(value: Any) -> int:
    """An id as Stash reads it: decimal digits only; StashError otherwise."""
    text = str(value)
    if not (text.isascii() and text.isdigit()):
        raise StashError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    return int(text)
