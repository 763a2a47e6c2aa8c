"""Runs one task for Stash: owns the data folder if the task needs it, and answers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial

from plexsync import inbox, system
from plexsync.app import App, owning
from plexsync.edges.clock import SystemClock
from plexsync.edges.log.brief import Brief
from plexsync.edges.log.log import Log, capture
from plexsync.edges.log.stash_sink import StashSink
from plexsync.edges.ownership import Takeover
from plexsync.edges.page.reports import Report
from plexsync.edges.stash.client import StashClient
from plexsync.flows.tasks.arguments import read_task_arguments
from plexsync.flows.tasks.context import READS, Task, TaskContext, TaskFailed
from plexsync.flows.tasks.registry import TASKS
from plexsync.model.config import PlexSyncConfig
from plexsync.model.connection import read_connection
from plexsync.model.errors import SyncError
from plexsync.model.formatting import quoted
from plexsync.model.plex_state import BEFORE_TASK
from plexsync.model.reasons import RECONCILE
from plexsync.services import Services

RECONCILE_AHEAD = 20.0
"""Maximum seconds that an automatic reconciliation may delay a task."""

TAKEOVER_PATIENCE = 65.0
"""Seconds that the worker may need to step aside: its slowest request, and 5 more."""


def run_mode(
    plugin_dir: str, mode: object, args: Mapping[str, object], block: object
) -> dict[str, object]:
    """Run the task with this mode and return its output; raises TaskFailed with a sentence for the
    user.
    """
    system.collect_again()
    task = TASKS.get(mode) if isinstance(mode, str) else None
    if task is None:
        name = quoted(mode) if isinstance(mode, str) else mode
        raise TaskFailed(
            f"PlexSync has no task {name}; reload the plugins in Stash, or update PlexSync."
        )
    read = read_task_arguments(str(mode), task, args)
    folder = system.data_folder(plugin_dir, os.environ)
    system.private_folder(folder)
    report = Report(folder, str(mode), SystemClock().now)
    brief = Brief(StashSink(sys.stderr))
    log = Log(brief, report)
    try:
        output = log.clean(_carry_out(plugin_dir, task, read, block, log))
    except Exception as problem:  # noqa: BLE001 - any failure is shown to the user
        said = log.safe(system.in_words(problem))
        report.failed(said)
        raise TaskFailed(said) from None
    finally:
        brief.end()
        log.progress(1.0)
    report.done(output)
    return output


def _carry_out(
    plugin_dir: str, task: Task, args: Mapping[str, object], block: object, log: Log
) -> dict[str, object]:
    undo = capture(log)
    folder = system.data_folder(plugin_dir, os.environ)
    reached = read_connection(block)
    log.set_secrets([reached.cookie_value.get_secret_value()])
    stash = StashClient(reached)
    clock = SystemClock()
    connection = json.dumps(block).encode()

    def wake_worker() -> None:
        inbox.wake(plugin_dir, folder, connection)

    def report_wait(text: str) -> None:
        log.info(text)
        log.progress(0.0)

    def stand_by() -> None:
        inbox.start_worker(plugin_dir, connection)

    inbox.hand_over(folder, connection)
    try:
        if task.kind == READS:
            with closing(Services(folder, stash, clock, log, os.environ)) as services:
                return run_with(task, plugin_dir, args, services, wake_worker, stand_by)
        with (
            Takeover(folder, stand_by, TAKEOVER_PATIENCE, report_wait),
            owning(folder, stash, clock, log, os.environ) as app,
        ):
            return run_with(task, plugin_dir, args, app, wake_worker)
    finally:
        stash.close()
        undo()


def _config(task: Task, services: Services) -> PlexSyncConfig:
    try:
        return services.config(anybody=task.anybody or (task.kind == READS and task.unready))
    except SyncError as problem:
        if not task.blind:
            raise
        services.log.warning(f"Stash's answer has no settings; going on without: {problem.message}")
        return services.config_without_stash()


def run_with(
    task: Task,
    plugin_dir: str,
    args: Mapping[str, object],
    services: Services,
    wake_worker: Callable[[], None],
    stand_by: Callable[[], None] = lambda: None,
) -> dict[str, object]:
    """Run a task with these services.

    Before a task that owns the data folder a due probe of Plex and a due reconciliation run.
    """
    owned = services if isinstance(services, App) else None
    config = _config(task, services)
    if config.not_ready() and not task.unready:
        raise TaskFailed(config.not_ready())
    plex = services.plex(config)
    page = None if owned is None or task.anybody else owned.page_turn()
    context = TaskContext(
        plugin_dir=plugin_dir,
        folder=services.folder,
        args=args,
        config=config,
        plex=plex,
        stash=services.stash,
        clock=services.clock,
        log=services.log,
        wake=wake_worker,
        owned=owned,
        stand_by=stand_by,
        page=page,
        sender=services.sender,
    )
    if owned is not None and not task.anybody:
        owned.outages.configure(config)
        owned.outages.probe_if_due(
            services.clock.now(), len(owned.stores.queue.jobs), plex, BEFORE_TASK
        )
        owned.backfills.look(services.clock.now())
        held = RECONCILE in owned.stores.queue.held
        if not (config.not_ready() or config.paused or owned.outages.blocked or held):
            compare = partial(owned.reconciliation, config)
            owned.reconcile.catch_up(config, compare, RECONCILE_AHEAD, context.attend)
    try:
        return task.carry_out(context)
    finally:
        if owned is not None and not task.anybody:
            owned.reconcile.mark(config)
