"""Changes some of PlexSync's settings in Stash, for the page."""

from __future__ import annotations

import os
from collections.abc import Mapping

from plexsync import system
from plexsync.edges.page.results import REPORTS
from plexsync.flows.setup.saved_settings import SavedSettings
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.flows.tasks.first_sync import forget_unless_same
from plexsync.model.config import PlexSyncConfig
from plexsync.model.config_reader import read_config
from plexsync.model.filters import FILTERS, FilterError, parse_filter
from plexsync.model.formatting import quoted
from plexsync.model.settings import is_unset
from plexsync.model.settings_table import FIELDS, SECRETS
from plexsync.policy.recipe.recipe import recipe_of

RELOAD = (
    "Reload an open settings page in Stash before changing anything there, or it writes the old "
    "settings back."
)


def save_settings(context: TaskContext) -> dict[str, object]:
    """Change some settings in Stash, all or none; an empty text removes one. Secrets cannot be
    changed so: their values would be kept in results.

    Raises TaskFailed, which names the setting, if one is unknown or its value is invalid.
    """
    changes: Mapping[str, object] = context.args["settings"]
    for key in changes:
        if key not in FIELDS or key in SECRETS:
            raise TaskFailed(f"PlexSync has no setting {quoted(key)} that a page can change.")
    before, after = change_settings(context, changes)
    changed = sorted(key for key in changes if before.get(key) != after.get(key))
    if changed:
        context.log.info(f"A page changed settings in Stash: {', '.join(changed)}.")
    return {"changed": changed, "text": f"Saved. {RELOAD}" if changed else "Nothing was changed."}


def change_settings(
    context: TaskContext, changes: Mapping[str, object]
) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """All settings as they were and as they are now.

    Stash can only replace all settings of a plugin at once, so they are read, changed, written, and
    read again. Raises TaskFailed for an invalid value, and if settings were changed by others
    meanwhile.
    """
    before = dict(context.stash.settings().plugin)
    wanted = {**before, **changes}
    wanted = {key: value for key, value in wanted.items() if key not in changes or _is_kept(value)}
    problems = [text for key, text in problems_of(wanted).items() if key in changes]
    if problems:
        raise TaskFailed(f"Nothing was changed: {'; '.join(problems)}.")
    if wanted != before:
        context.stash.save_settings(wanted)
    after = dict(context.stash.settings().plugin)
    if after != wanted:
        raise TaskFailed(
            "The settings in Stash differ from what was saved: they may have been changed at the "
            "same moment. Look at the view Settings again."
        )
    keys = [key for key in changes if before.get(key) != after.get(key)]
    if keys:
        SavedSettings(context.folder, context.log.warning).remember(
            keys, before, after, context.clock.now()
        )
        _forget_findings(context.folder, read_config(before, {})[0], read_config(after, {})[0])
    return before, after


def _forget_findings(folder: str, before: PlexSyncConfig, after: PlexSyncConfig) -> None:
    """The set-up has compared both servers; what it found holds for these settings only."""
    forget_unless_same(folder, before, after)
    if before.plex_fingerprint() != after.plex_fingerprint():
        system.remove(os.path.join(folder, REPORTS, "survey.json"))


def _is_kept(value: object) -> bool:
    """Whether a value is stored: 0 and off may be meant, an empty text is not."""
    return not (isinstance(value, str) and is_unset(value))


def problems_of(settings: Mapping[str, object]) -> dict[str, str]:
    """The errors of these settings by their keys, including patterns and filters."""
    config, warnings = read_config(settings, {})
    found = {text.partition(":")[0]: text for text in (*warnings, *recipe_of(config).problems)}
    for key in FILTERS:
        try:
            parse_filter(getattr(config, key))
        except FilterError as problem:
            found[key] = f"{key}: is invalid {problem}"
    return {key: text for key, text in found.items() if key in settings}
