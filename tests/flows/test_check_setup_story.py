"""Check Setup: each point and its remedy, for correct and incorrect set-ups."""

from __future__ import annotations

import json
import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from plexsync import inbox
from plexsync.flows.tasks.check_setup import check_setup
from plexsync.flows.tasks.setup_edit import editing
from plexsync.model.ledger import Pin
from plexsync.system import LockFile
from tests.task_running import run_task
from tests.world import ROOT


@pytest.fixture(autouse=True)
def installed(world: Any, tmp_path: Path) -> Path:
    """A copy of the plugin in a folder of plugins, as in Stash."""
    folder = tmp_path / "plugins" / "PlexSync"
    folder.mkdir(parents=True)
    for name in ("PlexSync.yml", "requirements.txt"):
        shutil.copy(ROOT / name, folder)
    world.plugin_dir = folder
    return folder


def check(world: Any) -> dict[str, list[dict[str, str]]]:
    """The points by name."""
    output = run_task(world, check_setup)
    json.dumps(output)
    found: dict[str, list[dict[str, str]]] = {}
    for point in output["points"]:
        assert point["state"] in ("ok", "warn", "bad")
        assert point["remedy"] or point["state"] == "ok" or "could not be checked" in point["text"]
        found.setdefault(point["point"], []).append(point)
    return found


def one(points: dict[str, list[dict[str, str]]], name: str) -> tuple[str, str, str]:
    (point,) = points[name]
    return point["state"], point["text"], point["remedy"]


def library(world: Any, count: int, folder: str = "") -> None:
    for number in range(count):
        world.film(f"{folder}{number}.mp4", size=1000 + number)
        files = [(f"/data/{folder}{number}.mp4", 1000 + number)]
        world.stash.add_scene(title=f"T{number}", files=files)


def test_a_healthy_set_up_is_ok_in_every_point_that_it_can_change(world: Any) -> None:
    library(world, 25)
    points = check(world)
    expected = [
        "Plex URL",
        "Plex token",
        "Plex",
        "Token's owner",
        "Libraries",
        "List pages",
        "Editing",
        "Clock",
        "Stash",
        "Older plugin",
        "Data folder",
        "Dependencies",
        "Worker",
        "Worker's log",
        "Plex's files",
        "Sample scenes",
        "Path map",
    ]
    assert {name: one(points, name)[0] for name in expected} == dict.fromkeys(expected, "ok")
    assert one(points, "Plex token")[1] == "********"
    assert one(points, "Libraries")[1] == "1 movie library: Films"
    assert one(points, "Sample scenes")[1] == "20 of 20 found in Plex (20 by path)"
    assert one(points, "Path map")[1] == (
        "the path map explains 100.0% of 25 files that both servers have"
    )
    assert "[ok] Plex URL: http://127.0.0.1" in world.said("info")
    assert "plex-sim-token" not in world.said()


def test_a_long_token_shows_its_ends_only(world: Any) -> None:
    world.configure(plex_token="abcdefghijklmnopqrstuvwxyz")
    points = check(world)
    assert one(points, "Plex token")[1] == "abcd...wxyz"
    assert one(points, "Plex")[0] == "bad"
    assert "Enter a new Plex token" in one(points, "Plex")[2]
    assert "efghijklmnopqrstuv" not in world.said()


def test_with_nothing_entered_the_rest_is_checked_all_the_same(world: Any) -> None:
    world.configure(plex_url="", plex_token="")
    points = check(world)
    assert one(points, "Plex URL")[0] == one(points, "Plex token")[0] == "bad"
    assert one(points, "Stash")[0] == "ok"
    assert "Data folder" in points
    assert "Plex" not in points
    assert "was not checked" in world.said("info")


def test_a_dead_plex_is_one_point_of_many(world: Any) -> None:
    world.plex.stop()
    points = check(world)
    state, text, remedy = one(points, "Plex")
    assert (state, text[:5]) == ("bad", "down:")
    assert "Plex URL" in remedy
    assert "Worker" in points


