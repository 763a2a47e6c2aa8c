"""Some of our settings changed in Stash, for a page that asks."""

from __future__ import annotations

from collections.abc import Mapping

from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.model.config import FILTERS, read_config
from plexsync.model.filters import FilterError, parse_filter
from plexsync.model.settings import FIELDS, is_unset
from plexsync.policy.recipe.recipe import recipe_of

HIDDEN = "plex_token"
"""The one setting that no page may change: it would pass through results that are kept."""

RELOAD = (
    "Reload an open settings page in Stash before changing anything there, or it writes the old "
    "settings back."
)


def save_settings(context: TaskContext) -> dict[str, object]:
    """Change some settings in Stash, all or none; an empty text removes one.

    Raises TaskFailed, naming the setting, for one that is unknown or whose value cannot be read.
    """
    changes: Mapping[str, object] = context.args["settings"]
    for key in changes:
        if key not in FIELDS or key == HIDDEN:
            raise TaskFailed(f"PlexSync has no setting {key!r} that a page can change.")
    before, after = change_settings(context, changes)
    changed = sorted(key for key in changes if before.get(key) != after.get(key))
    if changed:
        context.log.info(f"A page changed settings in Stash: {', '.join(changed)}.")
    return {"changed": changed, "text": f"Saved. {RELOAD}" if changed else "Nothing was changed."}


def change_settings(
    context: TaskContext, changes: Mapping[str, object]
) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """All settings as they were and as they are now.

    Stash can only replace all of a plugin's settings at once, so they are read, changed, written, and
    read again. Raises TaskFailed for a value that cannot be read, and when somebody else changed
    settings at the same moment.
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
            "same moment. Check Settings > Plugins > PlexSync."
        )
    return before, after


def _is_kept(value: object) -> bool:
    """A 0 and an off may be meant, see settings whose range begins with 0; an empty text is not."""
    return not (isinstance(value, str) and is_unset(value))


def problems_of(settings: Mapping[str, object]) -> dict[str, str]:
    """What cannot be read of these settings, by their keys; patterns and filters too."""
    config, warnings = read_config(settings, {})
    found = {text.partition(":")[0]: text for text in (*warnings, *recipe_of(config).problems)}
    for key in FILTERS:
        try:
            parse_filter(getattr(config, key))
        except FilterError as problem:
            found[key] = f"{key}: is invalid {problem}"
    return {key: text for key, text in found.items() if key in settings}
