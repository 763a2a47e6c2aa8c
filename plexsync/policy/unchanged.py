"""When a comparison that found nothing to do needs no repetition: everything that it was concluded
from is the same.
"""

from __future__ import annotations

import hashlib
import marshal
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from plexsync import __version__
from plexsync.model.config import DECLARED, PlexSyncConfig

_SIZE = 16
_PLAIN = 2
"""The format in which equal values have equal bytes, whatever objects they share."""

_CONDUCT = frozenset(
    ("enabled", "quiet_hours", "max_retries", "plex_connections", "trigger_plex_scan", "mark_cards")
    + ("connect_timeout", "read_timeout", "debug_logging", "obfuscate_paths", "dlq_retention_days")
    + ("recovery_strategy", "recovery_minutes", "recovery_start_rate", "recovery_end_rate")
    + ("reconcile_interval", "reconcile_scope", "reconcile_batch_size", "notify_urls")
    + ("notify_after",)
)
"""Settings that never change what is to be done, only when and how: the pause, for example."""

Digest = Callable[[Any, Any, Sequence[Any]], str]
"""Of a scene: Stash's answer as parsed JSON, what the ledger has of it, and its files in Plex."""


def decisive(config: PlexSyncConfig) -> str:
    """All settings but those that never change what is to be done."""
    names = [name for name in DECLARED if name not in _CONDUCT]
    return repr([(name, getattr(config, name)) for name in names])


def digests(*context: str) -> Digest:
    """The digest of what a comparison is concluded from, 32 hex digits.

    `context` is what is the same for all scenes: servers, settings and hierarchies. Another version
    of PlexSync, or of the tables by which texts are compared, may conclude something else.
    """
    fixed = repr((__version__, unicodedata.unidata_version, *context)).encode()
    start = hashlib.blake2b(fixed, digest_size=_SIZE)

    def digest(answer: Any, standing: Any, held: Sequence[Any]) -> str:
        found, source = start.copy(), [answer, standing, held]
        found.update(marshal.dumps(source, _PLAIN))
        return found.hexdigest()

    return digest


def conclusion(basis: str, standing: Any, held: Sequence[tuple[Any, ...]]) -> str:
    """The digest of what a comparison with Plex is concluded from, but when Plex changed the items,
    with which the files in `held` begin. `basis` is the digest of Stash's answer in its context.
    """
    source = [basis, standing, [file[1:] for file in held]]
    return hashlib.blake2b(marshal.dumps(source, _PLAIN), digest_size=_SIZE).hexdigest()
