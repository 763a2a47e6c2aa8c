"""Connections of urllib3 that a deadline can cut, and the session of requests made of them."""

from __future__ import annotations

import heapq
import itertools
import socket
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

TLS = frozenset(
    ["tls"]  # no TLS that both sides speak
    + ["tls wanted"]  # plain http was hung up on, and TLS answers on the same port
    + ["certificate name"]  # the certificate is for other names than the one that was asked
    + ["certificate chain"]  # it is self-signed, or its issuer is unknown
    + ["certificate date"]  # it has expired, or is not valid yet
    + ["certificate file"]  # the file that plex_certificate names cannot be used
)
"""Causes that last until a person acts. The text of each but "tls" says what to do."""


class TransportError(Exception):
    """No whole answer came. The text never holds a query, credentials or a header.

    `cause`: "refused", "dns", "unreachable", "timeout", "reset", "url" (not an address that can be
    asked), "body" (cut short or garbled), "too large" or one of TLS.
    """

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause


class _Watchdog:
    """Calls what is due on one thread, which costs less than a timer's thread per request."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._thread: threading.Thread | None = None

    def add(self, when: float, call: Callable[[], None]) -> None:
        """Call at `when` of the monotonic clock; it cannot be taken back, so it must not matter."""
        with self._changed:
            heapq.heappush(self._due, (when, next(self._number), call))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
            elif self._due[0][0] == when:
                self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._due or self._due[0][0] > time.monotonic():
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                _, _, call = heapq.heappop(self._due)
            call()


_WATCHDOG = _Watchdog()


class Deadline:
    """Cuts the connection that it watches when the time is up; safe against a late cut."""

    def __init__(self, seconds: float, connect: float) -> None:
        self.seconds = seconds
        self.connect = connect
        self.answered = False
        self.passed = False
        self._ends = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        _WATCHDOG.add(self._ends, self._cut)

    def left(self) -> float:
        """Seconds that a connect may still take."""
        return max(0.001, min(self.connect, self._ends - time.monotonic()))

    def watch(self, connection: socket.socket | None) -> None:
        """From now on it is this connection that would be cut."""
        with self._lock:
            self._socket = connection
        if self.passed:
            self._cut()

    def stop(self) -> None:
        """The request is over; its connection may serve another one."""
        with self._lock:
            self._socket = None

    def _cut(self) -> None:
        with self._lock:
            self.passed = True
            if self._socket is not None:
                try:
                    # Of the plain socket: SSLSocket.shutdown would take TLS away under the reader.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
                except OSError:
                    pass  # it was closed in the same moment


class Line:
    """What a session and its connections share; `opened` counts the connections made so far.

    It leads to no session and keeps no connection alive: urllib3 holds a pool's connections until
    the pool is gone, and a way back from them would keep what nobody closed open for good.
    """

    def __init__(self) -> None:
        self._connection: weakref.ref[HTTPConnection] | None = None
        self.opened = 0
        self.deadline: Deadline
        self.query = ""

    @property
    def connection(self) -> HTTPConnection | None:
        """The connection made last, if it still exists."""
        return self._connection() if self._connection else None

    def use(self, connection: HTTPConnection) -> None:
        """A connection was made."""
        self._connection = weakref.ref(connection)
        self.opened += 1

    def dial(self, host: str, port: int, options: Any) -> socket.socket:
        """Connect to the first address that answers, all of them within one deadline."""
        problem: OSError = OSError("no address")
        for family, kind, protocol, _, address in _resolve(host, port):
            plain = socket.socket(family, kind, protocol)
            try:
                for option in options or ():
                    plain.setsockopt(*option)
                plain.settimeout(self.deadline.left())
                plain.connect(address)
                return plain
            except OSError as error:
                plain.close()
                problem = error
        raise problem


class _Connection(HTTPConnection):
    """Shows its socket to the deadline of the request that it carries."""

    def __init__(self, line: Line, *args: Any, **kwargs: Any) -> None:
        self._line = line
        super().__init__(*args, **kwargs)

    def _new_conn(self) -> socket.socket:
        try:
            return self._line.dial(self._dns_host, self.port, self.socket_options)
        except OSError as problem:
            where = place(self.host, self.port)
            raise TransportError(*_connect_trouble(problem, where)) from None

    def connect(self) -> None:
        super().connect()
        self._line.deadline.watch(self.sock)
        self._line.use(self)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:
        if self.sock is not None:
            self._line.deadline.watch(self.sock)
        # Only now: requests and urllib3 take a long query apart letter by letter, for a millisecond.
        super().request(method, url + self._line.query, *args, **kwargs)


class _TlsConnection(_Connection, HTTPSConnection):
    """The same over TLS."""


class _Adapter(HTTPAdapter):
    """Makes pools of one connection of ours."""

    def __init__(self, line: Line) -> None:
        self._line = line
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_pool, HTTPConnectionPool, partial(_Connection, self._line)),
            "https": partial(_pool, HTTPSConnectionPool, partial(_TlsConnection, self._line)),
        }


def _pool(kind: Callable[..., Any], connection: Any, *args: Any, **kwargs: Any) -> Any:
    pool = kind(*args, **kwargs)
    pool.ConnectionCls = connection
    return pool


def bare_session(line: Line) -> requests.Session:
    """A session that adds nothing of its own: no proxies, no cookies, no retries."""
    session = requests.Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(line))
    return session


def _resolve(host: str, port: int) -> list[Any]:
    try:
        return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None


def place(host: str, port: int) -> str:
    """Host and port as people write them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _connect_trouble(problem: OSError, where: str) -> tuple[str, str]:
    if isinstance(problem, TimeoutError):
        return "timeout", f"no connection to {where} in time"
    if isinstance(problem, socket.gaierror):
        return "dns", f"the host name of {where} cannot be resolved"
    if isinstance(problem, ConnectionRefusedError):
        return "refused", f"nothing listens at {where}"
    if isinstance(problem, ConnectionResetError):
        return "reset", f"{where} closed the connection"
    return "unreachable", f"{where} cannot be reached ({problem.strerror or 'no route'})"
