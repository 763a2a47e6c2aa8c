"""urllib3 connections that keep a deadline, a requests session that uses them, and what it sends."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from copy import copy
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from plexsync.edges.http.certificates import Trust
from plexsync.edges.http.response import Response
from plexsync.edges.http.sockets import BoundSocket, Pace, dial, secure
from plexsync.model.json_text import compact


class SharedState(Pace):
    """State shared by a session and its connections; `opened` counts the connections made so far.

    It holds no strong reference to either: urllib3 keeps a pool's connections until the pool is
    collected, and a cycle would keep unclosed connections open forever.
    """

    def __init__(self, trust: Trust) -> None:
        self.trust = trust
        self._connection: weakref.ref[HTTPConnection] | None = None
        self.opened = 0
        self.target = "/"

    @property
    def connection(self) -> HTTPConnection | None:
        """The latest connection, if it still exists."""
        return self._connection() if self._connection else None

    def use(self, connection: HTTPConnection) -> None:
        """Note a new connection."""
        self._connection = weakref.ref(connection)
        self.opened += 1


class _Connection(HTTPConnection):
    """Connects within the deadline of the request that it carries."""

    response_class = Response

    def __init__(self, shared: SharedState, *args: Any, **kwargs: Any) -> None:
        self._shared = shared
        super().__init__(*args, **kwargs)

    def _new_conn(self) -> BoundSocket:
        return dial(self._shared, self._dns_host, self.port, self.socket_options)

    def connect(self) -> None:
        self.sock = self._new_conn()
        self._shared.use(self)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        # Replaced this late because requests and urllib3 parse each, a long query for 1 ms.
        super().request(method, self._shared.target, *args, **kwargs)


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS; `SharedState.trust` checks the certificate, not urllib3."""

    def connect(self) -> None:
        shared = self._shared
        self.sock = secure(shared, shared.trust, self.host, self.port, self._new_conn)
        self.is_verified = True
        shared.use(self)


class _Adapter(HTTPAdapter):
    """Creates pools that hold one of our connections each.

    What requests does anew for each request is a third of the time that sending it takes: no proxy is
    looked for, the pool is kept, and `send` returns urllib3's answer as it is.
    """

    def __init__(self, shared: SharedState) -> None:
        self._shared = shared
        self._last: tuple[str | None, Any] = None, None
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_pool, HTTPConnectionPool, partial(_Connection, self._shared)),
            "https": partial(_pool, HTTPSConnectionPool, partial(_TlsConnection, self._shared)),
        }

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> Any:
        if self._last[0] is None or self._last[0] != request.url:
            self._last = (
                request.url,
                super().get_connection_with_tls_context(request, *args, **kwargs),
            )
        return self._last[1]

    def request_url(self, request: requests.PreparedRequest, proxies: object) -> str:
        return "/"  # the connection knows the target

    def build_response(self, request: requests.PreparedRequest, answer: Any) -> Any:
        return answer  # a requests.Response around it would cost a tenth of the request

    def close(self) -> None:
        self._last = None, None
        super().close()


def _pool(kind: Callable[..., Any], connection: Any, *args: Any, **kwargs: Any) -> Any:
    pool = kind(*args, **kwargs)
    pool.ConnectionCls = connection
    return pool


def bare_session(shared: SharedState) -> requests.Session:
    """A requests session without proxies, cookies or retries."""
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(shared))
    return session


Headers = dict[str, str | bytes]


class PreparedRequests:
    """Has the last request with a method sent again if the next one differs only in its target and its
    body: preparing one costs a third of sending it.
    """

    def __init__(self) -> None:
        self._last: dict[object, tuple[Headers, requests.PreparedRequest]] = {}

    def request(
        self, method: str, origin: str, headers: Headers, data: bytes | None, json: object
    ) -> requests.PreparedRequest:
        """A request to an origin; `json` is its body if there is no `data`. Raises ValueError for NaN."""
        last = self._last.get((method, origin))
        if last is None or last[0] != headers:
            request = requests.Request(method, origin, headers).prepare()
            _give_headers(request, request.headers)
            last = self._last[method, origin] = headers, request
        if not data and json is None:
            return last[1]
        # a copy, or a large body would be kept, and its length and type be those of the next
        request = copy(last[1])
        request.body = data or compact(json).encode()
        kind = {} if data else {"Content-Type": "application/json"}
        length = {"Content-Length": str(len(request.body))}
        _give_headers(request, {**request.headers, **kind, **length})
        return request


def _give_headers(request: requests.PreparedRequest, headers: Mapping[str, str]) -> None:
    """In a plain mapping: urllib3 copies and reads it in a third of the time that the one of requests
    takes, which is the only one that its types allow.
    """
    request.headers = dict(headers)  # type: ignore[assignment]
