"""The names by which users select dead letters: error classes, causes, and legacy names."""

from __future__ import annotations

from plexsync.model.formatting import quoted
from plexsync.model.reasons import CLASSES

CAUSES = (
    "timeout",
    "refused",
    "dns",
    "unreachable",
    "reset",
    "tls",
    "http",
    "body",
    "proxy",
    "foreign",
    "starting",
    "not applied",
    "server",
    "stash",
    "ambiguous",
    "poison",
    "bug",
)
"""Causes that a dead letter can have."""

OLDER = {
    "ConnectionError": ("refused", "dns", "unreachable", "reset"),
    "Transient": ("PlexServerDown", "PlexTemporaryError", "PlexNotFound"),
    "TransientError": ("PlexServerDown", "PlexTemporaryError", "PlexNotFound"),
    "Permanent": ("PlexPermanentError",),
    "PermanentError": ("PlexPermanentError",),
    "NotFound": ("PlexNotFound",),
}
"""Legacy names, used by earlier tools and documents, and what they mean here."""


def error_types(given: str, known: frozenset[str] = frozenset()) -> frozenset[str]:
    """The classes and causes in a comma-separated text, ignoring case; none for an empty one.

    `known` are the classes and causes of existing dead letters, which are valid as well. Raises
    ValueError with a sentence that lists the valid names.
    """
    names = {name.lower(): meant for name, meant in OLDER.items()}
    names |= {name.lower(): (name,) for name in (*CLASSES, *CAUSES, *known)}
    wanted = [word.strip() for word in given.split(",") if word.strip()]
    for word in wanted:
        if word.lower() not in names:
            raise ValueError(
                f"error_types has no {quoted(word[:40])}; it takes the classes "
                f"{', '.join(CLASSES)} and the causes {', '.join(CAUSES)}, separated by commas."
            )
    return frozenset(name for word in wanted for name in names[word.lower()])
