"""Checks whether Plex runs, and whether it works."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from plexsync.edges.clock import Clock
from plexsync.edges.http.transport import TLS as TLS_CAUSES
from plexsync.edges.plex import xml as plex_xml
from plexsync.edges.plex.answers import is_foreign
from plexsync.edges.plex.connection import IDENTITY, PlexConnection, span
from plexsync.edges.storage import files
from plexsync.model.errors import PlexAuthError, PlexNotFound, PlexServerDown, SyncError
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex_state import (
    DOWN,
    FAILING,
    FILE,
    FOREIGN,
    HEALTHY,
    READ_ONLY,
    STARTING,
    TLS,
    TOKEN_WORDS,
    UNAUTHORISED,
    kind_of,
    remedy,
    token_trouble,
)


class Health(NamedTuple):
    """The result of a health check.

    `state` is "down": no answer; "no TLS": no secure connection; "starting": Plex says that it is
    not ready; "not Plex": something else answers; "failing": Plex's answers are unusable;
    "unauthorised": it refuses the token; or "healthy": its library can be read. `latency` is the
    time of the whole check in seconds, `detail` a sentence for the user, `cause` that of the error,
    `version` Plex's, if known.
    """

    state: str
    latency: float
    detail: str
    cause: str = ""
    version: str = ""

    @property
    def healthy(self) -> bool:
        """Whether Plex works."""
        return self.state == HEALTHY

    @property
    def kind(self) -> str:
        """The most specific kind of model/plex_state.py for this result."""
        return kind_of(self.state, self.cause)

    @property
    def remedy(self) -> str:
        """What the user can do about it, one or two sentences."""
        return remedy(self.kind)

    @property
    def words(self) -> str:
        """State and reason, for the beginning of a sentence."""
        if self.state in (UNAUTHORISED, FOREIGN, TLS):
            return self.detail[:1].upper() + self.detail[1:]
        return f"Plex is {self.state} ({self.detail})"


def check(
    connection: PlexConnection, token: str, deadline: float, *, to_write: bool = False
) -> Health:
    """Request the identity, which proves that Plex runs, then read a library, which proves the
    rest.

    With `to_write` a token that is not the owner's counts as unauthorised. Each of the (at most
    four) requests may take `deadline` seconds. Never raises SyncError.
    """
    started = time.monotonic()
    version = starting = ""
    try:
        identity = connection.probe(IDENTITY, {}, deadline)
        version, starting = identity.get("version", ""), identity.get("startState", "")
        _read_library(connection, deadline)
        if to_write:
            _ask_owner(connection, deadline)
    except SyncError as problem:
        state = _state(problem, starting=bool(starting))
        cause, detail = problem.cause, problem.message
        if state == UNAUTHORISED and cause != READ_ONLY:
            cause = token_trouble(token)
            status = f" ({problem.status})" if problem.status else ""
            detail = TOKEN_WORDS[cause].replace("the token", f"the token{status}", 1)
        return Health(state, time.monotonic() - started, detail, cause, version)
    detail = "Plex answers and its libraries can be read"
    return Health(HEALTHY, time.monotonic() - started, detail, version=version)


def _read_library(connection: PlexConnection, deadline: float) -> None:
    libraries = plex_xml.movie_sections(connection.probe("/library/sections", {}, deadline))
    for library in libraries[:1]:
        connection.probe(f"/library/sections/{library.key}/all?type=1", span(0, 0), deadline)


def _ask_owner(connection: PlexConnection, deadline: float) -> None:
    try:
        connection.probe("/status/sessions", {}, deadline)
    except SyncError as problem:
        if isinstance(problem, PlexNotFound) or is_foreign(problem):
            return  # Plex does not say, or a proxy blocks the request
        if isinstance(problem, PlexAuthError):
            raise PlexAuthError(TOKEN_WORDS[READ_ONLY], cause=READ_ONLY) from None
        raise


def _state(problem: SyncError, *, starting: bool) -> str:
    """The state for a failure. `starting`: Plex reported that it is not ready."""
    if isinstance(problem, PlexAuthError):
        return FOREIGN if is_foreign(problem) else UNAUTHORISED
    if starting or problem.cause == "starting":
        return STARTING
    if is_foreign(problem):
        return FOREIGN
    if problem.cause in TLS_CAUSES:
        return TLS
    absent = problem.status in (None, 502, 504) or problem.cause == "proxy"
    return DOWN if isinstance(problem, PlexServerDown) and absent else FAILING


class HealthChecks:
    """Stores the last health check and who asked for it; every process that checks writes it."""

    def __init__(self, folder: str, clock: Clock) -> None:
        self._path = os.path.join(folder, FILE)
        self._clock = clock

    def note(self, health: Health, asked_by: str) -> None:
        """Store it; a full disk must not fail the check itself."""
        check = {"at": self._clock.now(), "by": asked_by, "state": health.state}
        with suppress(OSError):
            files.replace_json(self._path, check)
