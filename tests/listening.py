"""A listening socket of a test's server, and the thread that waits at it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class Listening:
    """Hands each visitor of a listening socket to `serve`, in a thread of its own, until it is closed.

    The thread that waits closes the socket. If another one did, the next socket could get its number in
    the moment before the wait begins, and its visitors would come here.
    """

    def __init__(self, listener: socket.socket, serve: Callable[[socket.socket], object]) -> None:
        self._listener, self._serve = listener, serve
        self.port: int = listener.getsockname()[1]
        self._address = listener.getsockname()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more. Visitors that are being served are not waited for."""
        self._over.set()
        with suppress(OSError), socket.socket(self._listener.family) as waker:
            waker.connect(self._address)
        self._thread.join()

    def _run(self) -> None:
        with self._listener:
            while True:
                visitor, _ = self._listener.accept()
                if self._over.is_set():
                    visitor.close()
                    return
                threading.Thread(target=self._serve, args=(visitor,), daemon=True).start()
