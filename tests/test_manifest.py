"""PlexSync.yml against Stash's strict parser, the settings model and the code."""

from __future__ import annotations

import os
import re

import pytest

import plexsync
from plexsync.flows.tasks.registry import TASKS
from plexsync.model.config import PlexSyncConfig, bounds
from plexsync.model.settings import FIELDS
from simulator.plugin_manifest import Manifest, load_manifest, other_manifests

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PATH = os.path.join(ROOT, "PlexSync.yml")

TRIGGERS = {
    "Scene.Update.Post",
    "Scene.Create.Post",
    "Scene.Destroy.Post",
    "Performer.Update.Post",
    "Performer.Destroy.Post",
    "Studio.Update.Post",
    "Studio.Destroy.Post",
    "Tag.Update.Post",
    "Tag.Destroy.Post",
    "Tag.Merge.Post",
    "Group.Update.Post",
    "Group.Destroy.Post",
}


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return load_manifest(PATH)


def default(key: str) -> object:
    return PlexSyncConfig.model_fields[FIELDS[key]].default


def test_stash_loads_it_and_starts_the_entry_file(manifest: Manifest) -> None:
    assert manifest.id == manifest.name == "PlexSync"
    assert manifest.interface == "raw"
    assert manifest.exec == ("python3", "-S", "{pluginDir}/PlexSync.py")


def test_it_names_the_version_of_the_code() -> None:
    with open(PATH, encoding="utf-8") as file:
        versions = re.findall(r'^version: "(.+)"$', file.read(), re.MULTILINE)
    assert versions == [plexsync.__version__]


def test_no_other_file_of_ours_looks_like_a_plugin() -> None:
    assert other_manifests(ROOT) == []


def test_each_event_calls_the_hook_once(manifest: Manifest) -> None:
    triggers = [name for hook in manifest.hooks for name in hook.triggered_by]
    assert sorted(triggers) == sorted(TRIGGERS)


def test_buttons_and_code_are_the_same_both_ways(manifest: Manifest) -> None:
    modes = [task.default_args["mode"] for task in manifest.tasks]
    assert sorted(modes) == sorted(mode for mode, task in TASKS.items() if task.button)
    assert all(task.description.endswith(".") for task in manifest.tasks)


def test_settings_and_model_are_the_same_both_ways(manifest: Manifest) -> None:
    assert set(manifest.settings) == set(FIELDS)
    assert set(FIELDS.values()) == set(PlexSyncConfig.model_fields)


def test_the_settings_stand_in_the_order_in_which_stash_shows_them(manifest: Manifest) -> None:
    assert list(manifest.settings) == sorted(manifest.settings)


@pytest.mark.parametrize("key", sorted(FIELDS))
def test_a_settings_type_is_the_fields(manifest: Manifest, key: str) -> None:
    kinds = {bool: "BOOLEAN", int: "NUMBER"}
    assert manifest.settings[key].type == kinds.get(type(default(key)), "STRING")


@pytest.mark.parametrize("key", sorted(FIELDS))
def test_a_settings_text_states_its_default_and_range(manifest: Manifest, key: str) -> None:
    setting, value = manifest.settings[key], default(key)
    description = setting.description.replace(" (if the field was never set)", "")
    if setting.type == "NUMBER":
        low, high = bounds(FIELDS[key])
        words = f"Default: {value}. Allowed: {low} to {high}."
    else:
        words = "Default: off" if setting.type == "BOOLEAN" else f"Default: {value or 'empty'}"
    assert words in description
    assert setting.display_name != key
    assert setting.description.endswith(".")


def test_the_messages_name_the_settings_as_the_page_does(manifest: Manifest) -> None:
    nothing_entered = PlexSyncConfig().missing()
    for key in ("plex_url", "plex_token"):
        assert f'"{manifest.settings[key].display_name}"' in nothing_entered
    for key in ("sync_only", "sync_never"):
        said = PlexSyncConfig(**{key: "?"}).unreadable()
        assert f'"{manifest.settings[key].display_name}"' in said
