"""plexapi is loaded shortly before the first write, pydantic for changed settings; they, or memory, may
not be had just then."""

from __future__ import annotations

import os
import shutil
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pydantic
import pytest

from plexsync import system
from plexsync.edges.log.log import Log
from plexsync.edges.plex.client import PlexClient
from plexsync.flows.setup.checked_settings import FILE, CheckedSettings
from plexsync.lifecycle import run_as_owner
from plexsync.model import config_check
from plexsync.model.config import PlexSyncConfig
from plexsync.model.secret import SecretStr
from tests.flows.test_reconciliation_story import press
from tests.world import until

FAULTS = {
    "the disk fails": "raise OSError(5, 'Input/output error', __file__)",
    "too little memory": "raise MemoryError",
    "too little memory for a C library": "raise ImportError('x.so: Cannot allocate memory')",
    "a file is half written": "class PlexServer(",
    "a file is missing": None,
}


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], Path]:
    """Puts a broken plexapi before the real one, in a process that has not loaded it yet."""

    def break_it(text: str | None) -> Path:
        front = tmp_path / "front"
        (front / "plexapi").mkdir(parents=True)
        (front / "plexapi" / "__init__.py").write_text("")
        if text is not None:
            (front / "plexapi" / "server.py").write_text(text)
        for name in [*sys.modules]:
            if name.partition(".")[0] == "plexapi" or name == "plexsync.edges.plex.server":
                monkeypatch.delitem(sys.modules, name)
        monkeypatch.syspath_prepend(os.fspath(front))
        return front / "plexapi"

    yield break_it
    unload()


def unload() -> None:
    for name in [*sys.modules]:
        if name.partition(".")[0] == "plexapi" or name == "plexsync.edges.plex.server":
            del sys.modules[name]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_worker_waits_until_plexapi_can_be_loaded_and_charges_nobody(
    world: Any, broken: Callable[[str | None], Path], fault: str
) -> None:
    world.configure(no_poster=True, max_retries=1)
    (first, one), (second, two) = world.pair("1.mp4", title="A"), world.pair("2.mp4", title="B")
    for scene in (first, second):
        world.event(scene)
    place = broken(FAULTS[fault])
    waited: list[dict[int, Any]] = []

    def over() -> str:
        if world.said("error").count("tries again every minute") == 3 and place.exists():
            waited.append(world.waiting())
            shutil.rmtree(place)
            sys.modules.pop("plexapi", None)
        return "time is up" * (world.clock.passed > 400)

    run_as_owner(world.folder, world.client(), world.clock, Log(world.sink), over)
    assert {scene: job.attempts for scene, job in waited[0].items()} == {first: {}, second: {}}
    assert (one.title, two.title) == ("A", "B")
    assert (world.waiting(), world.dead_letter(first), world.dead_letter(second)) == (
        {},
        None,
        None,
    )
    assert "Unexpected" not in world.said()
    told = world.said("error").splitlines()
    assert len(told) == 3
    assert told[0].startswith("PlexSync cannot load what it needs (")
    assert ("memory" in told[0]) is ("memory" in fault)


@pytest.mark.parametrize("problem", ["MemoryError", 'RuntimeError("can\'t start new thread")'])
@pytest.mark.parametrize("count", [1, 2])
def test_a_worker_waits_for_memory_and_charges_nobody(
    world: Any, broken: Callable[[str | None], Path], count: int, problem: str
) -> None:
    world.configure(no_poster=True, max_retries=1)
    pairs = [world.pair(f"{n}.mp4", title="A") for n in range(count)]
    for scene, _ in pairs:
        world.event(scene)
    text = f"class PlexServer:\n    def __init__(self, *given):\n        raise {problem}"
    place = broken(text)

    def over() -> str:
        if world.said("error").count("tries again every minute") == 9 and place.exists():
            shutil.rmtree(place)
            unload()
        return "time is up" * (world.clock.passed > 800)

    run_as_owner(world.folder, world.client(), world.clock, Log(world.sink), over)
    assert [item.title for _, item in pairs] == ["A"] * count
    assert (world.waiting(), [world.dead_letter(scene) for scene, _ in pairs]) == (
        {},
        [None] * count,
    )
    told = world.said("error").splitlines()
    assert (len(told), "Unexpected" in world.said()) == (9, False)
    assert told[0].startswith("Memory is short (")
    assert "give Stash more memory" in told[0]


def test_one_scene_alone_is_not_suspected_while_plexapi_cannot_be_loaded(
    world: Any, broken: Callable[[str | None], Path]
) -> None:
    world.configure(no_poster=True)
    scene, item = world.pair("1.mp4", title="A")
    world.event(scene)
    place = broken(FAULTS["the disk fails"])

    def over() -> str:
        if world.said("error").count("tries again every minute") == 5 and place.exists():
            shutil.rmtree(place)
            unload()
        return "time is up" * (world.clock.passed > 500)

    run_as_owner(world.folder, world.client(), world.clock, Log(world.sink), over)
    assert (item.title, world.dead_letter(scene)) == ("A", None)


