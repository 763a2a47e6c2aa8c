"""From a saved scene to the Plex item, as the user sees it."""

from __future__ import annotations

import os
from contextlib import closing
from typing import Any

import pytest

from plexsync.edges.plex.client import PlexClient
from plexsync.edges.plex.library_index import PlexIndex
from plexsync.flows.sync.item_reader import ItemReader
from plexsync.model.ledger import Pin
from plexsync.model.paths import index_keys
from plexsync.model.plex import Target
from tests.flows.test_reconciliation_story import found, press
from tests.world import TOKEN

RED = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"red" * 50
BLUE = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"blue" * 50
LONG_AGO = 1_600_000_000


def test_a_saved_scene_shows_up_in_plex_with_everything(world: Any) -> None:
    stash = world.stash
    scene, item = world.pair(
        "a.mp4",
        title="First light",
        details="One.\n\nTwo.",
        date="2021-03",
        studio=stash.add_studio("Acme"),
        performers=[stash.add_performer("Ann"), stash.add_performer("Bob")],
        tags=[stash.add_tag("Drama")],
        director="Dee",
        cover=RED,
    )
    world.event(scene)
    world.run()
    assert (item.title, item.summary, item.studio) == ("First light", "One.\n\nTwo.", "Acme")
    assert item.originallyAvailableAt == "2021-03-01"
    assert set(item.actor) == {"Ann", "Bob"}
    assert (item.genre, item.director, item.collection) == (["Drama"], ["Dee"], ["Acme"])
    assert len(item.posters) == 1
    assert {"title", "summary", "studio", "originallyAvailableAt", "actor", "genre"} <= item.locks
    assert world.state(scene).state == "synced"
    assert world.waiting() == {}


def test_an_item_takes_one_edit_and_an_unchanged_one_none(world: Any) -> None:
    scene, _ = world.pair(
        "a.mp4", title="T", details="D", tags=[world.stash.add_tag("x")], cover=RED
    )
    world.event(scene)
    world.run()
    assert world.plex.count("PUT") == 1
    world.plex.clear_journal()
    world.event(scene)
    world.run()
    assert world.plex.journal == []


def test_a_scene_that_already_agrees_costs_no_edit(world: Any) -> None:
    scene, _ = world.pair("a.mp4", plex={"title": "T", "summary": "D"}, title="T", details="D")
    world.event(scene)
    world.run()
    assert world.plex.count("PUT") == 0
    assert world.state(scene).state == "synced"


def test_many_saves_in_a_row_make_one_sync(world: Any) -> None:
    scene, item = world.pair("a.mp4", title="T0")
    for number in range(1, 6):
        world.edit(scene, title=f"T{number}")
    world.run()
    assert item.title == "T5"
    assert world.plex.count("PUT") == 1


def test_a_scene_rests_before_it_is_synced(world: Any) -> None:
    scene, item = world.pair("a.mp4", title="T")
    world.event(scene)
    world.run(minutes=0.4 / 60)
    assert world.plex.count("PUT") == 0
    assert scene in world.waiting()
    world.run(minutes=0.3 / 60)
    assert item.title == "T"


def test_saves_in_a_row_are_one_edit_when_they_are_over(world: Any) -> None:
    scene, item = world.pair("a.mp4", title="First")
    world.event(scene)
    world.edit(scene, title="Second")
    world.run(minutes=1.5 / 60)
    assert world.plex.count("PUT") == 0
    world.run(minutes=1 / 60)
    assert (item.title, world.plex.count("PUT")) == ("Second", 1)


def test_a_bulk_edit_and_a_new_scene_rest_for_two_seconds(world: Any) -> None:
    pairs = [world.pair(f"{n}.mp4", title="T") for n in range(6)]
    for scene, _ in pairs[:5]:
        world.event(scene)
    world.event(pairs[5][0], "Scene.Create.Post")
    world.run(minutes=1.5 / 60)
    assert world.plex.count("PUT") == 0
    world.run(minutes=1 / 60)
    assert [item.title for _, item in pairs] == ["T"] * 6


