"""HTTP requests with a total deadline and a size limit; the only transport in PlexSync.

It does not interpret answers: each client does that, once.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import requests
import urllib3
from requests.utils import requote_uri

from plexsync.edges.http.certificates import PUBLIC, Trust
from plexsync.edges.http.http_connection import PreparedRequests, SharedState, bare_session
from plexsync.edges.http.sockets import TLS, Deadline, TransportError, https_address, place

__all__ = ["IDLE", "MAX_BODY", "TLS", "Reply", "Session", "TransportError"]

MAX_BODY = 16 * 1024 * 1024
IDLE = 18.0
"""Seconds after which an idle connection is not reused: Plex closes it after 20."""
_CHUNK = 65536
_WANTS_TLS = re.compile(rb"\b(https|ssl|tls)\b", re.IGNORECASE)
"""Words in the body of a status 400 by which nginx, Apache and Go's servers ask for TLS."""
_TROUBLE = (OSError, HTTPException, ValueError, urllib3.exceptions.HTTPError)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of any status. Header names are case-insensitive; `seconds` is the total time.

    `redirect` is the target of a redirect (scheme, host, port and path), to be shown and never
    followed; "" for any other answer.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    seconds: float
    redirect: str = ""


class Session:
    """One keep-alive connection, one request at a time; other threads wait for their turn.

    It follows no redirects, keeps no cookies, uses no proxies and never retries. Times in seconds:
    `total` bounds connect, headers and body together, however slowly they arrive (only a name
    look-up cannot be interrupted). With `detect_tls`, a server that hangs up on plain http is
    probed for TLS by a handshake.
    """

    def __init__(
        self,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        total: float = 30.0,
        *,
        trust: Trust = PUBLIC,
        detect_tls: bool = False,
        max_body: int = MAX_BODY,
        idle: float = IDLE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.requests = self.received = 0
        self._connect, self._read, self._total = connect_timeout, read_timeout, total
        self._max_body, self._idle = max_body, idle
        self._monotonic = monotonic
        self._last = monotonic()
        self._lock = threading.Lock()
        self._look_for_tls = detect_tls
        self._hang_ups = 1  # in a row; starts at one, since nothing has answered yet
        self._shared = SharedState(trust)
        self._session = bare_session(self._shared)
        self._headers: dict[str, str | bytes] = dict(self._session.headers)
        self._prepared = PreparedRequests()

    @property
    def opened(self) -> int:
        """How many connections were made so far."""
        return self._shared.opened

    @property
    def connected(self) -> bool:
        """Whether the next request will reuse the current connection."""
        connection = self._shared.connection
        return connection is not None and connection.is_connected and self._is_fresh()

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        json: object = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        max_body: int | None = None,
        total: float | None = None,
        into: Callable[[bytes], bool] | None = None,
    ) -> Reply:
        """Send one request; raises TransportError. `total` and `max_body` override the limits.

        The query is either encoded in `url` or passed as `params`. With `into` the body is never
        held as a whole: `into` receives the chunks of a 2xx answer as they arrive and returns
        whether to go on; the reply then holds the body's beginning only.
        """
        origin, target = _split(url, params)
        sent = {**self._headers, **(headers or {})}
        seconds = self._total if total is None else total
        limit = self._max_body if max_body is None else max_body
        with self._lock:
            if not self._is_fresh():
                self._session.close()
            self.requests += 1
            started = self._monotonic()
            deadline = Deadline(seconds, self._connect, self._read)
            self._shared.deadline = deadline
            try:
                request = self._prepared.request(method, origin, sent, data, json)
                answer, body = self._exchange(request, target, limit, into)
            except TransportError:
                raise
            except _TROUBLE as problem:
                raise self._failure(problem, url) from None
            finally:
                self._last = self._monotonic()
            self._hang_ups = 0
            if deadline.passed:
                raise _explained(TimeoutError(), url, deadline)
            if answer.status == 400 and _WANTS_TLS.search(body[:_CHUNK]):
                wanted = self._tls_wanted(url)
                if wanted:
                    raise wanted
        status, head = answer.status, answer.headers
        return Reply(status, head, body, self._last - started, _redirect(url, status, head))

    def close(self) -> None:
        """Close the connection; a later request opens a new one."""
        with self._lock:
            self._session.close()

    def _exchange(
        self,
        request: requests.PreparedRequest,
        target: str,
        limit: int,
        into: Callable[[bytes], bool] | None,
    ) -> tuple[urllib3.BaseHTTPResponse, bytes]:
        self._shared.target = target
        times = (self._connect, self._read)
        # Not Session.send, which reads the whole body of a redirect. verify=False: our connections
        # check certificates themselves, see SharedState.trust.
        adapter = self._session.get_adapter(request.url or "")
        answer: Any = adapter.send(request, stream=True, timeout=times, verify=False)
        try:
            self._shared.deadline.answered = True
            if into is None:
                return answer, b"".join(self._limited(answer, limit))
            if 200 <= answer.status < 300:
                return answer, _beginning(self._limited(answer, limit), into)
            return answer, _beginning(self._limited(answer, sys.maxsize), None)
        finally:
            answer.close()
            answer.release_conn()

    def _limited(self, answer: urllib3.BaseHTTPResponse, limit: int) -> Iterator[bytes]:
        refusal = TransportError("too large", f"the answer is larger than {limit} bytes")
        if (answer.length_remaining or 0) > limit:
            raise refusal
        size = 0
        for chunk in answer.stream(_CHUNK, decode_content=True):
            size += len(chunk)
            self.received += len(chunk)
            if size > limit:
                raise refusal
            yield chunk

    def _failure(self, problem: Exception, url: str) -> TransportError:
        failure = _explained(problem, url, self._shared.deadline)
        if failure.cause != "reset":
            return failure
        self._hang_ups += 1
        # A Plex that has answered over http may hang up for another reason.
        return (self._hang_ups > 1 and self._tls_wanted(url)) or failure

    def _tls_wanted(self, url: str) -> TransportError | None:
        """The error for plain http sent to a port that speaks TLS; None if it does not."""
        parts, shared = urlsplit(url), self._shared
        if not self._look_for_tls or parts.scheme != "http" or not parts.hostname:
            return None
        address = https_address(shared, shared.trust, parts.hostname, parts.port or 80)
        if not address:
            return None
        text = f"{_where(url)} takes only secure connections; enter the address {address}"
        return TransportError("tls wanted", text)

    def _is_fresh(self) -> bool:
        return 0 <= self._monotonic() - self._last < self._idle


