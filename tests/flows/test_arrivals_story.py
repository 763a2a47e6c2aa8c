"""New files in Plex: they are found soon, whatever Plex's times say, with few
requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from plexsync.policy.waiting import CLOCK_PAUSE

OLD = {"created_at": 1_600_000_000, "updated_at": 1_600_000_000}
SECTIONS = "/library/sections"
ALL = "/library/sections/1/all"


@pytest.fixture(autouse=True)
def no_pictures(world: Any) -> None:
    """No picture is needed."""
    world.configure(no_poster=True)


def during(world: Any, at: float, happen: Callable[[], object]) -> None:
    """Call this once after this many seconds, while the worker waits."""
    due, done = world.clock.passed + at, []

    def tick() -> None:
        if world.clock.passed >= due and not done:
            done.append(happen())

    world.clock.on_wait = tick


def written_after(world: Any, title: str, file: str, minutes: float) -> float:
    """Run until the item with this file has the title; returns the seconds that it took."""
    began = world.clock.passed

    def there() -> str:
        titles = [i.title for i in world.plex.items() if file in [path for path, _ in i.files]]
        return "written" if titles == [title] else ""

    assert world.run(minutes=minutes, leave=there) == "written"
    return float(world.clock.passed - began)


def synced(world: Any, *names: str) -> list[tuple[int, Any]]:
    """Scenes and items that are in step, in an index read some minutes ago."""
    pairs = [world.pair(name, title=f"old {name}") for name in names]
    for scene, _ in pairs:
        world.event(scene)
    world.run(minutes=0.5)
    world.clock.passed += 300
    return pairs


@pytest.mark.long
def test_a_file_that_arrives_is_written_within_ten_seconds_of_the_clocks_move(world: Any) -> None:
    scene = world.stash.add_scene(title="A", files=[("/data/new.mp4", 7)])
    world.event(scene)
    world.run(minutes=15)
    assert world.waiting()[scene].attempts["PlexNotFound"] >= 4
    during(world, 40, lambda: world.film("new.mp4", size=7))
    assert 40 <= written_after(world, "A", "/plex/new.mp4", 5) <= 40 + CLOCK_PAUSE + 1


@pytest.mark.long
def test_a_new_worker_looks_at_once_at_what_the_index_learned_meanwhile(world: Any) -> None:
    scene = world.stash.add_scene(title="A", files=[("/data/new.mp4", 7)])
    world.event(scene)
    world.run(minutes=15)
    world.film("new.mp4", size=7)
    app = world.stores()
    config = app.config()
    app.index(config).refresh("", world.clock.now())
    app.close()
    assert written_after(world, "A", "/plex/new.mp4", 1) <= CLOCK_PAUSE


@pytest.mark.long
def test_while_a_file_is_missed_the_clocks_cost_one_request_each_ten_seconds(world: Any) -> None:
    world.film("other.mp4")
    scene = world.stash.add_scene(title="A", files=[("/data/new.mp4", 7)])
    world.event(scene)
    world.run(minutes=1)
    before = world.waiting()[scene].attempts["PlexNotFound"]
    world.plex.clear_journal()
    world.run(minutes=20)
    tries = world.waiting()[scene].attempts["PlexNotFound"] - before
    ticks = 20 * 60 / CLOCK_PAUSE
    questions = world.plex.count(path_prefix=SECTIONS) - world.plex.count(path_prefix=ALL)
    assert ticks - 2 <= questions <= ticks + tries + 4
    assert world.plex.count(path_prefix=ALL) <= 3 * (tries + 1)
    assert 1 <= tries <= 5


def test_many_misses_ask_what_is_new_once_in_thirty_seconds(world: Any) -> None:
    synced(world, "there.mp4")
    lacked = [
        world.stash.add_scene(title="A", files=[(f"/data/{n}.mp4", 7)], **OLD) for n in range(6)
    ]

    def asked(scenes: list[int]) -> int:
        """The number of requests for lists while these scenes are saved, one each four seconds."""
        world.plex.clear_journal()
        began = world.clock.passed
        coming = [(began + 4 * n, scene) for n, scene in enumerate(scenes)]

        def save() -> None:
            if coming and world.clock.passed >= coming[0][0]:
                world.event(coming.pop(0)[1])

        world.clock.on_wait = save
        world.run(minutes=0.4)
        assert coming == []
        return int(world.plex.count(path_prefix=ALL))

    one = asked(lacked[:1])
    world.clock.passed += 300
    assert 0 < asked(lacked[1:]) <= one


def test_early_tries_use_up_no_attempts(world: Any) -> None:
    """A file of the same name elsewhere is tried, because it may be the one, and rejected."""
    scene = world.stash.add_scene(title="A", files=[("/data/x/new.mp4", 7)])
    world.event(scene)
    world.run(minutes=10)
    job = world.waiting()[scene]
    world.stash.clear_journal()
    during(world, 1, lambda: world.film("y/new.mp4", size=9))
    world.run(minutes=0.5)
    tries = [entry for entry in world.stash.journal if "PlexSyncScenes(" in entry.query]
    assert len(tries) == 1, "it was tried before its time"
    assert world.waiting()[scene].attempts == job.attempts
    assert world.waiting()[scene].not_before == job.not_before


def test_nobody_asks_when_no_file_is_missed_or_plex_is_left_alone(world: Any) -> None:
    scene, _ = synced(world, "1.mp4")[0]
    world.plex.clear_journal()
    world.run(minutes=4)
    assert world.plex.journal == []
    missed = world.stash.add_scene(title="A", files=[("/data/new.mp4", 7)])
    world.event(missed)
    world.run(minutes=1)
    world.plex.stop()
    world.event(scene)
    world.edit(scene, title="B")
    world.run(minutes=5)
    assert world.waiting()[missed].attempts["PlexNotFound"] <= 3
    assert "CLOSED -> OPEN" in world.said("warning")


def test_a_renamed_file_is_found_although_its_item_did_not_move(world: Any) -> None:
    (scene, item), _ = synced(world, "old.mp4", "other.mp4")
    updated = item.updated_at
    world.plex.change_files(item.key, [("/plex/renamed.mp4", 1000)])
    world.stash.move_file(scene, "/data/renamed.mp4")
    world.stash.edit(scene, title="new")
    world.plex.clear_journal()
    world.event(scene)
    assert item.updated_at == updated
    assert written_after(world, "new", "/plex/renamed.mp4", 2) <= 60
    assert world.plex.count(path_prefix=ALL) <= 8
    assert world.plex.item(item.key) is item


def test_a_new_version_in_an_item_is_found(world: Any) -> None:
    world.film("film.mp4")
    synced(world, "other.mp4")
    item = world.plex.find("/plex/film.mp4")
    world.plex.change_files(item.key, [*item.files, ("/plex/film 4k.mp4", 2000)])
    scene = world.stash.add_scene(title="4k", files=[("/data/film 4k.mp4", 2000)])
    world.event(scene, "Scene.Create.Post")
    assert written_after(world, "4k", "/plex/film 4k.mp4", 2) <= 60
    assert world.plex.item(item.key) is item


def test_a_version_that_comes_while_the_scene_waits_is_found_without_a_try_of_its_own(
    world: Any,
) -> None:
    item = world.film("film.mp4")
    scene = world.stash.add_scene(title="4k", files=[("/data/film 4k.mp4", 2000)])
    world.event(scene)
    world.run(minutes=8)
    files = [*item.files, ("/plex/film 4k.mp4", 2000)]
    during(world, 5, lambda: world.plex.change_files(item.key, files))
    world.run(minutes=1)
    assert item.title == "4k"


@pytest.mark.parametrize("clocks_stand_still", [False, True])
def test_a_library_rebuilt_under_the_same_keys_is_found_again(
    world: Any, clocks_stand_still: bool
) -> None:
    names = [f"{n}.mp4" for n in range(6)]
    pairs = synced(world, *names)
    home = world.plex.sections[world.section]
    clocks = home.scanned_at, home.revision
    world.plex.rebuild(world.section, [f"/plex/{name}" for name in [*names[1:], names[0]]])
    if clocks_stand_still:
        home.scanned_at, home.revision = clocks
    world.plex.clear_journal()
    for scene, _ in pairs:
        world.edit(scene, title=f"new {scene}")
    world.run(minutes=1)
    for (scene, _), name in zip(pairs, names, strict=True):
        assert world.plex.find(f"/plex/{name}").title == f"new {scene}"
    assert world.waiting() == {}
    assert world.plex.count("GET", ALL) <= 8


def test_before_a_scene_is_given_up_its_library_is_read_whole(world: Any) -> None:
    """Independent of the change times of Plex's libraries."""
    item = world.film("old.mp4")
    scene = world.stash.add_scene(title="A", files=[("/data/new.mp4", 7)])
    world.event(scene)
    world.run(minutes=1)
    home = world.plex.sections[world.section]
    clocks = home.scanned_at, home.revision
    world.plex.change_files(item.key, [("/plex/new.mp4", 7)])
    home.scanned_at, home.revision = clocks
    world.run(minutes=120)
    assert item.title == "A"
    assert world.dead_letter(scene) is None


