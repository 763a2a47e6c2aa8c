"""Posters and backgrounds: each picture is read once, and uploaded only if it changed."""

from __future__ import annotations

import hashlib
from typing import Any

from plexsync.flows.tasks.reconcile import reconcile_all
from plexsync.flows.tasks.undo import undo_all
from tests.task_running import run_task

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"
RED, BLUE, GREEN, GREY = (JPEG + name * 50 for name in (b"red", b"blue", b"green", b"grey"))


def uploaded(picture: bytes) -> str:
    return f"upload://posters/{hashlib.sha1(picture).hexdigest()}"


def art(picture: bytes) -> str:
    return f"upload://art/{hashlib.sha1(picture).hexdigest()}"


def synced(world: Any, *scenes: int) -> None:
    for scene in scenes:
        world.event(scene)
    world.run()


def asked(world: Any) -> list[str]:
    """The pictures that were requested from Stash."""
    ends = ("/screenshot", "/image", "/frontimage")
    return [e.path for e in world.stash.journal if e.path.endswith(ends)]


def a_group(world: Any, picture: bytes | None = BLUE) -> int:
    group: int = world.stash.add_group("Box")
    if picture:
        world.stash.edit_entity("group", group, front_image=picture)
    world.stash.data.entity("group", group).updated_at -= 3600
    return group


def a_performer(world: Any, picture: bytes | None = GREEN, name: str = "Ann") -> int:
    performer: int = world.stash.add_performer(name)
    if picture:
        world.stash.edit_entity("performer", performer, image=picture)
    world.stash.data.entity("performer", performer).updated_at -= 3600
    return performer


def test_by_default_it_is_the_cover_for_one_request(world: Any) -> None:
    scene, item = world.pair(
        "a.mp4", title="T", cover=RED, groups=[a_group(world)], performers=[a_performer(world)]
    )
    synced(world, scene)
    assert (item.selected_poster, item.arts) == (uploaded(RED), [])
    assert asked(world) == [f"/scene/{scene}/screenshot"]
    assert not [e for e in world.stash.journal if e.variables and e.variables.get("pictures")]


def test_the_first_that_the_scene_has_is_taken(world: Any) -> None:
    world.configure(poster_from="Group, cover", background_from="gallery, performer")
    boxed, its = world.pair("a.mp4", title="A", cover=RED, groups=[a_group(world)])
    gallery = world.stash.data.add_gallery(GREY)
    plain, other = world.pair(
        "b.mp4",
        title="B",
        cover=RED + b"2",
        groups=[a_group(world, None)],
        galleries=[gallery],
        performers=[a_performer(world)],
    )
    synced(world, boxed, plain)
    assert (its.selected_poster, its.arts) == (uploaded(BLUE), [])
    assert (other.selected_poster, other.selected_art) == (uploaded(RED + b"2"), art(GREY))
    assert f"/scene/{boxed}/screenshot" not in asked(world)
    assert not [path for path in asked(world) if path.startswith("/performer")]


def test_only_an_only_performer_is_shown(world: Any) -> None:
    world.configure(poster_from="performer")
    ann, bea = a_performer(world), a_performer(world, GREY, "Bea")
    alone, item = world.pair("a.mp4", title="A", cover=RED, performers=[ann])
    both, other = world.pair("b.mp4", title="B", cover=RED, performers=[ann, bea])
    nobody, third = world.pair("c.mp4", title="C", performers=[a_performer(world, None, "Cy")])
    synced(world, alone, both, nobody)
    assert item.selected_poster == uploaded(GREEN)
    assert (other.posters, third.posters) == ([], [])
    assert asked(world) == [f"/performer/{ann}/image"]


def test_none_ends_the_choice_and_the_old_switch_wins(world: Any) -> None:
    world.configure(poster_from="group, none, cover")
    scene, item = world.pair("a.mp4", title="A", cover=RED)
    synced(world, scene)
    assert (item.posters, asked(world)) == ([], [])
    world.configure(poster_from="group", no_poster=True)
    other, its = world.pair("b.mp4", title="B", groups=[a_group(world)])
    synced(world, other)
    assert its.posters == []


def test_the_old_switch_for_backgrounds_goes_on_working(world: Any) -> None:
    world.configure(sync_background=True)
    scene, item = world.pair("a.mp4", title="A", cover=RED)
    synced(world, scene)
    assert (item.selected_poster, item.selected_art) == (uploaded(RED), art(RED))
    assert asked(world) == [f"/scene/{scene}/screenshot"]


def test_a_picture_of_many_scenes_is_read_once_a_batch(world: Any) -> None:
    world.configure(poster_from="group, cover")
    group = a_group(world)
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}", groups=[group]) for n in range(8)]
    synced(world, *(scene for scene, _ in pairs))
    assert asked(world) == [f"/group/{group}/frontimage"]
    assert all(item.posters == [uploaded(BLUE).rpartition("/")[2]] for _, item in pairs)


def test_what_did_not_change_is_not_uploaded_again(world: Any) -> None:
    world.configure(poster_from="gallery, group, cover")
    galleries = [world.stash.data.add_gallery(GREY)]
    shown, _ = world.pair("a.mp4", title="A", galleries=galleries)
    boxed, _ = world.pair("b.mp4", title="B", groups=[a_group(world)])
    plain, _ = world.pair("c.mp4", title="C", cover=RED)
    synced(world, shown, boxed, plain)
    assert world.plex.count("POST") == 3
    world.stash.journal.clear()
    for scene in (shown, boxed, plain):
        world.edit(scene, details="other")
    world.run()
    assert world.plex.count("POST") == 3
    assert [e.status for e in world.stash.journal if e.method == "GET"] == [304, 304, 304]


