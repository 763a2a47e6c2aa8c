"""Kills the worker at each of its steps, or makes the disk fail at each.

A step on the disk is, for example, "the n-th fdatasync" of the thread that does all of them, at
which strace acts; a step on the network is the n-th request, at which the simulated servers act.
The same work is done in the same state for each step.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torture.stage import Stage, Verdict

CHANGES = ("write", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "ftruncate", "mkdir")
CALLS = ("?open", "openat", *CHANGES)
"""glibc opens by `openat`, musl by `open`, which some machines lack."""
ALLOCATE = ("open", "openat", "write", "pwrite64", "rename", "ftruncate", "mkdir")
"""System calls that fail on a full disk."""


@dataclass(frozen=True, slots=True)
class Step:
    """The `number`-th `call` of the worker; `line` is strace's line for it.

    With the call "request" it is the `number`-th request with the same method and path, its `line`:
    how many others come before it differs with the load of the machine.
    """

    call: str
    number: int
    line: str

    @property
    def changes(self) -> bool:
        """Whether a kill before it leaves another state than a kill before the next step."""
        return self.call in CHANGES or "O_CREAT" in self.line


def works() -> bool:
    """Whether strace is installed and allowed."""
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-qq", "true"], capture_output=True).returncode == 0


class Steps:
    """A context manager for a small stage whose worker can be stopped at every step.

    It has five scenes, one of them refused by Plex, a share `sick` of failing writes, and one
    connection to Plex, so that everything happens in the same order each time.
    """

    def __init__(self, root: Path, seed: int, sick: float = 0.3) -> None:
        settings = {"plex_connections": 1}
        self.stage = Stage(
            root, seed, scenes=5, refused=0.2, sick=sick, speed=3000.0, settings=settings
        )
        self._trace = root / "trace"

    def __enter__(self) -> Steps:
        return self

    def __exit__(self, *problem: object) -> None:
        self.stage.__exit__()

    # -- what steps there are -------------------------------------------------------------------

    def on_disk(self) -> list[Step]:
        """All steps in the data folder, in order."""
        return [step for step in self._traced() if step.call != "request"]

    def requests(self) -> list[Step]:
        """All requests, in order."""
        with _requests(self.stage) as seen:
            self._work()
        return [Step("request", seen[:n].count(line), line) for n, line in enumerate(seen, 1)]

    def named(self) -> dict[str, Step]:
        """The steps between two operations that belong together."""
        return named(self._traced())

    def _traced(self) -> list[Step]:
        calls = ",".join((*CALLS, "sendto"))
        options = ["-y", "-s", "80", "-o", str(self._trace), "-e", f"trace={calls}"]
        self._work(options)
        return list(_read_trace(self._trace.read_text().splitlines(), str(self.stage.data)))

    # -- what is done to the worker ---------------------------------------------------------------

    def kill(self, step: Step, carried_out: bool = True) -> tuple[bool, Verdict]:
        """Kill the worker before the step and let a new one finish; returns whether it was killed,
        and the verdict.

        `carried_out` is for requests, which the server has received by then.
        """
        if step.call == "request":
            with _requests(self.stage, step, carried_out):
                killed = self._work()
        else:
            killed = self._work(_inject(step, "signal=KILL"))
        homeless = self.stage.homeless()
        self.stage.sickness.well = True
        self.stage.drain()
        verdict = self.stage.judge()
        verdict.lost += homeless
        return killed, verdict

    def fail(self, step: Step, error: str, seconds: float = 0.0) -> Verdict:
        """Make the step fail, once or for a while with all calls of its kind; the worker must
        recover.
        """
        self._work(_inject(step, f"error={error}", onwards="+" if seconds else ""), seconds)
        if "cannot take its lock" in self.stage.log():
            self.stage.drain()
        return self.stage.judge()

    def _work(self, options: Sequence[str] = (), seconds: float = 0.0) -> bool:
        """Reset, edit every scene, and run one worker; returns whether it was killed.

        If `seconds` is given, strace detaches after that time.
        """
        stage = self.stage
        stage.reset()
        for scene in stage.films:
            stage.edit(scene)
        worker = stage.nursery.start(stage.block(), held=True)
        stage.worker = worker
        with _strace(worker, options, seconds):
            os.kill(worker, signal.SIGCONT)
            if not seconds:
                return stage.nursery.wait(worker)
        return stage.nursery.wait(worker)


def _inject(step: Step, what: str, onwards: str = "") -> list[str]:
    inject = f"inject={step.call}:{what}:when={step.number}{onwards}"
    return ["-o", os.devnull, "-e", f"trace={step.call}", "-e", inject]


@contextmanager
def _strace(pid: int, options: Sequence[str], seconds: float) -> Iterator[None]:
    if not options:
        yield
        return
    words = ["strace", "-f", "-qq", *options, "-p", str(pid)]
    tracer = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        while "TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text():
            if tracer.poll() is not None:
                raise RuntimeError("strace may not attach to a process here")
            time.sleep(0.001)
        yield
        if seconds:
            time.sleep(seconds)
            tracer.send_signal(signal.SIGINT)
    finally:
        tracer.wait(30)


def _read_trace(lines: Iterable[str], data: str) -> Iterator[Step]:
    """Parse the steps of the first thread in the data folder, and the requests of all threads."""
    counts: Counter[str] = Counter()
    first = ""
    for line in lines:
        found = re.match(r"(\d+) +(\w+)\(", line)
        if found is None:
            continue
        pid, call = found.groups()
        first = first or pid
        if call == "sendto":
            yield Step("request", 0, line)
        elif pid == first:
            counts[call] += 1
            if data in line and "-shm" not in line:
                yield Step(call, counts[call], line)


@contextmanager
def _requests(
    stage: Stage, kill_at: Step | None = None, carried_out: bool = True
) -> Iterator[list[str]]:
    """Record the requests to both servers; kill the stage's worker at one of them."""
    seen: list[str] = []
    lock = threading.Lock()

    def arrived(request: Any) -> bool:
        line = f"{request.method} {request.path}"
        with lock:
            seen.append(line)
            number = seen.count(line)
        if kill_at is None or (line, number) != (kill_at.line, kill_at.number):
            return False
        stage.kill_worker()
        return not carried_out

    stage.on_request = arrived
    yield seen
    stage.on_request = lambda request: False


