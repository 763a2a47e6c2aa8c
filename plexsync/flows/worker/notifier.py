"""Says when PlexSync needs somebody: the duty that looks for it, and the outbox of messages.

Policy decides (policy/notifications.py). Every step is on disk before it is taken, so that each
state is said once across restarts. A message is sent at least once, and five times at most: if the
process dies between sending it and noting that, the next worker sends it again.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from typing import Protocol

from plexsync import __version__, system
from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.messenger import Sender, Sending, Unsent
from plexsync.edges.storage import files
from plexsync.edges.stores import Stores
from plexsync.flows.services import WorkerServices
from plexsync.flows.worker.duties import Alarm
from plexsync.model.config import PlexSyncConfig
from plexsync.model.messages import FAILED, REFUSED, SENT, Delivery, Message
from plexsync.model.places import STASHS_FORM
from plexsync.policy.notices import FILE, Facts, Notices
from plexsync.policy.notifications import (
    attempted,
    delivered,
    forgotten,
    next_due,
    next_message,
    noticed,
    refused,
    said,
)
from plexsync.policy.recovery_state import trouble_of

LOOK_EVERY = 30.0
"""Seconds between two looks at the state of everything: how late a message may be that nothing else
announces."""

POLL_EVERY = 0.5
"""Seconds between two looks at the process that sends a message."""

REMEDY = f"Correct Notify URLs in {STASHS_FORM}, and press Send a Test Message."


def fingerprint(url: str) -> str:
    """Tells URLs apart without holding one: 24 of its hash's 256 bits."""
    return hashlib.sha256(url.encode()).hexdigest()[:6]


class Messaging(Protocol):
    """What a message needs."""

    sender: Sender

    def config(self) -> PlexSyncConfig:
        """The current settings."""


class Outbox:
    """notifications.json, and the message on its way."""

    def __init__(self, folder: str, sender: Sender, clock: Clock, log: Log) -> None:
        self._path = os.path.join(folder, FILE)
        self._sender = sender
        self._clock = clock
        self._log = log
        self._sending: Sending | None = None
        self._message: Message | None = None
        self._urls: list[str] = []
        self._all_urls = 0
        begin = Notices(counted=clock.now())
        self.notices = files.read_json(self._path, Notices.parse, begin, log.warning)

    @property
    def pending(self) -> bool:
        """Whether a message is on its way, or is to be sent again."""
        return bool(self._sending or self.notices.outbox)

    @property
    def sending(self) -> bool:
        """Whether a message is on its way."""
        return self._sending is not None

    def keep(self, notices: Notices) -> None:
        """Store what changed, on disk first."""
        if notices != self.notices:
            files.replace_json(self._path, notices.to_json())
            self.notices = notices

    def send_next(self, urls: Sequence[str]) -> None:
        """Start to send the message that is due, unless one is on its way."""
        now = self._clock.now()
        message = None if self._sending else next_message(self.notices, now)
        if message is None:
            return
        notices, message = attempted(self.notices, message, now)
        self.keep(notices)
        self._message, self._all_urls = message, len(urls)
        self._urls = [url for url in urls if fingerprint(url) not in message.done]
        try:
            self._sending = self._sender.start(self._urls, message)
        except OSError as problem:
            self._unsent(
                f"the process that sends messages cannot be started ({system.text_of(problem)})"
            )

    def finish(self) -> None:
        """Record what became of the message on its way, once that is known."""
        if self._sending is None or self._message is None:
            return
        try:
            deliveries = self._sending.deliveries()
        except Unsent as problem:
            self._sending = None
            self._unsent(str(problem))
            return
        if deliveries is not None:
            self._sending = None
            self._delivered(self._message, deliveries)

    def end(self) -> None:
        """Wait for a message on its way for a moment, and abandon it then: it is sent again."""
        if self._sending is not None:
            self._sending.stop()
            self.finish()

    def _unsent(self, why: str) -> None:
        self._log.warn_once(why, f"A message could not be sent: {why}.".replace("..", "."))
        if self._message is not None:
            self.keep(delivered(self.notices, self._message, (), self._all_urls))

    def _delivered(self, message: Message, deliveries: Sequence[Delivery]) -> None:
        pairs = list(zip(self._urls, deliveries, strict=False))
        done = tuple(fingerprint(url) for url, each in pairs if each.state != FAILED)
        self.keep(delivered(self.notices, message, done, self._all_urls))
        for delivery in deliveries:
            if delivery.state == REFUSED:
                self._log.warning(f"A message was not taken: {delivery.text}. {REMEDY}")
            elif delivery.state == FAILED:
                self._log.warn_once(delivery.text, f"A message was not taken: {delivery.text}.")
        sent = sum(each.state == SENT for each in deliveries)
        self._log.info(f"Message: {message.title}.", sent=sent, of=self._all_urls)


