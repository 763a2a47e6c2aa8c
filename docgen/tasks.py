"""Generates docs/tasks.md from the buttons in PlexSync.yml and the task registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from docgen.markdown import generated, plain, table
from plexsync.flows.tasks.context import DRAINS, QUEUES, READS, Task
from plexsync.flows.tasks.registry import TASKS
from simulator.plugin_manifest import load_manifest

KINDS = {
    READS: "It runs beside the background worker and queues nothing.",
    QUEUES: "The background worker steps aside while it runs, and continues afterwards.",
    DRAINS: "It works in the background worker's place, which steps aside while it runs.",
}

ARGUMENTS: Mapping[str, Mapping[str, str]] = {
    "recover_outage_jobs": {
        "error_types": "classes or causes, separated by commas, such as "
        "`PlexTemporaryError,timeout`; default: `PlexServerDown`",
        "window": "`last` outage (the default), `all`, or a number of hours",
    },
    "retry_dead_letters": {
        "error_types": "only dead letters of these classes or causes, separated by commas",
        "scene": "only the dead letter of this scene",
    },
    "preview_sync": {
        "scene": "these scenes, separated by commas (`scenes` works too)",
        "recent": "the scenes updated within this number of hours",
        "forced": "true or false: whether to compare with Plex even if nothing has changed since "
        "the last sync; default: true if `scene` is given, otherwise false",
    },
    "restore_removed": {"copy": "the name of a file in `data/removed/`; default: the newest"},
    "undo_left_out": {"confirmed": "`true`: as a second press"},
    "undo_scene": {"scene": "these scenes, separated by commas; required"},
}
"""A task's arguments besides its mode; reconciliations share theirs, see below."""

RECONCILE = {
    "dry_run": "`true`: only report",
    "kinds": "kinds of gaps, separated by commas, such as `empty,drifted`",
    "fields": "fields, separated by commas, such as `title,summary`",
    "library": "the name of one Plex library",
    "by": "`updated` or `created`: the time by which the recent scopes choose scenes",
}

HEAD = """# Buttons

Stash shows them under Settings > Tasks > Plugin tasks. A task reports what it found or did in Stash's log
(Settings > Logs). Stash runs one task at a time, behind its own scans; stopping one loses nothing.
"""

BY_ARGUMENT = """## With arguments

Through Stash's GraphQL API a task is run by its mode and takes arguments:

```graphql
mutation { runPluginTask(plugin_id: "PlexSync", args_map: {mode: "preview_sync", scene: "12"}) }
```

Arguments are optional unless marked as required. A page or script that needs answers as JSON
uses [operations](operations.md) instead.
"""


def document(root: Path) -> str:
    """The document's text."""
    buttons = load_manifest(str(root / "PlexSync.yml")).tasks
    lines = [generated("PlexSync.yml and plexsync/flows/tasks/registry.py"), HEAD]
    for button in buttons:
        mode = button.default_args["mode"]
        lines += [f"## {button.name}", "", plain(button.description), "", *_about(mode), ""]
    lines += [BY_ARGUMENT]
    hidden = [mode for mode, task in TASKS.items() if not task.button]
    lines += table(("mode", "argument", "what"), _arguments())
    lines += ["", f"Not a button: {', '.join(f'`{mode}`' for mode in hidden)}.", ""]
    return "\n".join(lines)


def _about(mode: str) -> Iterator[str]:
    task = TASKS[mode]
    yield f"Mode `{mode}`. {KINDS[task.kind]}{_unready(task)}"


def _unready(task: Task) -> str:
    return " It also works before an address and a token are entered." if task.unready else ""


def _arguments() -> Iterator[tuple[str, str, str]]:
    groups = {
        **ARGUMENTS,
        "reconcile_all, reconcile_7days, reconcile_24h, reconcile_missing": RECONCILE,
    }
    for modes, group in groups.items():
        for mode in modes.split(", "):
            taken = set(TASKS[mode].arguments) - set(ALIASES)
            if taken != set(group):
                raise ValueError(f"{mode}: not both taken and told: {sorted(taken ^ set(group))}")
        shown = ", ".join(f"`{mode}`" for mode in modes.split(", "))
        for name, what in group.items():
            yield shown, f"`{name}`", what
            shown = ""


ALIASES = ("scenes",)
