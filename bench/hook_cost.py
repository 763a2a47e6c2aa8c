"""The cost of a hook for a save: whole processes compared with bare Python, interleaved.

It measures two interpreters: a clean one, and one with .pth files in its site-packages, which is
common.
"""

from __future__ import annotations

import compileall
import os
import shutil
import statistics
import subprocess
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from plexsync import system
from simulator.patience import PATIENCE

EVENT = (
    b'{"server_connection":{"Scheme":"http","Host":"0.0.0.0","Port":9999,"SessionCookie":{"Name":'
    b'"session","Value":"x","Quoted":false,"Path":"","Domain":"","Expires":"0001-01-01T00:00:00Z",'
    b'"RawExpires":"","MaxAge":0,"Secure":false,"HttpOnly":false,"SameSite":0,"Partitioned":false,'
    b'"Raw":"","Unparsed":null},"Dir":"/config","PluginDir":"/config/plugins/PlexSync"},"args":'
    b'{"hookContext":{"id":7,"type":"Scene.Update.Post","input":{"clientMutationId":null,"id":"7",'
    b'"title":"New title","code":null,"details":"Line one\\nLine two \\u003cb\\u003e","director":'
    b'null,"url":null,"urls":null,"date":"2021-03-04","rating100":null,"organized":null,"studio_id"'
    b':null,"performer_ids":[],"groups":null,"tag_ids":["1","2"],"cover_image":null,"stash_ids":'
    b'null},"inputFields":["tag_ids","details","title","performer_ids","date","id"]}}}'
)
_ENDS_AT_ONCE = """
import os

def run_worker(folder):
    os.mkdir(os.path.join(folder, "ended-%d" % os.getpid()))
"""

RICH = {
    "namespace": "import sys, types, os, importlib.util, importlib.machinery",
    "editable": "import pathlib, importlib.machinery, importlib.abc",
    "certificates": "import ssl, urllib.request",
}
"""The .pth files of the second interpreter: imports of those of namespace packages, editable
installs and helpers for company certificates."""


class Spent(NamedTuple):
    """Seconds of a whole process: wall-clock time, and CPU time. The difference is the disk, which
    has to write the event, and the machine's other load.
    """

    time: float
    cpu: float


@dataclass(frozen=True, slots=True)
class HookCost:
    """Medians of whole processes: bare Python, the same with `-S`, the hook with and without a worker,
    and the first hook after an update, which is compiled; and what it imports.
    """

    bare: Spent
    without_site: Spent
    running: Spent
    starting: Spent
    compiling: Spent
    imports: tuple[str, ...]


def measure(runs: int, plugin_dir: str) -> dict[str, HookCost]:
    """Run bare Python and the hooks of both interpreters `runs` times in turn.

    `plugin_dir` holds PlexSync.py. A copy of the hook's files is measured, whose worker exits at
    once; waiting for it is not measured.
    """
    with tempfile.TemporaryDirectory() as folder:
        subjects = {
            "clean": _Subject(plugin_dir, os.path.join(folder, "clean"), {}),
            "rich": _Subject(plugin_dir, os.path.join(folder, "rich"), RICH),
        }
        for _ in range(runs + 2):
            for subject in subjects.values():
                subject.turn()
        return {name: subject.cost() for name, subject in subjects.items()}


