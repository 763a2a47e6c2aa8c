"""Sockets that keep a deadline over a whole request: connect, TLS handshake, reads and writes.

requests' own timeout only bounds each read. Measured with an answer that arrives one byte every
0.1 s: with `timeout=1` requests waits 20 s for 200 bytes; with these sockets the request ends after
1.0 s. Without them a slow proxy could hold up the worker for hours.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from plexsync.edges.http import certificates
from plexsync.edges.http.certificates import CertificateFileError, Trust

TLS = frozenset(
    ["tls"]  # no common TLS version or cipher
    + ["tls wanted"]  # plain http was rejected, and TLS answers on the same port
    + ["certificate name"]  # the certificate is not valid for this host name
    + ["certificate chain"]  # it is self-signed, or its issuer is unknown
    + ["certificate date"]  # it has expired, or is not valid yet
    + ["certificate file"]  # the file that plex_certificate names cannot be used
)
"""Causes that last until the user acts. The message of each but "tls" says what to do."""


class TransportError(Exception):
    """No complete answer. The message never contains a query, credentials or a header.

    `cause`: "refused", "dns", "unreachable", "timeout", "reset", "url" (an invalid address), "body"
    (truncated or corrupt), "too large" or one of TLS.
    """

    def __init__(self, cause: str, message: str) -> None:
        super().__init__(message)
        self.cause = cause


class Deadline:
    """How long one request, and each step of it, may still take. Times in seconds."""

    def __init__(self, seconds: float, connect: float, read: float) -> None:
        self.seconds = seconds
        self.answered = False
        self._connect, self._read = connect, read
        self._ends = time.monotonic() + seconds

    @property
    def passed(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._ends

    def for_connect(self) -> float:
        """What a connect or a handshake may take; raises TimeoutError when the time is up."""
        return self._left(self._connect)

    def for_io(self) -> float:
        """What the next read or write may take; raises TimeoutError when the time is up."""
        return self._left(self._read)

    def _left(self, most: float) -> float:
        left = min(most, self._ends - time.monotonic())
        if left <= 0:
            raise TimeoutError
        return left


class Pace:
    """Holds the deadline of the current request."""

    deadline: Deadline


class BoundSocket(socket.socket):
    """Limits each read and write to the time that its request has left.

    No other thread has to interrupt it, which would not work on Windows.
    """

    pace: Pace

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """As usual, within the deadline."""
        self.settimeout(self.pace.deadline.for_io())
        return super().recv_into(*args, **kwargs)

    def send(self, *args: Any, **kwargs: Any) -> int:
        """As usual, within the deadline."""
        self.settimeout(self.pace.deadline.for_io())
        return super().send(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        """As usual, within the deadline."""
        self.settimeout(self.pace.deadline.for_io())
        super().sendall(*args, **kwargs)


class BoundTlsSocket(BoundSocket, ssl.SSLSocket):
    """The same over TLS."""


def dial(pace: Pace, host: str, port: int, options: Any = ()) -> BoundSocket:
    """Connect to the first address that answers; all attempts share one deadline.

    Raises TransportError.
    """
    problem: OSError = OSError("no address")
    try:
        for family, kind, protocol, _, address in _resolve(host, port):
            plain = BoundSocket(family, kind, protocol)
            plain.pace = pace
            try:
                for option in options or ():
                    plain.setsockopt(*option)
                plain.settimeout(pace.deadline.for_connect())
                plain.connect(address)
                return plain
            except OSError as error:
                plain.close()
                problem = error
    except OSError as error:
        problem = error
    raise TransportError(*_connect_trouble(problem, place(host, port)))


def secure(
    pace: Pace, trust: Trust, host: str, port: int, connect: Callable[[], BoundSocket]
) -> BoundTlsSocket:
    """Open a TLS connection; the server's certificate must be one that `trust` accepts.

    `connect` is called again where only a second handshake can show a pinned certificate.
    Raises TransportError.
    """
    where, context = place(host, port), _context(trust)
    try:
        found = _handshake(pace, connect(), host, context)
    except ssl.SSLCertVerificationError as problem:
        pinned = _pinned(pace, trust, host, connect)
        if pinned:
            return pinned
        raise TransportError(*trust.refusal(problem, where)) from None
    except OSError as problem:
        raise TransportError(*_handshake_trouble(problem, where)) from None
    shown = found.getpeercert() or {}
    if trust.ignores or trust.fits(shown, host) or trust.pinned(found.getpeercert(True)):
        return found
    to_enter = certificates.plex_direct(shown, found.getpeername()[0], port)
    found.close()
    raise TransportError("certificate name", certificates.misnamed(shown, host, where, to_enter))


def https_address(pace: Pace, trust: Trust, host: str, port: int) -> str:
    """The https address of a port that speaks TLS; "" if it does not.

    Sends nothing but a handshake.
    """
    plain = f"https://{place(host, port)}"
    try:
        context = trust.context()
    except CertificateFileError:
        context = certificates.unchecked()
    try:
        found = _handshake(pace, dial(pace, host, port), host, context)
    except ssl.SSLCertVerificationError:
        return plain
    except (TransportError, OSError, ValueError):
        return ""
    with found:
        shown = found.getpeercert() or {}
        return certificates.plex_direct(shown, found.getpeername()[0], port) or plain


def _pinned(
    pace: Pace, trust: Trust, host: str, connect: Callable[[], BoundSocket]
) -> BoundTlsSocket | None:
    """A connection to a server whose certificate is pinned, even if it is invalid (say expired)."""
    if not trust.file:
        return None
    try:
        found = _handshake(pace, connect(), host, certificates.unchecked())
    except OSError:
        return None
    if trust.pinned(found.getpeercert(True)):
        return found
    found.close()
    return None


def _context(trust: Trust) -> ssl.SSLContext:
    try:
        return trust.context()
    except CertificateFileError as problem:
        text = f"the certificate file {problem}; correct {certificates.SETTING}"
        raise TransportError("certificate file", text) from None


def _handshake(
    pace: Pace, plain: BoundSocket, host: str, context: ssl.SSLContext
) -> BoundTlsSocket:
    context.sslsocket_class = BoundTlsSocket
    found: ssl.SSLSocket | None = None
    try:
        plain.settimeout(pace.deadline.for_connect())
        found = context.wrap_socket(plain, do_handshake_on_connect=False, server_hostname=host)
        assert isinstance(found, BoundTlsSocket)
        found.pace = pace
        found.do_handshake()
        return found
    except BaseException:
        (found or plain).close()
        raise


def _handshake_trouble(problem: OSError, where: str) -> tuple[str, str]:
    if isinstance(problem, TimeoutError):
        return "timeout", f"no TLS handshake with {where} in time"
    if not isinstance(problem, ssl.SSLError) or isinstance(problem, ssl.SSLEOFError):
        return "reset", f"{where} closed the connection during the TLS handshake"
    if problem.reason in _NOT_TLS:
        return "tls", f"the server at {where} does not speak TLS"
    reason = (problem.reason or "it failed").lower().replace("_", " ")
    return "tls", f"no secure connection to {where}: {reason}"


_NOT_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}
)
"""OpenSSL's reasons for an answer that is not TLS."""


def _resolve(host: str, port: int) -> list[Any]:
    try:
        return socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None


def place(host: str, port: int) -> str:
    """Host and port as usually written."""
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
