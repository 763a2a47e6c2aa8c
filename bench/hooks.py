"""The cost of a hook for the save that fires it, and whether any of many hooks loses its event."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator

from bench.hook_cost import EVENT, Spent, measure
from bench.report import Row, at_most, none_of
from bench.site import ROOT, clean_environment, install
from plexsync import inbox, system

LIMITS = {"clean": (0.85, 1.1), "rich": (0.3, 0.5)}
"""Maximum CPU of a hook as a multiple of bare Python's, with a living worker and to start one: in a
clean interpreter, and in one with .pth files in its site-packages."""
NAMES = {"clean": "clean Python", "rich": "Python with .pth files"}


def cost(runs: int) -> Iterator[Row]:
    """Rows with medians of whole processes compared with bare Python, interleaved."""
    for kind, found in measure(runs, ROOT).items():
        python, (running, starting) = NAMES[kind], LIMITS[kind]
        yield Row(f"{python}: an empty script", _milliseconds(found.bare))
        alone = found.without_site.cpu / found.bare.cpu
        yield Row(f"{python}: of that the interpreter alone (-S)", f"{alone:.2f} x of its CPU")
        for what, spent, limit in (
            ("hook, worker alive", found.running, running),
            ("hook, starts a worker", found.starting, starting),
        ):
            cpu, whole = spent.cpu / found.bare.cpu, spent.time / found.bare.time
            text = f"{cpu:.2f} x of its CPU, {whole:.2f} x of its time ({_milliseconds(spent)})"
            yield at_most(f"{python}: {what}", cpu, limit, text, " x of its CPU")
        ours = sum(name.startswith("plexsync") for name in found.imports)
    yield Row("first hook after an update, which is compiled", _milliseconds(found.compiling))
    yield Row("modules that a hook imports", f"{ours} of ours, {len(found.imports) - ours} others")


def _milliseconds(spent: Spent) -> str:
    return f"{spent.time * 1000:.1f} ms"


def crowd(count: int) -> Row:
    """Hooks of a scan, all at once; counts lost events."""
    with _Hooks() as hooks:
        running = [hooks.start() for _ in range(count)]
        for process in running:
            hooks.finish(process)
        return none_of(f"{count} hooks at once: lost", count - hooks.kept(), count)


def row(count: int) -> Iterator[Row]:
    """Hooks of a bulk edit, one after the other, to see whether a full inbox slows them down."""
    with _Hooks() as hooks:
        times = []
        for _ in range(count):
            started = time.perf_counter()
            hooks.finish(hooks.start())
            times.append(time.perf_counter() - started)
        first, last = (statistics.median(some) for some in (times[:500], times[-500:]))
        text = f"{first * 1000:.1f} -> {last * 1000:.1f} ms"
        yield Row(f"{count} hooks in a row: first 500 -> last 500", text)
        yield none_of(f"{count} hooks in a row: lost", count - hooks.kept(), count)


class _Hooks:
    """An installed plugin, with a held lock in place of a living worker."""

    def __enter__(self) -> _Hooks:
        self._folder = tempfile.TemporaryDirectory(prefix="plexsync-bench-")
        plugin = install(os.path.join(self._folder.name, "PlexSync"))
        self._data = os.path.join(plugin, "data")
        system.private_folder(self._data)
        self._lock = system.LockFile(os.path.join(self._data, "worker.lock"))
        self._lock.acquire()
        self._command = [sys.executable, "-S", os.path.join(plugin, "PlexSync.py")]
        self._environment = clean_environment()
        return self

    def __exit__(self, *raised: object) -> None:
        self._lock.release()
        self._folder.cleanup()

    def start(self) -> subprocess.Popen[bytes]:
        """Start a hook and send it its event."""
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            self._command, stdin=pipe, stdout=pipe, stderr=pipe, env=self._environment
        )
        assert process.stdin
        process.stdin.write(EVENT)
        process.stdin.close()
        process.stdin = None
        return process

    def finish(self, process: subprocess.Popen[bytes]) -> None:
        """Wait for a hook's answer, which must be ok."""
        out, err = process.communicate(timeout=60)
        if process.returncode or out != b'{"output": "ok"}':
            raise RuntimeError(f"a hook answered {out!r} {err!r}")

    def kept(self) -> int:
        """The number of events in the inbox."""
        return len(inbox.collect(self._data, limit=1_000_000))
