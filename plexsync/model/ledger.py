"""What PlexSync knows of each scene: where it stands and what was written to Plex."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from plexsync.model.plex import Base, ReadBack, Refusal, Target, Value, Written

SYNCED = "synced"
WAITING = "waiting"
NOT_IN_PLEX = "not in Plex"
AMBIGUOUS = "ambiguous"
FAILED = "failed"
TOO_LITTLE = "too little metadata"
RIVAL = "rival"
"""The kind of entity that a scene is for another one whose Plex item it has."""

SHARED = "shared"
DESTROYED = "destroyed"
UNDONE = "undone"
STATES = (SYNCED, WAITING, NOT_IN_PLEX, AMBIGUOUS, FAILED, TOO_LITTLE, SHARED, DESTROYED, UNDONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetState:
    """One Plex item of a scene.

    `part` is the Plex file that matched, `written` and `base` go by field name, `dirty` names the
    fields that still differ from the wish. `unconfirmed` is what was sent, or about to be, and not
    seen in Plex yet: where Plex has it, it is ours after all. `read_back` holds fields that Plex
    showed differently the last time, `refused` those that it does not take; neither of the latter
    is dirty.
    """

    target: Target
    part: str = ""
    written: Mapping[str, Written] = field(default_factory=dict)
    base: Mapping[str, Base] = field(default_factory=dict)
    dirty: frozenset[str] = frozenset()
    unconfirmed: Mapping[str, Value] = field(default_factory=dict)
    read_back: Mapping[str, ReadBack] = field(default_factory=dict)
    refused: Mapping[str, Refusal] = field(default_factory=dict)
    synced_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneState:
    """Where a scene stands. Times are wall-clock seconds since the epoch.

    `state` is one of STATES and holds since `since`. `wish` is the hash of the whole wish while
    everything is in step and "" while anything is dirty. `entities` are (kind, id) of everything
    whose rename or removal concerns the scene.
    """

    scene: int
    state: str
    detail: str = ""
    since: float = 0.0
    desired_hash: str = ""
    oshash: str = ""
    path: str = ""
    cover_etag: str = ""
    cover_sha1: str = ""
    destroyed_at: float | None = None
    entities: frozenset[tuple[str, int]] = frozenset()
    targets: tuple[TargetState, ...] = ()


@dataclass(frozen=True, slots=True)
class Pin:
    """Somebody's word that a scene is the Plex item which holds the file `part` (as Plex sees it).

    `rating_key` is a hint for the case that several items hold it; 0 when unknown.
    """

    part: str
    rating_key: int = 0


@dataclass(frozen=True, slots=True)
class Observation:
    """What a reconciliation saw of a scene in one Plex item; rating key 0: it is in none.

    It holds while the item's `updated` (Plex's clock) and the scene's `wish` stay the same. `gaps`
    are (kind, field), `confidence` is the match's, `queued_at` when they went to the queue (0:
    never).
    """

    rating_key: int
    updated: int
    desired_hash: str
    gaps: tuple[tuple[str, str], ...] = ()
    confidence: str = ""
    queued_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Backfill:
    """A stored walk over many scenes: all of them (kind ""), those with entities of `kind`, or
    scenes themselves (kind "scene").

    `after` is how far it came (0: not begun); `listed` means that only the ids stored with it count.
    """

    id: int
    reason: str
    kind: str
    listed: bool
    after: int
    born: float
