"""Tasks as Stash would run them, but in this process, on a World."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plexsync.app import Services
from plexsync.edges.log.log import Log
from plexsync.flows.tasks.context import TaskContext
from tests.world import ROOT, World

Run = Callable[[TaskContext], dict[str, Any]]


def run_task(world: World, run: Run, *, owns: bool = False, **args: Any) -> dict[str, Any]:
    """Run a task; one that `owns` has the stores, as one that queues."""
    woken: list[None] = []
    stash = world.client()
    parts = Services(world.folder, stash, world.clock, Log(world.sink), world.environ)
    app = world.stores() if owns else None
    host = app or parts
    try:
        config = host.config()
        return run(
            TaskContext(
                plugin_dir=str(getattr(world, "plugin_dir", ROOT)),
                folder=world.folder,
                args=args,
                config=config,
                plex=host.plex(config),
                stash=host.stash,
                clock=world.clock,
                log=host.log,
                wake=lambda: woken.append(None),
                owned=app,
            )
        )
    finally:
        parts.close()
        stash.close()
        if app is not None:
            app.close()