def test_what_stash_empties_is_cleared_only_where_plexsync_wrote_it(world: Any) -> None:
    stash = world.stash
    scene, item = world.pair(
        "a.mp4",
        plex={"tagline": "Mine", "studio": "Old"},
        title="T",
        details="D",
        tags=[stash.add_tag("x")],
    )
    world.event(scene)
    world.run()
    world.edit(scene, details="", tag_ids=[], title="")
    world.run()
    assert item.summary == ""
    assert item.genre == []
    assert item.tagline == "Mine"
    assert item.studio == "Old"
    assert item.title == "a", "a title is never cleared: the file's name stands in"


def test_tags_follow_stash_in_both_directions_and_own_collections_stay(world: Any) -> None:
    stash = world.stash
    one, two = stash.add_tag("one"), stash.add_tag("two")
    scene, item = world.pair(
        "a.mp4",
        plex={"genres": ["Agent's"], "collections": ["Favourites"]},
        title="T",
        tags=[one],
        studio=stash.add_studio("Acme"),
    )
    world.event(scene)
    world.run()
    assert item.genre == ["one"]
    assert set(item.collection) == {"Favourites", "Acme"}
    world.edit(scene, tag_ids=[str(two)], studio_id=str(stash.add_studio("Beta")))
    world.run()
    assert item.genre == ["two"]
    assert set(item.collection) == {"Favourites", "Beta"}


def test_performers_of_one_name_are_two_actors_and_all_of_sixty_arrive(world: Any) -> None:
    stash = world.stash
    world.configure(no_poster=True, max_performers=65)
    janes = [stash.add_performer("Jane Doe", "2015"), stash.add_performer("Jane Doe", "of Oslo")]
    crowd = [stash.add_performer(f"P{n}") for n in range(68)]
    scene, item = world.pair("a.mp4", title="T", performers=janes)
    big, crowded = world.pair("b.mp4", title="B", performers=crowd)
    world.event(scene)
    world.event(big)
    world.run()
    assert sorted(item.actor) == ["Jane Doe (2015)", "Jane Doe (of Oslo)"]
    assert len(crowded.actor) == 65
    world.edit(big, title="B2")
    world.run()
    told = [line for line in world.said("warning").splitlines() if "Not all of this scene" in line]
    assert len(told) == 2, "once per life of a worker"
    assert "performers (65 of 68)" in told[0]
    assert f"scene={big}" in told[0]


def test_libraries_with_commas_and_blanks_in_their_names_are_told_apart(world: Any) -> None:
    scenes = {}
    for size, title in enumerate(("Drama, Old", "Drama", " Movies", "Movies "), start=1):
        section = world.plex.add_section(title, locations=[f"/plex{size}"])
        item = world.plex.add_item(section, file=f"/plex{size}/{size}.mp4", size=size)
        scene = world.stash.add_scene(title="T", files=[(f"/plex{size}/{size}.mp4", size)])
        scenes[title] = world.plex.item(item)
        world.event(scene)
    world.configure(no_poster=True, path_map="", plex_library="Drama, Old,Movies ")
    world.run()
    assert {title for title, item in scenes.items() if item.title == "T"} == {
        "Drama, Old",
        "Movies ",
    }
    assert "no movie library" not in world.said()


def test_a_renamed_performer_reaches_every_scene_written_with_it(world: Any) -> None:
    world.configure(no_poster=True)
    ann = world.stash.add_performer("Ann")
    first, one = world.pair("1.mp4", title="A", performers=[ann])
    second, two = world.pair("2.mp4", title="B", performers=[ann])
    third, three = world.pair("3.mp4", title="C")
    for scene in (first, second, third):
        world.event(scene)
    world.run()
    world.stash.rename_performer(ann, "Anne")
    world.event(ann, "Performer.Update.Post", inputFields=["name", "id"])
    world.plex.clear_journal()
    world.run()
    assert (one.actor, two.actor, three.actor) == (["Anne"], ["Anne"], [])
    assert world.plex.count("PUT") == 2


def test_a_deleted_tag_leaves_the_scenes_that_had_it(world: Any) -> None:
    gone = world.stash.add_tag("gone")
    scene, item = world.pair("1.mp4", title="A", tags=[gone, world.stash.add_tag("kept")])
    world.event(scene)
    world.run()
    world.stash.destroy_tag(gone)
    world.event(gone, "Tag.Destroy.Post")
    world.run()
    assert item.genre == ["kept"]


