"""web/catalog.js: every setting, placeholder and preset, as the page offers them.

Made from PlexSync.yml, the settings' model and the recipes, so that the page asks nobody for them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from docgen.settings import GROUPS, default_of, split_description
from plexsync.model.config import PlexSyncConfig, bounds
from plexsync.model.settings import FIELDS
from plexsync.policy.recipe.placeholders import SPECS
from plexsync.policy.recipe.presets import PRESETS
from plexsync.policy.recipe.recipe import RECIPES
from simulator.plugin_manifest import Setting, load_manifest

HEAD = """\
/*
 * Every setting, placeholder and preset. Generated from PlexSync.yml and plexsync/policy/recipe by
 * `python3 dev.py docs`: change them there.
 */
(function () {
  "use strict";

  const { PlexSync } = window;
  if (!PlexSync) return;

  PlexSync.catalog = """

_OPPOSITE = "no_"


def document(root: Path) -> str:
    """The script."""
    settings = load_manifest(str(root / "PlexSync.yml")).settings
    catalog = {
        "groups": [{"name": name, "keys": list(keys)} for name, keys in GROUPS.items()],
        "settings": {key: _setting(key, settings[key]) for key in sorted(settings)},
        "recipes": [_recipe(key, settings) for key in RECIPES],
        "placeholders": [
            {"text": f"{{{'?' * spec.condition}{name}}}", "means": spec.means}
            for name, spec in SPECS.items()
        ],
        "presets": [preset._asdict() for preset in PRESETS],
    }
    text = json.dumps(catalog, indent=2, ensure_ascii=False)
    return f"{HEAD}{text.replace(chr(10), chr(10) + '  ')};\n}})();\n"


def _setting(key: str, setting: Setting) -> dict[str, Any]:
    """How one setting is shown: its kind is "switch", "number", "choice" or "text"."""
    name = FIELDS[key]
    field = PlexSyncConfig.model_fields[name]
    means, said, more = split_description(setting.description)
    default_of(key, said)
    shown: dict[str, Any] = {
        "label": setting.display_name,
        "kind": {"BOOLEAN": "switch", "NUMBER": "number"}.get(setting.type, "text"),
        "means": f"{means} {more}".strip(),
        "default": said,
    }
    if setting.type == "NUMBER":
        shown["low"], shown["high"] = bounds(name)
    elif isinstance(field.default, str) and (words := get_args(field.annotation)):
        shown["kind"], shown["choices"] = "choice", list(words)
    return shown


def _recipe(key: str, settings: Mapping[str, Setting]) -> dict[str, Any]:
    """A pattern: the field it makes, what it is while empty, and the switch that turns it off."""
    recipe = RECIPES[key]
    switch = next((each for each, name in FIELDS.items() if name == recipe.switch), "")
    return {
        "key": key,
        "label": settings[key].display_name.removeprefix("Recipe: ").capitalize(),
        "field": recipe.field,
        "default": recipe.default,
        "switch": switch if switch.startswith(_OPPOSITE) else "",
    }
