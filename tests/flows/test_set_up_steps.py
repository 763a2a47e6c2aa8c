"""The set-up's steps after the first: libraries, paths, and what the first sync would do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plexsync.edges.storage.files import replace_json
from plexsync.flows.tasks.context import TaskFailed
from plexsync.flows.tasks.first_sync import first_sync
from plexsync.flows.tasks.survey import survey
from plexsync.model.stats import ENOUGH, FILE, Stats
from simulator.plex import PlexSim
from tests.flows.test_commands_story import ask, done
from tests.task_running import run_task
from tests.world import World


def surveyed(world: World) -> dict[str, Any]:
    answer = run_task(world, survey, owns=True)
    assert len(json.dumps(answer)) < 1 << 20
    return answer


def passed(world: World) -> dict[str, Any]:
    return run_task(world, first_sync, owns=True)


def films(world: World, count: int, folder: str = "", **scene: Any) -> list[int]:
    return [world.pair(f"{folder}{n}.mp4", title=f"Film {n}", **scene)[0] for n in range(count)]


def file(world: World, path: str, size: int, **scene: Any) -> int:
    return world.stash.add_scene(files=[(path, size)], title=path, **scene)


def test_each_library_says_what_it_is_and_how_many_of_stashs_files_it_holds(world: World) -> None:
    films(world, 3)
    other = world.plex.add_section(
        "Clips", locations=["/clips"], agent="com.plexapp.agents.stash", scanner="Plex Movie"
    )
    for n in range(2):
        world.plex.add_item(other, file=f"/clips/c{n}.mp4", size=50 + n)
    file(world, "/mnt/c0.mp4", 50)
    world.plex.add_section("Series", type="show", locations=["/series"])
    found = surveyed(world)
    shown = [
        (each["title"], each["items"], each["held"], each["chosen"], bool(each["why_not"]))
        for each in found["libraries"]
    ]
    assert shown == [
        ("Films", 3, 3, True, False),
        ("Clips", 2, 1, True, False),
        ("Series", None, 0, False, True),
    ]
    assert "it holds shows" in found["libraries"][2]["why_not"]
    (warning,) = found["libraries"][1]["warnings"]
    assert "legacy agents" in warning["text"]
    assert (found["files"], found["missing"]) == (4, 0)


def test_a_film_agent_and_hidden_collections_are_warned_of(world: World) -> None:
    films(world, 1)
    section = world.plex.add_section("Kino", locations=["/k"], agent="tv.plex.agents.movie")
    world.plex.sections[section].collection_mode = 1
    found = surveyed(world)
    texts = [each["text"] for each in found["libraries"][1]["warnings"]]
    assert ["plex.tv" in texts[0], "in a collection" in texts[1]] == [True, True]


def test_the_choice_of_libraries_is_shown_and_all_are_counted_anyway(world: World) -> None:
    films(world, 2)
    other = world.plex.add_section("Clips", locations=["/clips"])
    world.plex.add_item(other, file="/clips/c.mp4", size=50)
    world.configure(plex_library="films")
    found = surveyed(world)
    shown = [(each["title"], each["items"], each["chosen"]) for each in found["libraries"]]
    assert shown == [("Films", 2, True), ("Clips", 1, False)]
    done(world, "save_settings", settings={"plex_library": '"Clips"'})
    assert [each["chosen"] for each in surveyed(world)["libraries"]] == [False, True]


def test_a_path_map_is_suggested_with_files_of_both_sides_and_counted_with(world: World) -> None:
    world.configure(path_map="")
    films(world, 20)
    found = surveyed(world)
    assert found["path_map"]["suggested"] == "/plex=>/data"
    assert (found["path_map"]["explained_now"], found["path_map"]["explained"]) == (0, 20)
    (example,) = found["path_map"]["examples"]
    assert (example["stash"], example["becomes"]) == ("/data/0.mp4", "/plex/0.mp4")
    assert example["fits"]
    assert found["libraries"][0]["held"] == 20
    done(world, "adopt_path_map", path_map=found["path_map"]["suggested"])
    again = surveyed(world)["path_map"]
    assert (again["now"], again["suggested"], again["explained_now"]) == ("/plex=>/data", "", 20)


def test_files_that_match_nothing_are_grouped_by_folder_with_the_reason(world: World) -> None:
    films(world, 2)
    for n in range(3):
        file(world, f"/data/new/{n}.mp4", 70 + n)
        file(world, f"/attic/{n}.mp4", 80 + n)
    file(world, "/data/x-trailer.mp4", 90)
    found = surveyed(world)
    assert (found["files"], found["missing"]) == (9, 7)
    rows = {each["folder"]: (each["missing"], each["files"]) for each in found["folders"]["shown"]}
    assert rows == {"/attic": (3, 3), "/data/new": (3, 3), "/data": (1, 3)}
    why = {each["folder"]: each["why"] for each in found["folders"]["shown"]}
    assert "none of the libraries" in why["/attic"]
    assert "may still have to scan" in why["/data/new"]
    assert "-trailer" in why["/data"]


def test_no_file_in_common_suggests_nothing_and_an_empty_stash_has_no_folders(
    world: World,
) -> None:
    found = surveyed(world)
    assert (found["files"], found["folders"]["shown"]) == (0, [])
    assert found["path_map"]["suggested"] == ""
    world.film("only-in-plex.mp4", size=3)
    file(world, "/data/only-in-stash.mp4", 4)
    found = surveyed(world)
    assert (found["missing"], found["path_map"]["examples"]) == (1, [])
    assert found["libraries"][0]["held"] == 0


def test_thirty_libraries_are_all_there(world: World) -> None:
    for n in range(30):
        section = world.plex.add_section(f"Library {n}", locations=[f"/l{n}"])
        world.plex.add_item(section, file=f"/l{n}/{n}.mp4", size=100 + n)
        file(world, f"/l{n}/{n}.mp4", 100 + n)
    found = surveyed(world)
    assert [each["held"] for each in found["libraries"]] == [0, *[1] * 30]


def test_while_plex_is_down_nothing_is_compared(world: World) -> None:
    films(world, 2)
    world.plex.stop()
    for task in (survey, first_sync):
        with pytest.raises(TaskFailed, match="Nothing was compared"):
            run_task(world, task, owns=True)
    assert ask(world, "set_up")["dry_pass"] is None


def test_the_dry_pass_counts_what_the_first_sync_would_do(world: World) -> None:
    world.configure(no_poster=True, sync_never="tag:Private")
    (scene,) = films(world, 1, "same-")
    world.event(scene)
    world.run()
    films(world, 4)
    file(world, "/data/none.mp4", 5)
    world.pair("left-out.mp4", title="x", tags=[world.stash.add_tag("Private")])
    world.pair("untitled.mp4")
    world.film("only-in-plex.mp4", size=77)
    writes = world.plex.writes()
    found = passed(world)
    assert found["counts"] == {
        "differs": 4,
        "equal": 1,
        "missing": 1,
        "left_out": 1,
        "too_little": 1,
    }
    assert (found["done"], found["checked"], found["orphaned"]) == (True, 8, 1)
    assert len(found["examples"]) == 4
    assert found["estimate"]["assumed"] is True
    assert world.plex.writes() == writes
    assert ask(world, "set_up")["dry_pass"] == json.loads(json.dumps(found))


def test_what_was_written_counts_as_equal_afterwards(world: World) -> None:
    world.configure(no_poster=True)
    films(world, 6)
    assert passed(world)["counts"] == {"differs": 6}
    for scene in passed(world)["examples"]:
        world.event(scene)
    world.run()
    found = passed(world)
    assert found["counts"] == {"equal": 6}
    assert found["estimate"]["assumed"]


def test_once_writes_were_measured_the_estimate_is_made_of_them(world: World) -> None:
    world.configure(no_poster=True)
    films(world, 10)
    stats = Stats(world.clock.now())
    for _ in range(ENOUGH):
        stats.note("done", world.clock.now(), written=True)
    stats.took(0.25, ENOUGH)
    replace_json(f"{world.folder}/{FILE}", stats.to_json())
    assert passed(world)["estimate"] == {"seconds": 2.5, "assumed": False}


def test_a_pass_that_is_interrupted_by_plex_goes_on_where_it_was(world: World) -> None:
    world.configure(no_poster=True, reconcile_batch_size=10)
    films(world, 35)
    seen: list[str] = []

    def third_page(entry: Any) -> bool:
        if "PlexSyncScenePage" in entry.query:
            seen.append(entry.query)
        return len(seen) > 2

    fault = world.stash.add_fault("status", match=third_page, status=500)
    with pytest.raises(TaskFailed, match="continue from there"):
        passed(world)
    kept = ask(world, "set_up")["dry_pass"]
    assert (kept["done"], kept["estimate"]) == (False, None)
    assert 0 < kept["checked"] < 35
    fault.remove()
    found = passed(world)
    assert found["counts"] == {"differs": 35}
    assert "Continuing where it was stopped" in world.said("info")


def test_other_settings_start_the_pass_over(world: World) -> None:
    world.configure(no_poster=True)
    films(world, 3)
    passed(world)
    world.configure(title="{title}!")
    passed(world)
    assert "Continuing" not in world.said("info")


@pytest.mark.parametrize(
    ("settings", "stays"),
    [
        ({"sync_only": "organized"}, False),
        ({"title": "{title}!"}, False),
        ({"path_map": "/other=>/data"}, False),
        ({"plex_library": "Nothing"}, False),
        ({"notify_after": 5}, True),
    ],
)
def test_the_page_shows_no_numbers_of_other_settings(
    world: World, settings: dict[str, object], stays: bool
) -> None:
    films(world, 3)
    passed(world)
    done(world, "save_settings", settings=settings)
    assert bool(ask(world, "set_up")["dry_pass"]) is stays


def test_another_server_has_other_libraries(world: World) -> None:
    report = Path(world.folder, "reports", "survey.json")
    report.parent.mkdir(exist_ok=True)
    report.write_text('{"state": "done"}')
    done(world, "connect", url=world.plex.url)
    assert report.exists(), "it is the same one"
    with PlexSim(token="second", machine="second") as other:
        done(world, "connect", url=other.url, token="second")
    assert not report.exists()


def test_the_choice_is_kept_and_the_page_is_told(world: World) -> None:
    done(world, "finish_step", step="first-sync", choice="now_on")
    found = ask(world, "set_up")
    assert (found["done"], found["choice"]) == (["first-sync"], "now_on")
    done(world, "finish_step", step="paths")
    assert ask(world, "set_up")["choice"] == "now_on"


@pytest.mark.parametrize(
    "args", [{"step": "first-sync"}, {"step": "paths", "choice": "all"}, {"step": "x"}]
)
def test_a_choice_belongs_to_the_first_sync_only(world: World, args: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="finish_step"):
        ask(world, "finish_step", **args)


def test_a_damaged_pass_is_reported_and_replaced(world: World) -> None:
    world.configure(no_poster=True)
    films(world, 2)
    passed(world)
    with open(f"{world.folder}/first_sync.json", "w") as file:
        file.write('{"version": 1, "counts": {"odd": 3}}')
    assert ask(world, "set_up")["dry_pass"] is None
    assert passed(world)["counts"] == {"differs": 2}
    assert "first_sync.json was damaged" in world.said("warning")