def test_the_path_map_is_suggested_from_both_sides(world: Any) -> None:
    world.configure(path_map="")
    library(world, 30)
    other = world.plex.add_section("Clips", locations=["/clips"])
    for number in range(20):
        world.plex.add_item(other, file=f"/clips/x/c{number}.mp4", size=number + 1)
        world.stash.add_scene(title="C", files=[(f"/mnt/clips/x/c{number}.mp4", number + 1)])
    output = run_task(world, check_setup)
    (point,) = [p for p in output["points"] if p["point"] == "Path map"]
    assert point["state"] == "warn"
    assert "explains 0.0% of 50 files that both servers have" in point["text"]
    assert "2 pairs explain 100.0%" in point["text"]
    suggested = output["path_map"]["suggested"]
    assert suggested in point["remedy"]
    assert set(suggested.split("; ")) == {"/plex=>/data", "/clips=>/mnt/clips"}
    world.configure(path_map=suggested)
    assert one(check(world), "Path map")[0] == "ok"


def test_same_paths_need_no_map_and_strangers_have_none(world: Any) -> None:
    world.configure(path_map="")
    world.stash.add_scene(title="A", files=[("/data/a.mp4", 5)])
    state, text, remedy = one(check(world), "Path map")
    assert (state, "no file in Plex has the name" in text) == ("warn", True)
    assert "scanned" in remedy
    world.film("b.mp4", size=9)
    world.stash.add_scene(title="B", files=[("/plex/b.mp4", 9)])
    state, text, _ = one(check(world), "Path map")
    assert (state, text) == (
        "ok",
        "without a path map the same paths explain 100.0% of 1 file that both servers have",
    )


def test_paths_that_go_together_in_no_simple_way(world: Any) -> None:
    for number in range(40):
        world.film(f"{number * 7 % 40}/q/{number}.mp4", size=number + 1)
        files = [(f"/data/{number}/{number % 3}/{number}.mp4", number + 1)]
        world.stash.add_scene(title="A", files=files)
    state, text, remedy = one(check(world), "Path map")
    assert (state, "no small set of pairs explains more than" in text) == ("warn", True)
    assert "name and size" in remedy


def test_sample_scenes_say_how_they_were_found(world: Any) -> None:
    world.configure(path_map="")
    world.pair("sub/suffix.mp4", title="A")
    pinned, _ = world.pair("p.mp4", title="P")
    absent = world.stash.add_scene(title="N", files=[("/data/none.mp4", 3)])
    app = world.stores()
    app.stores.ledger.use_server(world.plex.machine)
    app.stores.ledger.pin(pinned, Pin("/plex/sub/suffix.mp4"))
    app.close()
    state, text, remedy = one(check(world), "Sample scenes")
    assert state == "warn"
    assert "2 of 3 found in Plex" in text
    assert "1 by the end of the path" in text
    assert "1 by a pin" in text
    assert f'scene {absent} ("/data/none.mp4")' in text
    assert "path map" in remedy


def test_libraries_that_are_not_there_or_hold_something_else(world: Any) -> None:
    world.plex.add_section("Series", locations=["/tv"], type="show")
    world.configure(plex_library="Films, Serise, series")
    points = check(world)["Libraries"]
    texts = [point["text"] for point in points]
    assert 'Plex has no library "Serise"' in texts
    assert 'the library "series" holds shows; PlexSync writes to movie libraries' in texts
    assert "1 movie library: Films" in texts


def named(world: Any, name: str) -> list[tuple[str, str, str]]:
    return [(p["state"], p["text"], p["remedy"]) for p in check(world).get(name, [])]


