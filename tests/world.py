"""The environment of stories: a simulated Stash and Plex on real sockets, a real data folder, and a
worker in this process whose clock the test controls."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from weakref import WeakSet

from plexsync import inbox
from plexsync.app import App
from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.edges.stash.client import StashClient
from plexsync.flows.worker.worker import Worker
from plexsync.model.connection import parse_connection
from plexsync.model.messages import SENT, Delivery, Message
from plexsync.model.notify_urls import scheme_of
from plexsync.system import LockFile
from simulator.patience import PATIENCE
from simulator.plex import PlexSim
from simulator.stash import StashSim

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "plex-sim-token"


class FakeClock:
    """A clock whose waits take no time; `on_wait` is called during each wait."""

    def __init__(self) -> None:
        self.start = time.time()
        self.passed = 0.0
        self.jumped = 0.0
        self.on_wait: Callable[[], None] = lambda: None
        self.ahead = 0.0
        """Seconds by which local time is ahead of UTC."""

    def now(self) -> float:
        return self.start + self.passed + self.jumped

    def passing(self) -> float:
        """Real time, for processes whose clocks the test does not control."""
        return self.start + self.passed

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    def wait(self, seconds: float, woken: Callable[[], bool]) -> None:
        self.on_wait()
        if not woken():
            self.passed += seconds

    def offset(self, at: float) -> float:
        return self.ahead


class ListSink:
    """Records what is logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def write(self, level: str, text: str) -> None:
        self.lines.append((level, text))

    def progress(self, value: float) -> None:
        pass


