"""Filters: which scenes are left out, which leave and return, and where the reason is shown."""

from __future__ import annotations

from typing import Any

import pytest

from plexsync.edges.page import read_state
from plexsync.flows.status.status import status
from plexsync.flows.status.status_text import status_lines
from plexsync.flows.tasks.check_setup import check_setup
from plexsync.flows.tasks.context import TaskFailed
from plexsync.flows.tasks.dead_letters import retry_dead_letters
from plexsync.flows.tasks.preview import preview
from plexsync.flows.tasks.reconcile import reconcile_all
from plexsync.flows.tasks.sync_all import sync_all, sync_all_forced
from plexsync.flows.tasks.undo import undo_all, undo_left_out
from plexsync.model.dead_letter import DeadLetter
from tests.task_running import run_task


@pytest.fixture
def chosen(world: Any) -> Any:
    """A world where only organized scenes are written."""
    world.configure(sync_only="organized", no_poster=True)
    return world


def stands(world: Any, scene: int) -> tuple[str, str]:
    state = world.state(scene)
    return (state.state, state.detail) if state else ("unknown", "")


def synced(world: Any, *scenes: int, minutes: float = 0.5) -> None:
    for scene in scenes:
        world.event(scene)
    world.run(minutes)


def asked_of_plex(world: Any) -> list[str]:
    """Requests to Plex that concern items."""
    return [e.path for e in world.plex.journal if e.path.startswith("/library/metadata")]


def organize(world: Any, scene: int, organized: bool = True) -> None:
    world.stash.edit(scene, organized=organized)
    world.event(scene, inputFields=["organized", "id"])


def shown(world: Any) -> dict[str, Any]:
    return {**status(world.folder, world.clock.now())}


def test_a_scene_that_a_filter_leaves_out_is_a_state_of_its_own(chosen: Any) -> None:
    scene, item = chosen.pair("a.mp4", title="First light")
    synced(chosen, scene)
    assert item.title != "First light"
    assert stands(chosen, scene) == ("left out", "not organized")
    assert chosen.dead_letter(scene) is None and not chosen.waiting()
    assert asked_of_plex(chosen) == []
    found = shown(chosen)
    assert found["scenes"] == {"left out": 1}
    assert found["left_out"] == {"scenes": 1, "written": 0, "why": {"not organized": 1}}
    assert found["badge"] == {"waiting": 0, "later": 0, "failed": 0}
    said = str(status_lines(status(chosen.folder, chosen.clock.now()), ""))
    assert "Left out by the filters: 1 scene (not organized 1)." in said


def test_it_enters_as_soon_as_the_condition_holds(chosen: Any) -> None:
    scene, item = chosen.pair("a.mp4", title="First light")
    synced(chosen, scene)
    organize(chosen, scene)
    chosen.run()
    assert item.title == "First light"
    assert stands(chosen, scene)[0] == "synced"
    assert shown(chosen)["left_out"] == {"scenes": 0, "written": 0, "why": {}}


def test_without_a_filter_that_looks_at_it_such_a_change_makes_no_job(world: Any) -> None:
    scene, _ = world.pair("a.mp4", title="First light")
    synced(world, scene)
    world.event(scene, inputFields=["organized", "id"])
    app = world.stores()
    worker = app.worker(lambda: "no time")
    worker.take_in(world.clock.now())
    jobs = dict(app.stores.queue.jobs)
    app.close()
    assert jobs == {}


def test_one_that_leaves_keeps_what_plex_has_and_comes_back_with_the_newest(chosen: Any) -> None:
    scene, item = chosen.pair("a.mp4", title="First light", organized=True)
    synced(chosen, scene)
    organize(chosen, scene, False)
    chosen.run()
    assert stands(chosen, scene) == ("left out", "not organized")
    assert shown(chosen)["left_out"]["written"] == 1
    chosen.edit(scene, title="Second light")
    chosen.run()
    assert item.title == "First light"
    organize(chosen, scene)
    chosen.run()
    assert item.title == "Second light" and stands(chosen, scene)[0] == "synced"


@pytest.mark.parametrize("press", [sync_all, sync_all_forced])
def test_a_backfill_leaves_out_the_same(chosen: Any, press: Any) -> None:
    out, left = chosen.pair("a.mp4", title="Out")
    within, written = chosen.pair("b.mp4", title="In", organized=True)
    run_task(chosen, press, owns=True)
    chosen.run()
    assert (left.title, written.title) == ("a", "In")
    assert stands(chosen, out)[0] == "left out" and stands(chosen, within)[0] == "synced"


