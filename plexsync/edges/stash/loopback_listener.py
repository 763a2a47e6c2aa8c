"""The worker's side of plexsync/loopback.py."""

from __future__ import annotations

import hmac
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from plexsync import loopback, system

_PATIENCE = 1.0
"""Seconds for one connection, since they are served one after the other."""


class LoopbackListener:
    """Listens on 127.0.0.1 in a thread of its own, and passes what a hook sends to `take`."""

    def __init__(self, path: str, take: Callable[[bytes], None]) -> None:
        """Raises OSError if the key cannot be stored at `path` or no socket can be opened."""
        self._path = path
        self._take = take
        self._key = os.urandom(loopback.KEY)
        self._over = threading.Event()
        self._socket = socket.create_server((loopback.HOST, 0))
        self._address = self._socket.getsockname()
        self._found = loopback.to_text(self._address[1], self._key)
        try:
            self._publish()
        except OSError:
            self._socket.close()
            raise
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: str, take: Callable[[bytes], None]) -> LoopbackListener | None:
        """A listener for hooks that look for a pipe at `path`; None if that is not possible."""
        try:
            return cls(system.receive_elsewhere(path), take)
        except OSError:
            return None

    def close(self) -> None:
        """Stop listening, and forget the key."""
        self._over.set()
        with suppress(OSError, ValueError):
            if system.read_regular(self._path, 200) == self._found:  # not that of a later worker
                os.unlink(self._path)
        # The thread closes the socket itself. Closed from here, the next socket of this process could get
        # its number just before the thread waits, and a visitor of that one would come here.
        with suppress(OSError):
            socket.create_connection(self._address, _PATIENCE).close()
        self._thread.join(2 * _PATIENCE)

    def _publish(self) -> None:
        temp = f"{self._path}.{os.getpid()}"
        fd = system.create(temp)
        try:
            system.write_all(fd, self._found)
        finally:
            os.close(fd)
        system.replace(temp, self._path)

    def _listen(self) -> None:
        with self._socket:
            while not self._over.is_set():
                try:
                    visitor, _ = self._socket.accept()
                except OSError:
                    self._over.wait(0.1)
                    continue
                with visitor:
                    self._hear(visitor)

    def _hear(self, visitor: socket.socket) -> None:
        """Take what a visitor sends that knows the key; ignore any other."""
        ends = time.monotonic() + _PATIENCE
        with suppress(OSError):
            nonces = loopback.receive(visitor, loopback.NONCE, ends) + os.urandom(loopback.NONCE)
            visitor.sendall(nonces[-loopback.NONCE :] + loopback.worker_proof(self._key, nonces))
            sent = loopback.receive(visitor, loopback.PROOF + loopback.MOST, ends)
            proof, data = sent[: loopback.PROOF], sent[loopback.PROOF :]
            if hmac.compare_digest(proof, loopback.hook_proof(self._key, nonces, data)):
                self._take(data)
