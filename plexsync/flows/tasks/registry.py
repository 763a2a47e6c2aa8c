"""Everything that Stash shows as a button: one table, held against PlexSync.yml by a test."""

from __future__ import annotations

from collections.abc import Mapping

from plexsync.flows.tasks.adopt_stash import adopt_stash
from plexsync.flows.tasks.check_setup import check_setup
from plexsync.flows.tasks.clear_queue import clear_queue
from plexsync.flows.tasks.context import DRAINS, QUEUES, READS, Task
from plexsync.flows.tasks.dead_letters import (
    clear_dead_letters,
    purge_dead_letters,
    retry_dead_letters,
)
from plexsync.flows.tasks.health_check import health_check
from plexsync.flows.tasks.outage_summary import outage_summary
from plexsync.flows.tasks.preview import preview
from plexsync.flows.tasks.process_queue import process_queue
from plexsync.flows.tasks.rebuild_index import rebuild_index
from plexsync.flows.tasks.reconcile import (
    reconcile_7days,
    reconcile_24h,
    reconcile_all,
    reconcile_missing,
)
from plexsync.flows.tasks.recover_outage_jobs import recover_outage_jobs
from plexsync.flows.tasks.restore_removed import restore_removed
from plexsync.flows.tasks.sync_all import sync_all, sync_all_forced, sync_recent
from plexsync.flows.tasks.undo import undo_all, undo_scene
from plexsync.flows.tasks.view_queue_status import view_queue_status

SCENES = ("scene", "scenes")
COMPARED = ("kinds", "fields", "library", "by", "dry_run")

TASKS: Mapping[str, Task] = {
    "queue_status": Task(READS, view_queue_status, unready=True),
    "health_check": Task(READS, health_check),
    "outage_summary": Task(READS, outage_summary, unready=True),
    "recover_outage_jobs": Task(QUEUES, recover_outage_jobs, arguments=("error_types", "window")),
    "process_queue": Task(DRAINS, process_queue),
    "sync_all": Task(QUEUES, sync_all),
    "sync_all_forced": Task(QUEUES, sync_all_forced),
    "sync_recent": Task(QUEUES, sync_recent),
    "retry_dead_letters": Task(
        QUEUES, retry_dead_letters, unready=True, arguments=("error_types", "scene")
    ),
    "clear_dead_letters": Task(QUEUES, clear_dead_letters, unready=True),
    "purge_dead_letters": Task(QUEUES, purge_dead_letters, unready=True),
    "clear_queue": Task(QUEUES, clear_queue, unready=True),
    "restore_removed": Task(QUEUES, restore_removed, unready=True, arguments=("copy",)),
    "rebuild_index": Task(QUEUES, rebuild_index),
    "reconcile_all": Task(QUEUES, reconcile_all, arguments=COMPARED),
    "reconcile_7days": Task(QUEUES, reconcile_7days, arguments=COMPARED),
    "reconcile_24h": Task(QUEUES, reconcile_24h, arguments=COMPARED),
    "reconcile_missing": Task(QUEUES, reconcile_missing, arguments=COMPARED),
    "preview_sync": Task(READS, preview, arguments=(*SCENES, "recent", "forced")),
    "check_setup": Task(READS, check_setup, unready=True),
    "adopt_stash": Task(QUEUES, adopt_stash, unready=True, anybody=True),
    "undo_scene": Task(QUEUES, undo_scene, button=False, arguments=SCENES),
    "undo_all": Task(QUEUES, undo_all),
}
"""Mode, as PlexSync.yml passes it, to task. An unknown mode is an error, never a default."""
