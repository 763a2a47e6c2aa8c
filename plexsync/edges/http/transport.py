"""The one place for transport: requests bounded in time as a whole and in size.

What an answer means is not decided here: each client translates it, once.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from plexsync.edges.http.certificates import PUBLIC, Trust
from plexsync.edges.http.http_connection import SharedState, bare_session
from plexsync.edges.http.sockets import TLS, Deadline, TransportError, https_address, place

__all__ = ["IDLE", "MAX_BODY", "TLS", "Reply", "Session", "TransportError"]

MAX_BODY = 16 * 1024 * 1024
IDLE = 18.0
"""Seconds after which a connection is not used again: Plex drops it after 20."""
_CHUNK = 65536
_WANTS_TLS = re.compile(rb"\b(https|ssl|tls)\b", re.IGNORECASE)
"""In the page of a status 400: nginx, Apache and Go's servers name it."""
_TROUBLE = (OSError, HTTPException, ValueError, urllib3.exceptions.HTTPError)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of any status. Header names match in any case; `seconds` is the whole exchange.

    `redirect` is where a redirect points, for people to read and never to be followed: scheme,
    host, port and path; "" for any other answer.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    seconds: float
    redirect: str = ""


class Session:
    """One keep-alive connection, one request at a time; other threads wait for their turn.

    Redirects are not followed, cookies not kept, proxies not asked, nothing is tried twice. Times
    in seconds: `total` bounds a request with connect, headers and body, however slowly they drip
    (only a name look-up cannot be cut). With `look_for_tls` a server that hangs up on plain http is
    asked by a handshake whether it wants TLS.
    """

    def __init__(
        self,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        total: float = 30.0,
        *,
        trust: Trust = PUBLIC,
        look_for_tls: bool = False,
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
        self._look_for_tls = look_for_tls
        self._hang_ups = 1  # in a row; one to begin with, since nothing has answered yet
        self._shared = SharedState(trust)
        self._session = bare_session(self._shared)

    @property
    def opened(self) -> int:
        """How many connections were made so far."""
        return self._shared.opened

    @property
    def connected(self) -> bool:
        """Whether the next request will go over the connection that there is."""
        connection = self._shared.connection
        return connection is not None and connection.is_connected and self._is_fresh()

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        json: object = None,
        data: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        max_body: int | None = None,
        total: float | None = None,
        into: Callable[[bytes], bool] | None = None,
    ) -> Reply:
        """Ask once; raises TransportError. `total` and `max_body` (bytes) rule this request only.

        `url` may have an encoded query, or `params` one that is still to be encoded. With `into`
        nothing holds the body as a whole: that takes the chunks of an answer of 2xx as they come,
        and says whether it wants more; the reply has the body's beginning.
        """
        path, mark, query = url.partition("?")
        request = requests.Request(method, path, headers, params=params, json=json, data=data)
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
                answer, body = self._exchange(request, mark + query, limit, into)
            except TransportError:
                raise
            except _TROUBLE as problem:
                raise self._failure(problem, url) from None
            finally:
                self._last = self._monotonic()
            self._hang_ups = 0
            if deadline.passed:
                raise _explained(TimeoutError(), url, deadline)
            if answer.status_code == 400 and _WANTS_TLS.search(body[:_CHUNK]):
                wanted = self._tls_wanted(url)
                if wanted:
                    raise wanted
        status, head = answer.status_code, answer.headers
        return Reply(status, head, body, self._last - started, _redirect(url, status, head))

    def close(self) -> None:
        """Close the connection; a later request makes a new one."""
        with self._lock:
            self._session.close()

    def _exchange(
        self,
        request: requests.Request,
        query: str,
        limit: int,
        into: Callable[[bytes], bool] | None,
    ) -> tuple[requests.Response, bytes]:
        sent = self._session.prepare_request(request)
        self._shared.query = query
        times = (self._connect, self._read)
        # Not Session.send: that reads the whole body of a redirect, however large. And our
        # connections look at certificates themselves, see SharedState.trust.
        adapter = self._session.get_adapter(sent.url or "")
        with adapter.send(sent, stream=True, timeout=times, verify=False) as answer:
            self._shared.deadline.answered = True
            if into is None:
                return answer, b"".join(self._limited(answer, limit))
            if 200 <= answer.status_code < 300:
                return answer, _beginning(self._limited(answer, limit), into)
            return answer, _beginning(self._limited(answer, sys.maxsize), None)

    def _limited(self, answer: requests.Response, limit: int) -> Iterator[bytes]:
        refusal = TransportError("too large", f"the answer is larger than {limit} bytes")
        content_length = answer.headers.get("Content-Length", "")
        if (
            answer.request.method != "HEAD"
            and content_length.isdecimal()
            and int(content_length) > limit
        ):
            raise refusal
        size = 0
        for chunk in answer.raw.stream(_CHUNK, decode_content=True):
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
        # A Plex that answers http now and then may well hang up for another reason.
        return (self._hang_ups > 1 and self._tls_wanted(url)) or failure

    def _tls_wanted(self, url: str) -> TransportError | None:
        """What to say where plain http was sent to a port that speaks TLS."""
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


def _redirect(url: str, status: int, headers: Mapping[str, str]) -> str:
    """The address in a redirect without credentials and query, which may hold anything."""
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
    """The first bytes of a body; all of it goes to `into`, or no more than that is read."""
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
    """Host and port of a URL, and nothing else of it."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
        return place(parts.hostname or "?", port)
    except ValueError:
        return "the server"
