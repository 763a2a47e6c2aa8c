"""What plexapi is given as its session: bounded, judged and checked before plexapi looks.

This is the one place that decides what an answer of Plex means.
"""

from __future__ import annotations

import queue
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from plexsync.edges.http import Reply, Session, TransportError
from plexsync.model.errors import (
    PlexAuthError,
    PlexNotFound,
    PlexPermanentError,
    PlexServerDown,
    PlexTemporaryError,
    SyncError,
)

LONGEST_WAIT = 600.0
"""Seconds; a longer Retry-After is cut to it."""

_PLEX_XML = re.compile(r"\ufeff?\s*(<\?xml[^>]*\?>)?\s*<MediaContainer[\s/>]")
_WEB_PAGE = re.compile(r"\ufeff?\s*<(!doctype html|html|head|body)", re.IGNORECASE)
_GOOD = frozenset({200, 201, 204})
_DOWN = frozenset({502, 503, 504})
_BUSY = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Answer:
    """What plexapi reads of a response."""

    text: str = field(repr=False)
    status_code: int = 200
    url: str = ""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What to ask first over a new connection; `check` raises when it does not like the answer."""

    url: str
    check: Callable[[str], None]


class PlexSession:
    """Stands in for requests.Session inside plexapi; at most `connections` requests at a time.

    An answer that comes back has a good status and is whole; anything else raises one of the
    errors of model/errors.py. `timeout` bounds a whole request, seconds; `greeting` goes first if
    a new connection has to be made.
    """

    def __init__(
        self, make: Callable[[], Session], connections: int, token: str, now: Callable[[], float]
    ) -> None:
        self._token, self._now = token, now
        self._sessions = [make() for _ in range(connections)]
        self._free: queue.LifoQueue[Session] = queue.LifoQueue()
        for session in self._sessions:
            self._free.put(session)

    @property
    def opened(self) -> int:
        """TCP connections made so far."""
        return sum(session.opened for session in self._sessions)

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return sum(session.requests for session in self._sessions)

    @property
    def received(self) -> int:
        """Bytes of bodies read so far."""
        return sum(session.received for session in self._sessions)

    def get(self, url: str, **options: Any) -> Answer:
        """Read; the answer is Plex's XML."""
        return Answer(self._plex_xml(url, self._text("GET", url, PlexNotFound, **options)))

    def order(self, url: str, **options: Any) -> Answer:
        """A GET that makes Plex do something. Its answer, like an edit's, may hold anything but a
        web page, and is not passed on.
        """
        return self._done("GET", url, **options)

    def put(self, url: str, **options: Any) -> Answer:
        """An edit."""
        return self._done("PUT", url, **options)

    def post(self, url: str, **options: Any) -> Answer:
        """An upload."""
        return self._done("POST", url, **options)

    def delete(self, url: str, **options: Any) -> Answer:
        """Take a choice back."""
        return self._done("DELETE", url, **options)

    def close(self) -> None:
        """Close every connection; later requests make new ones."""
        for session in self._sessions:
            session.close()

    def _done(self, method: str, url: str, **options: Any) -> Answer:
        text = self._text(method, url, PlexPermanentError, **options)
        if _WEB_PAGE.match(text):
            raise PlexTemporaryError(
                f"the answer to {_named(method, url)} is a web page: {self._quoted(text)}",
                cause="body",
            )
        return Answer("")

    def _text(
        self,
        method: str,
        url: str,
        missing: type[SyncError],
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
        timeout: float | None = None,
        data: bytes | None = None,
        greeting: Greeting | None = None,
    ) -> str:
        more = {"headers": headers, "params": params, "total": timeout}
        if not (self._token.isascii() and self._token.isprintable() and self._token):
            raise PlexAuthError("the Plex token is empty or holds characters that no token has")
        with self._turn() as session:
            if greeting and not session.connected:
                hello = self._ask(session, "GET", greeting.url, missing, more)
                greeting.check(self._plex_xml(greeting.url, hello))
            return self._ask(session, method, url, missing, {**more, "data": data})

    def _ask(
        self,
        session: Session,
        method: str,
        url: str,
        missing: type[SyncError],
        more: Mapping[str, Any],
    ) -> str:
        try:
            reply = session.request(method, url, **more)
        except TransportError as problem:
            raise _no_answer(problem) from None
        if reply.status not in _GOOD:
            raise self._refusal(reply, _named(method, url), missing)
        return reply.body.decode("utf-8", "replace")

    def _plex_xml(self, url: str, text: str) -> str:
        if not _PLEX_XML.match(text):
            what = f"not Plex's XML but {self._quoted(text)}" if text.strip() else "empty"
            raise PlexTemporaryError(f"the answer to {_named('GET', url)} is {what}", cause="body")
        return text

    @contextmanager
    def _turn(self) -> Iterator[Session]:
        """The session that was used last, so that its connection is still open."""
        session = self._free.get()
        try:
            yield session
        finally:
            self._free.put(session)

    def _refusal(self, reply: Reply, request: str, missing: type[SyncError]) -> SyncError:
        said = self._quoted(reply.body[:65536].decode("utf-8", "replace"))
        message = f"Plex answered {reply.status} to {request}" + (f": {said}" if said else "")
        if reply.status in (401, 403):
            message = f"Plex refuses the token ({reply.status})"
        wait = _wait(reply.headers.get("Retry-After", ""), self._now())
        kind = missing if reply.status == 404 else _kind(reply.status)
        return kind(message, status=reply.status, cause="http", retry_after=wait)

    def _quoted(self, body: str) -> str:
        """What an answer says, for people: one short line without markup, query or token."""
        said = re.search(r'<Response\b[^>]*\bstatus="([^"]*)"', body)
        text = said[1] if said else re.sub(r"<[^>]*>", " ", body)
        text = re.sub(r"\?\S*=\S*", "", text.replace(self._token, "***"))
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return line if len(line) <= 200 else line[:197] + "..."


def _kind(status: int) -> type[SyncError]:
    if status in (401, 403):
        return PlexAuthError
    if status in _DOWN:
        return PlexServerDown
    if status in _BUSY or not 400 <= status < 500:
        return PlexTemporaryError
    return PlexPermanentError


def _no_answer(problem: TransportError) -> SyncError:
    if problem.cause in ("body", "too large"):
        return PlexTemporaryError(f"Plex's answer is unusable: {problem}", cause="body")
    return PlexServerDown(f"Plex does not answer: {problem}", cause=problem.cause)


def _named(method: str, url: str) -> str:
    """A request without its query, which may hold anything."""
    path = urlsplit(url).path
    return f"{method} {path if len(path) <= 80 else path[:77] + '...'}"


def _wait(header: str, now: float) -> float | None:
    """Seconds that a Retry-After asks for, in either of its forms."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT) if seconds == seconds else None
