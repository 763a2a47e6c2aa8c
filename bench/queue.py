"""A long queue: the cost of a job for the worker, and of showing a page of it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing

from bench.report import Row, at_most
from plexsync.edges.queue.job_queue import JobQueue
from plexsync.flows.page.operations import Request, perform
from plexsync.model.job import BACKFILL, Job

SHORT = 1000
RATIO = 1.5
"""Maximum cost of a job, as a multiple of that in a short queue."""
PAGE = 0.060
"""Maximum seconds of CPU for a page of the queue."""
BATCH, DRAINED = 50, 10_000
INTAKE = 500


def queue(count: int) -> Iterator[Row]:
    """Measure CPU time only, independent of the machine's load."""
    with tempfile.TemporaryDirectory(prefix="plexsync-bench-") as folder:
        short = min(_cpu_per_job(os.path.join(folder, f"short{n}"), SHORT) for n in range(3))
        long = _cpu_per_job(os.path.join(folder, "long"), count)
        yield at_most(
            f"CPU of the queue per job with {count:,} jobs, with {SHORT:,}",
            long / short,
            RATIO,
            f"{long / short:.2f} x ({long * 1e6:.0f} us, {short * 1e6:.0f} us)",
            " x",
        )
        slowest = max(_pages(os.path.join(folder, "pages"), count))
        text = f"{slowest * 1000:.0f} ms"
        yield at_most(f"CPU of a page of {count:,} jobs", slowest, PAGE, text, " s")


def _cpu_per_job(folder: str, count: int) -> float:
    """Fill the queue, close it, open it again, then drain it batch by batch while it is still long."""
    began = time.process_time()
    with closing(JobQueue(folder, print)) as jobs:
        _fill(jobs, count)
    with closing(JobQueue(folder, print)) as jobs:
        opened, now, done = time.process_time(), time.time() + 1, 0
        while done < min(count, DRAINED) and jobs.due(now, 1):
            jobs.count(BACKFILL)
            batch = [job.scene for job in jobs.due(now, BATCH)]
            jobs.start(batch)
            jobs.finish(batch)
            jobs.next_due()
            done += len(batch)
        return (opened - began) / count + (time.process_time() - opened) / done


def _fill(jobs: JobQueue, count: int) -> None:
    now = time.time()
    for start in range(1, count + 1, INTAKE):
        jobs.put_all(
            Job(scene=n, reason="update", born=now, not_before=now)
            for n in range(start, min(start + INTAKE, count + 1))
        )


def _pages(folder: str, count: int) -> Iterator[float]:
    os.mkdir(folder)
    with closing(JobQueue(os.path.join(folder, "queue"), print)) as jobs:
        _fill(jobs, count)
        for sort in ("due", "newest", "class"):
            for offset in (0, count // 2):
                args = {"mode": "queue", "limit": BATCH, "sort": sort, "offset": offset}
                request = Request("", folder, args, b"", time.time())
                began = time.process_time()
                perform("queue", request)
                yield time.process_time() - began