def test_merged_tags_show_their_new_name(world: Any) -> None:
    old, new = world.stash.add_tag("old"), world.stash.add_tag("new")
    scene, item = world.pair("1.mp4", title="A", tags=[old])
    world.event(scene)
    world.run()
    world.stash.merge_tags([old], new)
    merged = {"source": [str(old)], "destination": str(new)}
    world.event(new, "Tag.Merge.Post", input=merged)
    world.run()
    assert item.genre == ["new"]


def test_a_destroyed_scene_leaves_plex_alone(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="A", cover=RED)
    world.event(scene)
    world.run()
    world.stash.destroy(scene)
    world.event(scene)
    world.event(scene, "Scene.Destroy.Post")
    world.plex.clear_journal()
    world.run()
    assert world.plex.journal == []
    assert item.title == "A"
    assert world.state(scene).state == "destroyed"
    assert world.waiting() == {}


def test_a_scene_that_stash_still_has_is_not_destroyed_whatever_an_event_says(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="A", cover=RED)
    world.event(scene)
    world.run()
    world.event(scene, "Scene.Destroy.Post")
    world.run()
    assert world.state(scene).state == "synced"
    assert world.waiting() == {}
    world.edit(scene, title="B")
    world.run()
    assert item.title == "B"


def test_a_scene_deleted_between_event_and_run_is_finished_not_failed(world: Any) -> None:
    scene, _ = world.pair("1.mp4", title="A")
    world.event(scene)
    world.stash.destroy(scene)
    world.run()
    assert world.waiting() == {}
    assert world.dead_letter(scene) is None


def test_a_scene_with_nothing_to_say_is_not_written(world: Any) -> None:
    scene, item = world.pair("1.mp4", plex={"title": "From the agent"}, rating100=80, cover=RED)
    world.event(scene)
    world.run()
    assert item.title == "From the agent"
    assert world.plex.count("PUT") == 0
    assert world.state(scene).state == "too little metadata"


def test_a_fresh_installation_writes_nothing_that_nobody_asked_for(world: Any) -> None:
    old, item = world.pair("1.mp4", title="Old", updated_at=LONG_AGO, created_at=LONG_AGO)
    world.event(old, inputFields=...)
    world.run()
    assert world.plex.count("PUT") == 0
    world.edit(old, details="now edited")
    world.run()
    assert (item.title, item.summary) == ("Old", "now edited")


def test_a_rescan_does_not_weaken_an_edit_that_waits(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="A", updated_at=LONG_AGO, created_at=LONG_AGO)
    world.event(scene)
    world.event(scene, inputFields=...)
    world.run()
    assert item.title == "A"


def test_a_moved_file_is_matched_again(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="A")
    other = world.film("sub/1.mp4", size=1000)
    world.event(scene)
    world.run()
    world.stash.move_file(scene, "/data/sub/1.mp4")
    world.event(scene, inputFields=...)
    world.run()
    assert other.title == "A"
    assert item.title == "A", "the old item is left as it is"


def test_the_cover_goes_up_once_and_again_when_it_changes(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="A", cover=RED)
    world.event(scene)
    world.run()
    world.edit(scene, details="more")
    world.run()
    assert len(item.posters) == 1
    world.stash.set_cover(scene, BLUE)
    world.event(scene, inputFields=["cover_image", "id"])
    world.run()
    assert len(item.posters) == 2


def generate_cover(world: Any, scene: int) -> None:
    """Stash makes the picture some time later: no hook, but the scene counts as updated."""
    world.clock.passed += 60
    world.stash.scene(scene).cover = RED
    world.stash.scene(scene).updated_at = world.clock.now()


def test_a_scene_without_a_cover_is_in_step_and_waits_for_nothing(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="A")
    world.event(scene)
    world.run(minutes=0.1)
    assert item.title == "A"
    assert world.waiting() == {}
    state = world.state(scene)
    assert (state.state, state.detail) == ("synced", "no cover in Stash yet")
    assert state.targets[0].dirty == frozenset()
    world.edit(scene, details="more")
    assert world.run(minutes=180) == "nothing to do"
    assert world.dead_letter(scene) is None


