"""HTTP/1.1 as in Plex: a small, fast request reader and a server that can abort its connections."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from simulator.faults import Reply, error_page, reason
from simulator.serving import MAX_HEAD, Garbled, QuietServer, read_headers

Pair = tuple[str, str]
MAX_BODY = 256 << 20
OWN = "X-Plex-Protocol: 1.0\r\n"
FIXED = "Connection: {0}\r\nCache-Control: no-cache\r\nAccept-Ranges: bytes\r\n{1}"


class Stopped(Exception):
    """The server is being stopped; requests in flight are lost, as with a killed process."""


@dataclass(slots=True)
class Request:
    """One request, decoded. Header names are in lower case, parameters in the order sent."""

    method: str
    target: str
    path: str
    params: list[Pair]
    headers: dict[str, str]
    line_bytes: int
    head_bytes: int  # request line and headers
    arrived: float  # time.monotonic() of its first line, or of the end of its body if it has one
    body: bytes = b""

    def get(self, name: str, default: str = "") -> str:
        """The first query parameter of that name."""
        return next((value for key, value in self.params if key == name), default)

    def option(self, name: str) -> str:
        """A query parameter, or the header of that name: Plex takes its X-Plex-... both ways."""
        return self.get(name) or self.headers.get(name.lower(), "")


class Server(QuietServer):
    """Serves from the moment it is made; `stop()` closes the port and every open connection."""

    request_queue_size = 256

    def __init__(
        self, address: tuple[str, int], serve: Callable[[Request, Connection], None], rules: Any
    ) -> None:
        self.serve, self.rules = serve, rules  # rules: .max_header_bytes, .keep_alive
        self.connections: set[Connection] = set()
        self.guard = threading.Lock()
        super().__init__(address, Connection)
        self.start()

    def server_bind(self) -> None:
        """Bind without looking up the host's name, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect early."""

    def stop(self, wake: Callable[[], None]) -> None:
        """Close all connections; `wake` is called once `stopping` is set. Returns when no handler
        runs.
        """
        self.stopping.set()
        wake()
        self.shutdown()
        self.server_close()
        with self.guard:
            connections = [
                c for c in self.connections if c.thread is not threading.current_thread()
            ]
        for connection in connections:
            if not connection.busy:
                connection.break_off()
        deadline = time.monotonic() + 1
        for connection in connections:
            connection.thread.join(0.2)
            if connection.thread.is_alive():  # sends to a client that does not read
                connection.break_off()
                connection.thread.join(max(0.0, deadline - time.monotonic()))


