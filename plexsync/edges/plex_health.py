"""Is Plex there, and can it work?"""

from __future__ import annotations

import time
from dataclasses import dataclass

from plexsync.edges import plex_xml
from plexsync.edges.plex_link import PlexLink, span
from plexsync.model.errors import PlexAuthError, PlexServerDown, SyncError

DOWN, STARTING, UNAUTHORISED, HEALTHY = "down", "starting", "unauthorised", "healthy"


@dataclass(frozen=True, slots=True)
class Health:
    """How Plex is.

    "down": no answer. "starting": it answers, but not usefully. "unauthorised": it refuses the
    token. "healthy": its library can be read. `latency` is the time of the whole check in
    seconds, `detail` a sentence for people.
    """

    state: str
    latency: float
    detail: str

    @property
    def words(self) -> str:
        """State and reason, to begin a sentence with."""
        return (
            self.detail if self.state == "unauthorised" else f"Plex is {self.state} ({self.detail})"
        )


def check(link: PlexLink, deadline: float) -> Health:
    """Ask for the identity, which proves the process, then read a library, which proves the rest.

    Each of the (at most three) requests may take `deadline` seconds. Raises nothing of ours.
    """
    started = time.monotonic()
    try:
        _read_library(link, deadline)
        state, detail = HEALTHY, "Plex answers and its libraries can be read"
    except SyncError as problem:
        state, detail = _state(problem), problem.message
    return Health(state, time.monotonic() - started, detail)


def _read_library(link: PlexLink, deadline: float) -> None:
    link.probe("/identity", {}, deadline)
    libraries = plex_xml.movie_sections(link.probe("/library/sections", {}, deadline))
    for library in libraries[:1]:
        link.probe(f"/library/sections/{library.key}/all?type=1", span(0, 0), deadline)


def _state(problem: SyncError) -> str:
    if isinstance(problem, PlexAuthError):
        return UNAUTHORISED
    # A proxy says 502 and 504 for a server that is not there; 503 is Plex's own.
    absent = problem.status in (None, 502, 504)
    return DOWN if isinstance(problem, PlexServerDown) and absent else STARTING
