"""The cost of taking over many events at once, as a scan of a whole library leaves them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing

from bench.report import Row, at_most, none_of
from bench.site import peak_memory
from plexsync import inbox as plexsync_inbox
from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.flows.worker.intake import Intake

PER_EVENT = 50e-6
"""Maximum seconds of CPU per event: 20,000 events a second."""
MEMORY_DISK = "/dev/shm"  # noqa: S108 - a private folder is made there
MEMORY = 100.0
"""Maximum MiB of a process that takes over all of them."""


def inbox(count: int) -> Iterator[Row]:
    """Measure the CPU time of one process, independent of the machine's load.

    Once with the records in memory, where there is a file system for that: to delete a file that is
    on disk takes the kernel more than all the rest.
    """
    yield from _rows(count, MEMORY_DISK if os.access(MEMORY_DISK, os.W_OK) else None)
    found = _measured(count, None)
    yield Row("  with the records on disk", _speed(found["cpu"] / count))


def _rows(count: int, place: str | None) -> Iterator[Row]:
    found = _measured(count, place)
    each = found["cpu"] / count
    name = f"CPU per event when {count:,} are taken in at once"
    yield at_most(name, each * 1e6, PER_EVENT * 1e6, _speed(each), " us")
    if found["memory"]:
        memory = found["memory"] / (1 << 20)
        yield at_most("  memory", memory, MEMORY, f"{memory:.0f} MiB", " MiB")
    yield none_of("  events lost", count - int(found["jobs"]), count)


def _speed(each: float) -> str:
    return f"{each * 1e6:.0f} us ({1 / each:,.0f} a second)"


def _measured(count: int, place: str | None) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="plexsync-bench-", dir=place) as folder:
        _fill(folder, count)
        command = [sys.executable, "-m", "bench.inbox", folder]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return dict(json.loads(done.stdout))


def _fill(folder: str, count: int) -> None:
    """Write records as hooks leave them, but without their two fsyncs each."""
    plexsync_inbox.drop(folder, _event(1))
    new = os.path.join(folder, "inbox", "new")
    (name,) = os.listdir(new)
    stamp, rest = name.split("-", 1)
    for scene in range(2, count + 1):
        path = os.path.join(new, f"{int(stamp) + scene:020d}-{rest}")
        with open(path, "wb") as file:
            file.write(_event(scene))


def _event(scene: int) -> bytes:
    event = {"id": scene, "type": "Scene.Update.Post", "inputFields": ["title", "id"]}
    return json.dumps(event).encode()


def _take_in(folder: str) -> dict[str, float | None]:
    queue = JobQueue(os.path.join(folder, "queue"), print)
    ledger = Ledger(os.path.join(folder, "ledger.db"), print)
    dead_letters = DeadLetters(os.path.join(folder, "dlq.db"), print)
    with closing(queue), closing(ledger), closing(dead_letters):
        intake = Intake(folder, queue, ledger, dead_letters, Log())
        began = time.process_time()
        while intake.take_in(time.time()):
            pass
        cpu, jobs = time.process_time() - began, len(queue.jobs)
    return {"cpu": cpu, "jobs": jobs, "memory": peak_memory(os.getpid())}


if __name__ == "__main__":
    json.dump(_take_in(sys.argv[1]), sys.stdout)
