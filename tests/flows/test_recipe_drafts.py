"""Drafts of recipes and filters: results for a few scenes, and how many scenes would change."""

from __future__ import annotations

from typing import Any

import pytest

from plexsync.flows.tasks.context import TaskFailed
from plexsync.flows.tasks.recipes import count_changes
from plexsync.flows.tasks.registry import TASKS
from plexsync.model.command import MOST_SAMPLES
from plexsync.policy.recipe.presets import PRESETS
from plexsync.policy.recipe.recipe import RECIPES
from tests.flows.test_commands_story import done, failed
from tests.task_running import run_task
from tests.world import World


def attempt(world: World, scenes: Any = None, **settings: object) -> Any:
    return done(world, "try_recipes", settings=settings, scenes=scenes)


def test_a_draft_shows_what_it_would_write_and_writes_nothing(world: World) -> None:
    studio = world.stash.add_studio("Acme")
    scene, item = world.pair("a.mp4", title="Film", studio=studio, date="2021-05-04")
    before = dict(world.settings)
    answer = attempt(
        world, scene, title="[{studio}: ]{title}[ ({year})]", labels="{studio}; {year}"
    )
    assert answer["problems"] == {}
    (shown,) = answer["scenes"]
    assert (shown["scene"], shown["left_out"], shown["problem"]) == (scene, "", "")
    assert shown["values"]["title"] == "Acme: Film (2021)"
    assert list(shown["values"]["labels"]) == ["Acme", "2021"]
    assert item.title != "Acme: Film (2021)"
    assert item.label == []
    assert world.stash.data.plugin_settings["PlexSync"] == before


def test_without_names_the_scenes_updated_last_are_shown(world: World) -> None:
    scenes = [
        world.pair(f"{n}.mp4", title=f"Film {n}", updated_at=1_600_000_000 + n)[0]
        for n in range(MOST_SAMPLES + 2)
    ]
    world.stash.edit(scenes[0], title="the last one")
    shown = attempt(world, title="{title}!")["scenes"]
    assert len(shown) == MOST_SAMPLES
    assert shown[0]["values"]["title"] == "the last one!"


def test_a_pattern_that_cannot_be_read_is_named_and_its_default_serves(world: World) -> None:
    scene, _ = world.pair("a.mp4", title="Film")
    answer = attempt(world, scene, title="{titel}", sync_only="organised", labels="X")
    assert '"title"' in answer["problems"]["title"]
    assert "sync_only" in answer["problems"]
    assert answer["scenes"][0]["values"]["title"] == "Film"
    assert list(answer["scenes"][0]["values"]["labels"]) == ["X"]


def test_a_draft_says_why_a_scene_would_be_left_out(world: World) -> None:
    scene, _ = world.pair("a.mp4", title="Film")
    (shown,) = attempt(world, scene, sync_only="organized")["scenes"]
    assert (shown["left_out"], shown["values"]) == ("not organized", {})


@pytest.mark.parametrize("key", ["plex_token", "nonsense"])
def test_only_settings_that_a_page_may_change_can_be_tried(world: World, key: str) -> None:
    world.pair("a.mp4", title="Film")
    assert f'no setting "{key}"' in failed(world, "try_recipes", settings={key: "x"})


def test_a_setting_whose_pattern_cannot_be_read_is_not_saved(world: World) -> None:
    before = dict(world.settings)
    words = failed(world, "save_settings", settings={"genres": "{tag", "labels": "X"})
    assert words.startswith("Nothing was changed: genres: ")
    words = failed(world, "save_settings", settings={"sync_never": "rating>=", "labels": "X"})
    assert words.startswith("Nothing was changed: sync_never: ")
    assert world.stash.data.plugin_settings["PlexSync"] == before


def test_changes_are_counted_over_all_scenes_without_asking_plex(world: World) -> None:
    acme = world.stash.add_studio("Acme")
    for n in range(6):
        world.pair(f"{n}.mp4", title=f"Film {n}", studio=acme if n < 2 else None)
    organized, _ = world.pair("o.mp4", title="Organized", studio=acme, organized=True)
    world.plex.stop()
    settings = {"title": "[{studio}: ]{title}"}
    count = run_task(world, count_changes, settings=settings)
    assert {k: count[k] for k in ("scenes", "changed", "left_out")} == {
        "scenes": 7, "changed": 3, "left_out": 0,
    }  # fmt: skip
    assert count["fields"] == {"title": 3}
    assert "3 of 7 scenes" in world.said()

    count = run_task(world, count_changes, settings={**settings, "sync_only": "organized"})
    assert (count["changed"], count["left_out"], count["newly_left_out"]) == (1, 6, 6)
    assert organized


def test_a_draft_that_cannot_be_read_is_not_counted(world: World) -> None:
    with pytest.raises(TaskFailed, match="Nothing was counted: title: "):
        run_task(world, count_changes, settings={"title": "{"})


def test_counting_reads_only_and_is_no_button() -> None:
    assert (TASKS["count_changes"].kind, TASKS["count_changes"].button) == ("reads", False)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_has_a_readable_text_for_every_pattern(world: World, preset: Any) -> None:
    scene, _ = world.pair("a.mp4", title="Film")
    assert set(preset.settings) == set(RECIPES)
    answer = attempt(world, scene, **preset.settings)
    assert answer["problems"] == {}
    assert answer["scenes"][0]["values"]["title"] == "Film"


def test_the_preset_for_stashplexagent_writes_what_it_wrote(world: World) -> None:
    parent = world.stash.add_studio("Big")
    site = world.stash.add_studio("Little", parent=parent)
    scene, _ = world.pair("a.mp4", title="Film", studio=site)
    settings = next(each.settings for each in PRESETS if each.key == "stashplexagent")
    values = attempt(world, scene, **settings)["scenes"][0]["values"]
    assert list(values["collections"]) == ["Site: Little", "Studio: Big"]
    assert values["content_rating"] == "XXX"