def test_a_cover_that_comes_later_goes_up_with_the_next_event_of_its_scene(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="A")
    world.event(scene)
    world.run()
    world.stash.scene(scene).cover = RED
    world.event(scene)
    world.run()
    assert len(item.posters) == 1
    assert world.state(scene).detail == ""


def test_a_cover_that_stash_generates_is_found_by_the_sweep(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="A")
    other, _ = world.pair("2.mp4", title="B", cover=RED)
    world.event(scene)
    world.run()
    generate_cover(world, scene)
    world.event(other)
    world.run()
    assert len(item.posters) == 1
    assert world.waiting() == {}


def test_a_settings_switch_takes_effect_on_scenes_already_written(world: Any) -> None:
    world.configure(no_tags=True, no_poster=True)
    scene, item = world.pair("1.mp4", title="A", tags=[world.stash.add_tag("x")])
    _, untouched = world.pair(
        "2.mp4",
        title="B",
        tags=[world.stash.add_tag("y")],
        created_at=LONG_AGO,
        updated_at=LONG_AGO,
    )
    trigger, _ = world.pair("3.mp4", title="C")
    world.event(scene)
    world.run()
    assert item.genre == []
    world.configure(no_tags=False)
    world.event(trigger)
    world.run()
    assert item.genre == ["x"]
    assert untouched.title == "2", "only what the ledger knows is touched"


def test_paused_keeps_events_and_sends_them_when_it_is_on_again(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="A")
    world.configure(pause_sync=True)
    world.event(scene)
    assert world.run(minutes=5) == "time is up", "it waits for the pause to end"
    assert world.plex.journal == []
    assert scene in world.waiting()
    world.configure(pause_sync=False)
    world.run()
    assert item.title == "A"


def test_missing_settings_are_asked_for_in_one_line(world: Any) -> None:
    scene, _ = world.pair("1.mp4", title="A")
    world.configure(plex_token="")
    world.event(scene)
    world.run(minutes=3)
    assert world.said("warning").count("Nothing can be synced yet") == 1
    assert scene in world.waiting()


def test_two_files_of_one_name_never_get_each_others_metadata(world: Any) -> None:
    one = world.film("x/clip.mp4")
    two = world.film("y/clip.mp4")
    first = world.stash.add_scene(title="X", files=[("/data/x/clip.mp4", 1000)])
    second = world.stash.add_scene(title="Y", files=[("/data/y/clip.mp4", 1000)])
    world.event(first)
    world.event(second)
    world.run()
    assert (one.title, two.title) == ("X", "Y")


def test_the_same_file_in_two_libraries_is_written_twice(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="A")
    again = world.plex.add_section("Again", locations=["/plex"])
    other = world.plex.item(world.plex.add_item(again, file="/plex/1.mp4", size=1000))
    world.event(scene)
    world.run()
    assert (item.title, other.title) == ("A", "A")


def test_only_the_named_libraries_are_written(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="A")
    again = world.plex.add_section("Again", locations=["/plex"])
    other = world.plex.item(world.plex.add_item(again, file="/plex/1.mp4", size=1000))
    world.configure(plex_library="Again")
    world.event(scene)
    world.run()
    assert (item.title, other.title) == ("1", "A")


def test_an_ambiguous_scene_becomes_a_dead_letter_that_names_the_items(world: Any) -> None:
    world.configure(path_map="", no_poster=True)
    world.film("x/clip.mp4", size=5)
    world.film("y/clip.mp4", size=5)
    scene = world.stash.add_scene(title="X", files=[("/elsewhere/clip.mp4", 5)])
    world.event(scene)
    world.run()
    dead_letter = world.dead_letter(scene)
    assert dead_letter.error == "AmbiguousMatch"
    assert len(dead_letter.candidates) == 2
    assert {each.size for each in dead_letter.candidates} == {5}
    assert world.plex.count("PUT") == 0
    world.configure(accept_ambiguous=True)
    world.event(scene)
    world.run()
    assert world.plex.count("PUT") == 1
    assert world.dead_letter(scene) is None