def test_the_preview_says_the_same(chosen: Any) -> None:
    scene, _ = chosen.pair("a.mp4", title="First light")
    output = run_task(chosen, preview, scene=str(scene))
    assert output["counts"] == {"left out": 1}
    assert f"Scene {scene} left out: not organized." in chosen.said("info")


def test_a_dead_letter_that_is_retried_ends_the_same(chosen: Any) -> None:
    scene, item = chosen.pair("a.mp4", title="First light")
    app, now = chosen.stores(), chosen.clock.now()
    app.stores.dead_letters.add(
        DeadLetter(
            scene=scene,
            error="PlexPermanentError",
            message="refused",
            first_failure=now,
            last_failure=now,
            buried_at=now,
        )
    )
    app.close()
    run_task(chosen, retry_dead_letters, owns=True)
    chosen.run()
    assert chosen.dead_letter(scene) is None
    assert stands(chosen, scene) == ("left out", "not organized") and item.title == "a"


def test_it_is_no_gap_for_a_reconciliation(chosen: Any) -> None:
    chosen.pair("a.mp4", title="First light")
    answer = run_task(chosen, reconcile_all, owns=True)
    assert not any(answer["gaps"].values()) and not chosen.waiting()


def test_a_reconciliation_finds_those_that_a_change_without_a_hook_lets_in_or_out(
    chosen: Any,
) -> None:
    leaves, _ = chosen.pair("a.mp4", title="A", organized=True)
    enters, item = chosen.pair("b.mp4", title="B")
    synced(chosen, leaves, enters)
    chosen.stash.scene(leaves).organized = False
    chosen.stash.scene(enters).organized = True
    chosen.clock.passed += 60.0
    run_task(chosen, reconcile_all, owns=True)
    chosen.run()
    assert stands(chosen, leaves)[0] == "left out"
    assert stands(chosen, enters)[0] == "synced" and item.title == "B"
    run_task(chosen, reconcile_all, owns=True)
    assert not chosen.waiting()


def test_a_changed_filter_finds_its_scenes_without_asking_plex(world: Any) -> None:
    world.configure(no_poster=True)
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}", rating100=20 * n) for n in range(1, 5)]
    synced(world, *(scene for scene, _ in pairs))
    world.configure(sync_only="rating>=4")
    world.plex.clear_journal()
    world.run(minutes=1)
    assert [stands(world, scene)[0] for scene, _ in pairs] == ["left out"] + 3 * ["synced"]
    assert asked_of_plex(world) == []
    world.configure(sync_only="", sync_never="stars>=4")
    world.run(minutes=1)
    assert [stands(world, scene)[0] for scene, _ in pairs] == 3 * ["synced"] + ["left out"]


def test_many_scenes_that_stay_left_out_cost_the_ledger_nothing(chosen: Any) -> None:
    scenes = [chosen.pair(f"{n}.mp4", title=f"T{n}")[0] for n in range(3)]
    synced(chosen, *scenes)
    since = [chosen.state(scene).since for scene in scenes]
    chosen.clock.passed += 100.0
    synced(chosen, *scenes)
    assert [chosen.state(scene).since for scene in scenes] == since


def test_what_was_written_of_them_before_is_undone_at_a_second_press(chosen: Any) -> None:
    scene, item = chosen.pair("a.mp4", title="First light", organized=True)
    kept, other = chosen.pair("b.mp4", title="Stays", organized=True)
    synced(chosen, scene, kept)
    organize(chosen, scene, False)
    chosen.run()
    first = run_task(chosen, undo_left_out, owns=True)
    assert (first["would_undo"], item.title) == (1, "First light")
    assert "the items of 1 scene that the filters leave out now" in chosen.said("warning")
    second = run_task(chosen, undo_left_out, owns=True)
    assert (second["undone"], item.title, other.title) == (1, "a", "Stays")
    assert stands(chosen, scene) == ("left out", "not organized")
    assert shown(chosen)["left_out"] == {"scenes": 1, "written": 0, "why": {"not organized": 1}}
    assert run_task(chosen, undo_left_out, owns=True) == {"undone": 0, "would_undo": 0}


def test_the_page_has_asked_already_and_presses_once(chosen: Any) -> None:
    scene, item = chosen.pair("a.mp4", title="First light", organized=True)
    synced(chosen, scene)
    organize(chosen, scene, False)
    chosen.run()
    output = run_task(chosen, undo_left_out, owns=True, confirmed="true")
    assert (output["undone"], item.title) == (1, "a")