def test_plex_tells_its_version_and_platform_and_how_each_library_is_set_up(world: Any) -> None:
    points = check(world)
    text = one(points, "Plex")[1]
    assert text.endswith("; version 1.41.3.9314-a0bfb8370 on Linux 20.04.1 LTS")
    assert one(points, "Library Films")[:2] == (
        "ok",
        "agent com.plexapp.agents.none, scanner Plex Video Files Scanner; collections and their "
        "items are shown",
    )


def test_what_plex_does_not_tell_is_no_fault(world: Any) -> None:
    world.plex.add_fault("status", match=lambda r: r.path == "/", times=None, status=401)
    world.plex.add_fault("status", match=lambda r: r.path.endswith("prefs"), times=None, status=404)
    points = check(world)
    assert one(points, "Plex")[1].endswith("; version 1.41.3.9314-a0bfb8370")
    assert one(points, "Library Films")[0] == "ok"


@pytest.mark.parametrize(
    ("agent", "warned"),
    [
        ("com.plexapp.agents.none", ""),
        ("tv.plex.agents.none", ""),
        ("tv.plex.agents.movie", "plex.tv"),
        ("com.plexapp.agents.stashplexagent", "Plex drops in 2026"),
        ("tv.plex.agents.nfo", ""),
    ],
)
def test_agents_that_somebody_should_know_of(world: Any, agent: str, warned: str) -> None:
    world.plex.sections[world.section].agent = agent
    details, *warnings = named(world, "Library Films")
    assert (details[0], agent in details[1]) == ("ok", True)
    assert [state for state, *_ in warnings] == (["warn"] if warned else [])
    assert all(warned in text and "Personal Media" in remedy for _, text, remedy in warnings)


def test_collections_that_hide_their_items(world: Any) -> None:
    home = world.plex.sections[world.section]
    home.collection_mode = 1
    _, warning = named(world, "Library Films")
    assert warning[0] == "warn"
    assert "does not show items that are in a collection" in warning[1]
    assert "Show collections and their items" in warning[2]
    world.configure(no_collection=True)
    assert len(named(world, "Library Films")) == 1
    world.configure(no_collection=False)
    home.collection_mode = 0
    assert len(named(world, "Library Films")) == 1


def test_an_item_that_plex_cannot_read_is_named(world: Any) -> None:
    library(world, 12)
    world.plex.item(8).broken = True
    _, (state, text, remedy) = named(world, "Library Films")
    assert (state, text) == (
        "warn",
        '1 item cannot be read by Plex itself: at position 8, added next after "/plex/6.mp4"',
    )
    assert "refresh its metadata" in remedy
    for key in (1, 3, 5):
        world.plex.item(key).broken = True
    world.clock.jumped += 90000
    text = named(world, "Library Films")[1][1]
    assert text == (
        "4 items cannot be read by Plex itself: at position 1, at position 3, added next after "
        '"/plex/1.mp4", at position 5, added next after "/plex/3.mp4" and 1 more'
    )


def test_files_that_can_never_become_items_are_counted_among_the_misses(world: Any) -> None:
    library(world, 5)
    names = ["Scenes/a.mp4", "Scenes/b.mp4", "c-trailer.mp4", "sample.mp4", "fine.mp4"]
    for name in names:
        world.stash.add_scene(title="A", files=[(f"/data/{name}", 700)])
    world.stash.add_scene(title="A", files=[("/elsewhere/Extras/d.mp4", 700)])
    ((state, text, remedy),) = named(world, "Files that Plex passes over")
    assert state == "warn"
    assert text == (
        "4 of 6 files that Plex lacks can never become its items (2: a folder like Extras or "
        'Scenes; 1: a name that ends like -scene or -trailer; 1: a small file named "sample"), such as '
        '"/data/Scenes/a.mp4": it is in a folder named "Scenes", which Plex takes for extras of '
        "a film"
    )
    assert remedy == "Rename the folder, then let Plex scan it."
    assert named(world, "Files outside Plex's libraries")[0][1].endswith('1 in "/elsewhere/Extras"')
    world.configure(skip_not_found=True)
    assert named(world, "Files that Plex passes over")[0][0] == "ok"


