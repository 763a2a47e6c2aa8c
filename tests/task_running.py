"""Runs tasks as Stash does, but in this process, in a World."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from plexsync.edges.log.log import Log
from plexsync.flows.tasks.arguments import read_task_arguments
from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.tasks.registry import TASKS, Function
from plexsync.services import Services
from tests.world import ROOT, World

Run = Callable[[TaskContext], dict[str, Any]]


def carry_out(run: Run, context: TaskContext) -> dict[str, Any]:
    """As the task runner does: parse the arguments, and check what the task needs."""
    for mode, task in TASKS.items():
        if run in (task.action, isinstance(task.action, Function) and task.action.load()):
            args = read_task_arguments(mode, task, context.args)
            return task.carry_out(replace(context, args=args))
    return run(context)


def run_task(world: World, run: Run, *, owns: bool = False, **args: Any) -> dict[str, Any]:
    """Run a task; if it `owns`, it has the stores, like tasks that queue."""
    woken: list[None] = []
    stash = world.client()
    parts = Services(world.folder, stash, world.clock, Log(world.sink), world.environ)
    app = world.stores() if owns else None
    host = app or parts
    try:
        config = host.config()
        return carry_out(
            run,
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
                page=app.page_turn() if app else None,
                sender=world.sender,
            ),
        )
    finally:
        parts.close()
        stash.close()
        if app is not None:
            app.close()