def test_a_scene_that_was_undone_so_is_written_when_it_enters_again(chosen: Any) -> None:
    scene, item = chosen.pair("a.mp4", title="First light", organized=True)
    synced(chosen, scene)
    organize(chosen, scene, False)
    chosen.run()
    run_task(chosen, undo_left_out, owns=True, confirmed="true")
    chosen.configure(sync_only="")
    chosen.run(minutes=1)
    assert item.title == "First light" and stands(chosen, scene)[0] == "synced"


def test_a_field_that_somebody_changed_in_plex_stays_and_is_not_offered_again(chosen: Any) -> None:
    scene, item = chosen.pair("a.mp4", title="First light", details="One.", organized=True)
    synced(chosen, scene)
    organize(chosen, scene, False)
    chosen.run()
    chosen.plex.user_edit(item.key, title="Mine")
    output = run_task(chosen, undo_left_out, owns=True, confirmed="true")
    assert (item.title, item.summary) == ("Mine", "")
    assert list(output["left"][str(scene)]) == ["title"]
    assert shown(chosen)["left_out"]["written"] == 0


def test_a_scene_that_was_undone_by_hand_stays_undone(chosen: Any) -> None:
    scene, item = chosen.pair("a.mp4", title="First light", organized=True)
    synced(chosen, scene)
    organize(chosen, scene, False)
    chosen.run()
    run_task(chosen, undo_all, owns=True)
    run_task(chosen, undo_all, owns=True)
    chosen.configure(sync_only="")
    chosen.run(minutes=1)
    assert item.title == "a" and stands(chosen, scene)[0] == "undone"


def test_a_filter_that_cannot_be_read_stops_everything_and_says_where(world: Any) -> None:
    scene, item = world.pair("a.mp4", title="First light")
    world.configure(sync_never="tag:Private; organised")
    world.event(scene)
    world.run()
    assert item.title == "a" and scene in world.waiting()
    assert (
        'The filter "Sync never" is invalid at character 14 ("organised"): expected organized'
        in world.said("warning")
    )
    assert world.said("warning").count("Sync never") == 1
    with pytest.raises(
        TaskFailed, match='Nothing can be previewed: The filter "Sync never" is invalid'
    ):
        run_task(world, preview, scene=str(scene))
    world.configure(sync_never="tag:Private; organized")
    world.run()
    assert item.title == "First light"


def test_tags_and_studios_are_meant_with_all_below_them(world: Any) -> None:
    stash = world.stash
    genre = stash.add_tag("Private")
    below = stash.add_tag("Home", [stash.add_tag("Family", [genre])])
    studio = stash.add_studio("Acme East", stash.add_studio("Acme"))
    out, left = world.pair("a.mp4", title="Out", tags=[below], studio=studio)
    other, elsewhere = world.pair("b.mp4", title="Elsewhere")
    within, written = world.pair("c.mp4", title="In", studio=studio)
    world.configure(sync_never="tag:private/*", sync_only="studio:acme/*")
    synced(world, out, other, within)
    assert (left.title, elsewhere.title, written.title) == ("a", "b", "In")
    assert stands(world, out) == ("left out", "tag:private/*")
    assert stands(world, other) == ("left out", "not studio:acme/*")


def test_a_renamed_tag_lets_a_scene_in_and_a_moved_one_keeps_it_out(world: Any) -> None:
    stash = world.stash
    tag = stash.add_tag("Favorite")
    scene, item = world.pair("a.mp4", title="First light", tags=[tag])
    world.configure(sync_only="tag:Favourite", no_tags=True)
    synced(world, scene)
    assert stands(world, scene) == ("left out", "not tag:Favourite")
    stash.rename_tag(tag, "Favourite")
    world.event(tag, "Tag.Update.Post", inputFields=["name", "id"])
    world.run()
    assert item.title == "First light"
    stash.rename_tag(tag, "Other")
    world.event(tag, "Tag.Update.Post", inputFields=["name", "id"])
    world.run()
    assert stands(world, scene) == ("left out", "not tag:Favourite")