def test_types_and_folders_that_plex_ignores_are_misses_too(world: Any) -> None:
    names = ["a.f4v", "@eaDir/b.mp4", ".c.mp4", "fine.mp4"]
    for name in names:
        world.stash.add_scene(title="A", files=[(f"/data/{name}", 700)])
    ((state, text, _),) = named(world, "Files that Plex passes over")
    assert state == "warn"
    assert text == (
        "3 of 4 files that Plex lacks can never become its items (1: a type of file that Plex does "
        'not play; 1: a hidden or temporary folder; 1: a hidden file), such as "/data/a.f4v": it is '
        "of the type .f4v, which Plex does not take for a video"
    )


def test_files_outside_every_library_are_listed_by_folder(world: Any) -> None:
    library(world, 2)
    for name in ("/mnt/x/a.mp4", "/mnt/x/b.mp4", "/mnt/y/c.mp4", "/data/missing.mp4"):
        world.stash.add_scene(title="A", files=[(name, 700)])
    ((state, text, remedy),) = named(world, "Files outside Plex's libraries")
    assert (state, text) == (
        "warn",
        "3 of 4 files that Plex lacks are in no folder of the libraries that PlexSync writes to: "
        '2 in "/mnt/x", 1 in "/mnt/y"',
    )
    assert "Add the folders to a library" in remedy
    world.configure(skip_not_found=True)
    assert named(world, "Files outside Plex's libraries")[0][0] == "ok"


def test_files_that_this_machine_cannot_see(world: Any, tmp_path: Path) -> None:
    there = tmp_path / "a.mp4"
    there.touch()
    world.stash.add_scene(title="A", files=[(str(there), 700)])
    (tmp_path / "b.zip").touch()
    world.stash.add_scene(title="B", files=[(str(tmp_path / "b.zip" / "in.mp4"), 700)])
    assert one(check(world), "Stash's files")[:2] == (
        "ok",
        "2 files of Stash looked for, all there",
    )
    world.stash.add_scene(title="C", files=[("/unmounted/c.mp4", 700)])
    state, text, remedy = one(check(world), "Stash's files")
    assert (state, text) == (
        "warn",
        '1 of 3 files of Stash cannot be found from here, such as "/unmounted/c.mp4"',
    )
    assert "mounted" in remedy


def synced(world: Any) -> Any:
    """A scene whose item PlexSync has written."""
    scene, item = world.pair("ours.mp4", title="Ours")
    world.film("theirs.mp4")
    world.event(scene)
    world.run()
    world.plex.clear_journal()
    return item


def puts(world: Any) -> list[Any]:
    return [entry for entry in world.plex.journal if entry.method != "GET"]


def test_an_edit_is_tried_on_an_item_of_ours_and_put_back(world: Any) -> None:
    item = synced(world)
    before = set(item.locks), item.title
    state, text, _ = one(check(world), "Editing")
    assert (state, "was put back" in text) == ("ok", True)
    assert [(e.get("id"), e.get("contentRating.locked")) for e in puts(world)] == [
        (str(item.key), "1"),
        (str(item.key), "0"),
    ]
    assert (set(item.locks), item.title) == before


def test_no_edit_is_tried_where_nothing_is_ours_or_nothing_may_be_written(world: Any) -> None:
    world.film("theirs.mp4")
    assert one(check(world), "Editing")[1] == (
        "not tried: Plex has no item yet that PlexSync has written"
    )
    item = synced(world)
    world.configure(pause_sync=True)
    assert one(check(world), "Editing")[1] == "not tried: syncing is paused in the settings"
    world.configure(pause_sync=False)
    item.files = [("/plex/another.mp4", 5)]
    assert one(check(world), "Editing")[1].startswith("not tried: Plex has no item yet")
    assert puts(world) == []


