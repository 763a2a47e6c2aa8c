"""Fires hooks, tasks and operations of one plugin, the way Stash's plugin cache does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from simulator import plugin_runner
from simulator.plugin_log import LogLine
from simulator.plugin_manifest import Manifest, Operation
from simulator.plugin_runner import PluginProcess, PluginRun, StartError
from simulator.stash_inputs import Connection, connection_block, go_json, go_map, hook_context
from simulator.stash_session import Session

LOOP_LIMIT = 10


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Caller:
    """The origin of a change: the user, the hooks already visited, and whether the client has
    disconnected.
    """

    user: str = ""
    visited: tuple[str, ...] = ()
    gone: Callable[[], bool] = _never


@dataclass
class Plugin:
    """The loaded plugin and how to start it. `log` is Stash's log, `runs` every call so far."""

    manifest: Manifest
    connection: Callable[[], Connection]
    seal: Callable[[Session], str]
    env: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable
    cwd: str | None = None
    popen: Callable[..., Any] = subprocess.Popen
    """How a task's process is started."""
    log: list[LogLine] = field(default_factory=list)
    runs: list[PluginRun] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fire(
        self,
        trigger: str,
        subject: int,
        given: Any,
        fields: Sequence[str] | None,
        caller: Caller,
    ) -> list[PluginRun]:
        """Run every hook entry that lists the trigger, one after the other.

        A hook that cannot be started, or that is cancelled because the client disconnected, ends
        the sequence.
        """
        runs: list[PluginRun] = []
        pair = f"{self.manifest.id}|{trigger}"
        for hook in self.manifest.hooks_for(trigger):
            if caller.visited.count(pair) >= LOOP_LIMIT:
                self._say("debug", f"plugin hook {pair} already triggered, not re-triggering")
                break
            visitor = replace(caller, visited=(*caller.visited, pair))
            args = {"hookContext": hook_context(subject, trigger, given, fields)}
            runs.append(self._hook(trigger, hook, args, visitor))
            if runs[-1].exit_code is None or runs[-1].error == plugin_runner.CANCELLED:
                break
        return runs

    def operate(self, args: Mapping[str, Any], caller: Caller) -> PluginRun:
        """Run an operation, without default arguments; it is killed when the client disconnects."""
        return self._keep(self._start("operation", None, go_map(args), caller).wait(caller.gone))

    def start_task(
        self, name: str | None, args: Mapping[str, Any], caller: Caller
    ) -> PluginProcess:
        """Start a task. Raises KeyError for an unknown name, StartError if it cannot be started."""
        task = self.manifest.task(name) if name is not None else None
        return self._start("task", task, go_map(args), caller)

    def end_task(self, process: PluginProcess) -> PluginRun:
        """Wait for a task and log its end."""
        run = self._keep(process.wait())
        if run.error not in (None, plugin_runner.CANCELLED):
            self._say("error", f"Plugin returned error: {run.error}")
        return run

    def failed(self, trigger: str, problem: Exception) -> PluginRun:
        """The run of a call whose process could not be started."""
        return self._keep(PluginRun(trigger, error=str(problem)))

    def _hook(
        self, trigger: str, hook: Operation, args: Mapping[str, Any], caller: Caller
    ) -> PluginRun:
        gone = None if caller.gone is _never else caller.gone
        try:
            run = self._start(trigger, hook, args, caller).wait(gone)
        except StartError as problem:
            self._say("error", f"error executing post hooks: {problem}")
            return self.failed(trigger, problem)
        self._keep(run)
        title = f"{trigger} [{self.manifest.name}]"
        if run.error == plugin_runner.CANCELLED:
            self._say("error", f"error executing post hooks: {run.error}")
        elif run.error is not None:
            self._say("error", f"{title}: returned error: {run.error}")
        elif run.output is not None:
            self._say("debug", f"{title}: returned: {run.output}")
        return run

    def _start(
        self,
        trigger: str,
        operation: Operation | None,
        args: Mapping[str, Any],
        caller: Caller,
    ) -> PluginProcess:
        defaults = operation.default_args if operation else {}
        return PluginProcess(
            plugin_runner.command(self.manifest, operation, self.python),
            self._stdin({**defaults, **args}, Session(caller.user, caller.visited)),
            trigger=trigger,
            env=plugin_runner.environment(self.manifest, self.env),
            cwd=self.cwd,
            default_level=self.manifest.err_log,
            popen=self.popen if trigger == "task" else subprocess.Popen,
        )

    def _stdin(self, args: Mapping[str, Any], session: Session) -> bytes:
        cookie = self.seal(session)
        block = connection_block(self.connection(), cookie, self.manifest.folder)
        # only the outermost map is sorted: hookContext contains structs, which keep their order
        ready = {name: args[name] for name in sorted(args)}
        return go_json({"server_connection": block, "args": ready})

    def _keep(self, run: PluginRun) -> PluginRun:
        with self._lock:
            self.runs.append(run)
            self.log += [
                LogLine(line.level, f"[Plugin / {self.manifest.name}] {line.text}")
                for line in run.log
            ]
        return run

    def _say(self, level: str, text: str) -> None:
        with self._lock:
            self.log.append(LogLine(level, text))


def config_folder(plugin_dir: str) -> str:
    """Stash's own folder, always absolute: the one that contains `plugins/`."""
    return os.path.dirname(os.path.dirname(os.path.abspath(plugin_dir)))
