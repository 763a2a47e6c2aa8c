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

_SIZE = 16
_PLAIN = 2
"""The format in which equal values have equal bytes, whatever objects they share."""

Digest = Callable[[Any, Any, Sequence[Any]], str]
"""Of a scene: Stash's answer as parsed JSON, what the ledger has of it, and its files in Plex."""


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
