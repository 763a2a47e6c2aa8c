"""The registry of all buttons and page commands: arguments, requirements and functions.

A process carries out one of them or none, so it loads the file of that one alone, when it begins.

Tests compare the buttons with PlexSync.yml, and the commands with model/command.py, which has their
arguments because the page's requests read them without loading a task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from plexsync.flows.tasks.arguments import hours, scenes, some_of, window, yes_or_no
from plexsync.flows.tasks.context import (
    COMMAND,
    DRAINS,
    PLEX,
    QUEUES,
    READS,
    Action,
    Task,
    TaskContext,
)
from plexsync.model.arguments import Rule, one_of, scene_id, settings, text
from plexsync.model.command import COMMANDS
from plexsync.model.plex import FIELDS
from plexsync.policy.gaps import KINDS


@dataclass(frozen=True, slots=True)
class Function:
    """A function in one of the files beside this one, which is loaded when it is called."""

    file: str
    name: str

    def __call__(self, context: TaskContext) -> dict[str, object]:
        """Carry out the task."""
        return self.load()(context)

    def load(self) -> Action:
        """The function itself."""
        found: Action = getattr(import_module(f"{__package__}.{self.file}"), self.name)
        return found


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
    "queue_status": Task(READS, Function("readings", "view_queue_status"), unready=True),
    "health_check": Task(READS, Function("health_check", "health_check")),
    "outage_summary": Task(READS, Function("readings", "outage_summary"), unready=True),
    "recover_outage_jobs": Task(
        QUEUES,
        Function("recover_outage_jobs", "recover_outage_jobs"),
        {"error_types": _ERROR_TYPES, "window": Rule(window, "last")},
        needs=PLEX,
        title="Recover Outage Jobs",
        refusal="Nothing was recovered",
    ),
    "process_queue": Task(DRAINS, Function("process_queue", "process_queue")),
    "sync_all": Task(QUEUES, Function("sync_all", "sync_all")),
    "sync_all_forced": Task(QUEUES, Function("sync_all", "sync_all_forced")),
    "sync_recent": Task(QUEUES, Function("sync_all", "sync_recent")),
    "retry_dead_letters": Task(
        QUEUES,
        Function("dead_letters", "retry_dead_letters"),
        {"error_types": _ERROR_TYPES, "scene": Rule(scene_id, None)},
        unready=True,
    ),
    "clear_dead_letters": Task(
        QUEUES, Function("dead_letters", "clear_dead_letters"), unready=True
    ),
    "purge_dead_letters": Task(
        QUEUES, Function("dead_letters", "purge_dead_letters"), unready=True
    ),
    "clear_queue": Task(QUEUES, Function("clear_queue", "clear_queue"), unready=True),
    "restore_removed": Task(
        QUEUES,
        Function("restore_removed", "restore_removed"),
        {"copy": Rule(text(400), "")},
        unready=True,
    ),
    "rebuild_index": Task(
        QUEUES,
        Function("rebuild_index", "rebuild_index"),
        needs=PLEX,
        title="Rebuild Index",
        refusal="The index was not changed",
    ),
    "reconcile_all": Task(QUEUES, Function("reconcile", "reconcile_all"), _COMPARED),
    "reconcile_7days": Task(QUEUES, Function("reconcile", "reconcile_7days"), _COMPARED),
    "reconcile_24h": Task(QUEUES, Function("reconcile", "reconcile_24h"), _COMPARED),
    "reconcile_missing": Task(QUEUES, Function("reconcile", "reconcile_missing"), _COMPARED),
    "preview_sync": Task(
        READS,
        Function("preview", "preview"),
        {**_SCENES, "recent": Rule(hours, None), "forced": Rule(yes_or_no, None)},
        needs=PLEX,
        title="Preview Sync",
        refusal="Nothing can be previewed",
    ),
    "count_changes": Task(
        READS,
        Function("recipes", "count_changes"),
        {"settings": Rule(settings(100, 20_000))},
        unready=True,
        button=False,
    ),
    "survey": Task(
        QUEUES,
        Function("survey", "survey"),
        needs=PLEX,
        title="The set-up",
        refusal="Nothing was compared",
        button=False,
    ),
    "first_sync": Task(
        QUEUES,
        Function("first_sync", "first_sync"),
        needs=PLEX,
        title="The set-up",
        refusal="Nothing was compared",
        button=False,
    ),
    "check_setup": Task(READS, Function("check_setup", "check_setup"), unready=True),
    "report_for_help": Task(
        READS, Function("report_for_help", "report_for_help"), unready=True, blind=True
    ),
    "test_message": Task(READS, Function("send_test_message", "send_test_message"), unready=True),
    "adopt_stash": Task(QUEUES, Function("adopt_stash", "adopt_stash"), unready=True, anybody=True),
    "undo_scene": Task(
        QUEUES,
        Function("undo", "undo_scene"),
        _SCENES,
        needs=PLEX,
        title="Undo",
        refusal="Nothing was undone",
        button=False,
    ),
    "undo_left_out": Task(
        QUEUES,
        Function("undo", "undo_left_out"),
        {"confirmed": Rule(yes_or_no, False)},
        needs=PLEX,
        title="Undo",
        refusal="Nothing was undone",
    ),
    "undo_all": Task(
        QUEUES, Function("undo", "undo_all"), needs=PLEX, title="Undo", refusal="Nothing was undone"
    ),
}
"""Mode, as passed by PlexSync.yml -> task. An unknown mode is an error, never a default."""

_PREVIEW, _UNDO = TASKS["preview_sync"], TASKS["undo_scene"]

_COMMANDS: Mapping[str, Task] = {
    "retry": Task(COMMAND, Function("page_commands", "retry")),
    "retry_class": Task(COMMAND, Function("page_commands", "retry_class")),
    "sync": Task(COMMAND, Function("page_commands", "sync")),
    "preview": _PREVIEW._replace(kind=COMMAND, action=Function("page_commands", "preview")),
    "undo": _UNDO._replace(kind=COMMAND, action=Function("page_commands", "undo")),
    "pin": Task(COMMAND, Function("page_commands", "pin")),
    "unpin": Task(COMMAND, Function("page_commands", "unpin")),
    "adopt_path_map": Task(COMMAND, Function("page_commands", "adopt_path_map")),
    "try_recipes": Task(COMMAND, Function("recipes", "try_recipes")),
    "save_settings": Task(COMMAND, Function("save_settings", "save_settings")),
    "finish_step": Task(COMMAND, Function("set_up", "finish_step")),
    "sign_in": Task(COMMAND, Function("set_up", "sign_in")),
    "check_sign_in": Task(COMMAND, Function("set_up", "check_sign_in"), polled=True),
    "choose_server": Task(COMMAND, Function("set_up", "choose_server")),
    "cancel_sign_in": Task(COMMAND, Function("set_up", "cancel_sign_in")),
    "connect": Task(COMMAND, Function("set_up", "connect")),
    "pause_backfill": Task(COMMAND, Function("backfills", "pause_backfill")),
    "resume_backfill": Task(COMMAND, Function("backfills", "resume_backfill")),
    "stop_backfill": Task(COMMAND, Function("backfills", "stop_backfill")),
    "adopt_data_folder": Task(COMMAND, Function("adopt_stash", "adopt"), anybody=True),
    "clear": Task(COMMAND, Function("page_commands", "clear")),
}

PAGE_COMMANDS: Mapping[str, Task] = {
    name: task._replace(arguments=COMMANDS[name]) for name, task in _COMMANDS.items()
}
"""Command, as sent by the page -> task."""