def test_an_item_of_two_scenes_belongs_to_the_scene_of_its_first_file(world: Any) -> None:
    key = world.plex.add_item(
        world.section, files=[("/plex/a.mp4", 1), ("/plex/b.mp4", 2)], title="Both"
    )
    first = world.stash.add_scene(title="A", files=[("/data/a.mp4", 1)])
    second = world.stash.add_scene(title="B", files=[("/data/b.mp4", 2)])
    world.event(second)
    world.event(first)
    world.run()
    assert world.plex.item(key).title == "A"
    assert world.state(second).state == "shared"
    assert world.dead_letter(second) is None


def test_a_file_whose_name_differs_in_case_is_another_one(world: Any) -> None:
    world.configure(no_poster=True)
    item = world.film("clip.mp4", size=99)
    scene = world.stash.add_scene(title="Mine", files=[("/data/Clip.mp4", 10)])
    world.event(scene)
    world.run()
    assert item.title == "clip"
    assert "but its size differs; it is not taken" in world.dead_letter(scene).message


def test_another_spelling_with_the_same_size_is_the_file_unless_a_scene_has_it_exactly(
    world: Any,
) -> None:
    world.configure(no_poster=True)
    item = world.film("clip.mp4", size=10)
    loose = world.stash.add_scene(title="Loose", files=[("/data/Clip.mp4", 10)])
    world.event(loose)
    world.run()
    assert item.title == "Loose"
    exact = world.stash.add_scene(title="Exact", files=[("/data/clip.mp4", 10)])
    world.event(exact)
    world.edit(loose, title="Looser")
    world.run()
    assert item.title == "Exact"
    assert "another scene's file has exactly its path" in world.dead_letter(loose).message
    world.configure(accept_ambiguous=True)
    world.event(loose)
    world.run()
    assert item.title == "Exact"
    assert f"belongs to scene {exact}" in world.state(loose).detail


def test_two_folders_of_stash_that_are_one_in_plex_do_not_write_in_turns_without_end(
    world: Any,
) -> None:
    world.configure(no_poster=True, path_map="/plex=>/data; /plex=>/copies")
    first, item = world.pair("a.mp4", title="First")
    copy = world.stash.add_scene(title="Copy", files=[("/copies/a.mp4", 1000)])
    alone = world.stash.add_scene(title="Alone", files=[("/copies/b.mp4", 1000)])
    other = world.film("b.mp4")
    for scene in (copy, first, alone):
        world.event(scene)
    assert world.run(leave=lambda: "endless" * (world.plex.count("PUT") > 9)) == "time is up"
    assert (item.title, other.title) == ("First", "Alone")
    assert "whose path leads to the same file in Plex" in world.state(copy).detail
    world.edit(copy, title="Copy again")
    world.run()
    assert (item.title, world.state(copy).state) == ("First", "shared")


def settled(world: Any, *scenes: int) -> None:
    """Have scenes synced that share an item, and others that this concerns."""
    for scene in scenes:
        world.event(scene)
    before = world.plex.count("PUT")
    many = before + 5 * len(scenes)
    assert world.run(leave=lambda: "endless" * (world.plex.count("PUT") > many)) == "time is up"
    assert world.waiting() == {}


SAME = "whose path leads to the same file in Plex"
CLOSER = "whose path is closer to that of its file"
EXACT = "which has the exact path of its file"


@pytest.mark.parametrize("owner_first", [True, False])
@pytest.mark.parametrize(
    ("path_map", "path", "other", "why"),
    [
        ("/plex=>/data", "/data/x/clip.mp4", "/data/x/clip.mp4", SAME),
        ("/plex=>/data", "/data/x/clip.mp4", "/backup/x/clip.mp4", EXACT),
        ("", "/m/x/clip.mp4", "/n/x/clip.mp4", SAME),
        ("", "/m/clip.mp4", "/n/clip.mp4", SAME),
        ("", "/m/x/clip.mp4", "/n/clip.mp4", CLOSER),
        ("", "/n/clip.mp4", "/m/Clip.mp4", CLOSER),
    ],
)
def test_copies_of_a_file_do_not_write_its_item_in_turns_without_end(
    world: Any, path_map: str, path: str, other: str, why: str, owner_first: bool
) -> None:
    world.configure(no_poster=True, path_map=path_map)
    item = world.film("x/clip.mp4")
    paths = [path, other] if owner_first else [other, path]
    scenes = [world.stash.add_scene(files=[(each, 1000)], title=each) for each in paths]
    settled(world, *scenes)
    owner, loser = scenes if owner_first or why == SAME else scenes[::-1]
    assert world.state(owner).state == "synced"
    assert world.state(loser).state == "shared"
    assert world.state(loser).detail == f"its Plex item belongs to scene {owner}, {why}"
    assert item.title == world.stash.scene(owner).title
    settled(world, loser)
    settled(world, owner)
    assert item.title == world.stash.scene(owner).title