def tell_refusal(folder: str, services: Messaging, clock: Clock, log: Log) -> None:
    """Say that this version cannot work with the data folder; waits until the message is sent.

    Raises what prevents it: OSError, NewerSchema, AnotherStash or SyncError.
    """
    outbox = Outbox(folder, services.sender, clock, log)
    config, now = services.config(), clock.now()
    notices = refused(outbox.notices, __version__, now)
    outbox.keep(said(notices, Facts(), now) if config.message_urls else forgotten(notices))
    outbox.send_next(config.message_urls)
    while outbox.sending:
        clock.wait(POLL_EVERY, lambda: False)
        outbox.finish()


class Notifier:
    """Looks whether PlexSync needs somebody: twice a minute, and when Plex's state changes."""

    def __init__(
        self,
        folder: str,
        stores: Stores,
        services: WorkerServices,
        clock: Clock,
        log: Log,
    ) -> None:
        self._stores = stores
        self._outages = services.outages
        self._services = services
        self._clock = clock
        self._outbox = Outbox(folder, services.sender, clock, log)
        self._due = self._looked_at = -math.inf
        self._seen = ""

    def alarm(self) -> Alarm:
        """The duty."""
        return Alarm("messages", self._due_in, self._look)

    @property
    def pending(self) -> bool:
        """Whether the worker has to stay for a message."""
        return self._outbox.pending

    def close(self) -> None:
        """Before the worker exits or steps aside."""
        self._outbox.end()

    def _due_in(self, now: float) -> float:
        news = self._outbox.sending or self._trouble()[0] != self._seen
        every = POLL_EVERY if news else LOOK_EVERY
        passed = self._clock.monotonic() - self._looked_at
        return max(POLL_EVERY - passed, min(every - passed, self._due - now))

    def _look(self, now: float) -> None:
        self._looked_at, self._seen = self._clock.monotonic(), self._trouble()[0]
        self._outbox.finish()
        config = self._services.entered
        if config is None:
            self._due = math.inf
            return
        facts = self._facts(config, now)
        notices, patience = self._outbox.notices, config.notify_after * 60.0
        if not config.paused:
            notices = noticed(notices, facts, now, patience)
        urls = config.message_urls
        notices = said(notices, facts, now) if urls else forgotten(notices)
        self._outbox.keep(notices)
        self._outbox.send_next(urls)
        self._due = next_due(self._outbox.notices, facts, now, patience) if urls else math.inf

    def _trouble(self) -> tuple[str, float | None]:
        kind, _, since = trouble_of(self._outages.breaker, self._outages.recovery)
        return kind, since

    def _facts(self, config: PlexSyncConfig, now: float) -> Facts:
        trouble, since = self._trouble()
        last = self._outages.history.last()
        dead_letters = self._stores.dead_letters
        buried, newest = dead_letters.buried_after(self._outbox.notices.counted)
        return Facts(
            trouble=trouble,
            since=since or now,
            waiting=len(self._stores.queue.jobs),
            ended=(last.end or now) if last else 0.0,
            affected=last.jobs_affected if last else 0,
            written=last.jobs_recovered if last else 0,
            buried=buried,
            newest=newest,
            dead=dead_letters.count(),
            unready=bool(config.not_ready()),
            version=__version__,
        )
