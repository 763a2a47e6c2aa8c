"""Reads small state back from JSON strictly: any invalid value raises ValueError."""

from __future__ import annotations

LATEST = 253402300799.0
"""The last second of the year 9999; no wall-clock time is later."""

_MANY = 2**53


class NewerVersion(ValueError):
    """A newer version wrote this state: it is not damaged, but we must not write it."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(f"a newer PlexSync wrote it: version {found}, known are {known}")
        self.found = found
        self.known = known


def versioned(raw: object, version: int) -> dict[str, object]:
    """The fields of a state with a "version" from 1 to `version`.

    Raises NewerVersion above that, ValueError for anything else.
    """
    if not isinstance(raw, dict):
        raise ValueError("it is not an object")
    found = count(raw, "version")
    if version < found <= ABSURD:
        raise NewerVersion(found, version)
    if not 1 <= found <= version:
        raise ValueError(f"its version {found} is invalid")
    return raw


def count(fields: dict[str, object], key: str) -> int:
    """A whole number, 0 or more."""
    value = fields.get(key)
    if type(value) is not int or not 0 <= value <= _MANY:
        raise ValueError(f"{key} is not a count")
    return value


def moment(fields: dict[str, object], key: str) -> float:
    """Wall-clock seconds or a duration: a number, 0 or more."""
    value = fields.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LATEST:
        raise ValueError(f"{key} is not a time")
    return float(value)


def moment_or_none(fields: dict[str, object], key: str) -> float | None:
    """A time after the epoch, or None if null or nothing is stored."""
    if fields.get(key) is None:
        return None
    value = moment(fields, key)
    if not value:
        raise ValueError(f"{key} is not a time")
    return value


def triple(fields: dict[str, object], key: str) -> tuple[float, float, float]:
    """Three numbers, each 0 or more."""
    value = fields.get(key)
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        raise ValueError(f"{key} is not three numbers")
    first, second, third = (moment({key: each}, key) for each in value)
    return first, second, third


def words(fields: dict[str, object], key: str) -> str:
    """A text."""
    value = fields.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key} is not a text")
    return value


def one_line(text: str, longest: int = 200) -> str:
    """A text without line breaks, short enough to be stored and logged."""
    return " ".join(text[: longest * 4].split())[:longest].rstrip()


DATABASES = {"queue/data.db": 1, "ledger.db": 16, "dlq.db": 3, "plex_index.db": 5}
"""SQLite's user_version: how many migrations have run."""

DOCUMENTS = {
    "queue/epoch.json": 1,
    "circuit_breaker.json": 1,
    "recovery_state.json": 1,
    "outage_history.json": 1,
    "reconcile_state.json": 1,
    "stats.json": 2,
    "confirm.json": 2,
    "device_id.json": 1,
    "log_salt.json": 1,
    "stash_identity.json": 1,
    "set_up.json": 1,
    "first_sync.json": 1,
    "notifications.json": 1,
    "sound.json": 1,
}
"""The "version" of a JSON file; a file without one has version 1."""

FOLDERS = ("inbox", "inbox/tmp", "inbox/new", "queue", "results", "reports", "removed", "legacy")
"""Folders within the data folder, parents first."""

ABSURD = 100
"""A larger version number means damage."""


def refusal(path: str, found: int, known: int) -> str:
    """The message for a file that a newer PlexSync wrote, with what to do."""
    return (
        f"{path} has version {found}, but this PlexSync knows only {known}: install the newer "
        "PlexSync again, or move that file away to start with a new one"
    )
