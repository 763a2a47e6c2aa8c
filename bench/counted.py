"""Work that is counted instead of timed: the same on every machine, so that any increase is seen.

Each figure is a count in one small, repeatable piece of work: requests to a server, SQL statements, calls
of PlexSync's own functions, modules that a process imports. `python3 dev.py bench --quick` compares them
with bench/expected.json.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from bench.hook_cost import EVENT
from bench.operations import REQUESTS
from bench.site import ROOT, clean_environment
from plexsync import hook, inbox
from plexsync.flows.page.operations import Request, perform
from plexsync.flows.tasks.reconcile import reconcile_all
from plexsync.system import LockFile
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.task_running import run_task
from tests.world import TOKEN, World

EXPECTED = Path(__file__).with_name("expected.json")
EVENTS, CHANGED, UNCHANGED, ITEMS = 1000, 100, 1000, 1000
SLACK = {"calls": 0.03, "SQL statements": 0.01, "other modules": 0.2}
"""By how much, as a share, a count may rise: threads and Python's versions. Modules of ours are exact."""
GREETINGS = 3
"""Requests more than expected that pass: a connection that was idle for long is made again."""

_INSIDE = os.path.join(ROOT, "plexsync") + os.sep

Counts = dict[str, int]


class Counter:
    """Counts what happens in this process while it is `on`."""

    def __init__(self) -> None:
        self.calls = self.statements = 0
        self._ours: dict[Any, bool] = {}
        self._opening: dict[int, sqlite3.Connection] = {}
        self._on = False
        sys.addaudithook(self._audit)

    @contextmanager
    def on(self) -> Iterator[None]:
        """Count from here to the end of the block, in threads that start meanwhile too."""
        self.calls = self.statements = 0
        self._on = True
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
            self._on = False

    def _profile(self, frame: FrameType, event: str, argument: object) -> None:
        if event == "c_return" and self._opening:
            self._opened()
        if event != "call":
            return
        code = frame.f_code
        ours = self._ours.get(code)
        if ours is None:
            # comprehensions, which newer Pythons inline, and generated methods are left out
            ours = code.co_filename.startswith(_INSIDE) and not code.co_name.startswith("<")
            self._ours[code] = ours
        self.calls += ours

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "sqlite3.connect/handle" and self._on:
            self._opening[threading.get_ident()] = arguments[0]

    def _opened(self) -> None:
        """Follow a connection once it can be used, which it cannot yet when Python reports it."""
        connection = self._opening.pop(threading.get_ident(), None)
        if connection is not None:
            connection.set_trace_callback(self._statement)

    def _statement(self, text: str) -> None:
        self.statements += self._on


@dataclass(frozen=True, slots=True)
class Bench:
    """An empty world, and the counter of this process."""

    world: World
    counter: Counter

    def counted(self, work: Callable[[], object], due: int = 0) -> Counts:
        """Do some work; returns what it took. Raises RuntimeError unless so many scenes were written."""
        self.world.plex.clear_journal()
        self.world.stash.clear_journal()
        with self.counter.on():
            work()
        plex, stash = self.world.plex.journal, self.world.stash.journal
        writes = sum(entry.method != "GET" for entry in plex)
        if writes != due:
            raise RuntimeError(f"{writes} scenes were written to Plex instead of {due}")
        return {
            "calls": self.counter.calls,
            "SQL statements": self.counter.statements,
            "requests to Plex": len(plex),
            "requests to Stash": len(stash),
        }

    def fill(self, count: int) -> list[int]:
        """Scenes with an item each."""
        return [
            self.world.pair(f"{n:05d}.mp4", title=f"Film {n}", details="What happens.")[0]
            for n in range(count)
        ]

    def edited(self, scenes: Sequence[int]) -> None:
        """Store the events of a bulk edit, and let the debounce pass."""
        for scene in scenes:
            self.world.event(scene)
        self.world.clock.passed += 60.0


def hook_(bench: Bench) -> Iterator[tuple[str, Counts]]:
    """A hook beside a living worker."""
    os.environ["STASH_PLUGIN_DATA"] = bench.world.folder
    lock = LockFile(os.path.join(bench.world.folder, "worker.lock"))
    inbox.make_ready(bench.world.folder)
    lock.acquire()
    try:
        counts = bench.counted(lambda: hook.main(bench.world.folder, EVENT))
    finally:
        lock.release()
        del os.environ["STASH_PLUGIN_DATA"]
    yield "hook", {"calls": counts["calls"], **_modules(EVENT)}


def worker(bench: Bench) -> Iterator[tuple[str, Counts]]:
    """A worker from its start to its first request, which it cannot send: it is not told where to."""
    names = _imported(["PlexSync.py", "worker"], b"{}", whole=True)
    yield "worker start", _shares(names - _imported(["-c", "pass"], b"", whole=True))


def page(bench: Bench) -> Iterator[tuple[str, Counts]]:
    """The page's requests; of those that may start a worker only what they load."""
    bench.edited(bench.fill(20))
    bench.world.run()
    for mode, args in REQUESTS.items():
        order = {"server_connection": {}, "args": {"mode": mode, **args}}
        counts = _modules(json.dumps(order).encode())
        if mode not in ("tick", "sync"):
            asked = Request("", bench.world.folder, args, b"", bench.world.clock.now())
            work = partial(perform, mode, asked)
            found = bench.counted(work)
            counts = {name: found[name] for name in ("calls", "SQL statements")} | counts
        yield f"{mode} operation", counts


