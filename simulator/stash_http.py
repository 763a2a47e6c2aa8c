"""The HTTP server of the simulated Stash: real HTTP/1.1 or HTTPS, a journal, latency and faults."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from simulator.faults import Fault, Faults, Reply, deliver, reason
from simulator.serving import Garbled, QuietServer, read_headers
from simulator.stash_session import Refused
from simulator.stash_site import Request, Site


@dataclass(slots=True, eq=False)
class Entry:
    """One request in the journal; `status` is 0 until an answer was sent.

    `query` is the GraphQL text, `variables` its variables, `digest` a hash of the whole body; `by`
    is how the client authenticated: "key", "cookie", "wrong key" or "nobody"; `at` is
    `time.monotonic()`.
    """

    method: str
    path: str
    query: str
    variables: Any
    digest: str
    by: str
    at: float
    status: int = 0

    @property
    def operation(self) -> str:
        """The query's first line."""
        return self.query.strip().partition("\n")[0].strip()


class StashServer(QuietServer):
    """Listens as soon as it is created; `stop` closes the port and every connection."""

    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], site: Site, faults: Faults, tls: ssl.SSLContext | None
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.site, self.faults, self.tls = site, faults, tls
        self.journal: list[Entry] = []
        self.slow: list[Fault] = []
        self.latency: Callable[[], float] = lambda: 0.0
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)
        if tls is not None:
            self.socket = tls.wrap_socket(
                self.socket, server_side=True, do_handshake_on_connect=False
            )

    def stop(self) -> None:
        """Stop like a killed process: accept no more connections, and cut the open ones."""
        self.stopping.set()
        self.faults.wake()
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            _cut(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnected or sent plain HTTP to TLS."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # already gone


class _Handler(BaseHTTPRequestHandler):
    """One connection; also the Wire on which a fault acts."""

    server: StashServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body are sent in one segment

    def handle_one_request(self) -> None:
        """Serve one request; http.server's own reader takes longer than most answers."""
        self.requestline = self.rfile.readline(65537).decode("latin-1")
        if not self.requestline:
            self.close_connection = True
            return
        try:
            self.command, self.path, self.request_version = self.requestline.split()
            self.heads = read_headers(self.rfile)[1]
        except (ValueError, Garbled):
            self.command, self.request_version = "", "HTTP/1.1"
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        wanted = self.heads.get("connection", "").lower()
        self.close_connection = wanted == "close" or self.request_version == "HTTP/1.0"
        if self.command in ("GET", "POST"):
            self._serve()
        else:
            self.send_error(HTTPStatus.NOT_IMPLEMENTED)

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def setup(self) -> None:
        super().setup()
        self.stopping = self.server.stopping

    def _serve(self) -> None:
        request = self._request()
        self._entry = self._note(request)
        server = self.server
        if wait := server.latency():
            self.stopping.wait(wait)
        fault = server.faults.take(self._entry)
        if fault in server.slow and fault is not None:
            server.faults.wait(fault, self.stopping, fault.every)
            fault = None
        if fault is None:
            self.reply(server.site.answer(request))
        else:
            deliver(fault, lambda: server.site.answer(request), self)

    def _request(self) -> Request:
        headers = self.heads
        length = headers.get("content-length", "0")
        body = self.rfile.read(int(length)) if length.isdigit() else b""
        parts = urlsplit(self.path)
        scheme = headers.get("x-forwarded-proto") or ("https" if self.server.tls else "http")
        base = f"{scheme}://{headers.get('host', 'localhost')}"
        base += headers.get("x-forwarded-prefix", "")
        return Request(self.command, parts.path, parts.query, headers, body, base, self.gone)

    def _note(self, request: Request) -> Entry:
        try:
            by = self.server.site.access(request).by
        except Refused:
            by = "wrong key"
        entry = Entry(
            request.method,
            request.path,
            *_question(request),
            hashlib.md5(request.body).hexdigest(),
            by,
            time.monotonic(),
        )
        self.server.journal.append(entry)
        return entry

    # --- the wire

    def raw(self, reply: Reply) -> tuple[bytes, bytes]:
        """Head and body as they are sent."""
        headers = list(reply.headers)
        if reply.content_type:
            headers.append(("Content-Type", reply.content_type))
        if reply.status != 304:
            headers.append(("Content-Length", str(len(reply.body))))
        lines = [f"HTTP/1.1 {reply.status} {reason(reply.status)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        self._entry.status = reply.status
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace"), reply.body

    def reply(self, reply: Reply) -> None:
        """Answer the request."""
        head, body = self.raw(reply)
        self.send(head + body)

    def send(self, data: bytes) -> None:
        """Send bytes; a client that has disconnected is not an error."""
        try:
            self.wfile.write(data)
            self.wfile.flush()
        except OSError:
            self.close_connection = True

    def hang_up(self) -> None:
        """Close after this request."""
        self.close_connection = True

    def reset(self) -> None:
        """Close at once, with RST."""
        self.close_connection = True
        linger = struct.pack("ii", 1, 0)
        try:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        except OSError:
            pass  # already gone
        self.connection.close()

    def gone(self) -> bool:
        """Whether the client has closed its side (with TLS: sent close_notify)."""
        if self.stopping.is_set():
            return True
        timeout = self.connection.gettimeout()
        try:
            self.connection.setblocking(False)
            # past SSLSocket, which cannot peek
            data = socket.socket.recv(self.connection, 1, socket.MSG_PEEK)
            self.connection.settimeout(timeout)
        except BlockingIOError:
            self.connection.settimeout(timeout)
            return False
        except (OSError, ValueError):
            return True
        return data in (b"", b"\x15") if self.server.tls else data == b""


def _question(request: Request) -> tuple[str, Any]:
    """The query's text and variables; empty for anything but a GraphQL request."""
    if request.method == "GET":
        return request.parameter("query"), None
    try:
        found = json.loads(request.body or b"{}")
        return str(found.get("query") or ""), found.get("variables")
    except (ValueError, AttributeError, RecursionError):
        return "", None
