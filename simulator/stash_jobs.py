"""Stash's job queue: one job at a time, plugin tasks behind scans."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.plugin_runner import CANCELLED, PluginProcess, PluginRun

KEPT = 10
Start = Callable[[], "PluginProcess | None"]


@dataclass(eq=False)
class Job:
    """A plugin task or a scan in the queue. `stop` works at any time; `wait` returns its run."""

    id: str
    description: str
    addTime: float  # noqa: N815 - named as in the schema
    status: str = "READY"
    startTime: float | None = None  # noqa: N815
    endTime: float | None = None  # noqa: N815
    error: str | None = None
    run: PluginRun | None = None
    process: PluginProcess | None = None
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def progress(self) -> float:
        """The plugin's last reported progress, 0 before that."""
        reported = self.process.progress() if self.process else []
        return min(1.0, max(0.0, reported[-1])) if reported else 0.0

    def stop(self) -> None:
        """Remove it from the queue, or SIGKILL the plugin."""
        with self.lock:
            if self.over.is_set():
                return
            if self.process is None:
                self.status = "CANCELLED"
                self.over.set()
                return
            self.status = "STOPPING"
        self.process.kill()

    def wait(self, timeout: float | None = None) -> PluginRun:
        """The plugin's run. Raises TimeoutError if it has not ended in time."""
        if not self.over.wait(timeout):
            raise TimeoutError(f"job {self.id} still runs")
        return self.run or PluginRun("task", error=self.error or "cancelled")


class Jobs:
    """The queue. `alone` is held by the running scan, Identify or task."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._ids = itertools.count(1)
        self.alone = threading.Lock()
        self.all: list[Job] = []

    def add(
        self,
        description: str,
        start: Start,
        end: Callable[[Any], PluginRun],
    ) -> Job:
        """Queue a task; `start` is called when its turn comes (a scan has no process), `end` waits
        for it.
        """
        job = Job(str(next(self._ids)), description, self._clock())
        self.all.append(job)
        args = (job, start, end)
        threading.Thread(target=self._run, args=args, daemon=True).start()
        return job

    def waiting(self) -> list[Job]:
        """Queued and running jobs."""
        return [job for job in self.all if not job.over.is_set()]

    def find(self, job_id: str) -> Job | None:
        """A queued job, or one of the last that ended."""
        job = next((job for job in list(self.all) if job.id == job_id), None)
        if job is None or not job.over.is_set():
            return job
        ended = [each for each in self.all if each.over.is_set()]
        return job if job in ended[-KEPT:] else None

    def _run(
        self,
        job: Job,
        start: Start,
        end: Callable[[Any], PluginRun],
    ) -> None:
        with self.alone:
            try:
                with job.lock:
                    if job.over.is_set():
                        return  # removed from the queue meanwhile
                    job.status, job.startTime = "RUNNING", self._clock()
                    job.process = start()
                job.run = end(job.process)
                ended = "CANCELLED" if job.run.error == CANCELLED else "FINISHED"
            except (OSError, LookupError) as problem:
                ended, job.error = "FAILED", str(problem)
            with job.lock:
                job.status, job.endTime = ended, self._clock()
                job.over.set()
