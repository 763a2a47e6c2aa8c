"""Sends messages with Apprise, in a short-lived process: plexsync/send_messages.py.

A process of its own, because nothing that Apprise does may stall, kill or bloat the worker: it loads
50 MB in a second, waits for strangers' servers, and logs what it likes about its URLs. They travel by
the process's stdin, and nothing but its one answer is read.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol

from plexsync import system
from plexsync.edges.clock import Clock
from plexsync.edges.packages import MOST_SECONDS, passed_on
from plexsync.model.messages import Delivery, Message

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
"""The plugin's folder."""

PATIENCE = 30.0
"""Seconds that a message may take once Apprise is there; the process itself ends before."""

LAST_PATIENCE = 3.0
"""Seconds for which a message in flight is waited for when its sender has to end."""

_MODULE = "plexsync.send_messages"


class Unsent(Exception):
    """No message can be sent at all; the text says why and what to do."""


class Sending(Protocol):
    """A message on its way."""

    def deliveries(self) -> list[Delivery] | None:
        """What became of it at each URL; None while it is on its way. Raises Unsent."""

    def stop(self) -> None:
        """Wait for it for a moment, and abandon it then."""


class Sender(Protocol):
    """Starts to send messages."""

    def start(self, urls: Sequence[str], message: Message) -> Sending:
        """Start to send a message to these URLs; raises OSError."""


class AppriseSender:
    """Sends with Apprise; the first message waits until it is installed in the data folder."""

    def __init__(self, folder: str, clock: Clock, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._clock = clock
        self._environ = environ

    def start(self, urls: Sequence[str], message: Message) -> Sending:
        """See Sender."""
        process = subprocess.Popen(
            [sys.executable, "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=HOME,
            env=passed_on(self._environ),
            creationflags=system.WITHOUT_WINDOW,
            umask=system.PRIVATE_UMASK,
        )
        order = {"folder": self._folder, "urls": [*urls], **message._asdict()}
        return _Process(process, json.dumps(order).encode(), self._clock)


class _Process:
    """A process that sends one message."""

    def __init__(self, process: subprocess.Popen[bytes], order: bytes, clock: Clock) -> None:
        self._process = process
        self._clock = clock
        self._ends = clock.monotonic() + MOST_SECONDS + PATIENCE
        assert process.stdin
        try:
            process.stdin.write(order)
            process.stdin.close()
        except OSError:  # it has ended already, and its answer is missing
            pass

    def deliveries(self) -> list[Delivery] | None:
        """See Sending."""
        if self._process.poll() is None:
            if self._clock.monotonic() < self._ends:
                return None
            self._process.kill()
        return _read(self._end())

    def stop(self) -> None:
        """See Sending."""
        try:
            self._process.wait(LAST_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _end(self) -> bytes:
        assert self._process.stdout
        with self._process.stdout as answer:
            said = answer.read(1 << 16)
        self._process.wait()
        return said


def _read(said: bytes) -> list[Delivery]:
    try:
        answer = json.loads(said)
        if "problem" in answer:
            raise Unsent(str(answer["problem"]))
        return [Delivery(*map(str, each)) for each in answer["deliveries"]]
    except (ValueError, TypeError, KeyError):
        raise Unsent("the process that sends messages ended without an answer") from None
