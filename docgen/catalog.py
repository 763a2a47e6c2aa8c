"""web/catalog.js: every setting, placeholder and preset, as the page offers them.

Made from the table of settings, their model and the recipes, so that the page needs no request for them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from docgen.settings import choices_of, default_of, kind_of
from plexsync.model.config_reader import bounds
from plexsync.model.reasons import GAPS
from plexsync.model.settings_table import FIELDS, GROUPS, SETTINGS, Setting
from plexsync.policy.recipe.placeholders import SPECS
from plexsync.policy.recipe.presets import PRESETS
from plexsync.policy.recipe.recipe import RECIPES
from simulator.plugin_manifest import load_manifest

HEAD = """\
/*
 * Every setting, placeholder and preset. Generated from plexsync/model and plexsync/policy/recipe by
 * `python3 dev.py docs`: change them there.
 */
(function () {
	"use strict";

	const { PlexSync } = window;
	if (!PlexSync) return;

	PlexSync.catalog = """

TASKS = """\
const keys = Object.keys(PlexSync.catalog.settings);
for (const group of PlexSync.catalog.groups) group.keys = keys.splice(0, group.size);
Object.assign(PlexSync.core.TASKS, PlexSync.catalog.tasks);
"""

_OPPOSITE = "no_"
_KEY = re.compile(r'(?<=[{,])"([a-z_]+)":')
"""A key, which JavaScript takes without quotes; within a text a quote has a backslash before it."""


def document(root: Path) -> str:
    """The script."""
    manifest = load_manifest(str(root / "PlexSync.yml"))
    catalog: dict[str, Mapping[str, Any] | Sequence[Any]] = {
        "groups": [{"name": name, "size": len(keys)} for name, keys in GROUPS.items()],
        "settings": {key: _setting(SETTINGS[key]) for keys in GROUPS.values() for key in keys},
        "recipes": [_recipe(key) for key in RECIPES],
        "placeholders": {
            f"{{{'?' * spec.condition}{name}}}": spec.means for name, spec in SPECS.items()
        },
        "gaps": GAPS,
        "tasks": {task.default_args["mode"]: task.name for task in manifest.tasks},
        "presets": [
            {**preset._asdict(), "settings": {k: v for k, v in preset.settings.items() if v}}
            for preset in PRESETS
        ],
    }
    parts = (f"{name}:{_lines(entries)}" for name, entries in catalog.items())
    return HEAD + "{\n" + ",\n".join(parts) + f"\n}};\n{TASKS}}})();\n"


def _lines(entries: Mapping[str, Any] | Sequence[Any]) -> str:
    """An object or a list with a line for each entry: small, and readable in a diff."""
    if isinstance(entries, Mapping):
        quoted = (key if key.isidentifier() else json.dumps(key) for key in entries)
        pairs = (
            f"{key}:{_short(value)}" for key, value in zip(quoted, entries.values(), strict=True)
        )
        return "{\n" + ",\n".join(pairs) + "\n}"
    return "[\n" + ",\n".join(map(_short, entries)) + "\n]"


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return _KEY.sub(r"\1:", text)


def _setting(setting: Setting) -> dict[str, Any]:
    """How one setting is shown; what is empty is left out, as is the kind of a text."""
    kind = kind_of(setting)
    shown: dict[str, Any] = {
        "label": setting.label,
        "kind": "" if kind == "text" else kind,
        "means": setting.means,
        "default": default_of(setting),
        "unit": setting.unit,
        "choices": list(choices_of(setting)),
        "secret": setting.secret,
    }
    if kind == "number":
        shown["low"], shown["high"] = bounds(setting.field)
    return {name: value for name, value in shown.items() if value not in ("", [], False)}


def _recipe(key: str) -> dict[str, Any]:
    """A pattern: the field it makes, what it is while empty, and the switch that turns it off."""
    recipe = RECIPES[key]
    switch = next((each for each, name in FIELDS.items() if name == recipe.switch), "")
    shown = {
        "key": key,
        "label": SETTINGS[key].label.removeprefix("Recipe: ").capitalize(),
        "field": recipe.field,
        "default": recipe.default,
        "switch": switch if switch.startswith(_OPPOSITE) else "",
    }
    return {name: value for name, value in shown.items() if value}
