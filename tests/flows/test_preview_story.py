"""The dry run: what it reports, that this is what happens, and that it changes nothing."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plexsync import inbox
from plexsync.flows.tasks.context import TaskFailed
from plexsync.flows.tasks.preview import preview
from plexsync.system import LockFile
from tests.task_running import carry_out, run_task

RED = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"red" * 50
BLUE = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"blue" * 50


def fields_of(output: dict[str, Any], scene: int) -> dict[str, Any]:
    (found,) = [each for each in output["scenes"] if each["scene"] == scene]
    return {field["field"]: field for item in found["items"] for field in item["fields"]}


def content(folder: str) -> dict[str, Any]:
    """The content of all databases and files, apart from the index, which is a cache."""
    found: dict[str, Any] = {}
    for path in sorted(Path(folder).rglob("*")):
        name = os.path.relpath(path, folder)
        if (
            path.is_dir()
            or name.startswith("plex_index")
            or name.endswith((".lock", "-wal", "-shm"))
        ):
            continue
        if path.suffix == ".db":
            with closing(sqlite3.connect(path)) as connection:
                found[name] = list(connection.iterdump())
        else:
            found[name] = path.read_bytes()
    return found


def test_it_says_field_by_field_what_would_change_and_why(world: Any) -> None:
    stash = world.stash
    scene, item = world.pair(
        "a.mp4",
        plex={"title": "a", "genres": ["Agent's"]},
        title="First light",
        details="One.",
        tags=[stash.add_tag("Drama")],
        cover=RED,
    )
    output = run_task(world, preview, scene=str(scene))
    fields = fields_of(output, scene)
    assert (fields["title"]["now"], fields["title"]["then"]) == ("a", "First light")
    assert fields["title"]["why"] == "differs"
    assert fields["summary"]["why"] == "empty in Plex"
    assert tuple(fields["tags"]["then"]) == ("Drama",)
    assert fields["poster"]["changes"]
    assert output["counts"] == {"changes": 1}
    said = world.said("info")
    assert f'Scene {scene}, title: "a" in Plex, would be "First light" (differs)' in said
    assert f"Scene {scene}, poster: changes (image changed)" in said
    assert "Fields that would change: title 1, summary 1, tags 1, poster 1." in said
    assert "nothing was written" in said
    assert item.title == "a"
    assert {entry.method for entry in world.plex.journal} == {"GET"}
    json.dumps(output)


def test_what_it_says_is_what_the_real_run_then_does(world: Any) -> None:
    stash = world.stash
    scene, item = world.pair(
        "a.mp4", title="T", details="D", performers=[stash.add_performer("Ann")], date="2021-03"
    )
    world.event(scene)
    planned = fields_of(run_task(world, preview, scene=str(scene)), scene)
    world.run()
    assert item.title == planned["title"]["then"]
    assert item.summary == planned["summary"]["then"]
    assert item.originallyAvailableAt == planned["date"]["then"]
    assert tuple(item.actor) == tuple(planned["performers"]["then"])
    assert run_task(world, preview, scene=str(scene))["counts"] == {"in step": 1}


def test_nothing_is_kept_of_it(world: Any) -> None:
    written, _ = world.pair("a.mp4", title="T", cover=RED)
    world.event(written)
    world.run()
    world.edit(written, title="T2")
    world.plex.stop()
    world.run(minutes=1)
    world.plex.start()
    _, item = world.pair("b.mp4", title="B")
    world.film("gone.mp4")
    world.stash.add_scene(title="Nowhere", files=[("/data/none.mp4", 1)])
    world.event(written)
    before = content(world.folder)
    world.plex.clear_journal()
    run_task(world, preview)
    after = content(world.folder)
    assert after.pop("health_check.json") != before.pop("health_check.json"), "that it looked"
    assert after == before
    assert {entry.method for entry in world.plex.journal} == {"GET"}
    assert item.title == "b"


def test_without_a_ledger_it_is_as_if_nothing_had_ever_been_written(world: Any) -> None:
    scene, _ = world.pair("a.mp4", title="T")
    assert run_task(world, preview, scene=str(scene))["counts"] == {"changes": 1}
    assert not os.path.exists(os.path.join(world.folder, "ledger.db"))
    assert not os.path.exists(os.path.join(world.folder, "queue"))


def test_by_default_it_takes_what_waits_and_what_was_updated_last(world: Any) -> None:
    old = 1_600_000_000
    waiting, _ = world.pair("a.mp4", title="A", created_at=old, updated_at=old)
    recent, _ = world.pair("b.mp4", title="B")
    for number in range(60):
        world.stash.add_scene(title="older", files=[(f"/data/{number}.mp4", 1)], updated_at=old + 1)
    world.event(waiting)
    world.run(minutes=0.5 / 60)
    found = [each["scene"] for each in run_task(world, preview)["scenes"]]
    assert found[:2] == [waiting, recent]
    assert len(found) == 51
    assert [each["scene"] for each in run_task(world, preview, recent="24")["scenes"]] == [recent]


def test_every_outcome_has_its_word(world: Any) -> None:
    world.configure(path_map="", no_poster=True)
    world.film("x/clip.mp4", size=5)
    world.film("y/clip.mp4", size=5)
    unsure = world.stash.add_scene(title="U", files=[("/data/z/clip.mp4", 5)])
    absent = world.stash.add_scene(title="N", files=[("/data/none.mp4", 1)])
    silent = world.stash.add_scene(files=[("/data/silent.mp4", 1)])
    ids = f"{unsure},{absent},{silent},999"
    output = run_task(world, preview, scene=ids)
    assert [each["outcome"] for each in output["scenes"]] == [
        "ambiguous",
        "not in Plex",
        "too little metadata",
        "gone",
    ]
    assert "/plex/x/clip.mp4" in world.said("info")


def test_a_persons_edit_that_stays_is_named(world: Any) -> None:
    world.configure(preserve_plex_edits=True)
    scene, item = world.pair("a.mp4", title="T", details="D", cover=RED)
    world.event(scene)
    world.run()
    world.plex.user_edit(item.key, title="Mine", poster=BLUE)
    world.stash.edit(scene, title="T2", details="D2")
    world.stash.set_cover(scene, RED + b"again")
    fields = fields_of(run_task(world, preview, scene=str(scene)), scene)
    assert fields["summary"]["changes"]
    assert not fields["title"]["changes"]
    assert not fields["poster"]["changes"]
    assert f'Scene {scene}, title: "Mine" in Plex: edited in Plex, so it stays' in world.said()
    world.event(scene)
    world.run()
    assert (item.title, item.summary) == ("Mine", "D2")
    assert item.selected_poster.endswith(item.posters[1])


def test_paths_and_titles_stay_private_when_they_are_to(world: Any) -> None:
    world.configure(obfuscate_paths=True)
    scene, _ = world.pair("secret.mp4", title="Very private", tags=[world.stash.add_tag("kinky")])
    run_task(world, preview, scene=str(scene))
    said = world.said()
    assert "title: some text in Plex, would be some text" in said
    assert not any(word in said for word in ("private", "secret", "kinky"))


def test_while_a_worker_is_at_work_the_index_is_used_as_it_is(world: Any) -> None:
    scene, _ = world.pair("a.mp4", title="T")
    lock = LockFile(os.path.join(world.folder, "worker.lock"))
    lock.acquire()
    output = run_task(world, preview, scene=str(scene))
    assert output["counts"] == {"not in Plex": 1}
    assert "has not read the Plex libraries yet" in world.said("warning")
    lock.release()
    run_task(world, preview, scene=str(scene))
    lock.acquire()
    world.clock.jumped += 7200
    output = run_task(world, preview, scene=str(scene))
    lock.release()
    assert output["counts"] == {"changes": 1}
    assert not output["index"]["refreshed"]
    assert "last read whole 2 h ago" in world.said("info")


def test_somebody_stands_by_before_it_holds_the_folder_for_a_moment(world: Any) -> None:
    scene, _ = world.pair("a.mp4", title="T")
    world.event(scene)
    started: list[bool] = []

    def run(call: Any) -> dict[str, object]:
        call.stand_by = lambda: started.append(inbox.has_owner(world.folder))
        return carry_out(preview, call)

    run_task(world, run)
    assert started == [False], "before any lock is held that hooks look at"
    assert not inbox.has_owner(world.folder)


def test_the_owner_can_ask_for_it_too(world: Any) -> None:
    scene, _ = world.pair("a.mp4", title="T")
    output = run_task(world, preview, owns=True, scenes=[scene])
    assert output["counts"] == {"changes": 1}
    assert output["index"]["refreshed"]


def test_it_needs_plex_and_names_the_next_step(world: Any) -> None:
    world.plex.stop()
    with pytest.raises(TaskFailed, match=r"Plex is down.*Plex URL"):
        run_task(world, preview)


@pytest.mark.parametrize("args", [{"scene": "x"}, {"scene": "-1"}, {"recent": "soon"}])
def test_arguments_that_make_no_sense_are_refused(world: Any, args: dict[str, str]) -> None:
    with pytest.raises(TaskFailed, match="must be"):
        run_task(world, preview, **args)


def test_another_plex_server_gets_everything_afresh(world: Any) -> None:
    scene, _ = world.pair("a.mp4", title="T")
    world.event(scene)
    world.run()
    world.plex.machine = "another"
    output = run_task(world, preview, scene=str(scene))
    assert "Another Plex server answers" in world.said("warning")
    assert fields_of(output, scene) == {}, "the item itself has the title already"
    assert world.state(scene).state == "synced"
