"""Every way a sync can fail, named by what the caller does next.

    SyncError
    |- TransientError                 try again later
    |  |- PlexServerDown              no answer, 502/503/504, or an answer that is not Plex's
    |  |- PlexTemporaryError          408, 425, 429, 500, broken bodies, 4xx on a read, unknown
    |  `- PlexNotFound                no such item yet: slow retry
    |- PlexPermanentError             400, 404 on a write, 413, 414, 422: dead letter at once
    |- AmbiguousMatch                 several items fit: dead letter that names them
    |- PlexAuthError                  401, 403: everything pauses
    |- StashDown, StashAuthError      the other server: jobs wait untouched
    |- SceneUnusable                  Stash's answer about it makes no sense: dead letter at once
    `- SceneGone                      nothing left to do

The class says what would follow if the failure were the scene's own. Whether it is, `fault` says:
an error is made once, where the HTTP answer is, and what that answer leaves open is settled by one
probe of Plex (flows/worker/blame.py). A fault of the whole is never charged to a part.
"""

from __future__ import annotations

from collections.abc import Sequence

from plexsync.model.candidate import Candidate

SERVER, REQUEST, ITEM, WRITE, SCENE = "server", "request", "item", "write", "scene"
"""Whose fault a failure is.

SERVER: Plex as a whole, as a probe found. REQUEST: of a request that names no item, so never a
scene's. ITEM and WRITE: met while one or several items were read, or one was written, by something
that may be the whole as well. SCENE: this scene's own, and only this costs attempts.
"""

UNPROVEN = frozenset({REQUEST, ITEM, WRITE})
"""Faults that a probe has to settle."""


class SyncError(Exception):
    """A failure with what is needed to decide and to explain it.

    `status` is the HTTP status when there was an answer, `cause` a short word for the kind of
    failure ("refused", "dns", "timeout", "reset", "http", "body", "redirect", "web page",
    "foreign", ...), `retry_after` seconds the server asked for, `fault` whose fault it is.
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
        """Whether a probe has to say whose fault it is."""
        return self.fault in UNPROVEN

    def of_step(self) -> SyncError:
        """The same, as the end of a whole step: then it concerns no single scene."""
        if self.fault != SERVER and not isinstance(self, (StashDown, StashAuthError)):
            self.fault = REQUEST
        return self

    @property
    def kind(self) -> str:
        """The class name, as dead letters and statistics store it."""
        return type(self).__name__


class TransientError(SyncError):
    """May succeed later without anybody doing anything."""


class PlexServerDown(TransientError):
    """Plex did not answer, said that it is not ready, or something else answered in its place."""


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
        fault: str = SCENE,
        paths: Sequence[str] = (),
    ) -> None:
        super().__init__(message, status=status, cause=cause, retry_after=retry_after, fault=fault)
        self.paths = tuple(paths)


class PlexPermanentError(SyncError):
    """Plex understood and refused; trying again would not help."""


class PlexAuthError(SyncError):
    """Plex rejects the token: a person has to act."""


class AmbiguousMatch(SyncError):
    """Several Plex items could be the scene: `candidates`."""

    def __init__(self, message: str, candidates: Sequence[Candidate] = ()) -> None:
        super().__init__(message, cause="ambiguous")
        self.candidates = tuple(candidates)


class StashDown(SyncError):
    """Stash did not answer usefully."""


class StashAuthError(SyncError):
    """Stash no longer accepts our session or key."""


class SceneGone(SyncError):
    """The scene no longer exists in Stash."""


class Interrupted(Exception):  # noqa: N818 - nothing went wrong
    """Somebody waits for this process: what was not sent yet waits, at no cost."""


class SceneUnusable(SyncError):
    """What Stash says about this scene, and about it alone, cannot be used."""


class AnotherStash(Exception):
    """The data folder belongs to another Stash; the text says so to a person, and what to do."""
