"""The environment of a benchmark: the servers' process, an installed plugin, and its worker."""

from __future__ import annotations

import compileall
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any

from plexsync import inbox, system
from plexsync.edges.page import read_state
from plexsync.policy.debounce import BURST

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CONNECTIONS = 2
PATIENCE = 1800.0
"""Seconds after which a measurement counts as hung."""


def clean_environment() -> dict[str, str]:
    """Our environment without variables that change the plugin's data folder or settings."""
    theirs = ("STASH_PLUGIN_DATA", "PLEX_URL", "PLEX_TOKEN", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if name not in theirs}


LARGEST_START = 600.0
"""Seconds in which a worker has opened the databases of any library here."""


class Site:
    """A freshly installed plugin with a Stash and a Plex, for the length of a `with` block.

    `plugin` and `data` are its folders. Plex answers after `latency` seconds, and each write takes
    `write_time` more, one after the other. The plugin comes from the checkout in `root`.
    """

    def __init__(
        self, latency: float, write_time: float, settings: Mapping[str, Any], root: str = ROOT
    ) -> None:
        self._pace, self._settings, self._root = (latency, write_time), settings, root

    def __enter__(self) -> Site:
        self._folder = tempfile.mkdtemp(prefix="plexsync-bench-")
        self.plugin = install(os.path.join(self._folder, "plugins", "PlexSync"), self._root)
        self.data = os.path.join(self.plugin, "data")
        system.private_folder(self.data)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.servers", self.plugin],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=clean_environment(),
        )
        self.ask("configure", dict(self._settings))
        self.ask("pace", *self._pace)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        send_away(self)
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        remove(self._folder)

    def ask(self, command: str, *arguments: Any) -> Any:
        """Send the servers' process a command; raises RuntimeError if it exited."""
        pipes = self._process.stdin, self._process.stdout
        assert pipes[0] and pipes[1]
        pipes[0].write(json.dumps([command, *arguments]) + "\n")
        pipes[0].flush()
        line = pipes[1].readline()
        if not line:
            raise RuntimeError(f"the simulated servers ended at {command!r}")
        return json.loads(line)[0]

    def connection(self) -> bytes:
        """The connection block that Stash passes to a plugin."""
        return json.dumps(self.ask("hello")["connection"]).encode()

    def edited(self, scenes: Iterable[int]) -> None:
        """Store events as the hooks of saved scenes do, older than the debounce."""
        for scene in scenes:
            event = {"id": scene, "type": "Scene.Update.Post", "inputFields": ["title", "id"]}
            inbox.drop(self.data, json.dumps(event).encode())
        time.sleep(BURST)

    def drained(self) -> bool:
        """Whether no work is left."""
        return not inbox.collect(self.data, limit=1) and not read_state.queue(self.data).live_jobs()

    def log(self) -> str:
        """The end of the worker's log, for error messages."""
        try:
            with open(os.path.join(self.data, "plexsync.log"), encoding="utf-8") as file:
                return "".join(file.readlines()[-20:])
        except OSError:
            return "(the worker left no log)"


def install(folder: str, root: str = ROOT) -> str:
    """Install the plugin as users have it, outside its checkout, and already compiled."""
    os.makedirs(folder)
    for name in ("PlexSync.py", "PlexSync.yml", "requirements.txt"):
        shutil.copy(os.path.join(root, name), folder)
    package = os.path.join(root, "plexsync")
    compileall.compile_dir(package, quiet=2)  # for all copies: to compile one takes two seconds
    shutil.copytree(package, os.path.join(folder, "plexsync"))
    return folder


def remove(folder: str) -> None:
    """Delete a folder and its content, although an exiting worker may still add compiled modules."""
    deadline = time.monotonic() + 20
    while True:
        try:
            shutil.rmtree(folder)
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


class Worker:
    """A real background worker of a site, in a `with` block; it is dismissed at the end.

    `command` may be another way to run PlexSync.py, for example under a profiler.
    """

    def __init__(self, site: Site, command: Iterable[str] = ()) -> None:
        self._site = site
        self._command = [sys.executable, *command]
        self.started = 0.0

    def __enter__(self) -> Worker:
        block = self._site.connection()
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            [*self._command, os.path.join(self._site.plugin, "PlexSync.py"), "worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=clean_environment(),
        )
        assert self._process.stdin
        self._process.stdin.write(block)
        self._process.stdin.close()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        send_away(self._site)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def drain(self) -> None:
        """Wait until all work is done; raises RuntimeError with the end of the log on a timeout."""
        wait_for(self._site, self._done)

    def _done(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"the worker ended early:\n{self._site.log()}")
        return self._site.drained()

    def work(self) -> float:
        """Seconds of CPU that it has used so far; 0 where the system does not report it."""
        try:
            with open(f"/proc/{self._process.pid}/stat", encoding="ascii") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak(self) -> int | None:
        """Its peak memory so far, in bytes; None where the system does not report it."""
        return peak_memory(self._process.pid)


def peak_memory(pid: int) -> int | None:
    """Peak memory of a living process, in bytes; None where the system does not report it."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            (line,) = (line for line in status if line.startswith("VmHWM:"))
    except (OSError, ValueError):
        return None
    return int(line.split()[1]) * 1024


def wait_for(site: Site, question: Callable[[], bool]) -> None:
    """Wait until `question` returns True; raises RuntimeError with the end of the log on a timeout."""
    deadline = time.monotonic() + PATIENCE
    while not question():
        if time.monotonic() > deadline:
            raise RuntimeError(f"the worker does not get done:\n{site.log()}")
        time.sleep(0.1)


def send_away(site: Site) -> None:
    """Make the site's worker, if there is one, exit as if the plugin had been removed."""
    entry = os.path.join(site.plugin, "PlexSync.py")
    os.rename(entry, f"{entry}.away")
    try:
        inbox.nudge(site.data)
        lock = system.LockFile(os.path.join(site.data, "worker.lock"))
        deadline = time.monotonic() + LARGEST_START
        while lock.busy() and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        os.rename(f"{entry}.away", entry)
