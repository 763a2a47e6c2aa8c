"""Paces write requests: unlimited, except on the ramp after an outage."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.model.errors import Interrupted, SyncError, TransientError
from plexsync.policy.rate_limiter import Ramp, RecoveryRateLimiter


class WritePacer:
    """May be used from several threads. `interrupted` says that a wait must end early."""

    def __init__(self, clock: Clock, log: Log, interrupted: Callable[[], bool]) -> None:
        self._clock = clock
        self._log = log
        self._interrupted = interrupted
        self._lock = threading.Lock()
        self._limiter = self._resumed(Ramp(), 0.0)

    @property
    def ramp(self) -> Ramp:
        """The ramp of the settings."""
        return self._limiter.ramp

    def configure(self, ramp: Ramp) -> None:
        """Use this ramp from now on."""
        with self._lock:
            self._limiter = self._limiter.configured(ramp)

    def begin(self, started_at: float) -> None:
        """Start the ramp of a recovery at wall-clock `started_at`; 0 means none."""
        with self._lock:
            self._limiter = self._resumed(self._limiter.ramp, started_at)

    def rate(self) -> float | None:
        """Requests per second now; None if there is no limit."""
        return self._limiter.rate(self._clock.monotonic())

    @contextmanager
    def one_write(self) -> Iterator[None]:
        """Send one write request within this block, at the pace of the ramp, which its result may
        slow down.

        Raises Interrupted if the wait for its turn is interrupted.
        """
        if not self._wait_for_turn():
            raise Interrupted
        try:
            yield
        except SyncError as error:
            self._record(not isinstance(error, TransientError))
            raise
        self._record(True)

    def _wait_for_turn(self) -> bool:
        """Wait until the ramp admits one request; False if interrupted meanwhile."""
        while True:
            with self._lock:
                self._limiter, seconds = self._limiter.take(self._clock.monotonic())
            if not seconds:
                return True
            self._clock.wait(seconds, self._interrupted)
            if self._interrupted():
                return False

    def _record(self, ok: bool) -> None:
        with self._lock:
            self._limiter, text = self._limiter.result(ok, self._clock.monotonic())
        if text:
            self._log.warning(text)

    def _resumed(self, ramp: Ramp, started_at: float) -> RecoveryRateLimiter:
        now, monotonic = self._clock.now(), self._clock.monotonic()
        return RecoveryRateLimiter.resume(ramp, started_at, now, monotonic)