def test_no_edit_is_tried_while_a_worker_does_not_step_aside(world: Any) -> None:
    synced(world)
    lock = LockFile(os.path.join(world.folder, "worker.lock"))
    lock.acquire()
    try:
        output = run_task(world, lambda c: {"points": list(editing(c, patience=0.05))})
    finally:
        lock.release()
    assert output["points"][0].text == "not tried: the background worker or another task is busy"
    assert puts(world) == []


@pytest.mark.parametrize(
    ("fault", "options", "words"),
    [
        ("ignore_edit", {}, "the lock did not change"),
        ("status", {"match": "PUT", "status": 403}, ""),
        ("status", {"match": "PUT", "status": 500}, "an edit of a lock failed"),
    ],
)
def test_a_plex_that_does_not_write_is_noticed(
    world: Any, fault: str, options: dict[str, Any], words: str
) -> None:
    item = synced(world)
    before = set(item.locks)
    world.plex.add_fault(fault, times=None, **options)
    state, text, remedy = one(check(world), "Editing")
    assert (state, words in text, bool(remedy)) == ("bad", True, True)
    assert set(item.locks) == before


def test_a_lock_that_could_not_be_put_back_is_named(world: Any) -> None:
    item = synced(world)
    world.plex.add_fault("status", match=lambda r: r.get("contentRating.locked") == "0", status=500)
    state, _, remedy = one(check(world), "Editing")
    assert state == "bad"
    assert f"The lock of content rating was changed for the trial in item {item.key}" in remedy


def test_a_list_that_is_too_slow_for_the_read_timeout(world: Any) -> None:
    library(world, 3)

    def slowly(body: bytes) -> bytes:
        world.clock.passed += 20
        return body

    world.plex.add_fault("rewrite", times=1, match=lambda r: "sort=id" in r.target, change=slowly)
    state, text, remedy = one(check(world), "List pages")
    assert (state, text) == ("warn", "Films: a page of 3 items came in 20.0 s of 30 s")
    assert "Read timeout" in remedy


def test_the_form_of_a_token_tells_while_plex_is_away(world: Any) -> None:
    world.plex.stop()
    world.configure(plex_token="claim-" + "x" * 20)
    _, (state, text, remedy) = named(world, "Plex token")
    assert (state, text) == ("bad", "it is a claim code, not a token")
    assert "View XML" in remedy


def test_an_old_plex_cannot_scan_folders(world: Any) -> None:
    world.plex.version = "1.19.5.3112-b23ab3896"
    assert named(world, "Plex version") == []
    world.configure(trigger_plex_scan=True)
    ((state, text, _),) = named(world, "Plex version")
    assert (state, text) == ("warn", "version 1.19.5.3112-b23ab3896 cannot scan a single folder")


def test_what_was_missing_before_the_set_up_is_no_warning_after_it(world: Any) -> None:
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    Path(world.folder, "plexsync.log").write_text(
        f"{now} warning Nothing can be synced yet: enter a Plex token in Settings.\n"
    )
    assert one(check(world), "Worker's log")[0] == "ok"
    world.configure(plex_token="")
    assert one(check(world), "Worker's log")[0] == "warn"


def test_a_token_that_is_not_the_owners(world: Any) -> None:
    world.plex.add_fault("status", match="GET /status/sessions", status=403)
    state, text, remedy = one(check(world), "Token's owner")
    assert (state, "only the owner may edit" in text, "as the owner" in remedy) == (
        "bad",
        True,
        True,
    )
    world.plex.clear_faults()
    world.plex.add_fault("status", match="GET /status/sessions", status=404)
    assert one(check(world), "Token's owner")[0] == "ok"


def test_traces_of_the_older_plugin(world: Any) -> None:
    world.configure(plexHost="http://old", plexToken="older-token-value")
    state, text, _ = one(check(world), "Older plugin")
    assert (state, "plexHost, plexToken" in text) == ("warn", True)
    assert "older-token-value" not in world.said()