def intake(bench: Bench) -> Iterator[tuple[str, Counts]]:
    """Events taken over from the inbox."""
    bench.world.configure(pause_sync=True)  # or it would go on
    bench.edited(range(1, EVENTS + 1))
    yield f"inbox intake of {EVENTS} events", bench.counted(lambda: bench.world.run(0.01))


def drain(bench: Bench) -> Iterator[tuple[str, Counts]]:
    """Edited scenes that differ from Plex, then the same ones in step."""
    scenes = bench.fill(CHANGED)
    bench.edited(scenes)
    yield (
        f"drain of {CHANGED} changed scenes",
        bench.counted(lambda: bench.world.run(0.05), due=CHANGED),
    )
    bench.edited(scenes)
    yield f"drain of {CHANGED} unchanged scenes", bench.counted(lambda: bench.world.run(0.05))


def reconcile(bench: Bench) -> Iterator[tuple[str, Counts]]:
    """A library in which everything is in step."""
    bench.edited(bench.fill(UNCHANGED))
    bench.world.run(1.0)
    for what in ("first", "second"):
        counts = bench.counted(lambda: run_task(bench.world, reconcile_all, owns=True))
        yield f"{what} reconciliation of {UNCHANGED} unchanged scenes", counts


def index(bench: Bench) -> Iterator[tuple[str, Counts]]:
    """One edited scene in a library that is not known yet."""
    for n in range(ITEMS - 1):
        bench.world.film(f"other {n:05d}.mp4")
    bench.edited(bench.fill(1))
    yield f"index of {ITEMS} items", bench.counted(lambda: bench.world.run(0.05), due=1)


Part = Callable[[Bench], Iterator[tuple[str, Counts]]]
PARTS: Sequence[Part] = (hook_, worker, page, intake, drain, reconcile, index)


def count(parts: Sequence[Part] = PARTS) -> Counts:
    """The figures by name."""
    counter, found = Counter(), Counts()
    for part in parts:
        with (
            tempfile.TemporaryDirectory() as folder,
            PlexSim(token=TOKEN) as plex,
            StashSim() as stash,
        ):
            data = Path(folder, "data")
            data.mkdir(mode=0o700)
            world = World(data, plex, stash)
            world.configure(no_poster=True, plex_connections=1)  # more are a race
            for what, counts in part(Bench(world, counter)):
                found.update((f"{what}: {name}", number) for name, number in counts.items())
            world.close()
    return found


def _modules(order: bytes) -> Counts:
    """How many modules a process imports for this order, without those of an empty script."""
    return _shares(_imported(["PlexSync.py"], order) - _imported(["-c", "pass"], b""))


def _shares(names: set[str]) -> Counts:
    ours = sum(name.partition(".")[0] == "plexsync" for name in names)
    return {"modules of ours": ours, "other modules": len(names) - ours}


def _imported(script: Sequence[str], order: bytes, *, whole: bool = False) -> set[str]:
    """What an interpreter imports, with site-packages if it is a `whole` one, beside a living worker
    otherwise.
    """
    for stored in Path(ROOT, "plexsync", "__pycache__").glob("page-*"):
        stored.unlink()  # Python lists only what it finds itself
    with tempfile.TemporaryDirectory() as data:
        inbox.make_ready(data)
        lock = LockFile(os.path.join(data, "worker.lock"))
        if not whole:
            lock.acquire()
        done = subprocess.run(
            [sys.executable, *([] if whole else ["-S"]), "-X", "importtime", *script],
            cwd=ROOT,
            env={**clean_environment(), "STASH_PLUGIN_DATA": data},
            input=order,
            capture_output=True,
            check=True,
        )
        if not whole:
            lock.release()
    return {line.rpartition(b"|")[2].strip().decode() for line in done.stderr.splitlines()}


def expected() -> Counts:
    """The accepted counts."""
    return dict(json.loads(EXPECTED.read_text(encoding="utf-8")))


def accept(found: Counts) -> None:
    """Make these the expected counts."""
    EXPECTED.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8", newline="\n")


def most(name: str, number: int) -> int:
    """The largest count that passes for one that is expected to be `number`."""
    what = name.rpartition(": ")[2]
    return int(number * (1 + SLACK.get(what, 0.0))) + GREETINGS * what.startswith("requests")


def regressions(found: Counts, accepted: Counts) -> list[str]:
    """A sentence for each count that is larger than accepted, and for each that is not known or gone."""
    said = [
        f"{name} rose from {accepted[name]:,} to {number:,}; at most {most(name, accepted[name]):,} pass."
        for name, number in found.items()
        if name in accepted and number > most(name, accepted[name])
    ]
    said += [
        f"{name} is {found[name]:,}, and nothing is expected." for name in found.keys() - accepted
    ]
    return said + [f"{name} is no longer counted." for name in accepted.keys() - found]


def improvements(found: Counts, accepted: Counts) -> list[str]:
    """A sentence for each count that fell by more than a larger one may rise."""
    return [
        f"{name} fell from {accepted[name]:,} to {number:,}."
        for name, number in found.items()
        if name in accepted and most(name, number) < accepted[name]
    ]


def gate() -> int:
    """Count, compare and say what differs; returns 1 if any count is larger than accepted."""
    found, accepted = count(), expected()
    worse, better = regressions(found, accepted), improvements(found, accepted)
    for line in (*better, *worse):
        print(line)
    if worse or better:
        print("`python3 dev.py bench --accept` makes the new counts the expected ones.")
    print(f"{len(found)} counts: {len(worse)} too large, {len(better)} smaller than expected.")
    return 1 if worse else 0
