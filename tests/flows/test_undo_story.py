"""Undo: what is restored, what stays, and when an undone scene is written again."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from plexsync.edges.ledger.packing import unpacked
from plexsync.flows.tasks.context import TaskFailed
from plexsync.flows.tasks.dead_letters import retry_dead_letters
from plexsync.flows.tasks.undo import undo_all, undo_scene
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.ledger import Pin
from tests.task_running import run_task

RED = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"red" * 50
BLUE = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"blue" * 50


def looks(item: Any) -> tuple[Any, ...]:
    texts = (item.title, item.summary, item.studio, item.originallyAvailableAt)
    lists = tuple(tuple(sorted(each)) for each in (item.actor, item.genre, item.collection))
    return (*texts, *lists, item.selected_poster, item.selected_art, frozenset(item.locks))


def rich(world: Any, name: str = "a.mp4", **plex: Any) -> tuple[int, Any]:
    stash = world.stash
    return world.pair(
        name,
        plex={
            "title": "agent's title",
            "summary": "agent's",
            "genres": ["Agent's", "Drama"],
            "collections": ["Favourites"],
            "locked": ["summary"],
            **plex,
        },
        title="First light",
        details="One.",
        date="2021-03",
        studio=stash.add_studio("Acme"),
        performers=[stash.add_performer("Ann")],
        tags=[stash.add_tag("Drama"), stash.add_tag("New")],
        cover=RED,
    )


def synced(world: Any, *scenes: int) -> None:
    for scene in scenes:
        world.event(scene)
    world.run()


def test_a_scene_is_as_it_was_with_values_locks_and_posters(world: Any) -> None:
    world.configure(sync_background=True)
    scene, item = rich(world)
    before = looks(item)
    synced(world, scene)
    assert looks(item) != before
    world.edit(scene, title="Second light", tag_ids=[])
    world.run()
    output = run_task(world, undo_scene, owns=True, scene=str(scene))
    assert looks(item) == before
    assert (output["undone"], output["left"], output["failed"]) == (1, {}, {})
    assert world.state(scene).state == "undone"
    assert "1 scene undone" in world.said("info")
    assert all(not target.written for target in world.state(scene).targets)


def test_what_somebody_changed_in_plex_since_stays_and_is_named(world: Any) -> None:
    scene, item = rich(world)
    synced(world, scene)
    world.plex.user_edit(item.key, title="Mine", genres=["Mine too"], poster=BLUE)
    mine = item.selected_poster
    output = run_task(world, undo_scene, owns=True, scene=scene)
    assert (item.title, item.genre, item.selected_poster) == ("Mine", ["Mine too"], mine)
    assert item.summary == "agent's"
    assert set(output["left"][str(scene)]) == {"title", "tags", "poster"}
    assert "title (changed in Plex since)" in world.said("info")
    assert "title (changed in Plex since)" in world.state(scene).detail
    assert {"title", "genre"} <= item.locks


def test_a_backfill_leaves_an_undone_scene_alone_and_an_edit_does_not(world: Any) -> None:
    world.configure(no_poster=True)
    ann = world.stash.add_performer("Ann")
    scene, item = world.pair("a.mp4", plex={"title": "before"}, title="T", performers=[ann])
    trigger, _ = world.pair("b.mp4", title="B")
    synced(world, scene)
    run_task(world, undo_scene, owns=True, scene=scene)
    since = world.state(scene).since
    world.stash.rename_performer(ann, "Anne")
    world.event(ann, "Performer.Update.Post", inputFields=["name", "id"])
    world.configure(no_date=True)
    world.event(scene, inputFields=...)
    synced(world, trigger)
    world.run(minutes=20)
    assert (item.title, item.actor) == ("before", [])
    assert (world.state(scene).state, world.state(scene).since) == ("undone", since)
    world.edit(scene, details="edited")
    world.run()
    assert (item.title, item.actor, item.summary) == ("T", ["Anne"], "edited")
    assert world.state(scene).state == "synced"
    run_task(world, undo_scene, owns=True, scene=scene)
    assert (item.title, item.actor, item.summary) == ("before", [], "")


def test_an_undone_scene_is_written_again_also_where_plex_edits_are_kept(world: Any) -> None:
    world.configure(no_poster=True, preserve_plex_edits=True)
    scene, item = world.pair("a.mp4", plex={"title": "before"}, title="T")
    synced(world, scene)
    run_task(world, undo_scene, owns=True, scene=scene)
    assert item.title == "before"
    world.edit(scene, title="T2")
    world.run()
    assert item.title == "T2"


def test_a_sync_that_waits_from_before_is_dropped(world: Any) -> None:
    world.configure(no_poster=True)
    scene, item = world.pair("a.mp4", plex={"title": "before"}, title="T")
    other, its = world.pair("b.mp4", title="O")
    synced(world, scene, other)
    world.edit(scene, title="T2")
    world.edit(other, title="O2")
    run_task(world, undo_scene, owns=True, scene=scene)
    world.run()
    assert item.title == "before"
    assert its.title == "O2"
    world.edit(scene, title="T3")
    world.run()
    assert item.title == "T3"


def test_undo_everything_asks_first_and_does_it_at_the_second_press(world: Any) -> None:
    world.configure(no_poster=True)
    pairs = [rich(world, f"{number}.mp4") for number in range(3)]
    before = [looks(item) for _, item in pairs]
    synced(world, *(scene for scene, _ in pairs))
    after = [looks(item) for _, item in pairs]
    assert run_task(world, undo_all, owns=True)["would_undo"] == 3
    assert [looks(item) for _, item in pairs] == after
    assert "Nothing was changed yet" in world.said("warning")
    world.clock.jumped += 400
    assert run_task(world, undo_all, owns=True)["undone"] == 0
    assert run_task(world, undo_all, owns=True)["undone"] == 3
    assert [looks(item) for _, item in pairs] == before
    assert run_task(world, undo_all, owns=True) == {"undone": 0, "would_undo": 0}
    assert "nothing to undo" in world.said("info")


def test_a_plex_that_goes_away_in_the_middle_costs_nothing(world: Any) -> None:
    world.configure(no_poster=True)
    pairs = [rich(world, f"{number}.mp4") for number in range(3)]
    before = [looks(item) for _, item in pairs]
    synced(world, *(scene for scene, _ in pairs))
    fault = world.plex.add_fault("status", match=_after(world, 1), status=503)
    ids = ",".join(str(scene) for scene, _ in pairs)
    with pytest.raises(TaskFailed, match="Start it again to continue"):
        run_task(world, undo_scene, owns=True, scene=ids)
    fault.remove()
    assert run_task(world, undo_scene, owns=True, scene=ids)["undone"] == 3
    assert [looks(item) for _, item in pairs] == before


def _after(world: Any, writes: int) -> Any:
    """Matches write requests once this many were answered from now on."""
    begun = world.plex.count("PUT")
    return lambda r: r.method == "PUT" and world.plex.count("PUT") >= begun + writes


def test_what_plex_refuses_or_swallows_is_no_success(world: Any) -> None:
    world.configure(no_poster=True)
    scene, item = rich(world)
    synced(world, scene)
    world.plex.add_fault("ignore_edit")
    output = run_task(world, undo_scene, owns=True, scene=scene)
    assert output["undone"] == 0
    assert "reads back different" in output["failed"][str(scene)]
    assert world.state(scene).state == "synced"
    world.plex.clear_faults()
    world.plex.add_fault("status", match="PUT", status=400)
    assert "400" in run_task(world, undo_scene, owns=True, scene=scene)["failed"][str(scene)]
    world.plex.clear_faults()
    assert run_task(world, undo_scene, owns=True, scene=scene)["undone"] == 1
    assert item.title == "agent's title"


def test_an_item_that_is_gone_or_holds_another_file_is_left(world: Any) -> None:
    world.configure(no_poster=True)
    gone, item = rich(world, "gone.mp4")
    moved, other = rich(world, "moved.mp4")
    synced(world, gone, moved)
    world.plex.remove_item(item.key)
    world.plex.move_item(other.key, "/plex/else.mp4", keep_key=True)
    output = run_task(world, undo_scene, owns=True, scene=f"{gone},{moved}")
    assert "no longer in Plex" in output["left"][str(gone)]["title"]
    assert "another file" in output["left"][str(moved)]["title"]
    assert other.title == "First light"


def test_an_earlier_poster_that_plex_has_no_more_is_named(world: Any) -> None:
    scene, item = rich(world)
    synced(world, scene)
    item.picture("posters").agent.clear()
    output = run_task(world, undo_scene, owns=True, scene=scene)
    assert output["left"][str(scene)] == {"poster": "the earlier image is no longer in Plex"}
    assert item.title == "agent's title"


def test_it_needs_the_plex_that_was_written_to(world: Any) -> None:
    scene, _ = rich(world)
    synced(world, scene)
    world.plex.machine = "another"
    with pytest.raises(TaskFailed, match="not the one that PlexSync wrote to"):
        run_task(world, undo_scene, owns=True, scene=scene)
    world.plex.stop()
    with pytest.raises(TaskFailed, match="Plex is down"):
        run_task(world, undo_all, owns=True)


def test_a_scene_that_was_never_written_has_nothing_to_undo(world: Any) -> None:
    scene, _ = rich(world)
    output = run_task(world, undo_scene, owns=True, scene=f"{scene},77")
    assert output["undone"] == 0
    assert "Scene 77: PlexSync has written nothing of it" in world.said("info")
    with pytest.raises(TaskFailed, match="which scene"):
        run_task(world, undo_scene, owns=True)


def test_a_pinned_scene_goes_to_its_item_alone(world: Any) -> None:
    world.configure(no_poster=True)
    scene, natural = world.pair("a.mp4", title="T")
    chosen = world.film("elsewhere/other.mp4", size=77)
    owner = world.stash.add_scene(title="Owner", files=[("/data/elsewhere/other.mp4", 77)])
    pin(world, scene, "/plex/elsewhere/other.mp4")
    synced(world, scene, owner)
    assert (natural.title, chosen.title) == ("a", "T")
    assert world.state(owner).state == "shared"
    assert f"pinned to scene {scene}" in world.state(owner).detail
    unpin(world, scene)
    synced(world, scene, owner)
    assert (natural.title, chosen.title) == ("T", "Owner")


def test_a_pin_survives_a_new_rating_key_and_says_when_its_file_is_gone(world: Any) -> None:
    world.configure(no_poster=True)
    scene, natural = world.pair("a.mp4", title="T")
    chosen = world.film("b.mp4")
    pin(world, scene, "/plex/b.mp4", chosen.key)
    world.plex.remove_item(chosen.key)
    synced(world, scene)
    assert natural.title == "a"
    assert "pinned" in world.waiting()[scene].last_message
    again = world.film("b.mp4")
    world.run(minutes=10)
    assert (natural.title, again.title) == ("a", "T")


def test_of_two_libraries_a_pin_names_one(world: Any) -> None:
    world.configure(no_poster=True)
    scene, item = world.pair("a.mp4", title="T")
    again = world.plex.add_section("Again", locations=["/plex"])
    other = world.plex.item(world.plex.add_item(again, file="/plex/a.mp4", size=1000))
    pin(world, scene, "/plex/a.mp4", other.key)
    synced(world, scene)
    assert (item.title, other.title) == ("a", "T")


def pin(world: Any, scene: int, part: str, rating_key: int = 0) -> None:
    app = world.stores()
    try:
        app.stores.ledger.use_server(world.plex.machine)
        app.stores.ledger.pin(scene, Pin(part, rating_key))
    finally:
        app.close()


def unpin(world: Any, scene: int) -> None:
    app = world.stores()
    try:
        assert app.stores.ledger.unpin(scene)
        assert not app.stores.ledger.unpin(scene)
    finally:
        app.close()


def test_our_own_upload_is_never_taken_for_what_plex_had(world: Any) -> None:
    """The state that a worker leaves if it dies between an upload and its record."""
    scene, item = rich(world)
    synced(world, scene)
    ours = item.selected_poster
    app = world.stores()
    state = app.stores.ledger.scenes([scene])[scene]
    (target,) = state.targets
    written = {name: value for name, value in target.written.items() if name != "poster"}
    unconfirmed = {"poster": target.written["poster"].value}
    cut = target._replace(written=written, unconfirmed=unconfirmed, dirty=frozenset({"poster"}))
    app.stores.ledger.save([state._replace(desired_hash="", targets=(cut,))])
    app.close()
    with closing(sqlite3.connect(f"{world.folder}/ledger.db")) as ledger:
        ledger.create_function("unpacked", 1, unpacked)
        ledger.execute("UPDATE bases SET base = json_remove(unpacked(base), '$.poster')")
        ledger.commit()
    synced(world, scene)
    assert "poster" in world.state(scene).targets[0].written
    assert "poster" not in world.state(scene).targets[0].base
    output = run_task(world, undo_scene, owns=True, scene=scene)
    assert output["left"][str(scene)] == {"poster": "what Plex had before is not known"}
    assert (item.selected_poster, item.title) == (ours, "agent's title")


def test_a_kill_right_after_an_upload_loses_no_poster(world: Any, tmp_path: Any) -> None:
    """The next worker finds the data folder as it is at that moment."""
    scene, item = rich(world)
    before = looks(item)
    left = tmp_path / "left by the kill"
    upload = world.plex.upload

    def killed_then(*args: Any) -> str:
        key: str = upload(*args)
        if not left.exists():
            shutil.copytree(world.folder, left)
        return key

    world.plex.upload = killed_then
    synced(world, scene)
    assert looks(item) != before
    shutil.rmtree(world.folder)
    shutil.move(left, world.folder)
    output = run_task(world, undo_scene, owns=True, scene=scene)
    assert looks(item) == before
    assert (output["undone"], output["left"]) == (1, {})


@pytest.mark.parametrize("date", ["", "2019-05-05", "2021-07-07"])
@pytest.mark.parametrize("year", ["", "2019"])
def test_the_year_that_came_with_a_date_goes_with_it(world: Any, date: str, year: str) -> None:
    scene, item = rich(world, date=date, year=year or date[:4])
    before = (item.originallyAvailableAt, item.year)
    synced(world, scene)
    assert (item.originallyAvailableAt, item.year) == ("2021-03-01", "2021")
    for _ in range(2):
        output = run_task(world, undo_scene, owns=True, scene=scene)
        assert output["left"] == {}
    assert (item.originallyAvailableAt, item.year) == before
    assert "year" not in item.locks


def test_a_year_that_somebody_set_since_stays(world: Any) -> None:
    scene, item = rich(world, year="1999")
    synced(world, scene)
    world.plex.user_edit(item.key, year="2005")
    run_task(world, undo_scene, owns=True, scene=scene)
    assert (item.originallyAvailableAt, item.year) == ("", "2005")


def buried(world: Any, *scenes: int) -> None:
    app = world.stores()
    for scene in scenes:
        at = world.clock.now()
        times = {"buried_at": at, "first_failure": at, "last_failure": at}
        app.stores.dead_letters.add(
            DeadLetter(scene=scene, error="PlexNotFound", message="", **times)
        )
    app.close()


def test_a_retry_of_one_undone_scene_writes_it_and_one_of_many_says_why_not(world: Any) -> None:
    scene, item = rich(world)
    other, _ = world.pair("b.mp4", title="Other")
    synced(world, scene, other)
    run_task(world, undo_scene, owns=True, scene=scene)
    buried(world, scene, other)
    answer = run_task(world, retry_dead_letters, owns=True)
    assert (answer["queued"], answer["undone"]) == (1, 1)
    assert f"Left alone: scene {scene}. What PlexSync wrote of these was undone" in world.said()
    world.run()
    assert item.title == "agent's title"
    buried(world, scene)
    assert run_task(world, retry_dead_letters, owns=True, scene=str(scene))["queued"] == 1
    world.run()
    assert item.title == "First light"
    assert world.dead_letter(scene) is None
