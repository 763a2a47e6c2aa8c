"""The demo's environment: a copy of the plugin, a Plex and a Stash, removed completely at the end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from simulator.patience import PATIENCE
from simulator.plex import PlexSim
from simulator.stash import StashSim

if sys.platform == "win32":
    import msvcrt

    _KILL = signal.SIGTERM  # ends a process there unconditionally
else:
    import fcntl

    _KILL = signal.SIGKILL

ROOT = Path(__file__).resolve().parent.parent
LATENCY = 0.004
"""Seconds that both servers take for an answer, about as on a home network."""
_WORKER = re.compile(r"worker starts\b.*\bpid=(\d+)")
_LEAVE = 20.0


class Trouble(Exception):
    """The demo cannot continue; the message says why."""


def until(question: Callable[[], bool], seconds: float, problem: str, every: float = 0.01) -> None:
    """Wait until `question` returns True; raises Trouble with `problem` on a timeout."""
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() >= deadline:
            raise Trouble(f"{problem} within {seconds:.0f} s")
        time.sleep(every)


class Stage:
    """A context manager that sets up everything, and in the end stops the worker and removes all
    files.
    """

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="plexsync-demo-"))
        self.plugin = self._home / "plugins" / "PlexSync"
        self._data = self.plugin / "data"
        self.plex = PlexSim(latency=LATENCY, write_time=LATENCY)

    def __enter__(self) -> Stage:
        try:
            self._open()
        except BaseException:
            self.close()
            raise
        return self

    def _open(self) -> None:
        _install(self.plugin)
        # The plugin must not see the checkout or the developer's own settings.
        cleared = dict.fromkeys(("PYTHONPATH", "STASH_PLUGIN_DATA", "PLEX_URL", "PLEX_TOKEN"), "")
        self.stash = StashSim(
            str(self.plugin), username="demo", password="demo", latency=LATENCY, env=cleared
        )
        self.plex.start()
        self.stash.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # -- the worker --------------------------------------------------------------------------

    def log(self) -> list[str]:
        """The worker's log so far."""
        try:
            text = (self._data / "plexsync.log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return text.splitlines()

    def starts(self) -> list[int]:
        """The pids of all workers so far."""
        found = (_WORKER.search(line) for line in self.log())
        return [int(match[1]) for match in found if match]

    def worker_lives(self) -> bool:
        """Whether a process owns the plugin's data folder."""
        return not _lock_is_free(self._data / "worker.lock")

    def kill_worker(self) -> int:
        """Kill the worker; returns its pid once it is dead."""
        if not self.starts():
            raise Trouble("The worker that is to be killed never said its process id")
        pid = self.starts()[-1]
        os.kill(pid, _KILL)
        until(lambda: not self.worker_lives(), 10, "The killed worker did not die")
        return pid

    # -- the end -----------------------------------------------------------------------------

    def close(self) -> None:
        """Stop the worker and both servers, and remove the folder; raises Trouble if that fails."""
        if hasattr(self, "stash"):
            self.stash.stop()
        self.plex.stop()
        try:
            self._send_worker_home()
        finally:
            # Windows keeps the log until a request of the worker's that hangs has timed out.
            until(self._removed, PATIENCE, f"{self._home} could not be removed", every=0.05)

    def _send_worker_home(self) -> None:
        """Make the worker exit: it does if its plugin is uninstalled and it is woken."""
        (self.plugin / "PlexSync.py").unlink(missing_ok=True)
        try:
            until(self._worker_left, _LEAVE, "The worker did not leave", every=0.05)
        except Trouble:
            self.kill_worker()
            raise

    def _worker_left(self) -> bool:
        inbox = self._data / "inbox" / "new"
        if inbox.exists():
            os.utime(inbox)
        return not self.worker_lives()

    def _removed(self) -> bool:
        shutil.rmtree(self._home, ignore_errors=True)
        return not self._home.exists()


def _install(target: Path) -> None:
    """Install the plugin as users have it, outside the checkout."""
    target.mkdir(parents=True)
    for name in ("PlexSync.py", "PlexSync.yml", "requirements.txt"):
        shutil.copy(ROOT / name, target)
    no_cache = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "plexsync", target / "plexsync", ignore=no_cache)


def _lock_is_free(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        return _can_lock(fd)
    finally:
        os.close(fd)


if sys.platform == "win32":

    def _can_lock(fd: int) -> bool:
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)
        return True

else:

    def _can_lock(fd: int) -> bool:
        """Try a shared lock, so that concurrent checks do not take each other for the owner."""
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
