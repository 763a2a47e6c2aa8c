"""Whose fault the failures of a batch are: one probe settles what the answers leave open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from plexsync.edges.plex import Health, PlexClient
from plexsync.flows.results import Failed, Result
from plexsync.model.errors import (
    REQUEST,
    SCENE,
    SERVER,
    PlexAuthError,
    PlexServerDown,
    PlexTemporaryError,
    SyncError,
)


@dataclass(frozen=True, slots=True)
class Judged:
    """The results of a batch with every fault decided: SERVER, REQUEST or SCENE.

    `server` is what is wrong with Plex as a whole, None when it is healthy or was not in doubt;
    `probed` whether it was in doubt.
    """

    results: Sequence[Result]
    server: SyncError | None = None
    probed: bool = False


def judge(results: Sequence[Result], plex: PlexClient) -> Judged:
    """Decide the fault of every failure; Plex is asked once, and only if one leaves it open."""
    if not any(isinstance(result, Failed) and result.error.unproven for result in results):
        return Judged(results)
    health = plex.check()
    server = None if health.healthy else whole(health)
    return Judged([_settled(result, server) for result in results], server, probed=True)


def whole(health: Health) -> SyncError:
    """The error that an unhealthy Plex is."""
    kind = PlexAuthError if health.state == "unauthorised" else PlexServerDown
    return kind(health.detail, cause=health.cause, fault=SERVER)


def _settled(result: Result, server: SyncError | None) -> Result:
    if not isinstance(result, Failed) or not result.error.unproven:
        return result
    return replace(result, error=server or _own(result.error))


def _own(error: SyncError) -> SyncError:
    """With a healthy Plex, the request's or the scene's fault; then no token is to blame."""
    fault = REQUEST if error.fault == REQUEST else SCENE
    if isinstance(error, PlexAuthError):
        return PlexTemporaryError(
            error.message, status=error.status, cause=error.cause, fault=fault
        )
    error.fault = fault
    return error