@pytest.mark.parametrize("also_in_plex", [True, False])
def test_a_file_that_moves_onto_that_of_several_scenes_leaves_one_owner(
    world: Any, also_in_plex: bool
) -> None:
    world.configure(no_poster=True)
    moved, item = world.pair("a.mp4", title="A")
    owner, other = world.pair("b.mp4", title="B")
    twins = [world.stash.add_scene(files=[("/data/b.mp4", 1000)], title=n) for n in "CD"]
    settled(world, moved, owner, *twins)
    assert (item.title, other.title) == ("A", "B")
    world.stash.move_file(moved, "/data/b.mp4")
    if also_in_plex:
        world.plex.change_files(item.key, [("/plex/b.mp4", 1000)])
    settled(world, moved, owner, *twins)
    assert (item.title, other.title) == ("A", "A")
    assert {world.state(scene).state for scene in (owner, *twins)} == {"shared"}
    world.clock.passed += 60
    only_in_plex = {} if also_in_plex else {"orphaned": 1}
    assert found(press(world, "reconcile_all")) == only_in_plex


def test_an_item_to_which_two_scenes_are_pinned_belongs_to_one_of_them(world: Any) -> None:
    world.configure(no_poster=True)
    first, own = world.pair("a.mp4", title="A")
    second, item = world.pair("b.mp4", title="B")
    third, _ = world.pair("c.mp4", title="C")
    settled(world, first, second, third)
    with closing(world.ledger()) as ledger:
        ledger.pin(second, Pin("/plex/b.mp4", item.key))
        ledger.pin(third, Pin("/plex/b.mp4", item.key))
    settled(world, third)
    settled(world, second)
    assert (own.title, item.title) == ("A", "B")
    assert world.state(third).detail == f"its Plex item is pinned to scene {second}"


def test_the_exact_path_of_a_later_file_beats_another_spelling_of_the_first(world: Any) -> None:
    world.configure(no_poster=True)
    key = world.plex.add_item(world.section, files=[("/plex/a.mp4", 1), ("/plex/b.mp4", 2)])
    loose = world.stash.add_scene(title="Loose", files=[("/data/A.mp4", 1)])
    exact = world.stash.add_scene(title="Exact", files=[("/data/b.mp4", 2)])
    for scenes in ((loose, exact), (exact, loose)):
        for scene in scenes:
            world.event(scene)
        world.run()
        assert world.plex.item(key).title == "Exact"
        assert world.state(loose).state == "shared"


def test_a_scene_without_anything_to_say_leaves_the_item_to_the_next(world: Any) -> None:
    world.configure(no_poster=True)
    key = world.plex.add_item(world.section, files=[("/plex/a.mp4", 1), ("/plex/b.mp4", 2)])
    mute = world.stash.add_scene(title="", files=[("/data/a.mp4", 1)])
    second = world.stash.add_scene(title="B", files=[("/data/b.mp4", 2)])
    world.event(mute)
    world.event(second)
    world.run()
    assert world.plex.item(key).title == "B"
    world.edit(mute, title="A")
    world.run()
    world.edit(second, title="C")
    world.run()
    assert world.plex.item(key).title == "A"
    assert world.state(second).state == "shared"


