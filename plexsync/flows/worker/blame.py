"""Decides whose fault the failures of a batch are: one probe decides what the answers leave open."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeGuard

from plexsync.edges.plex.client import Health, PlexClient
from plexsync.flows.results import Done, Failed, Postponed, Result
from plexsync.model.errors import (
    LIBRARY,
    REQUEST,
    SCENE,
    SERVER,
    WRITE,
    Interrupted,
    PlexAuthError,
    PlexPermanentError,
    PlexServerDown,
    PlexTemporaryError,
    SyncError,
)
from plexsync.model.job import Job
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex_state import FAILURE, READ_ONLY, TOKEN_WORDS, UNAUTHORISED

TakesEdits = Callable[[Collection[int]], "bool | None"]
"""Whether an item that was written before takes an edit that changes nothing; None if unknown. The
items of the given scenes, which could not be written, prove nothing.
"""


class Judged(NamedTuple):
    """The results of a batch with every fault decided.

    `server` is the error if Plex as a whole is at fault, None if it is healthy or was not in doubt.
    `unwritten` is why nothing could be written although Plex is healthy, None if something was.
    """

    results: Sequence[Result]
    server: SyncError | None = None
    unwritten: SyncError | None = None


class Blame:
    """Decides the fault of every failure; probes Plex once per batch, and only if needed.

    A write that fails although Plex is healthy is the scene's own fault only if others were written
    since it first failed, and no other has failed since then; until then Plex may be unable to
    write at all. If it fails again and nothing else is to be written, one that was written before
    takes the place of the others, by an edit that changes nothing. A refusal (4xx) is the scene's
    own at once if others are written or no other is refused. If all are refused, a proxy may block all edits: they are the scenes' own if one
    that was written before takes such an edit.
    """

    def __init__(self) -> None:
        self._turn = self._wrote = 0
        self._first: dict[int, int] = {}
        """The turn in which a scene first could not be written."""
        self._suspects: dict[int, int] = {}
        """The turn of its last failure, unless that was found to be its own fault."""
        self._refused: dict[int, int] = {}
        """Scene -> the turn in which a refusal was last attributed to it."""

    def judge(
        self,
        results: Sequence[Result],
        plex: PlexClient,
        patience: float | None = 0.0,
        takes_edits: TakesEdits = lambda failing: None,
    ) -> Judged:
        """Decide the faults of these results. A scene that could not be written is retried after
        `patience` seconds at no cost; if that is None, the failure is always its own.
        """
        self._turn += 1
        done = [result for result in results if isinstance(result, Done)]
        written = any(result.changed for result in done)
        if written:
            self._wrote = self._turn
        for result in done:  # a write whose answer was lost may be found in step the next time
            for turns in (self._first, self._suspects, self._refused):
                turns.pop(result.job.scene, None)
        if not any(_open(result) for result in results):
            return Judged(results)
        try:
            health = plex.check(FAILURE)
            server = self._token(results, plex) if health.healthy else whole(health)
        except Interrupted:
            return Judged([Postponed(r.job) if _open(r) else r for r in results])
        if server is not None and not health.healthy:
            return Judged([_with(r, server) if _open(r) else r for r in results], server)
        crowd = self._crowd(results)
        alone_again = len(crowd) == 1 and all(map(_fails_again, results))
        refusals = [result for result in results if _is_refusal(result)]
        in_doubt = alone_again or any(len(crowd) > 1 or _forbids(r.error) for r in refusals)
        others_can = written or (in_doubt and takes_edits(crowd) is True)
        if alone_again and others_can:
            self._wrote = self._turn
        judged = [
            self._settled(result, server, patience, crowd, others_can) if _open(result) else result
            for result in results
        ]
        failed = [r.error for r in judged if isinstance(r, Failed) and r.error.fault == WRITE]
        return Judged(judged, server, None if written or not failed else failed[0])

    def _token(self, results: Sequence[Result], plex: PlexClient) -> SyncError | None:
        """The error if forbidden writes show that the token may only read."""
        forbidden = [
            result
            for result in results
            if isinstance(result, Failed)
            and result.error.fault == WRITE
            and isinstance(result.error, PlexAuthError)
        ]
        if not forbidden or _owns(plex) is not False:
            return None
        return PlexAuthError(TOKEN_WORDS[READ_ONLY], cause=READ_ONLY, fault=SERVER)

    def _crowd(self, results: Sequence[Result]) -> set[int]:
        """The scenes that could not be written, in this batch or since something was last written."""
        failing = {
            result.job.scene
            for result in results
            if isinstance(result, Failed) and result.error.fault == WRITE
        }
        before = {**self._suspects, **self._refused}
        return failing | {scene for scene, turn in before.items() if turn > self._wrote}

    def _settled(
        self,
        result: Result,
        server: SyncError | None,
        patience: float | None,
        crowd: set[int],
        others_can: bool,
    ) -> Result:
        """The result with its fault decided, given a healthy Plex and a valid token; `others_can`:
        another scene can be written.
        """
        assert isinstance(result, Failed)
        error, job = result.error, result.job
        if error.fault in (REQUEST, LIBRARY):
            return _with(result, _temporary(error, error.fault))
        forbidden = isinstance(error, PlexAuthError)
        if forbidden:
            if error.fault == WRITE and server is not None:
                return _with(result, server)
            error = _temporary(error, error.fault)
        if error.fault == WRITE and patience is not None:
            lonely = not patience and crowd <= {job.scene}
            refused = forbidden or _refuses(error)  # forbidden: the error is temporary by now
            known = others_can or (lonely and not forbidden)
            if not (refused and known) and not self._alone(job):
                error.retry_after = max(error.retry_after or 0.0, patience)
                return _with(result, error)
            if refused:
                self._refused[job.scene] = self._turn
        error.fault = SCENE
        return _with(result, error)

    def _alone(self, job: Job) -> bool:
        """Whether only this scene cannot be written; records that it could not."""
        scene, earlier = job.scene, job.first_failure is not None
        first = self._first.setdefault(scene, 0 if earlier else self._turn)
        before = {**self._refused, **self._suspects}
        others = max((turn for s, turn in before.items() if s != scene), default=0)
        if first < self._wrote >= others:
            self._suspects.pop(scene, None)
            return True
        self._suspects[scene] = self._turn
        return False


def whole(health: Health) -> SyncError:
    """The error for a Plex that was found unhealthy."""
    kind = PlexAuthError if health.state == UNAUTHORISED else PlexServerDown
    return kind(health.detail, cause=health.kind, fault=SERVER)


def _is_refusal(result: Result) -> TypeGuard[Failed]:
    return isinstance(result, Failed) and result.error.fault == WRITE and _refuses(result.error)


def _forbids(error: SyncError) -> bool:
    """Whether it may be the token's fault, and so everybody's."""
    return isinstance(error, PlexAuthError)


def _fails_again(result: Result) -> bool:
    failed = isinstance(result, Failed) and result.error.fault == WRITE
    return failed and result.job.first_failure is not None


def _refuses(error: SyncError) -> bool:
    refused = isinstance(error, PlexPermanentError) and error.cause != "foreign"
    return refused or isinstance(error, PlexAuthError)


def _open(result: Result) -> bool:
    return isinstance(result, Failed) and result.error.unproven


def _with(result: Result, error: SyncError) -> Result:
    return result._replace(error=error) if isinstance(result, Failed) else result


def _temporary(error: SyncError, fault: str) -> SyncError:
    """The error as a temporary one, since the token is valid after all."""
    error.fault = fault
    if not isinstance(error, PlexAuthError):
        return error
    return PlexTemporaryError(error.message, status=error.status, cause=error.cause, fault=fault)


def _owns(plex: PlexClient) -> bool | None:
    try:
        return plex.owns()
    except SyncError:
        return None