class Postbox:
    """Takes messages in Apprise's place, as `answers` says by scheme; `open` is whether it answers."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.answers: dict[str, Delivery] = {}
        self.open = True

    def start(self, urls: Sequence[str], message: Message) -> Postbox:
        self.sent.append(message)
        self._schemes = [scheme_of(url) for url in urls]
        return self

    def deliveries(self) -> list[Delivery] | None:
        usual = Delivery("", SENT, SENT)
        found = [self.answers.get(name, usual)._replace(scheme=name) for name in self._schemes]
        return found if self.open else None

    def stop(self) -> None:
        pass

    @property
    def titles(self) -> list[str]:
        return [message.title for message in self.sent]


class World:
    """Everything a story needs. Time passes for both servers too."""

    def __init__(self, folder: Path, plex: PlexSim, stash: StashSim) -> None:
        self.folder = str(folder)
        self.plex = plex
        self.stash = stash
        self.clock = FakeClock()
        plex.clock = stash.clock = self.clock.passing
        self.sink = ListSink()
        self.section = plex.add_section("Films", locations=["/plex"])
        self.settings: dict[str, Any] = {}
        self.environ: dict[str, str] = {}
        self.sender = Postbox()
        self.new_ledger: Path | None = None
        """What a new ledger is copied from, in a fifth of the time that it takes to create one."""
        self._clients: WeakSet[StashClient] = WeakSet()
        self.configure()

    def configure(self, **settings: Any) -> None:
        """Change settings in Stash, as a user does."""
        base = {"plex_url": self.plex.url, "plex_token": TOKEN, "path_map": "/plex=>/data"}
        self.settings = {**base, **self.settings, **settings}
        self.stash.set_plugin_settings(self.settings)

    def film(self, name: str, size: int = 1000, **values: Any) -> Any:
        """An item in Plex; returns the simulated item."""
        return self.plex.item(
            self.plex.add_item(self.section, file=f"/plex/{name}", size=size, **values)
        )

    def pair(
        self, name: str, *, plex: dict[str, Any] | None = None, **scene: Any
    ) -> tuple[int, Any]:
        """The same file in both; returns the scene's id and the simulated item."""
        item = self.film(name, **(plex or {}))
        return self.stash.add_scene(files=[(f"/data/{name}", 1000)], **scene), item

    def event(self, scene: int, kind: str = "Scene.Update.Post", **more: Any) -> None:
        """Store an event as a hook does."""
        fields = {"inputFields": ["title", "id"]} if kind == "Scene.Update.Post" else {}
        record = {"id": scene, "type": kind, "input": None, **fields, **more}
        record = {key: value for key, value in record.items() if value is not ...}
        inbox.drop(self.folder, json.dumps(record).encode())

    def edit(self, scene: int, **fields: Any) -> None:
        """The user saves a scene in Stash."""
        self.stash.edit(scene, **fields)
        self.event(scene, inputFields=[*fields, "id"])

    def run(self, minutes: float = 0.25, leave: Callable[[], str] = lambda: "") -> str:
        """Run a worker for this long in its own time, or until it exits by itself."""
        end = self.clock.passed + minutes * 60

        def enough() -> str:
            return leave() or ("time is up" if self.clock.passed >= end else "")

        app = self.stores()
        try:
            worker = Worker(
                self.folder,
                app.stores,
                app,
                app.stash,
                self.clock,
                app.log,
                random.Random(1),
                enough,
            )
            worker.start()
            return worker.drain()
        finally:
            app.close()

    def outlast(self, scene: int, minutes: float, leave: Callable[[], str] = lambda: "") -> None:
        """Let a waiting scene have all its attempts in so much time, without the quiet between them:
        a worker lives for each attempt only.
        """
        end = self.clock.passed + minutes * 60
        while self.clock.passed < end and scene in (waiting := self.waiting()):
            due = max(0.0, waiting[scene].not_before - self.clock.now())
            self.clock.passed = min(self.clock.passed + due, end)
            self.run(leave=leave)

    def client(self) -> StashClient:
        """A client of the simulated Stash; closed with the world if not before."""
        client = StashClient(parse_connection(self.block()))
        self._clients.add(client)
        return client

    def close(self) -> None:
        """Close every connection to the simulated Stash."""
        for client in list(self._clients):
            client.close()

    def block(self) -> bytes:
        """The connection block as Stash hands it to a plugin."""
        return json.dumps(
            {
                "Scheme": "http",
                "Host": "0.0.0.0",
                "Port": self.stash.port,
                "SessionCookie": None,
                "Dir": "/config",
                "PluginDir": "/config/plugins/PlexSync",
            }
        ).encode()

    def stores(self) -> App:
        """All stores, as their owner opens them; close it."""
        path = os.path.join(self.folder, "ledger.db")
        if self.new_ledger and not os.path.lexists(path):
            shutil.copy(self.new_ledger, path)
        log = Log(self.sink)
        return App(self.folder, self.client(), self.clock, log, self.environ, self.sender)

    def ledger(self) -> Ledger:
        """The ledger alone, which opens in half the time of all stores; close it."""
        return Ledger(os.path.join(self.folder, "ledger.db"), Log(self.sink).warning)

    def dead_letters(self) -> DeadLetters:
        """The dead letters alone; close them."""
        return DeadLetters(os.path.join(self.folder, "dlq.db"), Log(self.sink).warning)

    def queue(self) -> JobQueue:
        """The queue alone; close it."""
        return JobQueue(os.path.join(self.folder, "queue"), Log(self.sink).warning)

    def state(self, scene: int) -> Any:
        """The ledger's state of a scene."""
        with closing(self.ledger()) as ledger:
            return ledger.scenes([scene]).get(scene)

    def dead_letter(self, scene: int) -> Any:
        """The scene's dead letter."""
        with closing(self.dead_letters()) as dead_letters:
            return dead_letters.get(scene)

    def waiting(self) -> dict[int, Any]:
        """Live jobs by scene."""
        with closing(self.queue()) as queue:
            return dict(queue.jobs)

    def said(self, level: str = "") -> str:
        """All log lines (of a level)."""
        return "\n".join(text for kind, text in self.sink.lines if level in ("", kind))


def until(question: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Repeat until the answer is true; fails the test if it never is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = question()
        if answer:
            return answer
        time.sleep(0.02)
    raise AssertionError("it never happened")


def names_port(text: str, port: int) -> bool:
    """Whether a text holds the number of a port, and not by chance within a hash or a time."""
    return re.search(rf"(?<![\w.]){port}(?!\w)", text) is not None


def lock_is_free(lock: Path) -> bool:
    probe = LockFile(os.fspath(lock))
    if not probe.acquire():
        return False
    probe.release()
    return True
