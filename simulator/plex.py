"""A simulated Plex Media Server: state in memory, real HTTP, faults on demand."""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
from functools import partial
from typing import Any

from simulator import faults
from simulator.faults import Fault, Faults, Match, Reply
from simulator.plex_items import SimItem
from simulator.plex_journal import WRITES, Entry, Journal
from simulator.plex_library import PlexLibrary
from simulator.plex_meta import MAINTENANCE
from simulator.plex_reads import XML
from simulator.plex_routes import Routes
from simulator.plex_scan import Scanner
from simulator.plex_wire import Connection, Request, Server

__all__ = ["Entry", "Fault", "PlexSim", "SimItem"]


class PlexSim(PlexLibrary):
    """`with PlexSim() as plex:` serves until the end of the block.

    `stop()` breaks and refuses all connections, `start()` continues on the same port with the same
    state. The switches (tag_mode, max_header_bytes, latency, tls ...) may be set at any time.
    """

    max_header_bytes = 8192  # of request line and headers together
    secure_connections = "preferred"  # or "required", with `tls`: plain http is hung up on
    too_long_status: int | None = 431  # or 414, 400; None: the connection is reset
    keep_alive = 20.0  # an idle connection is closed after this many seconds

    def __init__(
        self,
        token: str = "plex-sim-token",
        machine: str = "5a6d756c61746564506c6578000000000000c0de",
        latency: float = 0.0,
        write_time: float = 0.0,
        port: int = 0,
        host: str = "127.0.0.1",
        name: str = "Simulated Plex",
        version: str = "1.41.3.9314-a0bfb8370",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(token, machine, name, version)
        self.tls = tls
        self.latency, self.write_time = latency, write_time
        self.port, self.host = port, host
        self._server: Server | None = None
        self._held_port: socket.socket | None = None
        self._writing = threading.Lock()
        self._journal = Journal()
        self._faults = Faults()
        self._scanner = Scanner(self)
        self._routes = Routes(self, self._scanner)

    # -- up and down -------------------------------------------------------------------------

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def running(self) -> bool:
        return self._server is not None

    def start(self) -> PlexSim:
        """Listen; the port of the first start is kept for all later ones."""
        if self._server is None:
            self._release_port()
            self._server = Server((self.host, self.port), self._serve, self)
            self.port = int(self._server.server_address[1])
        return self

    def stop(self) -> None:
        """Act like a killed process: close the port, reset connections, drop scans."""
        server, self._server = self._server, None
        if server is not None:
            server.stop(self._faults.wake)
            self._scanner.cancel()
            self._hold_port()

    def _hold_port(self) -> None:
        """Keep other programs from the port while nothing listens there; connections are refused."""
        held = socket.socket()
        if os.name == "posix":  # Windows would let others bind it too
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            held.bind((self.host, self.port))
        except OSError:  # somebody was faster
            held.close()
        else:
            self._held_port = held

    def _release_port(self) -> None:
        held, self._held_port = self._held_port, None
        if held is not None:
            held.close()

    def __enter__(self) -> PlexSim:
        return self.start()

    def __exit__(self, *raised: object) -> None:
        self.stop()
        self._release_port()

    # -- serving -----------------------------------------------------------------------------

    def _serve(self, request: Request, wire: Connection) -> None:
        entry = self._journal.begin(request)
        wire.before_reply = partial(self._journal.end, entry)
        try:
            if request.head_bytes > self.max_header_bytes:
                self._refuse_length(wire)
                return
            wire.pause(request.arrived + self.latency - time.monotonic())
            fault = self._faults.take(request)
            if fault is None:
                wire.reply(self._carry_out(request, wire))
            else:
                faults.deliver(fault, lambda: self._carry_out(request, wire), wire)
        finally:
            self._journal.end(entry)

    def _refuse_length(self, wire: Connection) -> None:
        status = self.too_long_status
        wire.hang_up()
        if status is None:
            wire.reset()
        elif status == 431:
            wire.reply(Reply(431, b"Request Header Fields Too Large", "text/plain"))
        else:
            wire.reply(faults.error_page(status))

    def _carry_out(self, request: Request, wire: Connection) -> Reply:
        if self.write_time <= 0 or not is_write(request):
            return self._routes.answer(request)
        with self._writing:
            wire.pause(self.write_time)
            return self._routes.answer(request)

    # -- what was asked ----------------------------------------------------------------------

    @property
    def journal(self) -> list[Entry]:
        """Every request since the last `clear_journal`, in the order of arrival."""
        return self._journal.entries()

    def clear_journal(self) -> None:
        """Clear the journal, including the largest number of concurrent requests."""
        self._journal.clear()

    def count(self, method: str | None = None, path_prefix: str | None = None) -> int:
        """The number of requests with this method and below this path."""
        return self._journal.count(method, path_prefix)

    def writes(self) -> int:
        """The number of PUT, POST and DELETE requests."""
        return sum(self.count(method) for method in WRITES)

    def reads(self) -> int:
        """The number of GET requests, including scans."""
        return self.count("GET")

    def max_in_flight(self) -> int:
        """The largest number of concurrent requests."""
        return self._journal.most()

    @property
    def scanning(self) -> int:
        """The number of running scans."""
        return len(self._scanner.running)

    def finish_scans(self) -> None:
        """Finish all running scans now."""
        self._scanner.finish()

    # -- faults ------------------------------------------------------------------------------

    def add_fault(
        self, kind: str, times: int | None = None, match: Match | str | None = None, **options: Any
    ) -> Fault:
        """One of the kinds of `faults`; the oldest that matches a request happens.

        "ignore_edit" meets writes only. "starting" is a 503 for all but /identity, which
        answers as `identity` says (200, or 503 as well).
        """
        meets = faults.matcher(match)
        if kind == "ignore_edit":
            return self._faults.add(kind, times, lambda r: is_write(r) and meets(r), **options)
        if kind == "starting":
            spared = options.pop("identity", 200) == 200
            full = {"status": 503, "body": MAINTENANCE, "content_type": XML, **options}
            return self._faults.add(
                kind, times, lambda r: not (spared and r.path == "/identity") and meets(r), **full
            )
        return self._faults.add(kind, times, match, **options)

    def clear_faults(self) -> None:
        """Remove all faults; hanging requests are answered."""
        self._faults.clear()


def is_write(request: Request) -> bool:
    """Whether a request changes the database (asking for a scan does not)."""
    return request.method in WRITES and not request.path.endswith("/refresh")
