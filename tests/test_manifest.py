"""PlexSync.yml against Stash's strict parser, the settings model and the code."""

from __future__ import annotations

import os
import re

import pytest

import plexsync
from docgen.settings import description_of, kind_of
from plexsync.flows.tasks.registry import PAGE_COMMANDS, TASKS, Function
from plexsync.model.config import DECLARED, PlexSyncConfig
from plexsync.model.settings_table import FIELDS, GROUPS, IN_STASHS_FORM, SETTINGS
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


def test_each_button_and_each_command_has_its_function() -> None:
    for name, task in {**TASKS, **PAGE_COMMANDS}.items():
        assert isinstance(task.action, Function)
        assert callable(task.action.load()), name


def test_settings_and_model_are_the_same_both_ways() -> None:
    assert set(FIELDS.values()) == set(DECLARED)
    assert len(FIELDS) == len(SETTINGS) == sum(map(len, GROUPS.values()))


def test_stashs_form_has_what_everybody_needs_in_the_order_in_which_stash_shows_it(
    manifest: Manifest,
) -> None:
    assert tuple(manifest.settings) == IN_STASHS_FORM == tuple(sorted(IN_STASHS_FORM))
    with open(PATH, encoding="utf-8") as file:
        assert (
            "all others are on PlexSync's page"
            in re.findall(r"^description: .*", file.read(), re.M)[0]
        )


@pytest.mark.parametrize("key", IN_STASHS_FORM)
def test_stashs_form_and_ours_say_the_same(manifest: Manifest, key: str) -> None:
    shown, setting = manifest.settings[key], SETTINGS[key]
    assert shown.display_name == setting.label
    assert shown.description == description_of(setting)
    kinds = {"switch": "BOOLEAN", "number": "NUMBER"}
    assert shown.type == kinds.get(kind_of(setting), "STRING")


@pytest.mark.parametrize("key", sorted(SETTINGS))
def test_a_setting_is_explained(key: str) -> None:
    setting = SETTINGS[key]
    assert setting.label != key
    assert setting.means.endswith(".")
    assert "Default:" not in setting.means
    assert kind_of(setting) == "number" or not setting.unit


def test_the_messages_name_the_settings_as_the_page_does() -> None:
    nothing_entered = PlexSyncConfig().missing()
    for key in ("plex_url", "plex_token"):
        assert f'"{SETTINGS[key].label}"' in nothing_entered
    for key in ("sync_only", "sync_never"):
        said = PlexSyncConfig(**{key: "?"}).unreadable()
        assert f'"{SETTINGS[key].label}"' in said