def test_another_picture_of_a_group_reaches_its_scenes_and_no_others(world: Any) -> None:
    world.configure(poster_from="group, cover", no_performers=True)
    group, ann = a_group(world), a_performer(world)
    old: dict[str, Any] = {"performers": [ann], "created_at": world.clock.now() - 3600}
    boxed, item = world.pair("a.mp4", title="A", groups=[group], **old)
    plain, _ = world.pair("b.mp4", title="B", cover=RED, **old)
    synced(world, boxed, plain)
    world.stash.edit_entity("group", group, front_image=GREY)
    world.clock.passed += 60  # what was updated only just now is checked once more
    world.event(group, "Group.Update.Post", inputFields=["front_image", "id"])
    world.stash.journal.clear()
    world.run()
    assert item.selected_poster == uploaded(GREY)
    assert set(asked(world)) == {f"/group/{group}/frontimage"}
    world.stash.edit_entity("performer", ann, image=BLUE)
    world.event(ann, "Performer.Update.Post", inputFields=["image", "id"])
    world.stash.journal.clear()
    world.run()
    # A sweep that happens to be due may check the group again.
    assert set(asked(world)) <= {f"/group/{group}/frontimage"}


def test_a_picture_that_no_hook_told_of_is_found_by_the_sweep(world: Any) -> None:
    world.configure(poster_from="performer", no_performers=True)
    ann = a_performer(world)
    scene, item = world.pair("a.mp4", title="A", performers=[ann])
    synced(world, scene)
    world.stash.edit_entity("performer", ann, image=GREY)
    world.stash.data.entity("performer", ann).updated_at = world.clock.now()
    world.run(minutes=20)
    assert item.selected_poster == uploaded(GREY)


def test_a_picture_that_comes_later_takes_its_place(world: Any) -> None:
    world.configure(poster_from="group, cover")
    group = a_group(world, None)
    scene, item = world.pair("a.mp4", title="A", cover=RED, groups=[group])
    synced(world, scene)
    assert item.selected_poster == uploaded(RED)
    world.stash.edit_entity("group", group, front_image=BLUE)
    world.event(group, "Group.Update.Post", inputFields=["front_image", "id"])
    world.run()
    assert item.selected_poster == uploaded(BLUE)
    world.stash.edit_entity("group", group, front_image=None)
    world.event(group, "Group.Update.Post", inputFields=["front_image", "id"])
    world.run()
    assert item.selected_poster == uploaded(RED)


def test_another_gallery_shows_its_own_cover(world: Any) -> None:
    world.configure(poster_from="gallery")
    first, second = world.stash.data.add_gallery(RED), world.stash.data.add_gallery(BLUE)
    scene, item = world.pair("a.mp4", title="A", galleries=[first])
    synced(world, scene)
    world.edit(scene, gallery_ids=[second, first])
    world.run()
    assert item.selected_poster == uploaded(BLUE)
    world.edit(scene, gallery_ids=[])
    world.run()
    assert item.selected_poster == uploaded(BLUE)


def test_another_choice_is_found_without_asking_plex_about_the_rest(world: Any) -> None:
    group = a_group(world)
    boxed, item = world.pair("a.mp4", title="A", cover=RED, groups=[group])
    plain, _ = world.pair("b.mp4", title="B", cover=RED + b"2")
    synced(world, boxed, plain)
    world.configure(poster_from="group, cover")
    trigger, _ = world.pair("x.mp4", title="X")
    world.plex.clear_journal()
    synced(world, trigger)
    assert item.selected_poster == uploaded(BLUE)
    read = [e.path for e in world.plex.journal if e.path.startswith("/library/metadata/2")]
    assert not [path for path in read if path == "/library/metadata/2"]
    assert world.plex.count("POST") == 1


def test_a_broken_or_huge_picture_is_passed_over_for_the_next(world: Any) -> None:
    world.configure(poster_from="group, cover")
    wrong, huge = a_group(world, b"no picture"), a_group(world, JPEG + b"x" * 10_000_001)
    first, item = world.pair("a.mp4", title="A", cover=RED, groups=[wrong])
    second, other = world.pair("b.mp4", title="B", cover=GREY, groups=[huge])
    synced(world, first, second)
    assert (item.selected_poster, other.selected_poster) == (uploaded(RED), uploaded(GREY))
    assert f"picture of group {wrong} is not used" in world.said("warning")
    assert "larger than 10 MB" in world.said("warning")


def test_words_that_are_none_are_named_and_the_cover_serves(world: Any) -> None:
    world.configure(poster_from="cover, poster")
    scene, item = world.pair("a.mp4", title="A", cover=RED)
    synced(world, scene)
    assert item.selected_poster == uploaded(RED)
    assert 'poster_from: "cover, poster" names "poster", which is none of' in world.said("warning")


def test_reconciliation_and_undo_know_them(world: Any) -> None:
    world.configure(poster_from="group, cover", background_from="performer")
    scene, item = world.pair(
        "a.mp4", title="A", cover=RED, groups=[a_group(world)], performers=[a_performer(world)]
    )
    before = item.selected_poster
    synced(world, scene)
    run_task(world, reconcile_all, owns=True)
    assert world.waiting() == {}
    run_task(world, undo_all, owns=True)
    run_task(world, undo_all, owns=True)
    assert (item.selected_poster, item.selected_art) == (before, "")
