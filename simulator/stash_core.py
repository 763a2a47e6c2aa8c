"""The simulated Stash without its network: data, plugin, jobs and sessions."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from graphql import GraphQLInputObjectType, GraphQLSchema

from simulator.plugin_log import LogLine
from simulator.plugin_manifest import find_manifest, load_manifest
from simulator.plugin_runner import PluginRun, StartError
from simulator.stash_data import StashData, StashError
from simulator.stash_hooks import Caller, Plugin, config_folder
from simulator.stash_inputs import Connection, connection_block
from simulator.stash_jobs import Job, Jobs
from simulator.stash_mutations import Mutations
from simulator.stash_schema import Documents
from simulator.stash_session import Guard, Session, SessionStore


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration that an administrator would set; see StashSim for the meaning."""

    api_key: str = ""
    username: str = ""
    password: str = ""
    max_session_age: int = 3600
    parallel_hooks: int = 1
    seed: int = 0
    database: str = "/root/.stash/stash-go.sqlite"


class StashCore:
    """State and rules; `connection` returns where the plugin reaches this Stash."""

    utc_offset_minutes = 60
    """The server's time zone: times are stored and shown in it."""

    def __init__(
        self,
        served: tuple[GraphQLSchema, Documents],
        config: Configuration,
        clock: Callable[[], float],
        connection: Callable[[str], Connection],
    ) -> None:
        self.schema, self.documents = served
        self.config = config
        self.data = StashData(clock)
        self.jobs = Jobs(clock)
        self.log: list[LogLine] = []
        self.plugin: Plugin | None = None
        self.plugin_enabled = True
        self.status = "OK"  # or SETUP: nobody has set it up yet
        self.stashes: list[str] = []  # the folders of the library
        self.disk: dict[str, int] = {}  # path -> size: what a scan finds
        self.plugins_path = ""  # where `reloadPlugins` looks
        self.plugin_environment: Mapping[str, str] = {}
        self.sessions = SessionStore(config.max_session_age, clock)
        self.guard = Guard(self.sessions, config.username, config.password, config.api_key)
        self.mutations = Mutations(self.data, self._active, self._input_type, config.seed)
        self._connection = connection

    def load_plugin(
        self,
        plugin_dir: str,
        env: Mapping[str, str],
        python: str = "",
        popen: Callable[..., Any] = subprocess.Popen,
    ) -> None:
        """Load the plugin's manifest; raises ManifestError if Stash would refuse it.

        A relative folder is passed to the plugin unchanged, with our working directory; otherwise
        the working directory is neither ours nor the plugin's folder.
        """
        manifest = load_manifest(find_manifest(plugin_dir))
        here = functools.partial(self._connection, config_folder(plugin_dir))
        cwd = tempfile.gettempdir() if os.path.isabs(plugin_dir) else None
        python = python or sys.executable
        self.plugin = Plugin(manifest, here, self.sessions.seal, env, python, cwd, popen, self.log)

    def stamp(self, at: float) -> str:
        """A time as Stash stores and shows it: RFC 3339, whole seconds, local offset."""
        zone = timezone(timedelta(minutes=self.utc_offset_minutes))
        text = datetime.fromtimestamp(int(at), zone).isoformat()
        return text[:-6] + "Z" if text.endswith("+00:00") else text

    def caller(self, gone: Callable[[], bool] | None = None) -> Caller:
        """The signed-in user at the web page."""
        user = self.config.username if self.guard.closed else ""
        return Caller(user, gone=gone) if gone else Caller(user)

    def connection_block(self, at: Connection, plugin_dir: str) -> dict[str, Any]:
        """A server_connection block for the signed-in user."""
        return connection_block(at, self.sessions.seal(Session(self.caller().user)), plugin_dir)

    def operate(self, plugin_id: str, args: Mapping[str, Any], caller: Caller) -> Any:
        """`runPluginOperation`: returns the plugin's output; raises StashError with its error."""
        plugin = self._named(plugin_id)
        if plugin is None:
            what = "runtime error: invalid memory address or nil pointer dereference"
            raise StashError(f"Internal system error. Error <{what}>")
        try:
            run = plugin.operate(args, caller)
        except StartError as problem:
            raise StashError(str(problem)) from None
        if run.error is not None:
            raise StashError(run.error)
        return run.output

    def queue_task(
        self, plugin_id: str, name: str | None, args: Mapping[str, Any], caller: Caller
    ) -> Job:
        """`runPluginTask`: returns the job, which runs when its turn comes."""

        def start() -> Any:
            plugin = self._named(plugin_id)
            if plugin is None:
                raise LookupError(f"no plugin with ID {plugin_id}")
            if not self.plugin_enabled:
                raise LookupError(f"plugin {plugin_id} is disabled")
            try:
                return plugin.start_task(name, args, caller)
            except KeyError:
                raise LookupError(f"no task with name {name} in plugin {plugin_id}") from None

        return self.jobs.add(f"Running plugin task: {name or ''}", start, self._end_task)

    def _end_task(self, process: Any) -> PluginRun:
        assert self.plugin is not None
        return self.plugin.end_task(process)

    def _active(self) -> Plugin | None:
        return self.plugin if self.plugin_enabled else None

    def _named(self, plugin_id: str) -> Plugin | None:
        plugin = self.plugin
        return plugin if plugin and plugin.manifest.id == plugin_id else None

    def _input_type(self, name: str) -> GraphQLInputObjectType:
        kind = self.schema.type_map[name]
        assert isinstance(kind, GraphQLInputObjectType)
        return kind
