"""Handing over between hooks, workers and tasks: the model is safe, and the programs follow it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from plexsync.edges.ownership import Takeover
from plexsync.system import LockFile
from tests.hostile.hook_plugin import Plugin, event
from torture import handing_over, steps
from torture.handing_over import CARELESS, HOOK, LOCKS, OWNER, TAKEOVER, TASK, WORKER

ROOT = Path(__file__).parents[2]
traced = pytest.mark.skipif(not steps.works(), reason="strace is missing or not allowed")

CALL = re.compile(
    r"^(flock|fcntl|close)\(\d+<[^>]*/(\w+)\.lock>(?:, (?:LOCK|F)_(\w\w))?.*\) += (-?\d+)"
)
OWNS = "from plexsync.edges.ownership import Ownership\no = Ownership(sys.argv[1])\n"
OWN_OR_STAND_BY = OWNS + "o.claim() or o.stand_by()"
TAKE_OVER = (
    "from plexsync.edges.ownership import Takeover\n"
    "with Takeover(sys.argv[1], lambda: None, 5.0):\n    pass"
)


@pytest.mark.torture
@pytest.mark.long
def test_no_interleaving_strands_an_event() -> None:
    states, bad = handing_over.check(handing_over.SMALL)
    assert bad == []
    assert states > 10_000


def test_the_model_sees_what_it_is_there_for() -> None:
    """A killed task without a standby worker leaves a save behind."""
    _, bad = handing_over.explore(handing_over.start(HOOK, CARELESS, kills=1))
    assert bad


def test_a_task_that_finds_no_worker_starts_one_before_it_takes_a_lock(tmp_path: Path) -> None:
    """Killed at any later step, it leaves a process that takes over the events."""
    held: list[list[str]] = []

    def start() -> None:
        locks = {name: LockFile(os.fspath(tmp_path / f"{name}.lock")) for name in LOCKS}
        held.append([name for name, lock in locks.items() if lock.busy()])

    with Takeover(os.fspath(tmp_path), start, 5.0):
        assert held == [[]]


def on_the_locks(trace: Path) -> list[tuple[str, str]]:
    """The lock operations of a traced process: checks and acquires (repeated ones once), releases."""
    done: list[tuple[str, str]] = []
    held: set[str] = set()
    for line in trace.read_text().splitlines():
        found = CALL.match(line)
        if not found or found[2] not in LOCKS:
            continue
        call, lock, how, answer = found.groups()
        if how in ("GE", "SH"):  # a hook looks by F_GETLK, and if in doubt by a shared lock too
            done += [("look", lock)] if done[-1:] != [("look", lock)] else []
        elif how == "EX":
            done += [("take", lock)] if done[-1:] != [("take", lock)] else []
            held |= {lock} if answer == "0" else set()
        elif lock in held and (how == "UN" or call == "close"):
            held.discard(lock)
            done.append(("give", lock))
    return done


def trace_of(command: Sequence[str], tmp_path: Path, stdin: bytes = b"") -> list[tuple[str, str]]:
    trace = tmp_path / "trace"
    strace = ["strace", "-y", "-e", "trace=flock,fcntl,close", "-o", str(trace), *command]
    subprocess.run(strace, input=stdin, check=True, cwd=ROOT, timeout=60, capture_output=True)
    return on_the_locks(trace)


@traced
@pytest.mark.parametrize("busy", [(), (WORKER,), (TAKEOVER,), ("started",)])
def test_a_hook_takes_the_steps_of_the_model(tmp_path: Path, busy: Sequence[str]) -> None:
    plugin = Plugin(tmp_path / "PlexSync")
    plugin.data.mkdir(mode=0o700)
    with ExitStack() as others:
        for lock in busy:
            file = LockFile(str(plugin.data / f"{lock}.lock"))
            assert file.acquire()
            others.callback(file.release)
        found = trace_of(plugin.command(), tmp_path, event())
    (plugin.folder / "stop").touch()
    assert found == handing_over.alone(HOOK, dict.fromkeys(busy, -1))


@traced
@pytest.mark.parametrize(
    ("name", "code", "busy"),
    [
        (TASK, TAKE_OVER, ()),
        (OWNER, OWN_OR_STAND_BY, (WORKER,)),
    ],
)
def test_tasks_and_workers_take_the_steps_of_the_model(
    tmp_path: Path, name: str, code: str, busy: Sequence[str]
) -> None:
    with ExitStack() as others:
        for lock in busy:
            file = LockFile(os.fspath(tmp_path / f"{lock}.lock"))
            assert file.acquire()
            others.callback(file.release)
        command = [sys.executable, "-c", f"import sys\n{code}", str(tmp_path)]
        found = trace_of(command, tmp_path)
    assert found == handing_over.alone(name, dict.fromkeys(busy, -1))
