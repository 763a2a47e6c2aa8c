"""Is Plex there, and can it work?"""

from __future__ import annotations

import time
from dataclasses import dataclass

from plexsync.edges import plex_xml
from plexsync.edges.plex_link import IDENTITY, PlexLink, span
from plexsync.model.errors import PlexAuthError, PlexServerDown, SyncError

DOWN, STARTING, UNAUTHORISED, HEALTHY = "down", "starting", "unauthorised", "healthy"
FOREIGN, FAILING = "not Plex", "failing"

_FOREIGN = frozenset({"redirect", "web page", "foreign"})


@dataclass(frozen=True, slots=True)
class Health:
    """How Plex is.

    "down": no answer. "starting": Plex says that it is not ready. "not Plex": something else
    answers. "failing": Plex answers, but not usefully. "unauthorised": it refuses the token.
    "healthy": its library can be read. `latency` is the time of the whole check in seconds,
    `detail` a sentence for people, `cause` that of the error, `version` Plex's own when it told.
    """

    state: str
    latency: float
    detail: str
    cause: str = ""
    version: str = ""

    @property
    def healthy(self) -> bool:
        """Whether Plex can work."""
        return self.state == HEALTHY

    @property
    def words(self) -> str:
        """State and reason, to begin a sentence with."""
        if self.state in (UNAUTHORISED, FOREIGN):
            return self.detail[:1].upper() + self.detail[1:]
        return f"Plex is {self.state} ({self.detail})"


def check(link: PlexLink, deadline: float) -> Health:
    """Ask for the identity, which proves the process, then read a library, which proves the rest.

    Each of the (at most three) requests may take `deadline` seconds. Raises nothing of ours.
    """
    started = time.monotonic()
    version = starting = ""
    try:
        identity = link.probe(IDENTITY, {}, deadline)
        version, starting = identity.get("version", ""), identity.get("startState", "")
        _read_library(link, deadline)
    except SyncError as problem:
        state = _state(problem, known=bool(version), starting=bool(starting))
        detail = problem.message
        if state == UNAUTHORISED and problem.status:
            detail = f"Plex refuses the token ({problem.status})"
        return Health(state, time.monotonic() - started, detail, problem.cause, version)
    detail = "Plex answers and its libraries can be read"
    return Health(HEALTHY, time.monotonic() - started, detail, version=version)


def _read_library(link: PlexLink, deadline: float) -> None:
    libraries = plex_xml.movie_sections(link.probe("/library/sections", {}, deadline))
    for library in libraries[:1]:
        link.probe(f"/library/sections/{library.key}/all?type=1", span(0, 0), deadline)


def _state(problem: SyncError, *, known: bool, starting: bool) -> str:
    """`known`: Plex itself told its version, `starting`: and that it is not ready."""
    if isinstance(problem, PlexAuthError):
        return UNAUTHORISED if known or problem.cause != "foreign" else FOREIGN
    if starting or problem.cause == "starting":
        return STARTING
    if problem.cause in _FOREIGN:
        return FOREIGN
    absent = problem.status in (None, 502, 504) or problem.cause == "proxy"
    return DOWN if isinstance(problem, PlexServerDown) and absent else FAILING
