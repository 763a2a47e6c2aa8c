"""The persistent state of outages: breaker, recovery state and history, each in its file; and
the log lines of the breaker."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from plexsync.edges.log.log import Log
from plexsync.edges.storage import files
from plexsync.policy.circuit_breaker import CLOSED, HALF_OPEN, CircuitBreaker, Transition
from plexsync.policy.outage_history import OutageHistory
from plexsync.policy.recovery_state import RecoveryState

T = TypeVar("T")

NAMES = BREAKER, RECOVERY, HISTORY = (
    "circuit_breaker.json",
    "recovery_state.json",
    "outage_history.json",
)


class OutageState:
    """Keeps three values and their files in step."""

    def __init__(self, folder: str, warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._warn = warn
        self.breaker = self._read(BREAKER, CircuitBreaker.parse, CircuitBreaker())
        self.recovery = self._read(RECOVERY, RecoveryState.parse, RecoveryState())
        self.history = self._read(HISTORY, OutageHistory.parse, OutageHistory())
        self._kept = [self.breaker.to_json(), self.recovery.to_json(), self.history.to_json()]

    def keep(
        self,
        breaker: CircuitBreaker | None = None,
        recovery: RecoveryState | None = None,
        history: OutageHistory | None = None,
    ) -> None:
        """Store what changed, on disk first."""
        new = (breaker or self.breaker, recovery or self.recovery, history or self.history)
        documents = [value.to_json() for value in new]
        for name, document, old in zip(NAMES, documents, self._kept, strict=True):
            if document != old:
                files.replace_json(os.path.join(self._folder, name), document)
        self._kept = documents
        self.breaker, self.recovery, self.history = new

    def _read(self, name: str, parse: Callable[[object], T], default: T) -> T:
        return files.read_json(os.path.join(self._folder, name), parse, default, self._warn)


class TransitionLog:
    """Logs the breaker's transitions, a line each; those of trials only at first, since one may be
    tried each minute.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._trials = 0

    def log(self, transition: Transition | None) -> None:
        """Log a transition, if there was one."""
        if transition is None:
            return
        if transition.after == CLOSED:
            self._trials = 0
            self._log.info(transition.text)
        elif HALF_OPEN not in (transition.before, transition.after):
            self._log.warning(transition.text)
        else:
            self._trials += 1
            (self._log.info if self._trials <= 2 else self._log.debug)(transition.text)
