"""Generates docs/settings.md from the table of settings and the model's defaults and limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from docgen.markdown import generated, plain, table
from plexsync.model.config import DECLARED
from plexsync.model.config_reader import bounds
from plexsync.model.settings_table import GROUPS, IN_STASHS_FORM, Setting

HEAD = """# Settings

All of them are in the view **Settings** of PlexSync's page, grouped as here, with a search and a check
of what is entered. Those marked with \\* are also in Stash's own form, under Settings > Plugins >
PlexSync. Only **Plex URL** and **Plex token** have to be entered. A change takes effect with the next
batch; no restart is needed.

Scripts can store any of them by its key, through Stash's GraphQL or in its `config.yml`. Stash replaces
all settings of a plugin at once, so read them first and send all of them back:

    query { configuration { plugins(include: ["PlexSync"]) } }

    mutation {
      configurePlugin(plugin_id: "PlexSync", input: {
        plex_url: "http://192.168.1.5:32400", plex_token: "...", max_tags: 40, no_tagline: true
      })
    }

In `config.yml` (while Stash does not run) the same settings are:

    plugins:
      settings:
        PlexSync:
          plex_url: http://192.168.1.5:32400
          plex_token: ...
          max_tags: 40
          no_tagline: true

- Stash has no defaults for a plugin's settings: an untouched switch is off. Every switch is
  therefore worded so that off is the default, and an empty field or a 0 means "not set".
- A value that cannot be used is replaced by the default, and the log names the setting, the value
  and the reason. A wrong address or token is not replaced: nothing is synced until it is corrected.
- When Plex URL or Plex token is empty, the environment variables `PLEX_URL` and `PLEX_TOKEN` are
  used, and then `plexHost`, `plexPort` and `plexToken`, the settings of the older community plugin.
- Whatever the settings allow, Plex gets at most 255 characters of a title or a name and 10,000 of a
  summary. What does not fit, including names beyond **Tags per scene** and **Performers per scene**, is
  reported in the log, once per scene.
- `STASH_PLUGIN_DATA` in the environment names another data folder than `data` in the plugin's.
"""


def document(root: Path) -> str:
    """The document's text."""
    lines = [generated("plexsync/model/settings_table.py and plexsync/model/config.py"), HEAD]
    for title, settings in GROUPS.items():
        lines += [f"## {title}", ""]
        lines += table(
            ("setting", "key", "kind", "default", "what it does"),
            (tuple(_row(key, setting)) for key, setting in settings.items()),
        )
        lines += [""]
    return "\n".join(lines)


def _row(key: str, setting: Setting) -> Iterator[str]:
    mark = "\\*" if key in IN_STASHS_FORM else ""
    yield f"**{setting.label}**{mark}"
    yield f"`{key}`"
    yield _kind(setting)
    yield plain(default_of(setting))
    yield plain(setting.means)


def _kind(setting: Setting) -> str:
    kind = kind_of(setting)
    if kind == "number":
        low, high = bounds(setting.field)
        return f"{setting.unit or 'number'}, {low} to {high}"
    words = choices_of(setting)
    return "one of " + ", ".join(f"`{word}`" for word in words) if words else kind


def kind_of(setting: Setting) -> str:
    """How a setting is entered: "switch", "number", "choice" or "text"."""
    default = DECLARED[setting.field].default
    if isinstance(default, (bool, int)):
        return "switch" if isinstance(default, bool) else "number"
    return "choice" if choices_of(setting) else "text"


def choices_of(setting: Setting) -> tuple[str, ...]:
    """The words of which a setting takes one; empty if it takes anything else."""
    field = DECLARED[setting.field]
    return get_args(field.type) if isinstance(field.default, str) else ()


def default_of(setting: Setting) -> str:
    """The default, and what it amounts to."""
    value = DECLARED[setting.field].default
    empty = not isinstance(value, (bool, int)) and not str(value)
    words = "off" if isinstance(value, bool) else "empty" if empty else str(value)
    return f"{words} ({setting.unset})" if setting.unset else words


def description_of(setting: Setting) -> str:
    """What Stash's form says of it."""
    limits = ""
    if kind_of(setting) == "number":
        limits = " Allowed: {} to {}.".format(*bounds(setting.field))
    return f"{setting.means} Default: {default_of(setting)}.{limits}"