_QUEUE, _LEDGER, _LETTERS = "queue/data.db-wal", "ledger.db-wal", "dlq.db-wal"
_SYNCS = ("fdatasync", "fsync")
"""SQLite has been compiled for one of them."""
_AFTER_THE_EDITS = "PUT /library/sections/"


def named(steps: Sequence[Step]) -> dict[str, Step]:
    """The steps between two operations that belong together, named by what has just happened."""
    at = {
        "the queue's file half made": _first(steps, "unlink", "/queue/data.db-journal"),
        "an empty mark's file": _first(steps, "write", "epoch.json."),
        "a mark written, not synced": _first(steps, "fsync", "epoch.json."),
        "a mark synced, not renamed": _first(steps, "rename", "epoch.json."),
        "a mark renamed, its folder not synced": _first(steps, "fsync", "/queue>"),
        "jobs queued, no record forgotten": _first(steps, "unlink", "/inbox/new/"),
        "one record forgotten": _first(steps, "unlink", "/inbox/new/", 1),
        "answers read, nothing recorded": _first(_since_edits(steps), "pwrite64", _LEDGER),
        "half recorded": _first(_since_edits(steps), _SYNCS, _LEDGER),
    }
    groups = _groups(_since_edits(steps))
    for (before, _), (store, step) in zip(groups, groups[1:], strict=False):
        if (before, store) == (_LEDGER, _QUEUE):
            at.setdefault("recorded, not finished", step)
        elif (before, store) == (_LETTERS, _LEDGER):
            at.setdefault("dead letter written, job not given up", step)
        elif (before, store) == (_LETTERS, _QUEUE):
            at.setdefault("letters of finished jobs removed, jobs not finished", step)
    return at


def _first(steps: Sequence[Step], call: str | Sequence[str], what: str, skip: int = 0) -> Step:
    calls = (call,) if isinstance(call, str) else call
    return [step for step in steps if step.call in calls and what in step.line][skip]


def _since_edits(steps: Sequence[Step]) -> Sequence[Step]:
    first = next(n for n, step in enumerate(steps) if _AFTER_THE_EDITS in step.line)
    return steps[first:]


def _groups(steps: Sequence[Step]) -> list[tuple[str, Step]]:
    """The stores in the order in which they are written, each with its first step."""
    groups: list[tuple[str, Step]] = []
    for step in steps:
        store = next((name for name in (_QUEUE, _LEDGER, _LETTERS) if name in step.line), "")
        if store and (not groups or groups[-1][0] != store):
            groups.append((store, step))
    return groups
