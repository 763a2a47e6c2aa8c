"""Workers that start at once: a process that has imported everything and forks lives on demand.

`python -m torture.nursery PLUGIN_DIR SPEED` reads one JSON list `[command, argument, ...]` a
line from stdin and writes `[answer]` a line to stdout. A life is the worker as PlexSync.py runs it,
but for its clock; the data folder comes with the environment.
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
"""Exit status of a life that ended by itself through an exception."""


class Nursery:
    """The client's side; a context manager. Pids are of the lives."""

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
        """A new life; a held one stops before its first step, until SIGCONT."""
        pid = int(self._ask("start", block.decode(), held))
        self._living.add(pid)
        return pid

    def kill(self, pid: int) -> bool:
        """SIGKILL; False when it had ended by itself (which must have been in good order)."""
        os.kill(pid, signal.SIGKILL)
        status = self._ask("reap", pid, 30.0)
        self._living.discard(pid)
        return self._ended(pid, status)

    def wait(self, pid: int, seconds: float = 60.0) -> bool:
        """Wait for the end; True when it was killed by somebody. Fails when it never ends."""
        status = self._ask("reap", pid, seconds)
        if status is None:
            raise TimeoutError(f"worker {pid} still lives after {seconds:.0f} s")
        self._living.discard(pid)
        return self._ended(pid, status)

    def alive(self, pid: int) -> bool:
        """Whether a life goes on; one that has ended is not forgotten yet."""
        return bool(self._ask("alive", pid))

    def waited_for_room(self) -> bool:
        """Whether the life that was started last found its disk full and began to wait."""
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
    """Tells the process that forked a life when this waits for a disk to be mended."""

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
    """Inside the process; every public method is a command."""

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
        except BaseException:  # noqa: BLE001 - a child must not go on in its parent's place
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
