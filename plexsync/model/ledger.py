"""What the ledger records about each scene: its state, and what was written to Plex; pages read it
too, so this imports little.
"""

from __future__ import annotations

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.stored import LATEST

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from plexsync.model.item_record import Base, ReadBack, Refusal, Target, Value, Written
    from plexsync.model.pictures import Kept, PictureSource

SYNCED = "synced"
WAITING = "waiting"
NOT_IN_PLEX = "not in Plex"
AMBIGUOUS = "ambiguous"
FAILED = "failed"
TOO_LITTLE = "too little metadata"
RIVAL = "rival"
"""The kind of entity by which a scene names another one that holds its Plex item."""

KINDS = {
    **{"performer": 0, "tag": 1, "studio": 2, "group": 3, "performer_tag": 4, RIVAL: 5},
    **{"performer picture": 6, "group picture": 7},
}
"""The kinds of entities, with their numbers in the ledger."""

SHARED = "shared"
DESTROYED = "destroyed"
UNDONE = "undone"
LEFT_OUT = "left out"
"""The filters of the settings keep the scene from being written; what Plex has of it stays."""

GIVEN_UP = (NOT_IN_PLEX, AMBIGUOUS, FAILED)
"""The states of scenes that were given up; most have a dead letter."""

STATES = (
    *(SYNCED, WAITING, NOT_IN_PLEX, AMBIGUOUS, FAILED, TOO_LITTLE, SHARED, DESTROYED, UNDONE),
    LEFT_OUT,
)

USED_FIELDS = "used fields"
"""The ledger's name for the fields of scene updates at which the settings of today look although
they never show in Plex, with blanks between them."""


QUIET_HOURS = "quiet hours"
"""The ledger's name for the quiet hours in the settings, for those who cannot ask Stash for them."""


class TargetState(NamedTuple):
    """One Plex item of a scene.

    `part` is the Plex file that matched. The mappings are keyed by field name. `dirty` names the
    fields that still differ from the desired state. `unconfirmed` holds values that were sent, or
    about to be, but not seen in Plex yet; where Plex shows them they count as written. `read_back`
    holds fields that Plex showed differently the last time, `refused` those that it rejects;
    neither is dirty. `followed`: another scene has been written to the item since, which saving does
    not change.
    """

    target: Target
    part: str = ""
    written: Mapping[str, Written] = {}
    base: Mapping[str, Base] = {}
    dirty: frozenset[str] = frozenset()
    unconfirmed: Mapping[str, Value] = {}
    read_back: Mapping[str, ReadBack] = {}
    refused: Mapping[str, Refusal] = {}
    synced_at: float = 0.0
    followed: bool = False


class SceneState(NamedTuple):
    """The state of a scene. Times are wall-clock seconds since the epoch.

    `state` is one of STATES and holds since `since`. `desired_hash` is the hash of the desired
    state while the scene is in step, and "" while any field is dirty. `pictures` are those that
    were read besides the cover. `entities` are the (kind, id) pairs whose rename or removal affects
    the scene. `basis` is the digest of all that `desired_hash` was computed from; "" if it depends on
    more than that.
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
    pictures: Mapping[PictureSource, Kept] = {}
    destroyed_at: float | None = None
    entities: frozenset[tuple[str, int]] = frozenset()
    targets: tuple[TargetState, ...] = ()
    basis: str = ""


class Pin(NamedTuple):
    """The user's decision that a scene is the Plex item with the file `part` (as Plex sees it).

    `rating_key` decides if several items hold that file; 0 if unknown.
    """

    part: str
    rating_key: int = 0


DRIFTED = "drifted"
"""The kind of gap that an edit in Plex causes, see policy/gaps.py."""

KEPT = "kept"
"""The kind of an observed edit in Plex that the settings keep: no gap, since nothing closes it."""

EDITS_IN_PLEX = frozenset({DRIFTED, KEPT})


class Observation(NamedTuple):
    """What a reconciliation found for a scene in one Plex item; rating key 0: no item matched.

    It is valid while the item's `updated` (Plex's clock) and the scene's `desired_hash` stay the
    same. `gaps` are (kind, field) pairs, `confidence` is that of the match, `queued_at` is when the
    scene was queued for them, or an edit in Plex that stays was found (0: never).

    `basis` is a digest of everything from which it was concluded that there is nothing to do, see
    policy/unchanged.py; "" if there was something, or it cannot be concluded from that alone.
    """

    rating_key: int
    updated: int
    desired_hash: str
    gaps: tuple[tuple[str, str], ...] = ()
    confidence: str = ""
    queued_at: float = 0.0
    basis: str = ""


class Backfill(NamedTuple):
    """A stored backfill over many scenes: all (kind ""), those with entities of `kind`, or listed
    scenes (kind "scene").

    `after` is the last id that was queued (0: none yet); `listed` limits it to the ids stored with
    it.
    """

    id: int
    reason: str
    kind: str
    listed: bool
    after: int
    born: float


UNTIL_RESUMED = LATEST
"""The time until which a backfill is paused whose pause has no end."""


class BackfillRun(NamedTuple):
    """What the user sees as one backfill: all that are stored with one reason, until each of their
    scenes had its turn.

    `queued` counts the scenes that were put into the queue. It waits until `paused_until`, None if
    it is not paused.
    """

    reason: str
    began: float
    queued: int = 0
    paused_until: float | None = None

    @property
    def parked(self) -> bool:
        """Whether it is paused with no end, until it is resumed."""
        return self.paused_until == UNTIL_RESUMED

    def paused(self, now: float) -> float | None:
        """Until when it is paused; None if it is not. A pause that lasts longer than any can means
        that the clock was set back.
        """
        until = self.paused_until
        if until is None or until <= now or LONGEST_PAUSE < until - now < UNTIL_RESUMED - now:
            return None
        return until


LONGEST_PAUSE = 2 * 86400.0
"""Seconds; a pause until tomorrow is shorter."""
