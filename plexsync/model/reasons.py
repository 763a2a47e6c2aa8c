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
"""The scene is written whatever the ledger says."""

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
    RENAME: "A name in it was changed, merged or deleted",
    SETTINGS: "The settings were changed",
    SWEEP: "Changed in Stash without telling",
    SYNC_ALL: "Part of Sync All Scenes",
    RECENT: "Part of Sync Recent Scenes",
    FORCED: "Asked for by hand",
    RETRY: "A dead letter that is tried again",
    RECONCILE: "Found by a reconciliation",
    RECOVERED: "Comes back after an outage",
    REVIVED: "Its file turned up in Plex",
}
"""Every reason that a job or a backfill can have."""

NOT_FOUND = "PlexNotFound"
SERVER_DOWN = "PlexServerDown"

CLASSES = {
    SERVER_DOWN: "Plex was down",
    "PlexTemporaryError": "Plex stumbled",
    NOT_FOUND: "Not in Plex",
    "PlexPermanentError": "Refused by Plex",
    "AmbiguousMatch": "Ambiguous",
    "SceneUnusable": "Odd in Stash",
}
"""Every class of errors after which a job is tried again or becomes a dead letter."""

DEAD_STATES = {"AmbiguousMatch": "ambiguous", NOT_FOUND: "not in Plex"}
"""Error class of a dead letter -> the scene's state; any other class is "failed"."""

PIN_HELPS = frozenset({"AmbiguousMatch"})
"""Error classes of dead letters that a person ends by naming the right Plex item."""

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
    "unknown": (NONE, "not met by PlexSync yet"),
    "changes": (WARN, "would change"),
    "in step": (OK, "in step"),
    "left alone": (NONE, "left alone"),
    "gone": (NONE, "no longer in Stash"),
}
"""Tone and text for each state of a scene: those of the ledger, those that only a page shows, and
the outcomes of a preview."""


def reason_words(reason: str) -> str:
    """A reason as shown to users; one that another version wrote is shown as it is."""
    return REASONS.get(reason, reason)


def class_words(error: str) -> str:
    """An error class as shown to users; "" stands for a job that has not failed."""
    return CLASSES.get(error, error) if error else NOT_TRIED


def class_tone(error: str) -> str:
    """How a page marks an error class: WARN where only a person can decide, NONE otherwise."""
    return WARN if error in PIN_HELPS else NONE


def can_pin(state: str) -> bool:
    """Whether a scene in this state is for a person to pin to one of its candidates."""
    return state in {dead_state(error) for error in PIN_HELPS}


def classes_in_words(counts: Mapping[str, int]) -> dict[str, int]:
    """How many of each error class, by its words."""
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
