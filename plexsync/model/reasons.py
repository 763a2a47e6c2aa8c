"""Reasons of jobs, error classes and scene states in one table, with texts for users.

Pages and tasks show these texts and have none of their own. Light on purpose: each request of a
page starts a process.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CREATE = "create"
UPDATE = "update"
SCAN = "scan"
RENAME = "rename"
SETTINGS = "settings"
SWEEP = "sweep"

SYNC_ALL = "sync all"
RECENT = "recent"

FORCED = "forced"
"""The scene is compared with Plex, whatever the ledger has about it."""

OVERWRITE = "overwrite"
"""As FORCED, and edits made in Plex are overwritten, even if the settings keep them."""

RETRY = "retry"
"""The user retries a dead letter."""

RECONCILE = "reconcile"
"""A reconciliation found a gap."""

RECOVERED = "recovered"
REVIVED = "revived"

REASONS = {
    CREATE: "New in Stash",
    UPDATE: "Edited in Stash",
    SCAN: "Changed by a task of Stash",
    RENAME: "A name or picture in it was changed, merged or deleted",
    SETTINGS: "The settings were changed",
    SWEEP: "Changed in Stash without a hook",
    SYNC_ALL: "Part of Sync All Scenes",
    RECENT: "Part of Sync Recent Scenes",
    FORCED: "Requested by hand",
    OVERWRITE: "Overwrites what was edited in Plex",
    RETRY: "Retry of a dead letter",
    RECONCILE: "Found by a reconciliation",
    RECOVERED: "Recovered after an outage",
    REVIVED: "Its file appeared in Plex",
}
"""Every reason that a job or a backfill can have."""

BACKFILLS = {
    RENAME: "Changed names and pictures",
    SETTINGS: "Changed settings",
    SWEEP: "Changes without a hook",
    SYNC_ALL: "Sync All Scenes",
    RECENT: "Sync Recent Scenes",
    FORCED: "Sync All Scenes (forced)",
    RETRY: "Retry of dead letters",
    RECONCILE: "Reconciliation",
    RECOVERED: "Recovery after an outage",
    REVIVED: "Files that appeared in Plex",
}
"""The name of a backfill by the reason of its jobs; those with one reason are one to the user."""

NOT_FOUND = "PlexNotFound"
SERVER_DOWN = "PlexServerDown"

CLASSES = {
    SERVER_DOWN: "Plex was down",
    "PlexTemporaryError": "Temporary Plex error",
    NOT_FOUND: "Not in Plex",
    "PlexPermanentError": "Refused by Plex",
    "AmbiguousMatch": "Ambiguous",
    "SceneUnusable": "Unreadable in Stash",
}
"""All error classes after which a job is retried or becomes a dead letter."""

REMEDIES = {
    SERVER_DOWN: "Plex was away each time: press Retry.",
    "PlexTemporaryError": "Plex failed each time: see Plex's log, then press Retry.",
    NOT_FOUND: "Let Plex scan the folder, or correct the path map; then it is synced by itself.",
    "PlexPermanentError": "Correct the scene in Stash, or what Plex refuses; then press Retry.",
    "AmbiguousMatch": "Press Pin, and choose the item that it is.",
    "SceneUnusable": "Correct the scene in Stash; it is then tried again.",
}
"""What the user can do about a dead letter of each class."""

DEAD_STATES = {"AmbiguousMatch": "ambiguous", NOT_FOUND: "not in Plex"}
"""Error class of a dead letter -> the scene's state; any other class is "failed"."""

PIN_HELPS = frozenset({"AmbiguousMatch"})
"""Error classes of dead letters that a pin to the right Plex item resolves."""

_PIN_STATES = frozenset(DEAD_STATES.get(error, "failed") for error in PIN_HELPS)

NOT_TRIED = "Waits for its turn"

OK, WARN, BAD, NONE = "ok", "warn", "bad", "none"

STATES = {
    "synced": (OK, "in step"),
    "waiting": (WARN, "waiting"),
    "not in Plex": (WARN, "not in Plex"),
    "ambiguous": (WARN, "ambiguous"),
    "failed": (BAD, "failed"),
    "too little metadata": (NONE, "too little metadata"),
    "shared": (NONE, "its Plex item is another scene's"),
    "destroyed": (NONE, "removed from Stash"),
    "undone": (NONE, "undone"),
    "left out": (NONE, "left out"),
    "edited in Plex": (WARN, "edited in Plex"),
    "unknown": (NONE, "not seen by PlexSync yet"),
    "changes": (WARN, "would change"),
    "in step": (OK, "in step"),
    "left alone": (NONE, "left alone"),
    "gone": (NONE, "no longer in Stash"),
}
"""Tone and text for each state of a scene: those of the ledger, those that only the page shows, and
the outcomes of a preview."""


GAPS = {
    "empty": "empty in Plex",
    "stale": "outdated in Plex",
    "drifted": "changed in Plex",
    "missing": "not in Plex",
    "orphaned": "only in Plex",
}
"""Text for each kind of gap that a reconciliation finds."""


def gaps_in_words(counts: Mapping[str, int]) -> dict[str, int]:
    """The number of each kind of gap, keyed by its text."""
    return {GAPS.get(kind, kind): number for kind, number in counts.items()}


def reason_words(reason: str) -> str:
    """A reason as shown to users; one written by another version is shown unchanged."""
    return REASONS.get(reason, reason)


def backfill_words(reason: str) -> str:
    """A backfill as shown to users."""
    return BACKFILLS.get(reason, reason)


def class_words(error: str) -> str:
    """An error class as shown to users; "" stands for a job that has not failed."""
    return CLASSES.get(error, error) if error else NOT_TRIED


def class_tone(error: str) -> str:
    """How the page marks an error class: WARN if only the user can decide, NONE otherwise."""
    return WARN if error in PIN_HELPS else NONE


def can_pin(state: str) -> bool:
    """Whether the user can resolve this state by pinning the scene to a candidate."""
    return state in _PIN_STATES


def classes_in_words(counts: Mapping[str, int]) -> dict[str, int]:
    """The number of each error class, keyed by its text."""
    return {class_words(error): number for error, number in counts.items()}


def dead_state(error: str) -> str:
    """The state of a scene whose dead letter has this error class."""
    return DEAD_STATES.get(error, "failed")


def state_tone(state: str) -> str:
    """The tone of a scene's state: OK, WARN, BAD or NONE."""
    return STATES.get(state, (NONE, state))[0]


def state_words(state: str) -> str:
    """A scene's state as shown to users."""
    return STATES.get(state, (NONE, state))[1]


def choices(counts: dict[str, int]) -> list[dict[str, object]]:
    """The error classes by which a list can be filtered, sorted by their texts."""
    found = [
        {"class": error, "words": class_words(error), "count": n} for error, n in counts.items()
    ]
    return sorted(found, key=lambda each: (str(each["words"]), str(each["class"])))
