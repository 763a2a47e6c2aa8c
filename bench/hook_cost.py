"""What a hook costs a save: whole processes against bare Python, interleaved."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from plexsync import system

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


@dataclass(frozen=True, slots=True)
class HookCost:
    """Medians of whole processes, in seconds: bare Python, and the hook with and without a worker."""

    bare: float
    running: float
    starting: float

    @property
    def running_ratio(self) -> float:
        """The hook while a worker lives, in times of bare Python."""
        return self.running / self.bare

    @property
    def starting_ratio(self) -> float:
        """The hook when it has to start a worker, in times of bare Python."""
        return self.starting / self.bare


def measure(runs: int, plugin_dir: str) -> HookCost:
    """Run bare Python, the hook with a worker, and the hook without one `runs` times in turn.

    `plugin_dir` holds PlexSync.py; a copy of the hook's files is measured, whose worker ends at
    once and is waited for outside the measurement.
    """
    with tempfile.TemporaryDirectory() as folder:
        hook = [sys.executable, _copy(plugin_dir, folder)]
        bare = [sys.executable, "-c", "pass"]
        lock = _lock(folder)
        times: dict[str, list[float]] = {"bare": [], "running": [], "starting": []}
        for turn in range(runs + 2):
            times["bare"].append(_seconds(bare, b""))
            lock.acquire()
            times["running"].append(_seconds(hook, b'{"output": "ok"}'))
            lock.release()
            times["starting"].append(_seconds(hook, b'{"output": "ok"}'))
            _await_workers(folder, turn + 1)
        # the first two turns fill caches
        return HookCost(**{name: statistics.median(found[2:]) for name, found in times.items()})


def _copy(plugin_dir: str, folder: str) -> str:
    os.mkdir(os.path.join(folder, "plexsync"))
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


def _seconds(command: list[str], answer: bytes) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, input=EVENT, stdout=subprocess.PIPE, env=_environ(), check=True)
    seconds = time.perf_counter() - start
    if done.stdout != answer:
        raise RuntimeError(f"the hook answered {done.stdout!r}")
    return seconds


def _environ() -> dict[str, str]:
    """What Stash would pass on: nothing that moves the data or keeps Python from caching."""
    ours = ("STASH_PLUGIN_DATA", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
    return {key: value for key, value in os.environ.items() if key not in ours}


def _await_workers(folder: str, count: int) -> None:
    deadline = time.monotonic() + 10
    while sum(name.startswith("ended-") for name in os.listdir(folder)) < count:
        if time.monotonic() > deadline:
            raise RuntimeError("a worker did not come up")
        time.sleep(0.005)
    time.sleep(0.02)  # its interpreter ends


if __name__ == "__main__":
    cost = measure(40, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    print(f"bare Python                 {cost.bare * 1000:5.1f} ms")
    print(f"hook, a worker is alive     {cost.running * 1000:5.1f} ms  {cost.running_ratio:.2f} x")
    print(
        f"hook, it starts a worker    {cost.starting * 1000:5.1f} ms  {cost.starting_ratio:.2f} x"
    )