def test_a_tag_that_is_new_in_stash_is_known_at_once(world: Any) -> None:
    stash = world.stash
    scene, item = world.pair("a.mp4", title="First light", tags=[stash.add_tag("Old")])
    parent = stash.add_tag("Genre")
    world.configure(sync_only="tag:Genre/*")
    world.event(scene)
    added: list[int] = []

    def somebody_adds_one() -> None:
        if not added and read_state.ledger(world.folder).counts() == {"left out": 1}:
            added.append(stash.add_tag("Drama", [parent]))
            world.edit(scene, tag_ids=added)

    world.clock.on_wait = somebody_adds_one
    world.run(minutes=1)
    assert added and item.title == "First light"


@pytest.mark.parametrize("told", [True, False])
def test_a_tag_that_is_moved_takes_its_scenes_out_and_in(world: Any, told: bool) -> None:
    stash = world.stash
    parent, tag = stash.add_tag("Private"), stash.add_tag("Home")
    scene, item = world.pair("a.mp4", title="First light", tags=[tag])
    world.configure(sync_never="tag:Private/*", no_tags=True)
    synced(world, scene)
    assert item.title == "First light"

    def moved(parents: list[int], state: str) -> None:
        done: list[int] = []

        def somebody_moves_it() -> None:
            if not done:
                done.append(tag)
                stash.data.entity("tag", tag).parents = parents
                stash.data.entity("tag", tag).updated_at = world.clock.now()
                if told:
                    world.event(tag, "Tag.Update.Post", inputFields=["parent_ids", "id"])

        world.clock.on_wait = somebody_moves_it
        world.run(minutes=1 if told else 20)
        assert stands(world, scene)[0] == state

    moved([parent], "left out")
    moved([], "synced")


def test_a_scene_that_is_left_out_holds_no_item_against_another(world: Any) -> None:
    files = [("/plex/a.mp4", 1000), ("/plex/b.mp4", 1000)]
    item = world.plex.item(world.plex.add_item(world.section, files=files, title="Both"))
    first = world.stash.add_scene(title="First", files=[("/data/a.mp4", 1000)])
    second = world.stash.add_scene(title="Second", files=[("/data/b.mp4", 1000)], organized=True)
    world.configure(sync_only="organized", no_poster=True)
    synced(world, first, second)
    assert item.title == "Second"
    assert (stands(world, first)[0], stands(world, second)[0]) == ("left out", "synced")


def test_a_scene_without_a_file_that_is_left_out_becomes_no_dead_letter(chosen: Any) -> None:
    scene = chosen.stash.add_scene(title="No file", files=[])
    synced(chosen, scene)
    assert chosen.dead_letter(scene) is None
    assert stands(chosen, scene) == ("left out", "not organized")


def test_an_item_becomes_another_scenes_when_the_one_that_had_it_is_left_out(world: Any) -> None:
    files = [("/plex/a.mp4", 1000), ("/plex/b.mp4", 1000)]
    item = world.plex.item(world.plex.add_item(world.section, files=files, title="Both"))
    first = world.stash.add_scene(title="First", files=[("/data/a.mp4", 1000)], rating100=20)
    second = world.stash.add_scene(title="Second", files=[("/data/b.mp4", 1000)])
    world.configure(no_poster=True)
    synced(world, first, second)
    assert stands(world, second)[0] == "shared"
    world.configure(sync_never="rating<3")
    world.run(minutes=1)
    assert (item.title, stands(world, first)[0]) == ("Second", "left out")
    run_task(world, undo_left_out, owns=True, confirmed="true")
    world.run()
    assert item.title == "Second"
    run_task(world, undo_all, owns=True)
    run_task(world, undo_all, owns=True)
    assert item.title == "Both"


def test_the_setup_check_names_what_cannot_be_read_and_what_stash_does_not_have(world: Any) -> None:
    world.configure(sync_only="tag:Nior; organized")
    run_task(world, check_setup)
    assert "[warn] Filters: Stash has no tag Nior. Correct" in world.said("warning")
    world.stash.add_tag("Nior")
    run_task(world, check_setup)
    assert "[ok] Filters: 2 conditions." in world.said("info")
    world.configure(sync_only="tag:")
    run_task(world, check_setup)
    assert '[bad] Filters: The filter "Sync only" is invalid at character 5' in world.said()
    assert ". Nothing is synced until it is corrected" in world.said("warning")


def test_sync_now_does_not_overrule_a_filter(chosen: Any) -> None:
    scene, item = chosen.pair("a.mp4", title="First light")
    chosen.event(
        scene, "PlexSync.Command.Post", input={"command": "sync", "args": {"scenes": [scene]}}
    )
    chosen.run()
    assert item.title == "a" and stands(chosen, scene) == ("left out", "not organized")
