"""PlexSync's own collections: what they show, to whom they belong, and how they are undone."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from plexsync.flows.tasks.undo import undo_all
from tests.task_running import run_task

RED = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"red" * 50
BLUE = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"blue" * 50


@pytest.fixture
def acme(world: Any) -> int:
    """A studio with a picture and a text, and settings that show both."""
    world.configure(no_poster=True, collection_details=True, collection_sort="!{name}")
    studio: int = world.stash.add_studio("Acme")
    world.stash.edit_entity("studio", studio, image=RED, details="All of Acme.")
    world.stash.data.entity("studio", studio).updated_at -= 3600
    return studio


def synced(world: Any, *scenes: int, minutes: float = 0.25) -> None:
    for scene in scenes:
        world.event(scene)
    world.run(minutes)


def looks(collection: Any) -> tuple[Any, ...]:
    locks = frozenset(collection.locks)
    sort = collection.titleSort if collection.titleSort != collection.title else ""
    return collection.summary, sort, collection.selected_poster, locks


def uploaded(picture: bytes) -> str:
    return f"upload://posters/{hashlib.sha1(picture).hexdigest()}"


def test_a_collection_that_plexsync_made_shows_its_studio(world: Any, acme: int) -> None:
    scene, _ = world.pair("a.mp4", title="T", studio=acme)
    synced(world, scene)
    box = world.plex.collection("Acme")
    assert looks(box) == (
        "All of Acme.",
        "!Acme",
        uploaded(RED),
        {"summary", "titleSort", "thumb"},
    )


def test_it_is_off_by_default_and_costs_nothing(world: Any) -> None:
    world.configure(no_poster=True)
    studio = world.stash.add_studio("Acme")
    world.stash.edit_entity("studio", studio, image=RED, details="All of Acme.")
    scene, _ = world.pair("a.mp4", title="T", studio=studio)
    synced(world, scene)
    assert looks(world.plex.collection("Acme")) == ("", "", "", frozenset())
    assert not world.plex.count("GET", f"/library/sections/{world.section}/all?type=18")
    assert not [e for e in world.stash.journal if "/image" in e.path or "Details" in e.query]


def test_a_group_shows_its_front_image_and_synopsis(world: Any, acme: int) -> None:
    world.configure(sync_groups=True, no_collection=True)
    group = world.stash.add_group("Box")
    world.stash.edit_entity("group", group, front_image=BLUE, synopsis="Three films.")
    scene, _ = world.pair("a.mp4", title="T", groups=[group], studio=acme)
    synced(world, scene)
    box = world.plex.collection("Box")
    assert (box.summary, box.selected_poster) == ("Three films.", uploaded(BLUE))


def test_names_by_recipe_show_what_they_are_made_of(world: Any, acme: int) -> None:
    world.configure(collections="Series: {group}; {performer} at {studio}; {tag:Fav}; Rated")
    group, ann = world.stash.add_group("Box"), world.stash.add_performer("Ann")
    tag = world.stash.add_tag("Fav")
    world.stash.edit_entity("group", group, synopsis="Three films.", front_image=BLUE)
    world.stash.edit_entity("performer", ann, details="Ann's life.")
    world.stash.edit_entity("tag", tag, description="The best.")
    scene, _ = world.pair(
        "a.mp4", title="T", studio=acme, groups=[group], performers=[ann], tags=[tag]
    )
    synced(world, scene)
    shown = {
        name: world.plex.collection(name).summary
        for name in ("Series: Box", "Ann at Acme", "Fav", "Rated")
    }
    assert list(shown.values()) == ["Three films.", "Ann's life.", "The best.", ""]
    assert world.plex.collection("Series: Box").selected_poster == uploaded(BLUE)
    assert world.plex.collection("Rated").titleSort == "!Rated"


def test_a_users_collection_is_never_touched(world: Any, acme: int) -> None:
    world.film("own.mp4", collections=["Acme"])
    scene, item = world.pair("a.mp4", title="T", studio=acme)
    synced(world, scene)
    assert item.collection == ["Acme"]
    assert looks(world.plex.collection("Acme")) == ("", "", "", frozenset())
    world.plex.remove_item(world.plex.find("/plex/own.mp4").key)
    world.event(acme, "Studio.Update.Post", inputFields=["details", "id"])
    other, _ = world.pair("b.mp4", title="T2", studio=acme)
    synced(world, other)
    assert looks(world.plex.collection("Acme")) == ("", "", "", frozenset())


def test_nor_one_that_somebody_put_a_film_of_ours_into(world: Any, acme: int) -> None:
    scene, item = world.pair("a.mp4", title="T")
    synced(world, scene)
    world.plex.user_edit(item.key, collections=["Acme"])
    world.edit(scene, studio_id=acme)
    world.run()
    assert item.collection == ["Acme"]
    assert looks(world.plex.collection("Acme")) == ("", "", "", frozenset())


def test_nor_one_that_was_edited_in_plex_before(world: Any, acme: int) -> None:
    world.configure(collection_details=False)
    scene, _ = world.pair("a.mp4", title="T", studio=acme)
    synced(world, scene)
    world.plex.edit_collection("Acme", summary="Mine.", poster=BLUE)
    before = looks(world.plex.collection("Acme"))
    world.configure(collection_details=True)
    synced(world, scene, minutes=1)
    assert looks(world.plex.collection("Acme")) == before


def test_nor_a_smart_one(world: Any, acme: int) -> None:
    film = world.film("own.mp4")
    key = world.plex.add_smart_collection(world.section, "Acme", [film.key])
    scene, _ = world.pair("a.mp4", title="T", studio=acme)
    synced(world, scene)
    smart = world.plex.sections[world.section].smart[0]
    assert smart.key == key
    assert looks(smart) == ("", "", "", frozenset())
    own = next(c for c in world.plex.sections[world.section].collections.values())
    assert own.summary == "All of Acme."


def test_switched_on_later_those_made_before_are_found(world: Any, acme: int) -> None:
    world.configure(collection_details=False)
    pairs = [world.pair(f"{n}.mp4", title="T", studio=acme) for n in range(3)]
    synced(world, *(scene for scene, _ in pairs))
    assert world.plex.collection("Acme").summary == ""
    world.configure(collection_details=True)
    trigger, _ = world.pair("x.mp4", title="X")
    world.plex.clear_journal()
    synced(world, trigger, minutes=1)
    assert world.plex.collection("Acme").summary == "All of Acme."
    assert world.plex.count("PUT", "/library/metadata") == 1
    world.configure(collection_sort="")
    synced(world, trigger, minutes=1)
    assert world.plex.collection("Acme").titleSort == "Acme"


def test_a_change_of_the_studio_reaches_its_collection(world: Any, acme: int) -> None:
    scene, _ = world.pair("a.mp4", title="T", studio=acme)
    synced(world, scene)
    box = world.plex.collection("Acme")
    world.stash.edit_entity("studio", acme, details="New words.")
    world.event(acme, "Studio.Update.Post", inputFields=["details", "id"])
    world.run()
    assert (box.summary, box.posters) == ("New words.", [uploaded(RED).rpartition("/")[2]])
    world.stash.edit_entity("studio", acme, image=BLUE)
    world.stash.data.entity("studio", acme).updated_at = world.clock.now()
    world.run(minutes=20)  # no hook reported it: found by the sweep
    assert box.selected_poster == uploaded(BLUE)
    world.stash.edit_entity("studio", acme, details="")
    world.event(acme, "Studio.Update.Post", inputFields=["details", "id"])
    world.run()
    assert box.summary == ""


def test_what_is_in_step_is_neither_asked_for_nor_written_again(world: Any, acme: int) -> None:
    scene, _ = world.pair("a.mp4", title="T", studio=acme)
    synced(world, scene)
    world.plex.clear_journal()
    world.stash.journal.clear()
    world.edit(scene, details="other")
    world.run()
    assert [e.path for e in world.plex.journal if e.method != "GET"] == [
        f"/library/sections/{world.section}/all"
    ]
    assert not [e for e in world.stash.journal if "/image" in e.path or "Details" in e.query]


def test_a_renamed_studio_has_a_new_collection_and_the_empty_one_is_plexs(
    world: Any, acme: int
) -> None:
    scene, _ = world.pair("a.mp4", title="T", studio=acme)
    synced(world, scene)
    world.stash.rename_studio(acme, "Apex")
    world.event(acme, "Studio.Update.Post", inputFields=["name", "id"])
    world.run(minutes=1)
    assert world.plex.collection("Apex").summary == "All of Acme."
    with pytest.raises(KeyError):
        world.plex.collection("Acme")


def test_one_that_plex_made_anew_gets_it_all_again(world: Any, acme: int) -> None:
    scene, item = world.pair("a.mp4", title="T", studio=acme)
    synced(world, scene)
    first = world.plex.collection("Acme").key
    world.edit(scene, studio_id=None)
    world.run()
    assert item.collection == []
    with pytest.raises(KeyError):
        world.plex.collection("Acme")
    world.edit(scene, studio_id=acme)
    world.run()
    again = world.plex.collection("Acme")
    assert again.key != first
    assert (again.summary, again.selected_poster) == ("All of Acme.", uploaded(RED))


def test_undo_everything_puts_collections_back(world: Any, acme: int) -> None:
    scene, _ = world.pair("a.mp4", title="T", studio=acme)
    synced(world, scene)
    other = world.film("own.mp4")
    world.plex.user_edit(other.key, collections=["Acme"])
    run_task(world, undo_all, owns=True)
    assert "1 collection" in world.said("warning")
    assert run_task(world, undo_all, owns=True)["collections"] == 1
    assert looks(world.plex.collection("Acme")) == ("", "", "", frozenset())
    assert "nothing to undo" not in world.said()
    run_task(world, undo_all, owns=True)
    assert "nothing to undo" in world.said()


def test_what_somebody_changed_in_plex_since_stays_at_an_undo(world: Any, acme: int) -> None:
    scene, _ = world.pair("a.mp4", title="T", studio=acme)
    synced(world, scene)
    other = world.film("own.mp4")
    world.plex.user_edit(other.key, collections=["Acme"])
    world.plex.edit_collection("Acme", summary="Mine.")
    run_task(world, undo_all, owns=True)
    run_task(world, undo_all, owns=True)
    box = world.plex.collection("Acme")
    assert (box.summary, box.titleSort, box.selected_poster) == ("Mine.", "Acme", "")
    assert "summary (changed in Plex since)" in world.said("info")


def test_edits_made_in_plex_are_kept_where_that_is_wanted(world: Any, acme: int) -> None:
    world.configure(preserve_plex_edits=True)
    scene, _ = world.pair("a.mp4", title="T", studio=acme)
    synced(world, scene)
    world.plex.edit_collection("Acme", summary="Mine.", poster=BLUE)
    world.stash.edit_entity("studio", acme, details="New words.", image=RED + b"new")
    world.event(acme, "Studio.Update.Post", inputFields=["details", "image", "id"])
    world.run()
    box = world.plex.collection("Acme")
    assert (box.summary, box.selected_poster) == ("Mine.", uploaded(BLUE))


def test_a_plex_that_goes_away_in_between_loses_nothing(world: Any, acme: int) -> None:
    scene, _ = world.pair("a.mp4", title="T", studio=acme)
    fault = world.plex.add_fault("status", match=lambda r: r.get("type") == "18", status=503)
    synced(world, scene)
    assert world.state(scene).state == "synced"
    assert world.plex.collection("Acme").summary == ""
    fault.remove()
    world.run(minutes=3)
    assert world.plex.collection("Acme").summary == "All of Acme."


def test_a_library_that_is_gone_stops_no_other(world: Any, acme: int) -> None:
    other = world.plex.add_section("More", locations=["/more"])
    world.configure(path_map="/plex=>/data; /more=>/more")
    world.plex.add_item(other, file="/more/m.mp4", size=1000)
    first = world.stash.add_scene(title="M", files=[("/more/m.mp4", 1000)], studio=acme)
    second, _ = world.pair("a.mp4", title="T", studio=acme)
    gone = f"/library/sections/{other}/all"
    fault = world.plex.add_fault(
        "status", match=lambda r: r.path == gone and r.get("type") == "18", status=404
    )
    synced(world, first, second)
    assert world.plex.collection("Acme", world.section).summary == "All of Acme."
    assert world.plex.collection("Acme", other).summary == ""
    fault.remove()
    world.run(minutes=5)
    assert world.plex.collection("Acme", other).summary == "All of Acme."


def test_one_that_plex_cannot_deliver_waits_alone(world: Any, acme: int) -> None:
    box = world.stash.add_studio("Box")
    first, _ = world.pair("a.mp4", title="T", studio=acme)
    second, _ = world.pair("b.mp4", title="T", studio=box)
    fault = world.plex.add_fault("status", match=lambda r: "/children" in r.path, status=500)
    synced(world, first, second)
    assert world.plex.collection("Acme").summary == ""
    assert world.plex.count("GET", "/library/collections") < 20
    fault.remove()
    world.run(minutes=10)
    assert world.plex.collection("Acme").summary == "All of Acme."


def test_a_picture_that_plex_refuses_costs_the_picture_alone(world: Any, acme: int) -> None:
    world.plex.picture_status = 406
    scene, _ = world.pair("a.mp4", title="T", studio=acme)
    synced(world, scene)
    box = world.plex.collection("Acme")
    assert (box.summary, box.titleSort, box.posters) == ("All of Acme.", "!Acme", [])
    assert world.said("warning").count("refuses the poster of a collection") == 1
    posts = world.plex.count("POST")
    world.run(minutes=30)
    assert world.plex.count("POST") == posts


def test_a_studio_without_a_picture_keeps_plexs_own_composite(world: Any, acme: int) -> None:
    world.configure(sync_groups=True)
    world.stash.edit_entity("studio", acme, image=None, details="Only words.")
    scene, _ = world.pair("a.mp4", title="T", studio=acme)
    world.stash.journal.clear()
    synced(world, scene)
    box = world.plex.collection("Acme")
    assert (box.summary, box.posters, box.thumb) == ("Only words.", [], "")
    assert not [e for e in world.stash.journal if "/image" in e.path]


@pytest.mark.parametrize(
    "name", ["A; B, {name}", "[x] /y/* <&>", "\U0001f600 \u05e9\u05dc\u05d5\u05dd", "a" * 300]
)
def test_odd_names_are_right_or_left_alone(world: Any, acme: int, name: str) -> None:
    world.stash.rename_studio(acme, name)
    scene, item = world.pair("a.mp4", title="T", studio=acme)
    synced(world, scene)
    shown = item.collection[0]
    box = world.plex.collection(shown)
    assert (box.summary, box.titleSort) == ("All of Acme.", f"!{shown}"[:255])


def test_a_crash_after_the_upload_still_knows_what_plex_had(world: Any, acme: int) -> None:
    scene, _ = world.pair("a.mp4", title="T", studio=acme)
    stop = world.plex.add_fault("reset", match=lambda r: r.path.endswith("/posters"), at="after")
    synced(world, scene)
    stop.remove()
    world.run(minutes=30)
    box = world.plex.collection("Acme")
    assert (box.selected_poster, len(box.posters)) == (uploaded(RED), 1)
    run_task(world, undo_all, owns=True)
    other = world.film("own.mp4")
    world.plex.user_edit(other.key, collections=["Acme"])
    run_task(world, undo_all, owns=True)
    assert looks(world.plex.collection("Acme")) == ("", "", "", frozenset())


def test_collections_wait_for_the_end_of_quiet_hours(world: Any, acme: int) -> None:
    world.configure(quiet_hours="20:00-23:30")
    world.clock.ahead = 23.4 * 3600 - world.clock.now() % 86400
    scene, item = world.pair("a.mp4", title="T", studio=acme)
    synced(world, scene)
    assert (item.title, world.plex.collection("Acme").summary) == ("T", "")
    world.run(8)
    assert world.plex.collection("Acme").summary == "All of Acme."
