"""Counts requests in flight, and starts no more once another process waits for this one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from plexsync.model.errors import Interrupted

NOTE_EVERY = 0.25
"""Seconds between two notes while no request ends."""

LAST_LOOK = 0.8
"""Maximum seconds for a request that completes work in progress, once another process waits."""


class InFlight:
    """Counts the requests of all threads of this process, to both servers.

    Outside of `until` nothing interrupts. `note` is called with the number of requests left while
    another process waits for them.
    """

    def __init__(self, note: Callable[[int], None] = lambda count: None) -> None:
        self._note = note
        self._lock = threading.Lock()
        self._asking = threading.Lock()
        self._count = 0
        self._asks: Callable[[], bool] = _nobody
        self._thread = threading.local()

    def asked(self) -> bool:
        """Whether another process waits for this one."""
        with self._asking:  # on Windows two concurrent checks take each other for the lock's owner
            return self._asks()

    @contextmanager
    def until(self, asks: Callable[[], bool]) -> Iterator[None]:
        """Within this block no request begins once `asks` returns True."""
        before, self._asks = self._asks, asks
        try:
            yield
        finally:
            self._asks = before

    @contextmanager
    def noting(self, waited_for: Callable[[], bool]) -> Iterator[None]:
        """Within this block requests in flight are also noted while none of them ends, as long as
        `waited_for` returns True.
        """
        over = threading.Event()
        thread = threading.Thread(target=self._note_meanwhile, args=(waited_for, over), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    @contextmanager
    def completing(self) -> Iterator[None]:
        """Within this block this thread may still send short requests, to complete its work."""
        self._thread.completing = True
        try:
            yield
        finally:
            self._thread.completing = False

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Within this block this thread's requests are neither counted nor interrupted: they are
        short and serve to find out whether another process waits.
        """
        self._thread.aside = True
        try:
            yield
        finally:
            self._thread.aside = False

    @contextmanager
    def request(self) -> Iterator[float | None]:
        """Count one request; yields the seconds that it may take, None for the usual limit.

        Raises Interrupted instead if another process waits.
        """
        if getattr(self._thread, "aside", False):
            yield LAST_LOOK
            return
        seconds = self.go_on()
        self._tell(+1)
        try:
            yield seconds
        finally:
            self._tell(-1)

    def go_on(self) -> float | None:
        """As `request`, between the parts of a request that consists of several."""
        if not self.asked():
            return None
        if getattr(self._thread, "completing", False):
            return LAST_LOOK
        self._tell(0)
        raise Interrupted

    def _note_meanwhile(self, waited_for: Callable[[], bool], over: threading.Event) -> None:
        while not over.wait(NOTE_EVERY):
            if self._count:
                with self._asking:
                    wanted = waited_for()
                if wanted:
                    self._tell(0)

    def _tell(self, change: int) -> None:
        with self._lock:
            self._count += change
            if change <= 0 and self._asks is not _nobody and self.asked():
                self._note(self._count)


def _nobody() -> bool:
    return False
