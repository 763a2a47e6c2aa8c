"""Starts a plugin as Stash does: one process per call, JSON in, JSON out, log on stderr."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.patience import PATIENCE
from simulator.plugin_log import LogDecoder, LogLine
from simulator.plugin_manifest import (
    Manifest,
    ManifestError,
    Operation,
    find_manifest,
    load_manifest,
    other_manifests,
)

__all__ = [
    "LogLine",
    "Manifest",
    "ManifestError",
    "Operation",
    "PluginProcess",
    "PluginRun",
    "StartError",
    "command",
    "decode_output",
    "environment",
    "find_manifest",
    "load_manifest",
    "other_manifests",
]

CANCELLED = "operation cancelled"
_FITS_A_PIPE = 16 * 1024
_SURROGATES = re.compile("[\ud800-\udfff]")


class StartError(OSError):
    """The plugin's process could not be started."""


@dataclass(slots=True)
class PluginRun:
    """What Stash knows about a finished call.

    `error` is None for success; `exit_code` is negative for a signal and None if the process never
    started; `stdin` is the plugin's input, `seconds` how long Stash waited.
    """

    trigger: str
    exit_code: int | None = None
    output: Any = None
    error: str | None = None
    stdout: bytes = b""
    log: list[LogLine] = field(default_factory=list)
    progress: list[float] = field(default_factory=list)
    seconds: float = 0.0
    stdin: bytes = b""


def _whole_number(text: str) -> int:
    number = int(text)
    return number if abs(number) <= 2**53 else int(float(text))  # Go keeps numbers as float64


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def decode_output(stdout: bytes) -> tuple[Any, str | None]:
    """Parse stdout as Stash does: (output, error).

    A JSON object or null has `output` and `error` (case is ignored, other keys are dropped);
    anything else is taken as text.
    """
    text = stdout.decode("utf-8", "replace")
    try:
        value = json.loads(text, parse_int=_whole_number, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return text, None
    if value is None:
        return None, None
    if not isinstance(value, dict):
        return text, None
    found = {key.lower(): item for key, item in value.items()}
    error = found.get("error")
    if error is not None and not isinstance(error, str):
        return text, ""
    return found.get("output"), error


def command(manifest: Manifest, operation: Operation | None, python: str) -> list[str]:
    """The command line; a first element `python` or `python3` becomes the given interpreter."""
    words = [*manifest.exec, *(operation.exec_args if operation else ())]
    if not words:
        raise StartError("empty exec value in the manifest")
    if words[0] in ("python", "python3"):
        program = python
    else:
        program = shutil.which(words[0]) or os.path.join(manifest.folder, words[0])
    return [program, *(word.replace("{pluginDir}", manifest.folder) for word in words[1:])]


def environment(manifest: Manifest, extra: Mapping[str, str]) -> dict[str, str]:
    """Stash's own environment, and for Python plugins the folder above theirs on PYTHONPATH."""
    env = {**os.environ, **extra}
    if manifest.exec[:1] in (("python",), ("python3",)):
        above = os.path.dirname(os.path.abspath(manifest.folder))
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (env.get("PYTHONPATH"), above)))
    return env


def _end_of(code: int) -> str | None:
    """A process's end in Go's wording; None for success."""
    if code == 0:
        return None
    if code == -9:
        return "signal: killed"
    return f"exit status {code}" if code > 0 else f"signal: {-code}"


class PluginProcess:
    """One running call. `kill` may be called from any thread; `wait` returns its PluginRun.

    Raises StartError if the process cannot be started.
    """

    def __init__(
        self,
        argv: Sequence[str],
        stdin: bytes,
        *,
        trigger: str = "",
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        default_level: str = "error",
        popen: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen,
    ) -> None:
        self.run = PluginRun(trigger, stdin=stdin)
        self._log = LogDecoder(default_level)
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._cancelled = False
        self._began = time.perf_counter()
        try:
            self._process = popen(argv, bufsize=0, stdin=-1, stdout=-1, stderr=-1, env=env, cwd=cwd)
        except OSError as problem:
            raise StartError(f"error running plugin: {problem}") from problem
        self._stderr = _StderrReader(self._process.stderr, self._log)
        self._feed(stdin)
        threading.Thread(target=self._pump, daemon=True).start()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def progress(self) -> list[float]:
        """The progress values reported so far."""
        return list(self._log.progress)

    def log(self) -> list[LogLine]:
        """The log lines reported so far."""
        return list(self._log.lines)

    def kill(self) -> None:
        """Kill this process only, like Stash's Stop; its children survive."""
        self._cancelled = True
        self._process.kill()
        self._finish(exit_code=self._process.wait(), error=CANCELLED)

    def wait(
        self, gone: Callable[[], bool] | None = None, cancel_after: float | None = None
    ) -> PluginRun:
        """Wait for the end, or kill it if `gone` returns True or after `cancel_after` seconds."""
        deadline = None if cancel_after is None else self._began + cancel_after
        if gone is None and deadline is None:
            self._done.wait()
        while not self._done.wait(0.02):
            late = deadline is not None and time.perf_counter() >= deadline
            if late or (gone is not None and gone()):
                self.kill()
        self.run.seconds = time.perf_counter() - self._began
        self.run.log, self.run.progress = list(self._log.lines), list(self._log.progress)
        return self.run

    def _feed(self, data: bytes) -> None:
        if len(data) <= _FITS_A_PIPE:
            self._write(data)
        else:
            threading.Thread(target=self._write, args=(data,), daemon=True).start()

    def _write(self, data: bytes) -> None:
        stream = self._process.stdin
        assert stream is not None
        view = memoryview(data)
        with stream:
            try:
                while view:
                    view = view[stream.write(view) :]
            except OSError:
                pass  # the plugin need not read its input

    def _pump(self) -> None:
        """Read stdout until all processes that hold it have closed it, then wait for the process."""
        stream = self._process.stdout
        assert stream is not None
        with stream:
            stdout = stream.read()
        code = self._process.wait()
        self._stderr.finish()
        if self._cancelled:
            return  # no client waits any more
        output, error = decode_output(stdout)
        error = error if error is not None else _end_of(code)
        self._finish(stdout=stdout, exit_code=code, output=output, error=error)

    def _finish(self, **result: Any) -> None:
        with self._lock:
            if not self._done.is_set():
                for name, value in result.items():
                    setattr(self.run, name, value)
                self._done.set()


class _StderrReader:
    """Reads stderr in a thread; at the end it takes what has arrived and closes."""

    def __init__(self, stream: Any, log: LogDecoder) -> None:
        self._stream = stream
        self._log = log
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Finish after the process's end: keep what it wrote, but do not wait for grandchildren (on
        Windows, where only the last of them ends the stream, not for ever).
        """
        os.close(self._waker)
        self._thread.join(PATIENCE if sys.platform == "win32" else None)

    def _read(self) -> None:
        fd = self._stream.fileno()
        try:
            while not self._log.broken and self._readable(fd):
                data = os.read(fd, 65536)
                if not data:
                    break
                self._log.feed(data)
        except OSError:
            pass
        self._log.close()
        self._stream.close()
        os.close(self._wake)

    def _readable(self, fd: int) -> bool:
        """Wait for data; False if the process has ended and nothing is left."""
        if sys.platform == "win32":
            return True
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        return fd in dict(poll.poll())