@pytest.mark.long
def test_a_crowd_of_missed_files_reads_the_library_whole_once_in_ten_minutes(world: Any) -> None:
    for n in range(3):
        world.film(f"{n}.mp4")
    scenes = [
        world.stash.add_scene(title="A", files=[(f"/data/none {n}.mp4", 7)]) for n in range(2)
    ]
    for scene in scenes:
        world.event(scene)
    world.run(minutes=1)
    home = world.plex.sections[world.section]

    def scanning() -> None:
        home.revision += 1

    world.clock.on_wait = scanning  # the clock moves all the time
    world.plex.clear_journal()
    world.run(minutes=11)
    whole = [e for e in world.plex.journal if e.path == ALL and not has_since(e) and has_size(e)]
    assert 1 <= len(whole) <= 2


@pytest.mark.parametrize(
    ("path", "scanner", "said"),
    [
        ("/data/Scenes/1.mp4", "", 'a folder named "Scenes"'),
        ("/data/1-trailer.mp4", "", 'its name ends in "-trailer"'),
        ("/data/1.sample.mp4", "", "smaller than 300 MB"),
        ("/data/Site 2023-05-14.mp4", "Plex Movie", "a date in its name"),
        ("/data/Site 2023-05-14.mp4", "", "Plex may still have to scan it"),
        ("/other/1.mp4", "", "is in none of the libraries"),
    ],
)
def test_why_a_file_is_not_there_is_told(world: Any, path: str, scanner: str, said: str) -> None:
    if scanner:
        world.plex.sections[world.section].scanner = scanner
    scene = world.stash.add_scene(title="A", files=[(path, 7)])
    world.event(scene)
    world.run(minutes=0.1)
    assert said in world.waiting()[scene].last_message


def test_an_item_that_plex_cannot_read_keeps_no_other_waiting_and_is_told_once(world: Any) -> None:
    for n in range(6):
        world.film(f"other {n}.mp4").broken = n == 2
    scene, item = world.pair("1.mp4", title="A")
    world.event(scene)
    world.run(minutes=1)
    assert item.title == "A"
    world.clock.jumped += 90000
    world.edit(scene, title="B")
    missed = world.stash.add_scene(title="M", files=[("/data/none.mp4", 7)])
    world.event(missed)
    world.run(minutes=2)
    assert item.title == "B"
    assert world.said("warning").count("Plex itself cannot read 1 item of the library Films") <= 2
    assert world.waiting().keys() == {missed}


def has_since(entry: Any) -> bool:
    return any(name.startswith(("addedAt", "updatedAt")) for name, _ in entry.params)


def has_size(entry: Any) -> bool:
    return entry.headers.get("x-plex-container-size") != "0"
