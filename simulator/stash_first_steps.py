"""What a fresh Stash is asked for first: its set-up, a scan, the plugins in its folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from graphql import GraphQLResolveInfo

from simulator.plugin_runner import PluginRun
from simulator.stash_actions import JPEG
from simulator.stash_core import StashCore
from simulator.stash_hooks import Caller

Info = GraphQLResolveInfo[Any]


def _setup(_: Any, info: Info, input: Mapping[str, Any]) -> bool:
    core = info.context.core
    core.status = "OK"
    core.stashes = [each["path"] for each in input["stashes"]]
    return True


def _metadata_scan(_: Any, info: Info, input: Mapping[str, Any]) -> str:
    """Queue a scan of the folders named, or of all."""
    core, caller = info.context.core, Caller(info.context.caller.user)
    folders = input.get("paths") or core.stashes

    def scan(_: object) -> PluginRun:
        take_in(core, folders, caller)
        return PluginRun("scan")

    return str(core.jobs.add("Scanning...", lambda: None, scan).id)


def take_in(core: StashCore, folders: list[str], caller: Caller) -> None:
    """Each new file below these folders becomes a scene, and then gets its cover."""
    known = {file.path for scene in core.data.scenes.values() for file in scene.files}
    for path, size in core.disk.items():
        if path not in known and any(path.startswith(f"{folder}/") for folder in folders):
            core.mutations.scan_new((path, size), JPEG + path.encode(), caller)


def _reload_plugins(_: Any, info: Info) -> bool:
    """Load the plugin that is in the folder of plugins now."""
    core = info.context.core
    folder = os.path.join(core.plugins_path, "PlexSync")
    if core.plugins_path and os.path.isdir(folder):
        core.load_plugin(folder, core.plugin_environment)
    return True


FIRST_STEPS: Mapping[str, Any] = {
    "Mutation.setup": _setup,
    "Mutation.metadataScan": _metadata_scan,
    "Mutation.reloadPlugins": _reload_plugins,
}