class _Subject:
    """One interpreter with its own installed plugin, and the measured times."""

    def __init__(self, plugin_dir: str, folder: str, pth: dict[str, str]) -> None:
        python = _interpreter(os.path.join(folder, "python"), pth)
        self._folder = os.path.join(folder, "PlexSync")
        self._bare = {
            "bare": [python, "-c", "pass"],
            "without_site": [python, "-S", "-c", "pass"],
        }
        self._hook = [python, "-S", _copy(plugin_dir, self._folder)]
        self._lock = _lock(self._folder)
        self._spent: dict[str, list[Spent]] = {name: [] for name in (*self._bare, *_HOOKS)}

    def turn(self) -> None:
        """Measure each kind of process once."""
        for name, command in self._bare.items():
            self._spent[name].append(_run(command, b""))
        with self._worker():
            self._take("running")
            shutil.rmtree(os.path.join(self._folder, "plexsync", "__pycache__"))
            self._take("compiling")
            compileall.compile_dir(self._folder, quiet=2)
        self._take("starting")
        _await_workers(self._folder, len(self._spent["starting"]))

    def _take(self, kind: str) -> None:
        self._spent[kind].append(_run(self._hook, b'{"output": "ok"}'))

    @contextmanager
    def _worker(self) -> Iterator[None]:
        self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    def cost(self) -> HookCost:
        """The medians; the first two turns fill caches."""
        with self._worker():
            hook = _imports([self._hook[0], "-S", "-X", "importtime", self._hook[-1]])
        bare = _imports([self._hook[0], "-S", "-X", "importtime", "-c", "pass"])
        middle = {name: _middle(found[2:]) for name, found in self._spent.items()}
        return HookCost(**middle, imports=tuple(sorted(hook - bare)))


_HOOKS = ("running", "starting", "compiling")


def _interpreter(folder: str, pth: dict[str, str]) -> str:
    """A new environment with these .pth files in its site-packages."""
    venv.create(folder, symlinks=os.name != "nt", with_pip=False)
    python = os.path.join(
        folder, *(("Scripts", "python.exe") if os.name == "nt" else ("bin", "python3"))
    )
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    place = subprocess.check_output(ask, text=True, env=_environ()).strip()
    for name, line in pth.items():
        with open(os.path.join(place, f"{name}.pth"), "w", encoding="utf-8") as file:
            file.write(f"{line}\n")
    return python


def _imports(command: list[str]) -> set[str]:
    done = subprocess.run(command, input=EVENT, capture_output=True, env=_environ(), check=True)
    return {line.rpartition(b"|")[2].strip().decode() for line in done.stderr.splitlines()}


def _copy(plugin_dir: str, folder: str) -> str:
    os.makedirs(os.path.join(folder, "plexsync"))
    for name in ("__init__", "hook", "fast", "inbox", "system"):
        part = os.path.join("plexsync", f"{name}.py")
        shutil.copy(os.path.join(plugin_dir, part), os.path.join(folder, part))
    with open(os.path.join(folder, "plexsync", "entry.py"), "w", encoding="utf-8") as file:
        file.write(_ENDS_AT_ONCE)
    return shutil.copy(os.path.join(plugin_dir, "PlexSync.py"), folder)


def _lock(folder: str) -> system.LockFile:
    data = os.path.join(folder, "data")
    system.private_folder(data)
    return system.LockFile(os.path.join(data, "worker.lock"))


def _run(command: list[str], answer: bytes) -> Spent:
    pipe, start = subprocess.PIPE, time.perf_counter()
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=_environ())
    assert process.stdin and process.stdout
    with process.stdin as stdin, process.stdout as stdout:
        stdin.write(EVENT)
        stdin.close()
        said = stdout.read()
        _, process.returncode, usage = os.wait4(process.pid, 0)
    spent = Spent(time.perf_counter() - start, usage.ru_utime + usage.ru_stime)
    if (process.returncode, said) != (0, answer):
        raise RuntimeError(f"the hook answered {said!r}")
    return spent


def _middle(found: list[Spent]) -> Spent:
    return Spent(*(statistics.median(column) for column in zip(*found, strict=True)))


def _environ() -> dict[str, str]:
    """Our environment, without variables that move the data or disable Python's cache."""
    ours = ("STASH_PLUGIN_DATA", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
    return {key: value for key, value in os.environ.items() if key not in ours}


def _await_workers(folder: str, count: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while sum(name.startswith("ended-") for name in os.listdir(folder)) < count:
        if time.monotonic() > deadline:
            raise RuntimeError("a worker did not start")
        time.sleep(0.005)
    time.sleep(0.02)  # until its interpreter has exited
