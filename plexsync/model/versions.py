"""Which version of each file of the data folder this PlexSync writes.

A number goes up when an older PlexSync could not use the file any more, or would lose something by
writing it. A new field that it may drop needs none: unknown fields are passed over.
"""

from __future__ import annotations

DATABASES = {"queue/data.db": 1, "ledger.db": 7, "dlq.db": 1, "plex_index.db": 4}
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

FOLDERS = ("inbox", "inbox/tmp", "inbox/new", "queue", "results", "reports", "removed", "imported")
"""Folders within the data folder, parents first."""

ABSURD = 100
"""No version is larger: such a number comes from damage."""


def refusal(path: str, found: int, known: int) -> str:
    """What is wrong with a file that a newer PlexSync wrote, and what to do."""
    return (
        f"{path} has version {found}, but this PlexSync knows only {known}: install the newer "
        "PlexSync again, or move that file away to begin a new one"
    )
