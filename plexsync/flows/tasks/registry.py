"""The registry of all buttons and page commands: arguments, requirements and functions.

Tests compare the buttons with PlexSync.yml, and the commands with model/command.py, which has their
arguments because the page's requests read them without loading a task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from plexsync.flows.tasks import page_commands
from plexsync.flows.tasks.adopt_stash import adopt, adopt_stash
from plexsync.flows.tasks.arguments import hours, scenes, some_of, window, yes_or_no
from plexsync.flows.tasks.backfills import pause_backfill, resume_backfill, stop_backfill
from plexsync.flows.tasks.check_setup import check_setup
from plexsync.flows.tasks.clear_queue import clear_queue
from plexsync.flows.tasks.context import COMMAND, DRAINS, PLEX, QUEUES, READS, Task
from plexsync.flows.tasks.dead_letters import (
    clear_dead_letters,
    purge_dead_letters,
    retry_dead_letters,
)
from plexsync.flows.tasks.first_sync import first_sync
from plexsync.flows.tasks.health_check import health_check
from plexsync.flows.tasks.preview import preview
from plexsync.flows.tasks.process_queue import process_queue
from plexsync.flows.tasks.readings import outage_summary, view_queue_status
from plexsync.flows.tasks.rebuild_index import rebuild_index
from plexsync.flows.tasks.recipes import count_changes, try_recipes
from plexsync.flows.tasks.reconcile import (
    reconcile_7days,
    reconcile_24h,
    reconcile_all,
    reconcile_missing,
)
from plexsync.flows.tasks.recover_outage_jobs import recover_outage_jobs
from plexsync.flows.tasks.report_for_help import report_for_help
from plexsync.flows.tasks.restore_removed import restore_removed
from plexsync.flows.tasks.save_settings import save_settings
from plexsync.flows.tasks.send_test_message import send_test_message
from plexsync.flows.tasks.set_up import (
    cancel_sign_in,
    check_sign_in,
    choose_server,
    connect,
    finish_step,
    sign_in,
)
from plexsync.flows.tasks.survey import survey
from plexsync.flows.tasks.sync_all import sync_all, sync_all_forced, sync_recent
from plexsync.flows.tasks.undo import undo_all, undo_left_out, undo_scene
from plexsync.model.arguments import Rule, one_of, scene_id, settings, text
from plexsync.model.command import COMMANDS
from plexsync.model.plex import FIELDS
from plexsync.policy.gaps import KINDS

_SCENES: Mapping[str, Rule] = {"scene": Rule(scenes, None), "scenes": Rule(scenes, None)}
_ERROR_TYPES = Rule(text(400), "")
_COMPARED: Mapping[str, Rule] = {
    "kinds": Rule(some_of(KINDS), ()),
    "fields": Rule(some_of(tuple(FIELDS)), ()),
    "library": Rule(text(200), ""),
    "by": Rule(one_of("updated", "created"), "updated"),
    "dry_run": Rule(yes_or_no, False),
}

TASKS: Mapping[str, Task] = {
    "queue_status": Task(READS, view_queue_status, unready=True),
    "health_check": Task(READS, health_check),
    "outage_summary": Task(READS, outage_summary, unready=True),
    "recover_outage_jobs": Task(
        QUEUES,
        recover_outage_jobs,
        {"error_types": _ERROR_TYPES, "window": Rule(window, "last")},
        needs=PLEX,
        title="Recover Outage Jobs",
        refusal="Nothing was recovered",
    ),
    "process_queue": Task(DRAINS, process_queue),
    "sync_all": Task(QUEUES, sync_all),
    "sync_all_forced": Task(QUEUES, sync_all_forced),
    "sync_recent": Task(QUEUES, sync_recent),
    "retry_dead_letters": Task(
        QUEUES,
        retry_dead_letters,
        {"error_types": _ERROR_TYPES, "scene": Rule(scene_id, None)},
        unready=True,
    ),
    "clear_dead_letters": Task(QUEUES, clear_dead_letters, unready=True),
    "purge_dead_letters": Task(QUEUES, purge_dead_letters, unready=True),
    "clear_queue": Task(QUEUES, clear_queue, unready=True),
    "restore_removed": Task(QUEUES, restore_removed, {"copy": Rule(text(400), "")}, unready=True),
    "rebuild_index": Task(
        QUEUES,
        rebuild_index,
        needs=PLEX,
        title="Rebuild Index",
        refusal="The index was not changed",
    ),
    "reconcile_all": Task(QUEUES, reconcile_all, _COMPARED),
    "reconcile_7days": Task(QUEUES, reconcile_7days, _COMPARED),
    "reconcile_24h": Task(QUEUES, reconcile_24h, _COMPARED),
    "reconcile_missing": Task(QUEUES, reconcile_missing, _COMPARED),
    "preview_sync": Task(
        READS,
        preview,
        {**_SCENES, "recent": Rule(hours, None), "forced": Rule(yes_or_no, None)},
        needs=PLEX,
        title="Preview Sync",
        refusal="Nothing can be previewed",
    ),
    "count_changes": Task(
        READS,
        count_changes,
        {"settings": Rule(settings(100, 20_000))},
        unready=True,
        button=False,
    ),
    "survey": Task(
        QUEUES,
        survey,
        needs=PLEX,
        title="The set-up",
        refusal="Nothing was compared",
        button=False,
    ),
    "first_sync": Task(
        QUEUES,
        first_sync,
        needs=PLEX,
        title="The set-up",
        refusal="Nothing was compared",
        button=False,
    ),
    "check_setup": Task(READS, check_setup, unready=True),
    "report_for_help": Task(READS, report_for_help, unready=True, blind=True),
    "test_message": Task(READS, send_test_message, unready=True),
    "adopt_stash": Task(QUEUES, adopt_stash, unready=True, anybody=True),
    "undo_scene": Task(
        QUEUES,
        undo_scene,
        _SCENES,
        needs=PLEX,
        title="Undo",
        refusal="Nothing was undone",
        button=False,
    ),
    "undo_left_out": Task(
        QUEUES,
        undo_left_out,
        {"confirmed": Rule(yes_or_no, False)},
        needs=PLEX,
        title="Undo",
        refusal="Nothing was undone",
    ),
    "undo_all": Task(QUEUES, undo_all, needs=PLEX, title="Undo", refusal="Nothing was undone"),
}
"""Mode, as passed by PlexSync.yml -> task. An unknown mode is an error, never a default."""

_PREVIEW, _UNDO = TASKS["preview_sync"], TASKS["undo_scene"]

_COMMANDS: Mapping[str, Task] = {
    "retry": Task(COMMAND, page_commands.retry),
    "retry_class": Task(COMMAND, page_commands.retry_class),
    "sync": Task(COMMAND, page_commands.sync),
    "preview": replace(_PREVIEW, kind=COMMAND, action=page_commands.preview),
    "undo": replace(_UNDO, kind=COMMAND, action=page_commands.undo),
    "pin": Task(COMMAND, page_commands.pin),
    "unpin": Task(COMMAND, page_commands.unpin),
    "adopt_path_map": Task(COMMAND, page_commands.adopt_path_map),
    "try_recipes": Task(COMMAND, try_recipes),
    "save_settings": Task(COMMAND, save_settings),
    "finish_step": Task(COMMAND, finish_step),
    "sign_in": Task(COMMAND, sign_in),
    "check_sign_in": Task(COMMAND, check_sign_in, polled=True),
    "choose_server": Task(COMMAND, choose_server),
    "cancel_sign_in": Task(COMMAND, cancel_sign_in),
    "connect": Task(COMMAND, connect),
    "pause_backfill": Task(COMMAND, pause_backfill),
    "resume_backfill": Task(COMMAND, resume_backfill),
    "stop_backfill": Task(COMMAND, stop_backfill),
    "adopt_data_folder": Task(COMMAND, adopt, anybody=True),
    "clear": Task(COMMAND, page_commands.clear),
}

PAGE_COMMANDS: Mapping[str, Task] = {
    name: replace(task, arguments=COMMANDS[name]) for name, task in _COMMANDS.items()
}
"""Command, as sent by the page -> task."""
