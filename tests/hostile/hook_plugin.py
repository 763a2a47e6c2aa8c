"""The real hook as Stash runs it, with a small substitute for the worker that it starts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import cache_from_source
from pathlib import Path

from plexsync import inbox, system
from plexsync.model.event import Event, parse_event
from simulator.patience import PATIENCE
from tests.installation import compiled_package

ROOT = Path(__file__).parents[2]
FIXTURES = sorted((ROOT.parent / "shared" / "fixtures" / "hooks").glob("*.json"))
COOKIE = "SESSION-COOKIE-VALUE"
CONNECTION = (
    b'{"Scheme":"http","Host":"0.0.0.0","Port":9999,"SessionCookie":{"Name":"session",'
    b'"Value":"SESSION-COOKIE-VALUE","Quoted":false,"Unparsed":null},'
    b'"Dir":"/config","PluginDir":"/config/plugins/PlexSync"}'
)

STAND_IN = """
import os, sys, time
from plexsync import system

def run_worker(folder):
    os.mkdir(os.path.join(folder, "started-%d" % os.getpid()))
    block = sys.stdin.buffer.read().decode()
    data = system.data_folder(folder, os.environ)
    lock = system.LockFile(os.path.join(data, "worker.lock"))
    end = time.monotonic() + 0.2
    while not lock.acquire() and time.monotonic() < end:
        time.sleep(0.01)
    system.detach(keep=lock.fileno())
    fds = open_files()
    fds.pop(str(lock.fileno()), None)
    stop = os.path.join(folder, "stop")
    if not lock.held or os.path.exists(stop):
        return
    seen = dict(
        pid=os.getpid(), sid=session(), data=data, fds=fds, block=block, cwd=os.getcwd(),
        argv=sys.argv, umask=os.umask(0o077), environ=dict(os.environ),
    )
    report(os.path.join(folder, "worker-%d.json" % os.getpid()), seen)
    end = time.monotonic() + 120
    while time.monotonic() < end and not os.path.exists(stop):
        time.sleep(0.02)

def session():
    return 0 if sys.platform == "win32" else os.getsid(0)

def open_files():
    found = {}
    for fd in os.listdir("/proc/self/fd") if sys.platform != "win32" else ():
        try:
            found[fd] = os.readlink("/proc/self/fd/" + fd)
        except OSError:
            pass
    return found

def report(path, seen):
    import json
    with open(path + "~", "w") as file:
        json.dump(seen, file)
    os.rename(path + "~", path)

def run_task(folder, stdin, cache=None):
    print("a library that chatters")
    return b'{"output": "task"}'
"""


class Plugin:
    """A copy of the plugin in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        package = folder / "plexsync"
        (package / "__pycache__").mkdir(parents=True)
        shutil.copy(ROOT / "PlexSync.py", folder)
        for name in ("__init__", "hook", "fast", "inbox", "system", "loopback", "code_cache"):
            source = compiled_package() / f"{name}.py"
            shutil.copy2(source, package)
            shutil.copy2(cache_from_source(source), package / "__pycache__")
        (package / "entry.py").write_text(STAND_IN)

    def command(self) -> list[str]:
        return [sys.executable, "-S", str(self.folder / "PlexSync.py")]

    def popen(self, **more) -> subprocess.Popen[bytes]:
        """A started hook whose stdin is still open; `command` may be another way to run it."""
        settings = {"args": self.command(), "env": environ(), "stdin": subprocess.PIPE}
        settings |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen(**settings)

    def run(self, stdin: bytes, **more) -> dict[str, object]:
        """Run one hook; returns its answer, one JSON object; stderr must be empty."""
        process = self.popen(**more)
        out, err = process.communicate(stdin)
        assert (process.returncode, err) == (0, b"")
        answer = json.loads(out)
        assert isinstance(answer, dict)
        return answer

    @contextmanager
    def alive(self, lock: str = "worker.lock") -> Iterator[None]:
        """What hooks take for a worker (or a task) while the block runs."""
        system.private_folder(str(self.data))
        with held(self.data / lock):
            yield

    def events(self) -> list[Event]:
        records = inbox.collect(str(self.data))
        return [parse_event(record.data or b"", record.at) for record in records]

    def unfinished(self) -> list[str]:
        folder = self.data / "inbox" / "tmp"
        return os.listdir(folder) if folder.is_dir() else []

    def started(self) -> int:
        """The number of started workers, including those that found another one alive."""
        return len(list(self.folder.glob("started-*")))

    def workers(self, count: int = 1, seconds: float = PATIENCE) -> list[dict]:
        """What at least `count` workers that became the owner report."""
        end = time.monotonic() + seconds
        while len(found := sorted(self.folder.glob("worker-*.json"))) < count:
            assert time.monotonic() < end, f"only {len(found)} of {count} workers came up"
            time.sleep(0.01)
        return [json.loads(path.read_text()) for path in found]

    def stop(self) -> None:
        """Stop the workers that hooks have started here."""
        (self.folder / "stop").touch()
        end = time.monotonic() + 5
        for path in self.folder.glob("worker-*.json"):
            pid = json.loads(path.read_text())["pid"]
            while is_running(pid) and time.monotonic() < end:
                time.sleep(0.01)
            if is_running(pid):
                os.kill(pid, signal.SIGKILL)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Holds the lock of a file while the block runs."""
    lock = system.LockFile(str(path))
    assert lock.acquire()
    try:
        yield
    finally:
        lock.release()


def environ(**more: str) -> dict[str, str]:
    """Our environment without variables that move the data or disable Python's cache."""
    ours = ("STASH_PLUGIN_DATA", "PYTHONDONTWRITEBYTECODE")
    return {key: value for key, value in os.environ.items() if key not in ours} | more


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def event(
    scene: int = 7,
    kind: str = "Scene.Update.Post",
    *,
    sent: object = None,
    fields: list[str] | None = None,
    defaults: dict[str, object] | None = None,
    connection: bytes = CONNECTION,
) -> bytes:
    """A hook's stdin as Go writes it."""
    context: dict[str, object] = {"id": scene, "type": kind, "input": sent}
    if fields is not None:
        context["inputFields"] = fields
    args = {**(defaults or {}), "hookContext": context}
    return b'{"server_connection":%s,"args":%s}' % (connection, go_json(args))


def go_json(value: object) -> bytes:
    """JSON as Go's encoder prints it."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode()