def test_another_plugin_of_the_same_id(world: Any, installed: Path) -> None:
    other = installed.parent / "community" / "PlexSync"
    other.mkdir(parents=True)
    (other / "PlexSync.yml").write_text("name: PlexSync\n")
    state, text, remedy = one(check(world), "Older plugin")
    assert (state, str(other) in text, "Reload plugins" in remedy) == ("bad", True, True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="gives folders away")
def test_a_data_folder_that_others_may_write_to_is_told(world: Any) -> None:
    os.chown(world.folder, 12345, 12345)
    state, text, remedy = one(check(world), "Data folder")
    assert (state, "others may write to" in text) == ("warn", True)
    assert "STASH_PLUGIN_DATA" in remedy


def test_packages_that_are_missing_or_of_another_version(world: Any, installed: Path) -> None:
    (installed / "requirements.txt").write_text("# pins\nrequests==0.0.1\npydantic==2\n")
    state, text, remedy = one(check(world), "Dependencies")
    assert (state, "(tested: 0.0.1)" in text) == ("warn", True)
    assert f"--requirement {installed / 'requirements.txt'} --target {world.folder}" in remedy
    (installed / "requirements.txt").write_text("surely-not-installed==1.0\n")
    state, text, _ = one(check(world), "Dependencies")
    assert (state, "missing: surely-not-installed" in text) == ("bad", True)
    (installed / "requirements.txt").unlink()
    assert one(check(world), "Dependencies")[1].startswith("could not be checked")


def test_what_the_log_warned_of_and_what_waits(world: Any) -> None:
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    log = Path(world.folder, "plexsync.log")
    log.write_text(
        f"2020-01-01T00:00:00+00:00 warning long ago\n{now} info    fine\n"
        f"{now} warning first\n{now} error   second\n"
    )
    inbox.drop(world.folder, b'{"id":1,"type":"Scene.Update.Post"}')
    points = check(world)
    state, text, remedy = one(points, "Worker's log")
    assert (state, text) == (
        "warn",
        "2 warnings within the last 24 hours, the last one: first; second",
    )
    assert str(log) in remedy
    assert one(points, "Worker")[0] == "warn"
    lock = LockFile(os.path.join(world.folder, "worker.lock"))
    lock.acquire()
    assert one(check(world), "Worker")[0] == "ok"
    lock.release()


def test_a_point_that_cannot_be_checked_hides_no_other(world: Any) -> None:
    world.plex.add_fault("status", match="GET /library/sections", times=None, status=500)
    points = check(world)
    assert one(points, "Plex")[0] in ("warn", "bad")
    assert "Worker" in points


def test_it_changes_nothing(world: Any) -> None:
    library(world, 3)
    before = set(os.listdir(world.folder))
    check(world)
    made = set(os.listdir(world.folder)) - before
    cache = {"plex_index.db", "plex_index.db-wal", "plex_index.db-shm"}
    assert made - cache <= {"worker.lock", "takeover.lock", "device_id.json", "health_check.json"}
    assert {entry.method for entry in world.plex.journal} == {"GET"}


@pytest.mark.parametrize("setting", ["/a", "/a=>/b; nonsense"])
def test_a_path_map_that_cannot_be_read_is_named(world: Any, setting: str) -> None:
    world.configure(path_map=setting)
    points = check(world)["Path map"]
    assert points[0]["state"] == "bad"
    assert "is not of the form" in points[0]["text"]


@pytest.mark.parametrize(("password", "state"), [("", "ok"), ("secret", "warn")])
def test_a_session_that_may_end_is_an_alarm_only_where_stash_asks_for_a_login(
    world: Any, password: str, state: str
) -> None:
    """Stash always issues a session."""
    if password:
        world.stash.require_login("me", password)
    world.block = lambda: json.dumps(world.stash.server_connection()).encode()
    assert one(check(world), "Stash")[0] == state
