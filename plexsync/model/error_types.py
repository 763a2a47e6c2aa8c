"""The words by which people choose dead letters: classes of errors, their causes, and older names."""

from __future__ import annotations

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
"""Names that earlier tools and documents use, and what they mean here."""


def error_types(given: str, known: frozenset[str] = frozenset()) -> frozenset[str]:
    """The classes and causes that a text with commas names, in any case; none for an empty one.

    `known` are classes and causes of letters that are there. Raises ValueError with a sentence
    that lists the valid ones.
    """
    names = {name.lower(): meant for name, meant in OLDER.items()}
    names |= {name.lower(): (name,) for name in (*CLASSES, *CAUSES, *known)}
    wanted = [word.strip() for word in given.split(",") if word.strip()]
    for word in wanted:
        if word.lower() not in names:
            raise ValueError(
                f"error_types has no {word[:40]!r}; it takes the classes {', '.join(CLASSES)} and "
                f"the causes {', '.join(CAUSES)}, with commas between them."
            )
    return frozenset(name for word in wanted for name in names[word.lower()])
