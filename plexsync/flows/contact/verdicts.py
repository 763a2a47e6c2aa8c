"""How a rule reports a finding, never with text that may be private."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Callable, Collection

from plexsync.edges.http.transport import TransportError
from plexsync.flows.contact.veil import Word, hashed, media_type, word
from plexsync.model.errors import SyncError


class DiffersError(Exception):
    """The server does not do what PlexSync expects."""


class SkippedError(Exception):
    """This server has nothing to check."""


OK, SKIPPED, DIFFERS = "ok", "skipped", "differs"


def _cause(problem: TransportError) -> str:
    return f"no answer ({problem.cause})"


def verdict(
    rule: Callable[[], None], say: Callable[[TransportError], str] = _cause
) -> tuple[str, str]:
    """Apply a rule; returns OK, SKIPPED or DIFFERS, and why without private text.

    `say` words the failure of a connection, whose own message has the server's address.
    """
    try:
        rule()
    except SkippedError as nothing:
        return SKIPPED, str(nothing)
    except DiffersError as problem:
        return DIFFERS, str(problem)
    except TransportError as problem:
        return DIFFERS, say(problem)
    except SyncError as problem:
        said = f"{problem.kind}, status {problem.status}, {problem.cause}"
        return DIFFERS, f"{said}: {short(problem.message)}"
    except Exception as problem:  # noqa: BLE001 - an answer of an unforeseen shape
        return DIFFERS, f"{type(problem).__name__} {_where(problem)}: {short(str(problem))}"
    return OK, ""


def _where(problem: Exception) -> str:
    """The line of these rules or of PlexSync that failed."""
    frame = traceback.extract_tb(problem.__traceback__)[-1]
    return f"in {os.path.basename(frame.filename)} line {frame.lineno}"


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
        return f"a text of {len(value)} characters ({hashed(value)[:8]})"
    if isinstance(value, Collection) and not isinstance(value, (bytes, dict)):
        return _cut(f"[{', '.join(map(short, value))}]")
    return f"a {type(value).__name__}"


def plain(value: object) -> str:
    """A word of the protocol as it is; any other text is hidden."""
    if not isinstance(value, str):
        return short(value)
    shown = word(media_type(value), _PROTOCOL)
    return repr(str(shown)) if isinstance(shown, Word) else short(value)


_PROTOCOL = frozenset({"1.0", "html", "MediaContainer", "Response"})


def shape(value: object) -> str:
    """The shape of a text: digits as 9, alphabetic characters as a, others unchanged."""
    if not isinstance(value, str):
        return short(value)
    return _cut(re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", value)))


def _cut(text: str) -> str:
    return text if len(text) <= 120 else text[:117] + "..."