class Connection(socketserver.StreamRequestHandler):
    """One connection: requests one after the other until either side closes it."""

    disable_nagle_algorithm = True
    rbufsize = 65536
    server: Server

    def setup(self) -> None:
        super().setup()
        self.thread = threading.current_thread()
        self.busy = self.over = False
        self.before_reply: Callable[[int], None] = _nothing
        self.stopping = self.server.stopping
        self.request.settimeout(self.server.rules.keep_alive)
        with self.server.guard:
            self.server.connections.add(self)

    def finish(self) -> None:
        with self.server.guard:
            self.server.connections.discard(self)
        super().finish()
        self.request.close()  # over TLS it is not the socket that the server closes

    def handle(self) -> None:
        try:
            self._choose_tls()
        except OSError:  # gone, or no handshake
            return
        while not self.over and not self.stopping.is_set():
            try:
                request = self._read()
            except Garbled:
                self.hang_up()
                self.reply(error_page(400))
                return
            except (OSError, ValueError):  # gone, or idle for too long
                return
            if request is None:
                return
            self.busy = True
            try:
                self._serve(request)
            except Stopped:
                self.reset()
            except OSError:
                return
            self.busy = False

    def _choose_tls(self) -> None:
        """Choose http or https by the first byte; without TLS a handshake is garbage."""
        hello = self.request.recv(1, socket.MSG_PEEK) == b"\x16"
        context, wanted = self.server.rules.tls, self.server.rules.secure_connections
        if hello and context:
            self.connection = self.request = context.wrap_socket(self.request, server_side=True)
            self.rfile = self.connection.makefile("rb", self.rbufsize)
        elif hello or (context and wanted == "required"):
            self.over = True

    def _serve(self, request: Request) -> None:
        if request.headers.get("connection", "").lower() == "close" or request.method == "HEAD":
            self.over = True
        try:
            self.server.serve(request, self)
        except (Stopped, OSError):
            raise
        except Exception:  # noqa: BLE001 - a bug in the simulator is printed, and answered
            traceback.print_exc()
            self.reply(error_page(500))

    # -- reading -----------------------------------------------------------------------------

    def _read(self) -> Request | None:
        line = self.rfile.readline(MAX_HEAD)
        while line in (b"\r\n", b"\n"):
            line = self.rfile.readline(MAX_HEAD)
        arrived = time.monotonic()
        if not line:
            return None
        method, target = _request_line(line)
        size, headers = read_headers(self.rfile, len(line))
        path, _, query = target.partition("?")
        request = Request(
            method,
            target,
            unquote(path),
            parse_qsl(query, keep_blank_values=True, errors="replace") if query else [],
            headers,
            len(line.rstrip(b"\r\n")),
            size,
            arrived,
        )
        request.body = self._body(headers)
        if request.body:
            request.arrived = time.monotonic()
        return request

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("expect", "").lower() == "100-continue":
            self.request.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return self._chunks()
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            raise Garbled
        body = self.rfile.read(int(length)) if length != "0" else b""
        if len(body) < int(length):
            raise OSError("the client disconnected in the middle of the body")
        return body

    def _chunks(self) -> bytes:
        parts: list[bytes] = []
        while True:
            size = int(self.rfile.readline(100).split(b";")[0], 16)
            part = self.rfile.read(size)
            self.rfile.readline(100)
            if not size:
                return b"".join(parts)
            parts.append(part)

    # -- writing: what faults.Wire asks for --------------------------------------------------

    def raw(self, reply: Reply) -> tuple[bytes, bytes]:
        """The head and the body as sent; records the status for the journal."""
        self.before_reply(reply.status)
        alive = f"Keep-Alive: timeout={self.server.rules.keep_alive:.0f}\r\n"
        fixed = FIXED.format("close", "") if self.over else FIXED.format("Keep-Alive", alive)
        own = "" if reply.foreign else OWN
        extra = "".join(f"{name}: {value}\r\n" for name, value in reply.headers)
        head = (
            f"HTTP/1.1 {reply.status} {reason(reply.status)}\r\n{own}{fixed}"
            f"Content-Type: {reply.content_type}\r\nContent-Length: {len(reply.body)}\r\n{extra}\r\n"
        )
        return head.encode(), reply.body

    def reply(self, reply: Reply) -> None:
        if self.stopping.is_set():
            raise Stopped
        self.send(b"".join(self.raw(reply)))

    def send(self, data: bytes) -> None:
        self.request.sendall(data)

    def pause(self, seconds: float) -> None:
        """Sleep so long; raises Stopped if the server is stopped meanwhile."""
        if seconds > 0 and self.stopping.wait(seconds):
            raise Stopped

    def hang_up(self) -> None:
        self.over = True

    def reset(self) -> None:
        """End the connection with RST, so that the client sees "connection reset by peer"."""
        self.over = True
        try:
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _linger())
            self.rfile.close()  # it holds the socket open
            self.request.close()
        except OSError:
            pass

    def break_off(self) -> None:
        """Abort the thread that reads or writes here; called from another thread."""
        self.over = True
        try:
            # bypass SSLSocket, which would remove TLS under the reader
            socket.socket.shutdown(self.request, socket.SHUT_RDWR)
        except OSError:
            pass

    def gone(self) -> bool:
        timeout = self.request.gettimeout()
        try:
            self.request.setblocking(False)
            # bypass SSLSocket, which cannot peek; over TLS a close_notify comes first
            return socket.socket.recv(self.request, 1, socket.MSG_PEEK) in (b"", b"\x15")
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.request.settimeout(timeout)


def _request_line(line: bytes) -> Pair:
    parts = line.decode("utf-8", "replace").rstrip("\r\n").split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/"):
        raise Garbled
    method, target = parts[:2]
    if target.startswith("http://"):  # as a proxy would be asked
        target = "/" + target[7:].partition("/")[2]
    return method, target


def _linger() -> bytes:
    """The linger option, on with zero seconds, in the system's format (Windows has shorts)."""
    return struct.pack("hh" if hasattr(socket, "SO_EXCLUSIVEADDRUSE") else "ii", 1, 0)


def _nothing(status: int) -> None:
    """The recorder of replies while no request is being served: does nothing."""