def test_a_task_says_so_and_charges_nobody(
    world: Any, broken: Callable[[str | None], Path]
) -> None:
    world.configure(no_poster=True)
    scene, item = world.pair("1.mp4", title="A")
    world.event(scene)
    place = broken(FAULTS["the disk fails"])
    with pytest.raises(system.Unloadable, match="cannot load what it needs"):
        press(world, "process_queue")
    assert world.waiting()[scene].attempts == {}
    shutil.rmtree(place)
    sys.modules.pop("plexapi", None)
    world.run()
    assert item.title == "A"


def test_it_is_loaded_once_something_may_have_to_be_written_and_not_before(
    world: Any, broken: Callable[[str | None], Path]
) -> None:
    """Loading it takes longer than Plex needs to tell of the items, so it is done meanwhile."""
    world.configure(no_poster=True)
    scene, item = world.pair("1.mp4", title="A")
    world.event(scene)
    world.run()
    assert item.title == "A"
    place = broken("class PlexServer: pass")
    world.event(scene)
    world.run()
    assert "plexapi.server" not in sys.modules
    world.event(world.stash.add_scene(files=[("/data/2.mp4", 1000)], title="Plex has no item"))
    world.run()
    assert os.fspath(place) in str(sys.modules["plexapi.server"].__file__)


def take_away_pydantic(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """As in a process that has not loaded it, and cannot load it until what is returned is called."""
    monkeypatch.delitem(sys.modules, config_check.__name__)
    monkeypatch.setitem(sys.modules, "pydantic", None)
    return lambda: monkeypatch.setitem(sys.modules, "pydantic", pydantic)


def test_a_worker_waits_until_pydantic_can_be_loaded(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.configure(no_poster=True, max_retries=1)
    scene, item = world.pair("1.mp4", title="A")
    world.event(scene)
    give_back = take_away_pydantic(monkeypatch)

    def over() -> str:
        if "tries again every minute" in world.said("error"):
            give_back()
        return "time is up" * (world.clock.passed > 200)

    run_as_owner(world.folder, world.client(), world.clock, Log(world.sink), over)
    assert (item.title, world.waiting(), world.dead_letter(scene)) == ("A", {}, None)
    (told,) = world.said("error").splitlines()
    assert told.startswith("PlexSync cannot load what it needs (") and "pydantic" in told


def test_a_task_says_that_pydantic_cannot_be_loaded(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_away_pydantic(monkeypatch)
    with pytest.raises(system.Unloadable, match="cannot load what it needs"):
        press(world, "process_queue")


def test_only_settings_that_passed_last_need_no_pydantic(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = PlexSyncConfig(max_tags=50, plex_token=SecretStr("the-first-token"))
    owner = CheckedSettings(world.folder)
    for each in (PlexSyncConfig(), known):
        owner.check(each)
        owner.note()
    note = Path(world.folder, FILE)
    stored = note.read_text()
    take_away_pydantic(monkeypatch)
    CheckedSettings(world.folder).check(known)
    CheckedSettings(world.folder).check(replace(known, plex_token=SecretStr("another-token")))
    odd: Any = {"max_tags": 51, "enabled": 1, "recovery_minutes": 5.0, "plex_token": "a text"}
    for name, value in odd.items():
        needs_pydantic(world, replace(known, **{name: value}))
    needs_pydantic(world, PlexSyncConfig())
    for damaged in ("", "{", "[]", '{"passed": ""}', '{"passed": 7}', "\0"):
        note.write_text(damaged)
        needs_pydantic(world, known)
    note.write_text(stored)
    CheckedSettings(world.folder).check(known)
    note.unlink()
    needs_pydantic(world, known)


def needs_pydantic(world: Any, config: PlexSyncConfig) -> None:
    with pytest.raises(system.Unloadable):
        CheckedSettings(world.folder).check(config)


def test_settings_pass_also_where_no_note_of_it_can_be_written(world: Any) -> None:
    world.configure(no_poster=True)
    scene, item = world.pair("1.mp4", title="A")
    world.event(scene)
    Path(world.folder, FILE).mkdir()
    world.run()
    assert item.title == "A"


def test_two_threads_that_need_it_at_once_are_told_the_same(
    world: Any, broken: Callable[[str | None], Path], tmp_path: Path
) -> None:
    begun, go = tmp_path / "begun", tmp_path / "go"
    broken(
        f"import pathlib\npathlib.Path({os.fspath(begun)!r}).touch()\n"
        f"while not pathlib.Path({os.fspath(go)!r}).exists(): pass\nraise MemoryError"
    )
    client, told = PlexClient(world.plex.url, "", ""), []

    def load() -> None:
        with pytest.raises(system.Unloadable) as problem:
            client.load()
        told.append(str(problem.value))

    def waits(thread: Thread) -> bool:
        frame = sys._current_frames().get(thread.ident or 0)
        return "_server_class" in {each.f_code.co_name for each, _ in traceback.walk_stack(frame)}

    first, second = Thread(target=load), Thread(target=load)
    first.start()
    until(begun.exists)
    second.start()
    until(lambda: waits(second))
    go.touch()
    first.join()
    second.join()
    client.close()
    assert len({*told}) == 1
    assert "memory" in told[0]