def _split(url: str, params: Mapping[str, str] | None) -> tuple[str, str]:
    """Scheme, host and port of a URL, and the encoded path and query to send there."""
    place, mark, query = url.partition("#")[0].partition("?")
    start = place.find("/", place.find("://") + 3)
    origin, path = (place, "/") if start < 0 else (place[:start], place[start:])
    if params:
        query, mark = "&".join(filter(None, [query, urlencode(params)])), "?"
    return origin, requote_uri(path) + mark + query


def _redirect(url: str, status: int, headers: Mapping[str, str]) -> str:
    """The target of a redirect, without credentials and query."""
    if not 300 <= status < 400 or not headers.get("Location"):
        return ""
    try:
        to = urlsplit(urljoin(url, headers["Location"]))
        host = to.netloc.rpartition("@")[2]
        shown = f"{to.scheme}://{host}{to.path}"
    except ValueError:
        return "an address that cannot be read"
    shown = "".join(char if char.isprintable() else "?" for char in shown)
    return shown if len(shown) <= 200 else shown[:197] + "..."


def _beginning(chunks: Iterable[bytes], into: Callable[[bytes], bool] | None) -> bytes:
    """The first bytes of a body. The whole body goes to `into`; without it reading stops early."""
    head = b""
    for chunk in chunks:
        if len(head) < _CHUNK:
            head += chunk
        if not into(chunk) if into else len(head) >= _CHUNK:
            break
    return head


def _explained(problem: Exception, url: str, deadline: Deadline) -> TransportError:
    where, chain = _where(url), list(_chain(problem))
    late = (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)
    if deadline.passed or any(isinstance(link, late) for link in chain):
        return TransportError("timeout", f"{where} did not answer in time ({deadline.seconds:g} s)")
    if deadline.answered:
        return TransportError("body", f"the answer of {where} was cut short")
    if isinstance(problem, ValueError):
        return TransportError("url", f"{where} cannot be asked: its address or a header is invalid")
    return TransportError("reset", f"{where} closed the connection before it answered")


def _chain(problem: BaseException | None) -> Iterator[BaseException]:
    while problem is not None:
        yield problem
        problem = problem.__cause__ or problem.__context__


def _where(url: str) -> str:
    """Host and port of a URL; nothing else of it may be shown."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
        return place(parts.hostname or "?", port)
    except ValueError:
        return "the server"
