"""Every way a sync can fail, named by what the caller does next.

    SyncError
    |- TransientError                 try again later
    |  |- PlexServerDown              no answer, or 502/503/504: wait for Plex
    |  |- PlexTemporaryError          408, 425, 429, 500, broken bodies, unknown: ordinary retry
    |  `- PlexNotFound                no such item yet: slow retry
    |- PlexPermanentError             400, 404 on a write, 413, 414, 422: dead letter at once
    |- AmbiguousMatch                 several items fit: dead letter that names them
    |- PlexAuthError                  401, 403: everything pauses
    |- StashDown, StashAuthError      the other server: jobs wait untouched
    `- SceneGone                      nothing left to do

An error is made once, where the HTTP answer is; nothing above re-classifies it.
"""

from __future__ import annotations

from collections.abc import Sequence


class SyncError(Exception):
    """A failure with what is needed to decide and to explain it.

    `status` is the HTTP status when there was an answer, `cause` a short word for the kind of
    failure ("refused", "dns", "timeout", "reset", "http", "body", ...), `retry_after` seconds the
    server asked for.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        cause: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.cause = cause
        self.retry_after = retry_after

    @property
    def kind(self) -> str:
        """The class name, as dead letters and statistics store it."""
        return type(self).__name__


class TransientError(SyncError):
    """May succeed later without anybody doing anything."""


class PlexServerDown(TransientError):
    """Plex did not answer, or said that it is not ready."""


class PlexTemporaryError(TransientError):
    """Plex answered, but not usefully; the next try may be better."""


class PlexNotFound(TransientError):
    """No Plex item holds one of the scene's files (`paths`, as Stash sees them) yet."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        cause: str = "",
        retry_after: float | None = None,
        paths: Sequence[str] = (),
    ) -> None:
        super().__init__(message, status=status, cause=cause, retry_after=retry_after)
        self.paths = tuple(paths)


class PlexPermanentError(SyncError):
    """Plex understood and refused; trying again would not help."""


class PlexAuthError(SyncError):
    """Plex rejects the token: a person has to act."""


class AmbiguousMatch(SyncError):
    """Several Plex items could be the scene; `candidates` are their descriptions."""

    def __init__(self, message: str, candidates: Sequence[str] = ()) -> None:
        super().__init__(message, cause="ambiguous")
        self.candidates = tuple(candidates)


class StashDown(SyncError):
    """Stash did not answer usefully."""


class StashAuthError(SyncError):
    """Stash no longer accepts our session or key."""


class SceneGone(SyncError):
    """The scene no longer exists in Stash."""
