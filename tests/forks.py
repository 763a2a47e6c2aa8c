"""Runs buttons and workers quickly: a process that has imported what they need forks each of them.

Everything else is as where Python starts anew: a process with its own environment, working folder
and pipes, that can be killed. Not for tests of what is imported, of another Python or of an
installation that differs from this checkout.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from tests.world import ROOT, until

_NUMBER = struct.Struct("i")


class Forked:
    """What a test needs of `subprocess.Popen`, for a process that is not this one's child."""

    def __init__(self, pid: int, status: int, pipes: Sequence[IO[bytes]]) -> None:
        self.pid = pid
        self.stdin, self.stdout, self.stderr = pipes
        self._status = status
        self._code: int | None = None
        self._lock = threading.Lock()

    def wait(self) -> int:
        """Its exit status; minus the signal if it was killed."""
        with self._lock:
            if self._code is None:
                self._code = _read(self._status)
                os.close(self._status)
        return self._code

    def kill(self) -> None:
        if self._code is None:
            os.kill(self.pid, signal.SIGKILL)


def start(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: str | None = None,
    **_: object,
) -> Any:
    """As `Popen(argv, stdin=PIPE, stdout=PIPE, stderr=PIPE, ...)`, for a command of PlexSync.py."""
    if not hasattr(os, "fork"):
        return subprocess.Popen(argv, bufsize=0, stdin=-1, stdout=-1, stderr=-1, env=env, cwd=cwd)
    (read_in, write_in), (read_out, write_out), (read_err, write_err) = (
        os.pipe() for _ in range(3)
    )
    read_status, write_status = os.pipe()
    theirs = [read_in, write_out, write_err, write_status]
    script = next(n for n, word in enumerate(argv) if word.endswith("PlexSync.py"))
    order = {"argv": argv[script:], "env": dict(os.environ if env is None else env), "cwd": cwd}
    socket.send_fds(_mother(), [json.dumps(order).encode()], theirs)
    for fd in theirs:
        os.close(fd)
    pipes = [open(write_in, "wb", 0), open(read_out, "rb", 0), open(read_err, "rb", 0)]  # noqa: SIM115
    return Forked(_read(read_status), read_status, pipes)


def worker(plugin: Path, connection: Mapping[str, object]) -> int:
    """Start a worker of this installation as a hook does; returns its number once it is the owner."""
    argv = [sys.executable, str(plugin / "PlexSync.py"), "worker"]
    process = start(argv, env={**os.environ, "STASH_PLUGIN_DATA": str(plugin / "data")})
    process.stdin.write(json.dumps(connection).encode())
    for pipe in (process.stdin, process.stdout, process.stderr):
        pipe.close()
    until((plugin / "data" / "plexsync.log").exists)
    return int(process.pid)


def _read(fd: int) -> int:
    data = os.read(fd, _NUMBER.size)
    return int(_NUMBER.unpack(data)[0]) if data else -signal.SIGKILL


@functools.cache
def _mother() -> socket.socket:
    """The process that forks, one for all tests of this process; it ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    subprocess.Popen(
        [sys.executable, "-m", "tests.forks", str(theirs.fileno())],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        pass_fds=[theirs.fileno()],
    )
    theirs.close()
    atexit.register(ours.close)
    return ours


def _serve(orders: socket.socket) -> None:
    from plexsync import hook, lifecycle, task_runner  # noqa: F401, PLC0415 - for the forks
    from plexsync.model import config_check  # noqa: F401, PLC0415

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers leave no zombies
    while True:
        order, fds, _, _ = socket.recv_fds(orders, 1 << 18, 4)
        if not order:
            return
        if os.fork() == 0:
            orders.close()
            _keep(json.loads(order), fds)
        for fd in fds:
            os.close(fd)


def _keep(order: Any, fds: Sequence[int]) -> None:
    """Fork the process itself, and report its number and its end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    status = fds[3]
    pid = os.fork()
    if pid == 0:
        _live(order, fds)
    os.write(status, _NUMBER.pack(pid))
    for fd in fds[:3]:
        os.close(fd)
    _, ended = os.waitpid(pid, 0)
    os.write(status, _NUMBER.pack(os.waitstatus_to_exitcode(ended)))
    os._exit(0)


def _live(order: Any, fds: Sequence[int]) -> None:
    code = 1
    try:
        for number, fd in enumerate(fds[:3]):
            os.dup2(fd, number)
        for fd in fds:
            os.close(fd)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        os.environ.clear()
        os.environ.update(order["env"])
        if order["cwd"]:
            os.chdir(order["cwd"])
        from plexsync import entry, hook  # noqa: PLC0415

        script, *words = order["argv"]
        home = os.path.dirname(script)
        if words == ["worker"]:
            entry.run_worker(home)
        else:
            hook.run(home)
        code = 0
    except BaseException:  # noqa: BLE001 - a child must not continue in its parent's code
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
