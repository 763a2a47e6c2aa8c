"""What both simulated servers serve with: a loop that waits without polling, a quick reader of heads."""

from __future__ import annotations

import selectors
import socket
import threading
from http.server import ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any

MAX_HEAD = 4 << 20  # read (and refused) up to here; beyond it the connection is dropped


class Garbled(Exception):
    """The client did not send HTTP."""


class QuietServer(ThreadingHTTPServer):
    """Listens as soon as it is created and serves after `start`, each connection in a thread of its
    own. Hundreds of servers that look every 20 ms whether they are to stop would take more time
    than their answers.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, *args: Any) -> None:
        self.stopping = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._loop = threading.Thread(target=self._accept, daemon=True)
        super().__init__(*args)

    def start(self) -> None:
        """Serve in its own thread."""
        self._loop.start()

    def shutdown(self) -> None:
        """Accept no more connections; returns when the loop has ended."""
        self.stopping.set()
        self._wake.send(b"\0")
        self._loop.join()

    def server_close(self) -> None:
        """Close the port."""
        super().server_close()
        self._wake.close()
        self._woken.close()

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while selector.select() and not self.stopping.is_set():
                self._handle_request_noblock()  # type: ignore[attr-defined]


def read_headers(source: BufferedIOBase, size: int = 0) -> tuple[int, dict[str, str]]:
    """The headers of a request, their names in lower case, and `size` plus their bytes.

    Raises Garbled.
    """
    headers: dict[str, str] = {}
    while True:
        line = source.readline(MAX_HEAD)
        size += len(line)
        if line in (b"\r\n", b"\n"):
            return size, headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or size > MAX_HEAD:
            raise Garbled
        headers[name.lower()] = value.strip()