def both(world: Any) -> tuple[int, int, int]:
    """An item with the files of two scenes; it belongs to the first one."""
    world.configure(no_poster=True)
    files = [("/plex/a.mp4", 1), ("/plex/b.mp4", 2)]
    key = world.plex.add_item(world.section, files=files, title="Both")
    first = world.stash.add_scene(title="A", files=[("/data/a.mp4", 1)])
    second = world.stash.add_scene(title="B", files=[("/data/b.mp4", 2)])
    world.event(first)
    world.event(second)
    world.run()
    assert world.state(second).state == "shared"
    return key, first, second


def test_after_split_apart_the_second_scene_is_written_by_itself(world: Any) -> None:
    key, _, second = both(world)
    world.plex.change_files(key, [("/plex/a.mp4", 1)])
    other = world.plex.add_item(world.section, files=[("/plex/b.mp4", 2)], title="Apart")
    world.run(minutes=1)
    assert world.plex.item(other).title == "B"
    assert world.state(second).state == "synced"


def test_a_scene_gets_its_item_when_the_other_one_is_destroyed(world: Any) -> None:
    key, first, second = both(world)
    world.stash.destroy(first)
    world.event(first, kind="Scene.Destroy.Post")
    world.run()
    assert world.plex.item(key).title == "B"
    assert world.state(second).state == "synced"


def test_a_scene_whose_item_goes_to_another_one_is_looked_at_again(world: Any) -> None:
    world.configure(no_poster=True)
    files = [("/plex/a.mp4", 1), ("/plex/b.mp4", 2)]
    key = world.plex.add_item(world.section, files=files)
    mute = world.stash.add_scene(title="", files=[("/data/a.mp4", 1)])
    second = world.stash.add_scene(title="B", files=[("/data/b.mp4", 2)])
    world.event(mute)
    world.event(second)
    world.run()
    assert world.state(mute).state == "too little metadata"
    world.edit(mute, title="A")
    world.run()
    assert world.plex.item(key).title == "A"
    assert world.state(second).state == "shared", "without an event of its own"


def test_an_exact_match_asks_stash_for_no_other_owner(world: Any) -> None:
    world.configure(no_poster=True)
    scene, item = world.pair("a.mp4", title="T")
    world.event(scene)
    world.run()
    assert item.title == "T"
    assert not [entry for entry in world.stash.journal if "ScenesByFile" in entry.query]


def test_a_new_file_is_found_by_one_refresh_of_the_index(world: Any) -> None:
    scene, _ = world.pair("1.mp4", title="A")
    world.event(scene)
    world.run()
    later, item = world.pair("2.mp4", title="B")
    world.clock.passed += 60
    world.event(later)
    world.run()
    assert item.title == "B"


def test_a_file_that_plex_lacks_waits_and_is_found_after_a_scan(world: Any) -> None:
    scene = world.stash.add_scene(title="A", files=[("/data/new.mp4", 7)])
    world.event(scene)
    world.run(minutes=1)
    assert world.waiting()[scene].last_error == "PlexNotFound"
    item = world.film("new.mp4", size=7)
    world.run(minutes=30)
    assert item.title == "A"


@pytest.mark.long
def test_a_file_that_never_comes_ends_as_a_dead_letter(world: Any) -> None:
    scene = world.stash.add_scene(title="A", files=[("/data/new.mp4", 7)])
    world.event(scene)
    world.run(minutes=150)
    assert world.dead_letter(scene).error == "PlexNotFound"
    assert world.dead_letter(scene).attempts["PlexNotFound"] == 13
    assert world.state(scene).state == "not in Plex"


def test_a_vanished_item_is_not_written_even_if_the_index_still_lists_it(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="A")
    world.event(scene)
    world.run()
    world.plex.remove_item(item.key)
    again = world.film("1.mp4", size=1000)
    world.clock.passed += 60
    world.edit(scene, title="B")
    world.run()
    assert again.title == "B"


def test_trashed_items_are_passed_over(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="A")
    world.plex.trash_item(item.key)
    world.event(scene)
    world.run(minutes=1)
    assert item.title == "1"
    assert world.waiting()[scene].last_error == "PlexNotFound"


