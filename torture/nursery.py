"""Starts workers quickly: a process that has imported everything forks them on demand.

`python -m torture.nursery PLUGIN_DIR SPEED` reads JSON lists `[command, argument, ...]` from stdin,
one per line, and writes `[answer]` to stdout, one per line. Each fork runs the worker as
PlexSync.py does, except for its clock; the data folder comes from the environment.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plexsync import entry, lifecycle
from torture.swift import SwiftClock

ROOT = Path(__file__).resolve().parent.parent
RAN = 3
"""Exit status of a worker that ended with an exception."""


class Nursery:
    """The client's side, a context manager. Pids are those of workers."""

    def __init__(self, data: Path, speed: float, home: Path = ROOT) -> None:
        words = [sys.executable, "-m", "torture.nursery", str(home), str(speed)]
        self._process = subprocess.Popen(
            words,
            cwd=ROOT,
            env={**os.environ, "STASH_PLUGIN_DATA": str(data), "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._living: set[int] = set()

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *problem: object) -> None:
        for pid in list(self._living):
            self.kill(pid)
        self._process.communicate()

    def start(self, block: bytes, held: bool = False) -> int:
        """Fork a worker and return its pid; if `held`, it stops before its first step until
        SIGCONT.
        """
        pid = int(self._ask("start", block.decode(), held))
        self._living.add(pid)
        return pid

    def kill(self, pid: int) -> bool:
        """Kill a worker; False if it had already exited (without an error)."""
        os.kill(pid, signal.SIGKILL)
        status = self._ask("reap", pid, 30.0)
        self._living.discard(pid)
        return self._ended(pid, status)

    def wait(self, pid: int, seconds: float = 60.0) -> bool:
        """Wait for its exit; True if it was killed. Raises TimeoutError if it does not exit."""
        status = self._ask("reap", pid, seconds)
        if status is None:
            raise TimeoutError(f"worker {pid} is still running after {seconds:.0f} s")
        self._living.discard(pid)
        return self._ended(pid, status)

    def alive(self, pid: int) -> bool:
        """Whether a worker is running; an exited one can still be waited for."""
        return bool(self._ask("alive", pid))

    def waited_for_room(self) -> bool:
        """Whether the worker that was started last found its disk full and started to wait."""
        return bool(self._ask("waited_for_room"))

    def _ended(self, pid: int, status: int) -> bool:
        if status not in (0, signal.SIGKILL):
            raise RuntimeError(f"worker {pid} ended with status {status}")
        return status == signal.SIGKILL

    def _ask(self, *words: object) -> Any:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(words) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())[0]


class _WatchedClock(SwiftClock):
    """Notifies the parent process when the worker waits for a failing disk."""

    def __init__(self, speed: float) -> None:
        super().__init__(speed)
        self._waited = mmap.mmap(-1, 1)  # shared with every fork

    @property
    def waited(self) -> bool:
        return self._waited[0] > 0

    def forget(self) -> None:
        self._waited[0] = 0

    def wait(self, seconds: float, woken: Callable[[], bool]) -> None:
        if seconds == lifecycle.DISK_PAUSE:
            self._waited[0] = 1
        super().wait(seconds, woken)


class _Matron:
    """The server's side; every public method is a command."""

    def __init__(self, home: str, clock: _WatchedClock) -> None:
        self._home = home
        self._clock = clock
        self._ended: dict[int, int] = {}

    def start(self, block: str, held: bool) -> int:
        self._clock.forget()
        read, write = os.pipe()
        os.write(write, block.encode())
        os.close(write)
        pid = os.fork()
        if pid == 0:
            self._live(read, held)
        os.close(read)
        if held:
            os.waitpid(pid, os.WUNTRACED)
        return pid

    def alive(self, pid: int) -> bool:
        if pid not in self._ended:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self._ended[pid] = status
        return pid not in self._ended

    def waited_for_room(self) -> bool:
        return self._clock.waited

    def reap(self, pid: int, seconds: float) -> int | None:
        end = time.monotonic() + seconds
        while self.alive(pid):
            if time.monotonic() >= end:
                return None
            time.sleep(0.001)
        return self._ended.pop(pid)

    def _live(self, stdin: int, held: bool) -> None:
        code = RAN
        try:
            os.dup2(stdin, 0)
            sys.stdin = open(0, closefd=False)  # noqa: SIM115
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            if held:
                os.kill(os.getpid(), signal.SIGSTOP)
            entry.run_worker(self._home, self._clock)
            code = 0
        except BaseException:  # noqa: BLE001 - a child must not continue in its parent's code
            traceback.print_exc()
        finally:
            os._exit(code)


def main() -> None:
    """Carry out commands until stdin ends."""
    home, speed = sys.argv[1:]
    matron = _Matron(home, _WatchedClock(float(speed)))
    for line in sys.stdin:
        name, *words = json.loads(line)
        command: Callable[..., object] = getattr(matron, name)
        sys.stdout.write(json.dumps([command(*words)]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
