"""The session for plexapi: bounds each request, and classifies the answer before plexapi sees it.

answers.py decides what an answer means.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from xml.etree.ElementTree import Element

from plexsync.edges.http.transport import Session, TransportError
from plexsync.edges.in_flight import InFlight
from plexsync.edges.log.redact import Redactor
from plexsync.edges.plex.answers import Asked, is_plex, no_answer, trouble, unreadable
from plexsync.edges.plex.tree import BrokenXml, TreeReader
from plexsync.model.errors import REQUEST, Interrupted, PlexAuthError, PlexServerDown


class PlexSession:
    """Replaces requests.Session inside plexapi; sends at most `connections` requests at a time.

    Returns the parsed tree of a read, and None for anything else; an answer that is not good and
    complete raises an error of model/errors.py. `timeout` bounds a whole request, in seconds. If a
    new connection has to be opened, the identity at `identity_url` is read first, and `check` raises
    if it is wrong. Raises Interrupted if another process waits for this one.
    """

    def __init__(
        self,
        make: Callable[[], Session],
        connections: int,
        token: str,
        identity_url: str,
        now: Callable[[], float],
        in_flight: InFlight,
    ) -> None:
        self._token, self._now, self._in_flight = token, now, in_flight
        self._identity_url = identity_url
        self._clean = Redactor([token]).secrets_out
        self.answers = 0
        """Answers so far that were recognisably Plex's."""
        self._sessions = [make() for _ in range(connections)]
        self._free = list(self._sessions)
        self._waiting: deque[queue.SimpleQueue[Session]] = deque()
        self._turns = threading.Lock()

    @property
    def opened(self) -> int:
        """TCP connections opened so far."""
        return sum(session.opened for session in self._sessions)

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return sum(session.requests for session in self._sessions)

    @property
    def received(self) -> int:
        """Bytes of bodies read so far."""
        return sum(session.received for session in self._sessions)

    def get(self, url: str, **options: Any) -> Element | None:
        """Send a read; the answer is Plex's XML."""
        return self._send(Asked("GET", url), **options)

    def order(self, url: str, **options: Any) -> Element | None:
        """Send a GET that makes Plex do something. Its answer, like an edit's, is empty or
        recognisably Plex's, and is dropped.
        """
        return self._send(Asked("GET", url, order=True), **options)

    def put(self, url: str, **options: Any) -> Element | None:
        """Send an edit."""
        return self._send(Asked("PUT", url), **options)

    def post(self, url: str, **options: Any) -> Element | None:
        """Send an upload."""
        return self._send(Asked("POST", url), **options)

    def delete(self, url: str, **options: Any) -> Element | None:
        """Send a deletion, which deselects an image."""
        return self._send(Asked("DELETE", url), **options)

    def close(self) -> None:
        """Close every connection; later requests open new ones."""
        for session in self._sessions:
            session.close()

    def _send(
        self,
        asked: Asked,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, str] | None = None,
        timeout: float | None = None,
        data: bytes | None = None,
        check: Callable[[Element], None] | None = None,
    ) -> Element | None:
        more: dict[str, Any] = {"headers": headers, "params": params, "total": timeout}
        if not (self._token.isascii() and self._token.isprintable() and self._token):
            raise PlexAuthError(
                "the Plex token is empty or contains characters that no token has", fault=REQUEST
            )
        with self._turn() as session, self._in_flight.request() as seconds:
            if seconds is not None:
                more["total"] = min(seconds, timeout or seconds)
            try:
                if check and not session.connected:
                    who = Asked("GET", self._identity_url)
                    identity = _tree(who, self._ask(session, who, more))
                    assert identity is not None
                    check(identity)
                    self._in_flight.go_on()
                answer = self._ask(session, asked, {**more, "data": data})
            except PlexServerDown:
                if seconds is None:
                    raise
                raise Interrupted from None  # our own deadline cut it short
        return _tree(asked, answer)  # parsed while the connection carries the next request

    def _ask(self, session: Session, asked: Asked, more: Mapping[str, Any]) -> TreeReader | None:
        """The answer to a read; None for anything else, whose answer is dropped."""
        reader = TreeReader() if asked.reads else None
        into = reader.feed if reader else bool
        try:
            reply = session.request(asked.method, asked.url, max_body=asked.most, into=into, **more)
        except TransportError as problem:
            raise no_answer(asked, problem) from None
        self.answers += is_plex(reply)
        wrong = trouble(asked, reply, self._clean, self._now())
        if wrong is not None:
            raise wrong
        return reader

    @contextmanager
    def _turn(self) -> Iterator[Session]:
        """Borrow the session that was used last, so that its connection is still open; in the order
        of asking, so that a read need not wait for all writes that a pool still has to send.
        """
        with self._turns:
            session = self._free.pop() if self._free else None
            if session is None:
                mine: queue.SimpleQueue[Session] = queue.SimpleQueue()
                self._waiting.append(mine)
        if session is None:
            session = mine.get()
        try:
            yield session
        finally:
            with self._turns:
                if self._waiting:
                    self._waiting.popleft().put(session)
                else:
                    self._free.append(session)


def _tree(asked: Asked, answer: TreeReader | None) -> Element | None:
    try:
        return answer.close() if answer else None
    except BrokenXml as problem:
        raise unreadable(asked, problem) from None
