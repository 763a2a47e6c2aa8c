"""How a contract check reports a finding, never with text that may be private."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection

_SALT = secrets.token_bytes(16)
"""Another one for each run: texts that are equal show as equal, and nobody can try out guesses."""


class DiffersError(Exception):
    """The server does not do what the simulator does."""


class SkippedError(Exception):
    """This server has nothing to check."""


def expect(what: str, found: object, wanted: object, *, public: bool = False) -> None:
    """DiffersError unless both are the same; `public`: the texts are words of the protocol."""
    if found != wanted:
        show = plain if public else short
        raise DiffersError(f"{what} is {show(found)}, not {show(wanted)}")


def demand(good: object, otherwise: str) -> None:
    """DiffersError unless it is so."""
    if not good:
        raise DiffersError(otherwise)


def short(value: object) -> str:
    """A value without private text: numbers as they are, of each text its length and a hash."""
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)
    if isinstance(value, str):
        digest = hashlib.blake2b(value.encode("utf-8", "replace"), key=_SALT, digest_size=4)
        return f"a text of {len(value)} characters ({digest.hexdigest()})"
    if isinstance(value, Collection) and not isinstance(value, (bytes, dict)):
        return _cut(f"[{', '.join(map(short, value))}]")
    return f"a {type(value).__name__}"


def plain(value: object) -> str:
    """A word of the protocol, which is not private."""
    return _cut(repr(value))


def shape(value: object) -> str:
    """The shape of a text: digits as 9, alphabetic characters as a, others unchanged."""
    if not isinstance(value, str):
        return short(value)
    return _cut(re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", value)))


def _cut(text: str) -> str:
    return text if len(text) <= 120 else text[:117] + "..."
