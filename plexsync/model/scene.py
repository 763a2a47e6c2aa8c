"""A Stash scene as PlexSync needs it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entity:
    """A performer, studio, tag or group: its id in Stash and its current name.

    `disambiguation` distinguishes performers of the same name.
    """

    id: int
    name: str
    disambiguation: str = ""


@dataclass(frozen=True, slots=True)
class VideoFile:
    """One file of a scene; `path` as Stash sees it, `size` in bytes (None when unknown)."""

    path: str
    size: int | None = None
    oshash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A scene as Stash returns it. Unset text is "", unset numbers are None; times are UTC seconds."""

    id: int
    title: str = ""
    details: str = ""
    date: str = ""
    rating100: int | None = None
    code: str = ""
    director: str = ""
    studio: Entity | None = None
    performers: tuple[Entity, ...] = ()
    tags: tuple[Entity, ...] = ()
    groups: tuple[Entity, ...] = ()
    files: tuple[VideoFile, ...] = ()
    created_at: float = 0.0
    updated_at: float = 0.0
