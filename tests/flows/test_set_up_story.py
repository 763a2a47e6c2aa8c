"""The set-up: its steps, a manual Plex address, and settings that an open page writes back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from plexsync import inbox
from plexsync.flows.tasks.check_setup import check_setup
from plexsync.model.command import KIND
from plexsync.model.set_up import FILE, STEPS
from plexsync.policy.lost_settings import WATCHED
from plexsync.system import LockFile
from simulator.plex import PlexSim
from tests.flows.test_commands_story import ask, done, failed, order, told
from tests.task_running import run_task
from tests.world import TOKEN, World


def settings(world: World) -> dict[str, Any]:
    return dict(world.stash.data.plugin_settings["PlexSync"])


def places(folder: str, secret: str) -> list[str]:
    """Files of the data folder that contain it."""
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return [path.name for path in files if secret.encode() in path.read_bytes()]


def test_nothing_is_done_at_first(world: World) -> None:
    assert ask(world, "set_up") == {
        "connected": False,
        "done": [],
        "lost": [],
        "sign_in": None,
        "installing": False,
        "not_installed": "",
        "choice": "",
        "surveyed_at": None,
        "dry_pass": None,
    }


def test_steps_are_finished_without_any_settings(world: World) -> None:
    world.stash.set_plugin_settings({})
    assert done(world, "finish_step", step="libraries") == {"done": ["libraries"]}
    assert done(world, "finish_step", step="written") == {"done": ["libraries", "written"]}
    assert ask(world, "set_up")["done"] == ["libraries", "written"]


def test_whoever_has_met_plex_is_connected(world: World) -> None:
    scene, _ = world.pair("1.mp4", title="old")
    world.edit(scene, title="new")
    world.run()
    assert ask(world, "set_up")["connected"]
    Path(world.folder, "health_check.json").unlink(missing_ok=True)
    assert ask(world, "set_up")["connected"], "its libraries were read"


def test_an_unknown_step_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match=f"one of {', '.join(STEPS)}"):
        ask(world, "finish_step", step="dance")


def test_a_damaged_state_starts_afresh(world: World) -> None:
    for damage in ('{"version": 1, "finished": []}', "[]", '{"version": 1, "finished": {}}'):
        Path(world.folder, FILE).write_text(damage)
        world.sink.lines.clear()
        assert done(world, "finish_step", step="paths") == {"done": ["paths"]}
        assert f"{FILE} was damaged" in world.said("warning")


def test_the_page_sees_that_packages_are_being_installed(world: World) -> None:
    lock = LockFile(os.path.join(world.folder, "dependencies.lock"))
    assert lock.acquire()
    assert ask(world, "set_up")["installing"]
    lock.release()
    assert not ask(world, "set_up")["installing"]


def test_the_page_sees_why_packages_could_not_be_installed(world: World) -> None:
    at = world.clock.now()
    stamp = {"folder": "/x", "at": at - 60, "why": "no network", "verified": ""}
    Path(world.folder, "dependencies.json").write_text(json.dumps(stamp))
    assert ask(world, "set_up")["not_installed"] == "no network"
    Path(world.folder, "dependencies.json").write_text(json.dumps({**stamp, "at": at - 4000}))
    assert ask(world, "set_up")["not_installed"] == ""
    Path(world.folder, "dependencies.json").write_text("damaged")
    assert ask(world, "set_up")["not_installed"] == ""


def refuse_settings(world: World, why: str) -> Any:
    """Stash stores no settings."""

    def stores(asked: Any) -> bool:
        return "configurePlugin" in asked.query

    return world.stash.add_fault("graphql_errors", match=stores, message=why)


# --- by hand


def test_by_hand_address_and_token_are_tried_and_then_saved(world: World) -> None:
    world.stash.set_plugin_settings({"max_tags": 5})
    answer = done(world, "connect", url=f" {world.plex.url}/web/ ", token=f'"{TOKEN}"')
    assert answer["url"] == world.plex.url
    assert "Reload an open settings page" in answer["text"]
    assert settings(world) == {"max_tags": 5, "plex_url": world.plex.url, "plex_token": TOKEN}
    assert ask(world, "set_up")["connected"]


def test_without_a_token_the_one_in_use_stays(world: World) -> None:
    assert done(world, "connect", url=world.plex.url)["url"] == world.plex.url
    assert settings(world)["plex_token"] == TOKEN


def test_without_a_token_a_known_server_is_found_at_its_new_address(world: World) -> None:
    scene, _ = world.pair("1.mp4", title="old")
    world.edit(scene, title="new")
    world.run()
    world.configure(plex_url="http://127.0.0.1:9")
    assert done(world, "connect", url=world.plex.url)["url"] == world.plex.url
    assert settings(world)["plex_token"] == TOKEN


@pytest.mark.parametrize(
    ("met", "words"), [(True, "Another Plex server answers"), (False, "enter the token too")]
)
def test_the_token_in_use_is_not_sent_to_another_server(
    world: World, met: bool, words: str
) -> None:
    if met:
        scene, _ = world.pair("1.mp4", title="old")
        world.edit(scene, title="new")
        world.run()
    before = settings(world)
    with PlexSim(token=TOKEN, machine="somebody-elses") as stranger:
        assert words in failed(world, "connect", url=stranger.url)
        assert not [entry for entry in stranger.journal if "x-plex-token" in entry.headers]
    assert settings(world) == before


@pytest.mark.parametrize(
    ("url", "token", "words"),
    [
        ("", "wrong", "Plex refuses the token (401)"),
        ("", "eyJhbGciOi", "it is a short-lived token of plex.tv (JWT)"),
        ("http://127.0.0.1:9", "any", "nothing listens at 127.0.0.1:9"),
        ("ftp://nas", "any", "The address must begin with http"),
        ("http://me:secret@nas", "any", "The address must not contain a user name"),
        ("", "a token", "The token contains spaces"),
    ],
)
def test_what_does_not_work_by_hand_is_not_saved(
    world: World, url: str, token: str, words: str
) -> None:
    before = settings(world)
    said = failed(world, "connect", url=url or world.plex.url, token=token)
    assert said.startswith("Nothing was saved") and words in said
    assert settings(world) == before


def test_a_token_that_may_not_edit_is_not_saved(world: World) -> None:
    world.plex.add_fault("status", match="/status/sessions", status=403)
    said = failed(world, "connect", url=world.plex.url, token=TOKEN)
    assert "may read but not write" in said


def test_without_any_token_it_asks_for_one(world: World) -> None:
    world.stash.set_plugin_settings({})
    assert "enter a token too" in failed(world, "connect", url=world.plex.url)


def test_a_stash_that_stores_no_settings_is_named_and_nothing_is_done(world: World) -> None:
    world.stash.set_plugin_settings({})
    refuse_settings(world, "config.yml is read-only")
    assert "config.yml is read-only" in failed(world, "connect", url=world.plex.url, token=TOKEN)
    assert not ask(world, "set_up")["connected"]


def test_the_token_is_in_stashs_settings_and_nowhere_else(world: World) -> None:
    world.stash.set_plugin_settings({})
    accepted = order(world, "connect", url=world.plex.url, token=TOKEN)
    assert TOKEN not in json.dumps(told(world, accepted))
    world.run()
    found = told(world, accepted)
    assert found["state"] == "done" and found["args"] == {"url": world.plex.url}
    assert places(world.folder, TOKEN) == []
    assert TOKEN not in world.said()


def test_a_token_that_was_refused_is_kept_nowhere_either(world: World) -> None:
    wrong = "not-the-token-of-anybody"
    accepted = order(world, "connect", url=world.plex.url, token=wrong)
    world.run()
    assert told(world, accepted)["state"] == "failed"
    assert places(world.folder, wrong) == []
    assert wrong not in world.said() and wrong not in json.dumps(told(world, accepted))


def test_a_token_in_a_pasted_address_is_kept_nowhere(world: World) -> None:
    pasted = f"{world.plex.url}/library/metadata/1?X-Plex-Token={TOKEN}"
    world.stash.set_plugin_settings({})
    accepted = order(world, "connect", url=pasted, token="")
    world.run()
    assert "without a ? or # part" in told(world, accepted)["error"]
    assert places(world.folder, TOKEN) == []
    assert TOKEN not in world.said() and TOKEN not in json.dumps(told(world, accepted))


def test_a_secret_setting_that_a_page_sends_is_kept_nowhere(world: World) -> None:
    accepted = order(world, "save_settings", settings={"plex_token": "AnotherToken12345"})
    world.run()
    assert 'PlexSync has no setting "plex_token"' in told(world, accepted)["error"]
    assert places(world.folder, "AnotherToken12345") == []


def test_a_token_that_waits_is_not_shown_to_another_browser(world: World) -> None:
    accepted = order(world, "connect", url=world.plex.url, token=TOKEN)
    world.run(leave=lambda: "now")
    inbox_record = Path(world.folder, "inbox", "new", accepted)
    assert KIND.encode() in inbox_record.read_bytes()
    assert TOKEN not in json.dumps(told(world, accepted))
    world.run()
    assert inbox.names(world.folder) == set()


def test_two_browsers_connect_at_once_and_the_last_one_stays(world: World) -> None:
    with PlexSim(token="second", machine="second") as other:
        first = order(world, "connect", url=world.plex.url, token=TOKEN)
        second = order(world, "connect", url=other.url, token="second")
        world.run()
        assert {told(world, each)["state"] for each in (first, second)} == {"done"}
        assert settings(world)["plex_url"] == other.url
        assert settings(world)["plex_token"] == "second"


# --- an open settings page


def test_settings_that_an_open_page_writes_back_are_noticed(world: World) -> None:
    world.stash.set_plugin_settings({"max_tags": 5})
    opened = settings(world)
    done(world, "connect", url=world.plex.url, token=TOKEN)
    world.run()
    assert ask(world, "set_up")["lost"] == []
    world.stash.set_plugin_settings({**opened, "max_tags": 7})
    world.event(world.stash.add_scene("x"))
    world.run()
    assert ask(world, "set_up")["lost"] == ["plex_token", "plex_url"]
    assert "Reload that page, then set them again" in world.said("warning")
    assert any("plex_token, plex_url" in each for each in ask(world, "status")["problems"])
    points = run_task(world, check_setup)["points"]
    assert "Saved settings" in [point["point"] for point in points if point["state"] == "warn"]

    done(world, "connect", url=world.plex.url, token=TOKEN)
    world.run()
    assert ask(world, "set_up")["lost"] == []


@pytest.mark.parametrize("kept", [{}, {"max_tags": 20}, {"max_tags": 50}])
def test_a_page_may_have_been_open_since_before_several_changes(
    world: World, kept: dict[str, Any]
) -> None:
    others = {key: value for key, value in settings(world).items() if key != "max_tags"}
    world.stash.set_plugin_settings(others)
    for number in (20, 50, 60):
        done(world, "save_settings", settings={"max_tags": number})
    world.stash.set_plugin_settings({**others, **kept})
    world.event(world.stash.add_scene("x"))
    world.run()
    assert ask(world, "set_up")["lost"] == ["max_tags"]


def test_a_value_that_was_saved_again_is_not_lost(world: World) -> None:
    for number in (20, 50, 20):
        done(world, "save_settings", settings={"max_tags": number})
    world.event(world.stash.add_scene("x"))
    world.run()
    assert ask(world, "set_up")["lost"] == []


def test_a_setting_that_somebody_changes_on_purpose_is_not_lost(world: World) -> None:
    done(world, "save_settings", settings={"max_tags": 50})
    world.configure(max_tags=60)
    world.run()
    assert ask(world, "set_up")["lost"] == []


def test_what_goes_back_to_its_old_value_much_later_is_wanted(world: World) -> None:
    done(world, "save_settings", settings={"max_tags": 50})
    world.clock.passed += WATCHED + 1
    world.stash.set_plugin_settings({k: v for k, v in settings(world).items() if k != "max_tags"})
    world.event(world.stash.add_scene("x"))
    world.run()
    assert ask(world, "set_up")["lost"] == []