def test_a_new_scene_makes_plex_scan_its_folder_once(world: Any) -> None:
    world.configure(trigger_plex_scan=True)
    world.plex.disk.update({"/plex/new/1.mp4": 1, "/plex/new/2.mp4": 2})
    ids = [world.stash.add_scene(title=f"N{n}", files=[(f"/data/new/{n}.mp4", n)]) for n in (1, 2)]
    for scene in ids:
        world.event(scene, "Scene.Create.Post")
    world.run(minutes=3)
    scans = [entry for entry in world.plex.journal if entry.path.endswith("/refresh")]
    assert [dict(entry.params)["path"] for entry in scans] == ["/plex/new"]
    assert world.plex.find("/plex/new/1.mp4").title == "N1"


def test_plex_edits_are_kept_when_asked_for(world: Any) -> None:
    world.configure(preserve_plex_edits=True)
    scene, item = world.pair("1.mp4", title="A", details="D")
    world.event(scene)
    world.run()
    world.plex.user_edit(item.key, summary="my own words")
    world.edit(scene, title="B", details="E")
    world.run()
    assert (item.title, item.summary) == ("B", "my own words")


def test_what_plex_had_before_is_remembered(world: Any) -> None:
    scene, item = world.pair("1.mp4", plex={"summary": "from the agent"}, title="A", details="D")
    world.event(scene)
    world.run()
    world.edit(scene, details="E")
    world.run()
    base = world.state(scene).targets[0].base
    assert base["summary"].value == "from the agent"
    assert base["title"].value == "1"
    assert not base["summary"].locked


def test_a_rescanned_scene_does_not_take_our_values_for_plexs(world: Any) -> None:
    scene, item = world.pair("1.mp4", plex={"summary": "agent"}, title="A", details="D")
    world.event(scene)
    world.run()
    world.stash.destroy(scene)
    world.event(scene, "Scene.Destroy.Post")
    world.run()
    again = world.stash.add_scene(title="A2", files=[("/data/1.mp4", 1000)])
    world.event(again, "Scene.Create.Post")
    world.run()
    assert item.title == "A2"
    assert item.summary == "", "what we wrote for the old scene is ours to clear"
    assert world.state(again).targets[0].base["summary"].value == "agent"


def test_another_server_behind_the_address_starts_empty(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="A")
    world.event(scene)
    world.run()
    world.plex.machine = "another-machine"
    item.title = "theirs"
    world.edit(scene, details="x")
    world.run(minutes=2)
    assert item.title == "A"
    assert len(world.state(scene).targets) == 1


def test_an_item_of_another_server_is_not_the_one_that_was_asked_for(world: Any) -> None:
    """Rating keys are numbers: another server has the same ones for other films."""
    _, item = world.pair("1.mp4", title="A")
    path = os.path.join(world.folder, "other_index.db")
    with (
        closing(PlexClient(world.plex.url, TOKEN, "client-uuid")) as client,
        closing(PlexIndex(path, client, print, keys=index_keys)) as index,
    ):
        here = Target(client.server_id(), str(item.section), item.key)
        elsewhere = Target("another-machine", here.section, here.rating_key)
        items, broken = ItemReader(client, index).read([here, elsewhere])
    assert (set(items), broken) == ({here}, {})


@pytest.mark.parametrize("size", [1000, 1])
def test_without_a_map_the_longest_common_path_decides(world: Any, size: int) -> None:
    world.configure(path_map="")
    item = world.film("studio/clip.mp4", size=size)
    world.film("other/clip.mp4", size=1000)
    scene = world.stash.add_scene(title="A", files=[("/nas/media/studio/clip.mp4", size)])
    world.event(scene)
    world.run()
    assert item.title == "A"


@pytest.mark.long
def test_a_bulk_change_goes_behind_edits_and_survives_a_stop(world: Any) -> None:
    world.configure(no_poster=True)
    tag = world.stash.add_tag("many")
    pairs = [world.pair(f"{n}.mp4", title=f"S{n}", tags=[tag]) for n in range(120)]
    for scene, _ in pairs:
        world.event(scene)
    world.run(minutes=1)
    world.stash.rename_tag(tag, "lots")
    world.event(tag, "Tag.Update.Post", inputFields=["name", "id"])
    batches = iter([False, False, True])
    world.run(leave=lambda: "stopped" if next(batches, True) else "")
    world.run(minutes=1)
    assert {tuple(item.genre) for _, item in pairs} == {("lots",)}
