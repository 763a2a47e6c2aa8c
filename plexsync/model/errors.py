"""Every way a sync can fail, named by what the caller does next.

    SyncError
    |- TransientError                 try again later
    |  |- PlexServerDown              no answer, 502/503/504, or an answer that is not Plex's
    |  |- PlexTemporaryError          408, 425, 429, 500, broken bodies, 4xx on a read, unknown
    |  `- PlexNotFound                no such item yet: slow retry
    |- PlexPermanentError             400, 404 on a write, 413, 414, 422: dead letter at once
    |- AmbiguousMatch                 several items match: dead letter that lists them
    |- PlexAuthError                  401, 403: everything pauses
    |- StashDown, StashAuthError      the other server: jobs wait untouched
    |- SceneUnusable                  Stash's answer about it is invalid: dead letter at once
    `- SceneGone                      nothing left to do

The class says what would follow if the failure were the scene's own; `fault` says whether it is. An
error is classified once, where the HTTP answer is received, and what the answer leaves open is
decided by one probe of Plex (flows/worker/blame.py). A scene is never charged for a fault of the
server.
"""

from __future__ import annotations

from collections.abc import Sequence

from plexsync.model.dead_letter import Candidate

SERVER, REQUEST, LIBRARY = "server", "request", "library"
ITEM, WRITE, SCENE = "item", "write", "scene"
"""Whose fault a failure is.

SERVER: Plex as a whole, confirmed by a probe. REQUEST: a request that names no item failed, so it
is never a scene's fault. LIBRARY: the same, but only scenes whose file is not known yet need it.
ITEM and WRITE: reading one or several items, or writing one, failed, and the server may be at fault
as well. SCENE: the scene's own; only this costs attempts.
"""

UNPROVEN = frozenset({REQUEST, LIBRARY, ITEM, WRITE})
"""Faults that need a probe to be decided."""


class SyncError(Exception):
    """A failure, with what is needed to handle and explain it.

    `status` is the HTTP status when there was an answer, `cause` a short word for the kind of
    failure ("refused", "dns", "timeout", "reset", "http", "body", "redirect", "web page",
    "foreign", ...), `retry_after` the seconds that the server asked for, `fault` whose fault it is.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        cause: str = "",
        retry_after: float | None = None,
        fault: str = SCENE,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.cause = cause
        self.retry_after = retry_after
        self.fault = fault

    @property
    def unproven(self) -> bool:
        """Whether only a probe can decide whose fault it is."""
        return self.fault in UNPROVEN

    def of_step(self) -> SyncError:
        """The same error as a failure of a whole step, which concerns no single scene."""
        if self.fault != SERVER and not isinstance(self, (StashDown, StashAuthError)):
            self.fault = REQUEST
        return self

    @property
    def kind(self) -> str:
        """The class name, as stored in dead letters and statistics."""
        return type(self).__name__


class TransientError(SyncError):
    """May succeed later without anyone acting."""


class PlexServerDown(TransientError):
    """Plex did not answer or is not ready, or something else answered in its place."""


class PlexTemporaryError(TransientError):
    """Plex gave an unusable answer; the next attempt may succeed."""


class PlexNotFound(TransientError):
    """No Plex item holds one of the scene's files (`paths`, as Stash sees them) yet."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        cause: str = "",
        retry_after: float | None = None,
        fault: str = SCENE,
        paths: Sequence[str] = (),
    ) -> None:
        super().__init__(message, status=status, cause=cause, retry_after=retry_after, fault=fault)
        self.paths = tuple(paths)


class PlexPermanentError(SyncError):
    """Plex understood and refused; a retry would not help."""


class PlexAuthError(SyncError):
    """Plex rejects the token; the user has to act."""


class AmbiguousMatch(SyncError):
    """Several Plex items (`candidates`) could be the scene."""

    def __init__(self, message: str, candidates: Sequence[Candidate] = ()) -> None:
        super().__init__(message, cause="ambiguous")
        self.candidates = tuple(candidates)


class StashDown(SyncError):
    """Stash did not answer, or its answer was unusable."""


class StashAuthError(SyncError):
    """Stash no longer accepts our session or key."""


class SceneGone(SyncError):
    """The scene no longer exists in Stash."""


class Interrupted(Exception):  # noqa: N818 - nothing went wrong
    """Another process waits for this one; unsent work stays queued, at no cost."""


class SceneUnusable(SyncError):
    """Stash's answer about this scene, and only this one, is unusable."""


class AnotherStash(Exception):
    """The data folder belongs to another Stash; the text tells the user so, and what to do."""
