"""Generates docs/settings.md from PlexSync.yml's texts and the model's defaults and limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

from docgen.markdown import generated, plain, table
from plexsync.model.config import PlexSyncConfig, bounds
from plexsync.model.settings import FIELDS
from simulator.plugin_manifest import Setting, load_manifest

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Connection": (
        "plex_url", "plex_token", "plex_certificate", "plex_library",
        "connect_timeout", "read_timeout", "plex_connections",
    ),
    "Finding the Plex item": (
        "path_map", "accept_ambiguous", "skip_not_found", "trigger_plex_scan",
    ),
    "Which scenes": ("sync_only", "sync_never"),
    "What is written": (
        "no_summary", "no_studio", "no_date", "no_performers", "no_tags", "no_director",
        "no_collection", "no_poster", "no_tagline",
        "sync_background", "sync_groups", "sync_rating", "sync_code",
        "poster_from", "background_from", "collection_details", "collection_sort",
        "max_tags", "max_performers", "strip_emoji", "strict_mode", "preserve_plex_edits",
    ),
    "What becomes what": (
        "title", "sort_title", "original_title", "summary", "tagline", "studio", "content_rating",
        "genres", "collections", "labels", "actors", "directors", "writers", "ignore_tags",
    ),
    "Pausing, retries, dead letters": (
        "pause_sync", "no_master", "max_retries", "dlq_retention_days",
    ),
    "After an outage of Plex": (
        "recovery_strategy", "recovery_minutes", "recovery_start_rate", "recovery_end_rate",
    ),
    "Reconciliation": (
        "reconcile_interval", "reconcile_scope", "reconcile_batch_size", "skip_missing",
    ),
    "Log and privacy": ("debug_logging", "obfuscate_paths"),
}  # fmt: skip
"""All settings, grouped for the reader."""

KINDS = {"BOOLEAN": "switch", "NUMBER": "number", "STRING": "text"}

HEAD = """# Settings

Stash shows them under Settings > Plugins > PlexSync, sorted by their keys; here they are grouped.
Only **Plex URL** and **Plex token** have to be entered. A change takes effect with the next batch; no
restart is needed.

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
    found = load_manifest(str(root / "PlexSync.yml")).settings
    grouped = [key for keys in GROUPS.values() for key in keys]
    if sorted(grouped) != sorted(found):
        raise ValueError(
            f"not in one group: {sorted(set(grouped) ^ set(found)) or 'one is in two'}"
        )
    lines = [generated("PlexSync.yml and plexsync/model/config.py"), HEAD]
    for title, keys in GROUPS.items():
        lines += [f"## {title}", ""]
        lines += table(
            ("setting", "key", "kind", "default", "what it does"),
            (tuple(_row(key, found[key])) for key in keys),
        )
        lines += [""]
    return "\n".join(lines)


def _row(key: str, setting: Setting) -> Iterator[str]:
    text, said, more = split_description(setting.description)
    yield f"**{setting.display_name}**"
    yield f"`{key}`"
    yield _kind(key, setting)
    yield plain(default_of(key, said))
    yield plain(f"{text} {more}".strip())


def split_description(description: str) -> tuple[str, str, str]:
    """Split a description into what it does, its default, and the rest."""
    parts = re.fullmatch(
        r"(.*?) Default: ((?:[^.(]|\([^)]*\))+)\.(?: Allowed: [^.]+\.)?(.*)", description
    )
    if parts is None:
        raise ValueError(f"it states no default: {description}")
    return parts[1], parts[2], parts[3].strip()


def _kind(key: str, setting: Setting) -> str:
    name = FIELDS[key]
    if setting.type == "NUMBER":
        low, high = bounds(name)
        return f"number, {low} to {high}"
    field = PlexSyncConfig.model_fields[name]
    words = get_args(field.annotation) if isinstance(field.default, str) else ()
    return "one of " + ", ".join(f"`{word}`" for word in words) if words else KINDS[setting.type]


def default_of(key: str, said: str) -> str:
    """The default as stated in the manifest; raises ValueError unless it is the model's."""
    value = PlexSyncConfig.model_fields[FIELDS[key]].default
    empty = not isinstance(value, (bool, int)) and not str(value or "").strip("*")
    words = "off" if isinstance(value, bool) else "empty" if empty else str(value)
    if said.split(" (")[0] != words:
        raise ValueError(f"{key}: PlexSync.yml says {said!r}, the model {words!r}")
    return said
