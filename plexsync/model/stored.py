"""Reading small state back from JSON: whatever is in doubt is a ValueError."""

from __future__ import annotations

LATEST = 253402300799.0
"""The last second of the year 9999; no wall-clock time is later."""

_MANY = 2**53


class NewerVersion(ValueError):
    """A newer PlexSync wrote this state: it is not damaged, and not for us to write."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(f"a newer PlexSync wrote it: version {found}, known are {known}")
        self.found = found
        self.known = known


def versioned(raw: object, version: int) -> dict[str, object]:
    """The fields of a state that was written with a "version" of 1 to `version`.

    Raises NewerVersion above that, ValueError for anything else.
    """
    if not isinstance(raw, dict):
        raise ValueError("it holds something else than an object")
    found = count(raw, "version")
    if version < found <= ABSURD:
        raise NewerVersion(found, version)
    if not 1 <= found <= version:
        raise ValueError(f"its version {found} cannot be right")
    return raw


def count(fields: dict[str, object], key: str) -> int:
    """A whole number, 0 or more."""
    value = fields.get(key)
    if type(value) is not int or not 0 <= value <= _MANY:
        raise ValueError(f"{key} is not a count")
    return value


def moment(fields: dict[str, object], key: str) -> float:
    """Wall-clock seconds, or a length of time: a number, 0 or more."""
    value = fields.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= LATEST:
        raise ValueError(f"{key} is not a time")
    return float(value)


def moment_or_none(fields: dict[str, object], key: str) -> float | None:
    """A moment after the epoch's first, or None where null or nothing is stored."""
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


DATABASES = {"queue/data.db": 1, "ledger.db": 9, "dlq.db": 2, "plex_index.db": 4}
"""SQLite's user_version: how many migrations have run."""

DOCUMENTS = {
    "queue/epoch.json": 1,
    "circuit_breaker.json": 1,
    "recovery_state.json": 1,
    "outage_history.json": 1,
    "reconcile_state.json": 1,
    "stats.json": 1,
    "confirm.json": 1,
    "device_id.json": 1,
    "log_salt.json": 1,
    "stash_identity.json": 1,
}
"""The "version" of a JSON file; one that says none is of the first."""

FOLDERS = ("inbox", "inbox/tmp", "inbox/new", "queue", "results", "reports", "removed", "legacy")
"""Folders within the data folder, parents first."""

ABSURD = 100
"""No version is larger: such a number comes from damage."""


def refusal(path: str, found: int, known: int) -> str:
    """What is wrong with a file that a newer PlexSync wrote, and what to do."""
    return (
        f"{path} has version {found}, but this PlexSync knows only {known}: install the newer "
        "PlexSync again, or move that file away to begin a new one"
    )
