"""A Stash scene as PlexSync needs it."""

from __future__ import annotations

from dataclasses import dataclass

from plexsync.model.named_tuple import NamedTuple


class SceneParts(NamedTuple):
    """What to read of a scene beyond what the defaults need; less is faster.

    `details` are the fields marked below as details, `performer_tags` the performers' own tags,
    `pictures` which pictures the scene has besides the cover.
    """

    details: bool = False
    performer_tags: bool = False
    pictures: bool = False


BASIC, WHOLE = SceneParts(), SceneParts(True, True)


@dataclass(frozen=True, slots=True)
class Entity:
    """A performer, studio, tag or group: its id in Stash and its current name.

    `disambiguation` distinguishes performers of the same name.
    """

    id: int
    name: str
    disambiguation: str = ""


@dataclass(frozen=True, slots=True)
class Performer(Entity):
    """A performer of a scene; all fields after `disambiguation` are details. `gender` is Stash's
    value in lower case, such as "female" or "non_binary".
    """

    gender: str = ""
    favorite: bool = False
    aliases: tuple[str, ...] = ()
    tags: tuple[Entity, ...] = ()
    has_picture: bool = False


@dataclass(frozen=True, slots=True)
class Group(Entity):
    """A group with the scene's number in it (a detail; None if it has none)."""

    number: int | None = None
    has_picture: bool = False


class VideoFile(NamedTuple):
    """One file of a scene; `path` as Stash sees it, `size` in bytes (None if unknown).

    `width` and `height` are details, in pixels; 0 if unknown.
    """

    path: str
    size: int | None = None
    oshash: str = ""
    width: int = 0
    height: int = 0


class Scene(NamedTuple):
    """A scene as Stash returns it. Unset text is "", unset numbers are None; times are UTC seconds.

    `organized`, `urls`, `stash_ids` and `galleries` (their ids) are details; `gallery_cover` is the id of
    the image that is the first gallery's cover, 0 for none.
    """

    id: int
    title: str = ""
    details: str = ""
    date: str = ""
    rating100: int | None = None
    code: str = ""
    director: str = ""
    studio: Entity | None = None
    performers: tuple[Performer, ...] = ()
    tags: tuple[Entity, ...] = ()
    groups: tuple[Group, ...] = ()
    files: tuple[VideoFile, ...] = ()
    created_at: float = 0.0
    updated_at: float = 0.0
    organized: bool = False
    urls: tuple[str, ...] = ()
    stash_ids: tuple[str, ...] = ()
    galleries: tuple[int, ...] = ()
    gallery_cover: int = 0
