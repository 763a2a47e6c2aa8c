"""The cost of the page's requests and of tasks that only read, compared with bare Python, interleaved."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.report import Row, at_most
from bench.site import clean_environment, install
from plexsync import system
from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.job import Job
from plexsync.model.ledger import SYNCED, SceneState

LIMIT = 1.7
"""Maximum time of a request as a multiple of bare Python's."""

LARGE = 200_000, 10_000
"""Jobs and dead letters of a second data folder, which has as many scenes as jobs."""

REQUESTS: dict[str, dict[str, object]] = {
    "status": {},
    "dead_letters": {"limit": 50},
    "queue": {"limit": 50},
    "scene_state": {"scenes": list(range(1, 21))},
    "scenes_in_state": {"state": "waiting"},
    "tick": {},
    "sync": {"scenes": [1]},
}
READ = {"queue_status": "View Queue Status", "outage_summary": "Outage Summary"}
FIRST_LINE = 3.0
"""Maximum time until their first line, as a multiple of bare Python's."""
_BLOCK = {"Scheme": "http", "Host": "127.0.0.1", "Port": 9, "SessionCookie": None}


def cost(runs: int, jobs: int) -> Iterator[Row]:
    """Rows with medians of whole processes, with a held lock in place of a living worker; then
    again with `jobs` jobs, and with dead letters in proportion.
    """
    with _plugin(runs, runs) as plugin:
        yield from _measure(plugin, runs)
    with _plugin(jobs, jobs * LARGE[1] // LARGE[0]) as plugin:
        yield from _measure(plugin, runs, f" of {jobs:,} jobs")


@contextmanager
def _plugin(scenes: int, given_up: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="plexsync-bench-") as folder:
        plugin = install(os.path.join(folder, "PlexSync"))
        data = os.path.join(plugin, "data")
        system.private_folder(data)
        _fill(data, scenes, given_up)
        lock = system.LockFile(os.path.join(data, "worker.lock"))
        lock.acquire()
        try:
            yield plugin
        finally:
            lock.release()


def _fill(data: str, scenes: int, given_up: int) -> None:
    """Fill the data folder with data to show."""
    now = time.time()
    dead_letters = DeadLetters(os.path.join(data, "dlq.db"), print)
    ledger = Ledger(os.path.join(data, "ledger.db"), print)
    ledger.use_server("bench")
    with JobQueue(os.path.join(data, "queue"), print) as queue:
        queue.put_all(
            Job(scene=n, reason="update", born=now, not_before=now) for n in range(1, scenes + 1)
        )
        ledger.save(
            SceneState(scene=n, state=SYNCED, path=f"/data/{n}.mp4") for n in range(1, scenes + 1)
        )
        for n in range(1, given_up + 1):
            dead_letters.add(
                DeadLetter(
                    scene=n,
                    error="PlexNotFound",
                    message="no item in Plex holds this file yet",
                    buried_at=now,
                    first_failure=now,
                    last_failure=now,
                )
            )
    ledger.close()
    dead_letters.close()


def _measure(plugin: str, runs: int, where: str = "") -> Iterator[Row]:
    bare = [sys.executable, "-c", "pass"]
    asked = [sys.executable, "-S", os.path.join(plugin, "PlexSync.py")]
    times: dict[str, list[float]] = {name: [] for name in ("", *REQUESTS, *READ, *READ.values())}
    for _ in range(runs + 2):
        times[""].append(_seconds(bare, b""))
        for mode, args in REQUESTS.items():
            times[mode].append(_seconds(asked, _order(mode, args)))
        for mode, task in READ.items():
            for name, seconds in zip((mode, task), _read(asked, _order(mode, {})), strict=True):
                times[name].append(seconds)
    # the first two turns fill caches
    middle = {name: statistics.median(found[2:]) for name, found in times.items()}
    for mode in REQUESTS:
        ratio = middle[mode] / middle[""]
        text = f"{ratio:.2f} x ({middle[mode] * 1000:.1f} ms)"
        yield at_most(f"page asks for {mode}{where}", ratio, LIMIT, text, " x")
    for mode, task in READ.items():
        ratio = middle[mode] / middle[""]
        text = (
            f"{ratio:.2f} x ({middle[mode] * 1000:.1f} ms), all after {middle[task] * 1000:.0f} ms"
        )
        yield at_most(f"{task}{where}: first line", ratio, FIRST_LINE, text, " x")


def _order(mode: str, args: dict[str, object]) -> bytes:
    order = {"server_connection": _BLOCK, "args": {"mode": mode, **args}}
    return json.dumps(order).encode()


def _seconds(command: list[str], stdin: bytes) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        command, input=stdin, stdout=subprocess.PIPE, env=clean_environment(), check=True
    )
    seconds = time.perf_counter() - start
    if stdin and "output" not in json.loads(done.stdout):
        raise RuntimeError(f"an operation answered {done.stdout!r}")
    return seconds


def _read(command: list[str], stdin: bytes) -> tuple[float, float]:
    """Seconds until a task's first line, and until its end."""
    pipe, start = subprocess.PIPE, time.perf_counter()
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, env=clean_environment()
    ) as task:
        assert task.stdin and task.stderr
        task.stdin.write(stdin)
        task.stdin.close()
        task.stdin = None  # as `communicate` wants it
        line = task.stderr.readline()
        first = time.perf_counter() - start
        task.communicate()
    if b"PlexSync" not in line:
        raise RuntimeError(f"a task's first line was {line!r}")
    return first, time.perf_counter() - start
