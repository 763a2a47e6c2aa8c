"""A simulated Stash: real HTTP, the plugin's hooks as processes, faults on demand."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from simulator.faults import Fault, Faults, Match
from simulator.plugin_log import LogLine
from simulator.plugin_manifest import ManifestError
from simulator.plugin_runner import PluginRun
from simulator.stash_core import Configuration, StashCore
from simulator.stash_data import SimFile, SimScene, StashError
from simulator.stash_entities import EntityActions
from simulator.stash_graphql import served_schema
from simulator.stash_http import Entry, StashServer
from simulator.stash_inputs import Connection
from simulator.stash_jobs import Job
from simulator.stash_schema import BadInput
from simulator.stash_session import Session
from simulator.stash_site import Site
from simulator.stash_tls import self_signed

__all__ = [
    "BadInput",
    "Entry",
    "Job",
    "LogLine",
    "ManifestError",
    "PluginRun",
    "SimFile",
    "SimScene",
    "StashError",
    "StashSim",
]


class StashSim(EntityActions):
    """The simulated Stash; use it as a context manager or call `start` and `stop`.

    `host` is the configured listen address as passed to the plugin ("0.0.0.0" is only served on the
    loopback); `port` 0 picks one and keeps it. With `username` and `password` requests need the
    session cookie or the `api_key`. `clock`, which may be replaced, gives the server's time, `env`
    more environment for the plugin, `latency` the seconds before each answer, `seed` the order of
    inputFields, `ui_dir` is a folder with the web app (`index.html` at every free path) to serve to
    browsers, `popen` starts the processes of tasks, `whole_schema` chooses between Stash's true schema and the part in
    stash_subset.graphql (None: the true one where it is at hand). Raises ManifestError when Stash
    would not load the plugin.
    """

    def __init__(
        self,
        plugin_dir: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        api_key: str = "",
        username: str = "",
        password: str = "",
        max_session_age: int = 3600,
        tls: bool = False,
        clock: Callable[[], float] = time.time,
        parallel_hooks: int = 1,
        env: Mapping[str, str] | None = None,
        latency: float = 0.0,
        python: str = "",
        seed: int = 0,
        whole_schema: bool | None = None,
        ui_dir: str = "",
        popen: Callable[..., Any] = subprocess.Popen,
    ) -> None:
        config = Configuration(api_key, username, password, max_session_age, parallel_hooks, seed)
        self.clock = clock
        schema = served_schema(whole_schema)
        super().__init__(StashCore(schema, config, lambda: self.clock(), self._connection))
        self.host, self.port, self.latency = host, port, latency
        self.faults = Faults()
        self.journal: list[Entry] = []
        self._slow: list[Fault] = []
        self._ui_dir = ui_dir
        self._tls = self_signed() if tls else None
        self._server: StashServer | None = None
        if plugin_dir is not None:
            self.core.load_plugin(plugin_dir, env or {}, python, popen)

    # --- the server

    def __enter__(self) -> StashSim:
        self.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen and serve; the state is what it was before."""
        if self._server is not None:
            return
        address = ("127.0.0.1" if self.host == "0.0.0.0" else self.host, self.port)  # noqa: S104
        self._server = StashServer(address, Site(self.core, self._ui_dir), self.faults, self._tls)
        self._server.journal, self._server.slow = self.journal, self._slow
        self._server.latency = lambda: self.latency
        self.port = self._server.server_address[1]
        self._server.start()

    def stop(self) -> None:
        """Stop serving: connections are aborted and refused until `start`."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def restart(self) -> None:
        """Stop and start on the same port; data, settings and session cookies survive."""
        self.stop()
        self.start()

    @property
    def url(self) -> str:
        """The server's address, without a trailing slash."""
        host = {"0.0.0.0": "127.0.0.1", "::1": "[::1]"}.get(self.host, self.host)  # noqa: S104
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    def server_connection(self) -> dict[str, Any]:
        """The connection block that a plugin would receive now, with a new session cookie."""
        folder = (
            self.core.plugin.manifest.folder if self.core.plugin else "/config/plugins/PlexSync"
        )
        return self.core.connection_block(self._connection("/config"), folder)

    def session_value(self) -> str:
        """The value of a new `session` cookie of the signed-in user."""
        return self.core.sessions.seal(Session(self.core.caller().user))

    def require_login(self, username: str, password: str) -> None:
        """Set credentials: from now on a session without a user is refused."""
        self.core.config = replace(self.core.config, username=username, password=password)
        self.core.guard.username, self.core.guard.password = username, password

    def expire_sessions(self) -> None:
        """Expire all session cookies issued so far."""
        self.core.sessions.expire_all()

    def _connection(self, folder: str) -> Connection:
        return Connection("https" if self._tls else "http", self.host, self.port, folder)

    # --- the plugin

    @property
    def plugin_id(self) -> str:
        """The manifest's name, `PlexSync` without a plugin."""
        return self.core.plugin.manifest.id if self.core.plugin else "PlexSync"

    @property
    def log(self) -> list[LogLine]:
        """Stash's log lines of the plugin."""
        return self.core.log

    @property
    def runs(self) -> list[PluginRun]:
        """Every call of the plugin so far."""
        return self.core.plugin.runs if self.core.plugin else []

    def set_plugin_settings(self, settings: Mapping[str, Any]) -> None:
        """Replace the plugin's saved settings; this fires no hook."""
        self.data.plugin_settings[self.plugin_id] = dict(settings)

    def enable_plugin(self, enabled: bool) -> None:
        """Switch the plugin on or off: no hooks and no tasks while it is off."""
        self.core.plugin_enabled = enabled

    def start_task(
        self, task_name: str | None = None, args: Mapping[str, Any] | None = None
    ) -> Job:
        """Queue a task and return at once; `Job.wait()` gives its run, `Job.stop()` kills it."""
        return self.core.queue_task(self.plugin_id, task_name, args or {}, self.core.caller())

    def run_task(
        self,
        task_name: str | None = None,
        args: Mapping[str, Any] | None = None,
        cancel_after: float | None = None,
    ) -> PluginRun:
        """Run a task to its end, or stop it as the user would after some seconds (SIGKILL)."""
        job = self.start_task(task_name, args)
        try:
            return job.wait(cancel_after)
        except TimeoutError:
            job.stop()
            return job.wait()

    def run_operation(self, args: Mapping[str, Any]) -> Any:
        """Run an operation and return its output; raises StashError with its error."""
        return self.core.operate(self.plugin_id, args, self._caller())

    # --- faults

    def add_fault(
        self,
        kind: str,
        times: int | None = None,
        match: Match | str | None = None,
        seconds: float = 1.0,
        message: str = "database is locked",
        **options: Any,
    ) -> Fault:
        """Make requests fail until `Fault.remove()`, or for `times` requests.

        Kinds: those of simulator.faults (status, hang, html, unauthorized, drip, cut, reset,
        empty ...), "slow" (right answers `seconds` late) and "graphql_errors" (status 200 with
        this message under `errors`). `match` is "/graphql", "GET /scene" or a predicate of Entry.
        """
        if kind == "slow":
            self._slow.append(self.faults.add("hang", times, match, every=seconds))
            return self._slow[-1]
        if kind == "graphql_errors":
            body = json.dumps({"errors": [{"message": message, "path": []}], "data": None}).encode()
            options = {"body": body, "content_type": "application/json", **options}
            return self.faults.add("html", times, match or "/graphql", **options)
        return self.faults.add(kind, times, match, **options)

    def clear_journal(self) -> None:
        """Clear the journal."""
        self.journal.clear()

    def clear_faults(self) -> None:
        """Remove all faults."""
        self.faults.clear()
        self._slow.clear()
