"""Writes that Plex refuses, cuts, or shows differently."""

from __future__ import annotations

from typing import Any

import pytest

from plexsync.flows.page import operations
from plexsync.flows.tasks.preview import preview
from plexsync.flows.tasks.readings import view_queue_status
from plexsync.flows.tasks.registry import TASKS
from tests.task_running import run_task

RED = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"red" * 50
BLUE = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"blue" * 50
JAPANESE = "彼女は静かに海を見ていた。" * 116  # 1 508 characters, nine bytes each in a request line


@pytest.fixture(autouse=True)
def no_posters(world: Any) -> None:
    world.configure(no_poster=True, sync_rating=True)


def sync(world: Any, scene: int, **fields: Any) -> None:
    """The user saves the scene; the worker runs until it is idle."""
    if fields:
        world.edit(scene, **fields)
    else:
        world.event(scene)
    world.run(minutes=10)


def look(world: Any, operation: str, **args: Any) -> Any:
    """The immediate answer to a page."""
    request = operations.Request("/nowhere", world.folder, args, b"", world.clock.now())
    return operations.perform(operation, request)


def ask(world: Any, command: str, **args: Any) -> None:
    """The page sends a command, and the worker carries it out."""
    look(world, command, **args)
    world.run(minutes=1)


def puts(world: Any) -> int:
    count = int(world.plex.count("PUT"))
    world.plex.clear_journal()
    return count


# -- shown differently -----------------------------------------------------------------------


def test_a_rating_that_plex_rounds_is_in_step_after_two_looks(world: Any) -> None:
    world.plex.whole_ratings = True
    scene, item = world.pair("1.mp4", title="T", rating100=83)
    sync(world, scene)
    assert item.userRating == 8.0
    assert puts(world) == 2
    assert (world.dead_letter(scene), world.waiting()) == (None, {})
    state = world.state(scene)
    assert (state.state, state.detail) == ("synced", "Plex shows 8 for 8.3 (rating)")
    sync(world, scene)
    assert puts(world) == 0
    sync(world, scene, title="U")
    assert (item.title, puts(world)) == ("U", 1)
    assert world.state(scene).detail == "Plex shows 8 for 8.3 (rating)"
    sync(world, scene, rating100=86)
    assert puts(world) == 2, "a new value is sent as always"
    assert world.state(scene).detail == "Plex shows 8 for 8.6 (rating)"
    sync(world, scene, rating100=90)
    assert (item.userRating, puts(world)) == (9.0, 1)
    assert world.state(scene).detail == ""
    assert world.dead_letter(scene) is None


def test_what_plex_shows_differently_is_no_gap_until_a_person_changes_it(world: Any) -> None:
    world.plex.whole_ratings = True
    scene, item = world.pair("1.mp4", title="T", rating100=83)
    sync(world, scene)
    puts(world)
    ask(world, "sync", scenes=[scene])
    assert puts(world) == 0
    world.plex.user_edit(item.key, user_rating=3.0)
    ask(world, "sync", scenes=[scene])
    assert (item.userRating, puts(world)) == (8.0, 1)
    assert world.state(scene).state == "synced"


def test_preserved_edits_of_persons_are_told_from_what_plex_rounds(world: Any) -> None:
    world.configure(preserve_plex_edits=True)
    world.plex.whole_ratings = True
    scene, item = world.pair("1.mp4", title="T", rating100=83)
    sync(world, scene)
    sync(world, scene, rating100=94)
    assert item.userRating == 9.0, "what Plex shows for ours is not a person's"
    world.plex.user_edit(item.key, user_rating=3.0)
    sync(world, scene, rating100=50)
    assert item.userRating == 3.0


def test_blanks_that_plex_folds_make_no_difference(world: Any) -> None:
    world.plex.folds_blanks = True
    scene, item = world.pair("1.mp4", title="T", details="One.\n\nTwo.")
    sync(world, scene)
    assert (item.summary, puts(world)) == ("One. Two.", 1)
    assert (world.state(scene).state, world.state(scene).detail) == ("synced", "")
    ask(world, "sync", scenes=[scene])
    assert puts(world) == 0
    sync(world, scene, details="One.\nTwo.")
    assert puts(world) == 1, "a person who breaks a line is obeyed once"
    sync(world, scene)
    assert puts(world) == 0


def test_undo_puts_back_what_plex_showed_in_its_own_way(world: Any) -> None:
    world.plex.whole_ratings = world.plex.folds_blanks = True
    before = {"user_rating": 5.0, "summary": "agent"}
    scene, item = world.pair("1.mp4", plex=before, title="T", details="a\n\nb", rating100=83)
    sync(world, scene)
    assert (item.userRating, item.summary) == (8.0, "a b")
    ask(world, "undo", scene=scene)
    assert (item.userRating, item.summary, item.title) == (5.0, "agent", "1")
    assert item.locks == set()


def test_undo_puts_back_what_was_seen_only_once(world: Any) -> None:
    world.plex.whole_ratings = True
    scene, item = world.pair("1.mp4", plex={"user_rating": 5.0}, title="T", rating100=83)
    world.event(scene)
    world.run(minutes=0.05)
    assert (item.userRating, world.state(scene).state) == (8.0, "waiting")
    ask(world, "undo", scene=scene)
    assert (item.userRating, item.title) == (5.0, "1")


# -- refused ---------------------------------------------------------------------------------


def test_where_the_library_takes_no_edits_the_items_do(world: Any) -> None:
    world.plex.section_edits = False
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}", details="D") for n in range(100)]
    for scene, _ in pairs:
        world.event(scene)
    world.run(minutes=2)
    assert {item.title for _, item in pairs} == {f"T{n}" for n in range(100)}
    assert 100 <= world.plex.count("PUT") <= 104
    assert not any(world.dead_letter(scene) for scene, _ in pairs[:3])


def test_one_refused_field_costs_itself_until_it_changes(world: Any) -> None:
    world.plex.refused_fields = frozenset({"summary"})
    pairs = [
        world.pair(f"{n}.mp4", title=f"T{n}", details="D", tags=[world.stash.add_tag(f"x{n}")])
        for n in (1, 2)
    ]
    scene, item = pairs[0]
    for each, _ in pairs:
        world.event(each)
    world.run(minutes=10)
    assert [(i.title, i.summary, i.genre) for _, i in pairs] == [
        ("T1", "", ["x1"]),
        ("T2", "", ["x2"]),
    ]
    state = world.state(scene)
    assert (state.state, world.dead_letter(scene), world.waiting()) == ("synced", None, {})
    assert state.detail.startswith("Plex refuses the summary: ")
    assert "400" in state.detail
    assert state.targets[0].dirty == frozenset()
    assert world.said("warning").count("Plex refuses the summary") == 1
    puts(world)
    sync(world, scene)
    sync(world, scene, title="U")
    assert (item.title, puts(world)) == ("U", 1)
    assert "summary" in world.state(scene).detail
    world.plex.refused_fields = frozenset()
    sync(world, scene, title="V")
    assert item.summary == "", "it waits for another value, or for somebody to ask"
    sync(world, scene, details="E")
    assert (item.summary, world.state(scene).detail) == ("E", "")
    other, second = pairs[1]
    ask(world, "sync", scenes=[other])
    assert (second.summary, world.state(other).detail) == ("D", "")


def test_a_scene_of_which_only_the_refused_field_changed_is_in_step(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="T", details="D")
    sync(world, scene)
    world.plex.refused_fields = frozenset({"summary"})
    sync(world, scene, details="E")
    assert (item.summary, world.state(scene).state) == ("D", "synced")
    assert (world.dead_letter(scene), world.waiting()) == (None, {})
    world.plex.refused_fields = frozenset()
    ask(world, "undo", scene=scene)
    assert (item.summary, item.title) == ("", "1")


def test_a_refusal_is_told_on_the_page_in_the_preview_and_by_the_status(world: Any) -> None:
    world.plex.refused_fields = frozenset({"summary"})
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}", details="D") for n in (1, 2)]
    for scene, _ in pairs:
        world.event(scene)
    world.run(minutes=1)
    scene = pairs[0][0]
    found = look(world, "status")["refused"]
    assert [(each["field"], each["scenes"]) for each in found] == [("summary", 2)]
    assert "400" in found[0]["why"]
    told = run_task(world, view_queue_status)
    assert told["refused"] == found
    assert "Plex refuses the summary of 2 scenes: Plex answered 400" in world.said("info")
    (state,) = look(world, "scene_state", scenes=[scene])["scenes"]
    assert state["targets"][0]["refused"] == {"summary": found[0]["why"]}
    assert state["state"] == "synced"
    assert state["detail"].startswith("Plex refuses the summary")
    plain, forced = (
        run_task(world, preview, scene=str(scene), forced=forced)["scenes"][0]
        for forced in (False, True)
    )
    assert plain["outcome"] == "in step"
    (field,) = forced["items"][0]["fields"]
    assert (field["field"], field["then"], field["changes"]) == ("summary", "D", True)
    assert "Plex refused it before" in field["why"]
    world.edit(scene, title="U")
    fields = run_task(world, preview, scene=str(scene), forced=False)["scenes"][0]["items"][0][
        "fields"
    ]
    assert [(f["field"], f["changes"]) for f in fields] == [("title", True), ("summary", False)]
    assert fields[1]["why"].startswith("Plex refuses it: ")


def test_a_firewall_that_forbids_one_text_costs_that_text(world: Any) -> None:
    scene, item = world.pair("1.mp4", title="T", details="drop table")
    other, second = world.pair("2.mp4", title="U", details="D")
    page = b"<html><body>Forbidden by the firewall</body></html>" + b" " * 2000
    world.plex.add_fault(
        "status",
        match=lambda r: r.method == "PUT" and any("drop table" in v for _, v in r.params),
        status=403,
        body=page,
    )
    world.event(scene)
    world.event(other)
    world.run(minutes=2)
    assert (item.title, item.summary) == ("T", "")
    assert (second.title, second.summary) == ("U", "D")
    assert world.state(scene).state == "synced"
    words = "Plex refuses the summary: a proxy or firewall in front of Plex answered 403"
    assert world.state(scene).detail == words
    assert not any(world.dead_letter(each) for each in (scene, other))


def test_a_long_text_is_previewed_as_it_would_arrive(world: Any) -> None:
    world.plex.max_header_bytes = 6 * 1024
    scene, item = world.pair("1.mp4", title="T", details=JAPANESE)
    sync(world, scene)
    other, _ = world.pair("2.mp4", title="U", details=JAPANESE)
    fields = run_task(world, preview, scene=str(other))["scenes"][0]["items"][0]["fields"]
    (summary,) = [field for field in fields if field["field"] == "summary"]
    assert JAPANESE.startswith(summary["then"])
    assert abs(len(summary["then"]) - len(item.summary)) < 5
    assert f"only the first {len(summary['then'])} of 1 508 characters" in summary["why"]


def test_a_refused_field_is_no_gap(world: Any) -> None:
    world.plex.refused_fields = frozenset({"summary"})
    scene, _ = world.pair("1.mp4", title="T", details="D")
    sync(world, scene)
    puts(world)
    assert not any(run_task(world, TASKS["reconcile_all"].action, owns=True)["gaps"].values())
    assert puts(world) == 0


def test_an_item_that_takes_no_edit_at_all_is_a_dead_letter_of_its_own(world: Any) -> None:
    scene, _ = world.pair("1.mp4", title="T", details="D")
    world.plex.add_fault("status", match="PUT", status=405)
    sync(world, scene)
    assert world.dead_letter(scene).status == 405
    assert world.state(scene).targets[0].refused == {}


@pytest.mark.parametrize("status", [400, 406, 413, 415])
def test_a_refused_poster_costs_the_poster(world: Any, status: int) -> None:
    world.configure(no_poster=False)
    world.plex.picture_status = status
    scene, item = world.pair("1.mp4", title="T", details="D", cover=RED)
    sync(world, scene)
    assert (item.title, item.posters) == ("T", [])
    assert (world.state(scene).state, world.dead_letter(scene)) == ("synced", None)
    assert world.state(scene).detail.startswith("Plex refuses the poster: ")
    assert world.plex.count("POST") == 1
    world.plex.picture_status = 200
    sync(world, scene, title="U")
    assert item.posters == []
    world.stash.set_cover(scene, BLUE)
    sync(world, scene, title="V")
    assert (len(item.posters), world.state(scene).detail) == (1, "")


@pytest.mark.parametrize("status", [403, 404, 405, 413])
def test_a_proxy_that_takes_no_upload_costs_the_poster(world: Any, status: int) -> None:
    world.configure(no_poster=False)
    page = b"<html><body>Blocked by policy</body></html>" + b" " * 2000
    world.plex.add_fault("status", match="POST", status=status, foreign=True, body=page)
    scene, item = world.pair("1.mp4", title="T", cover=RED)
    sync(world, scene)
    assert (item.title, item.posters) == ("T", [])
    assert (world.state(scene).state, world.dead_letter(scene)) == ("synced", None)
    words = f"Plex refuses the poster: a proxy or firewall in front of Plex answered {status}"
    assert world.state(scene).detail == words


# -- too long --------------------------------------------------------------------------------


def test_a_long_japanese_summary_arrives_whole_where_plex_takes_it(world: Any) -> None:
    world.plex.max_header_bytes = 16 * 1024
    scene, item = world.pair("1.mp4", title="T", details=JAPANESE)
    sync(world, scene)
    assert (item.title, item.summary) == ("T", JAPANESE)
    assert puts(world) == 1
    assert world.said("warning") == ""


@pytest.mark.parametrize("status", [431, 414, 400, None])
def test_it_is_cut_where_plex_does_not_and_says_how_much_went(
    world: Any, status: int | None
) -> None:
    world.plex.max_header_bytes, world.plex.too_long_status = 6 * 1024, status
    scene, item = world.pair("1.mp4", title="T", details=JAPANESE)
    sync(world, scene)
    went = len(item.summary)
    assert 580 < went < 700
    assert item.summary == JAPANESE[:went]
    assert item.title == "T"
    words = f"the first {went} of 1 508 characters"
    assert world.said("warning").count(words) == 1
    assert world.state(scene).detail == f"Plex has only {words} of the summary"
    assert (world.dead_letter(scene), world.waiting()) == (None, {})
    puts(world)
    sync(world, scene)
    assert puts(world) == 0
    other, second = world.pair("2.mp4", title="U", details="word " * 1999)
    sync(world, other)
    assert {entry.status for entry in world.plex.journal} == {200}, "the limit is known by now"
    assert second.summary.endswith("word")
    assert second.summary == ("word " * 1999)[: len(second.summary)]


def test_the_limit_is_tried_again_after_30_days(world: Any) -> None:
    world.plex.max_header_bytes = 6 * 1024
    scene, item = world.pair("1.mp4", title="T", details=JAPANESE)
    sync(world, scene)
    assert len(item.summary) < 700
    world.plex.max_header_bytes = 16 * 1024
    sync(world, scene, title="U")
    assert len(item.summary) < 700
    world.clock.passed += 31 * 86400
    sync(world, scene, details=JAPANESE + "。")
    assert item.summary == JAPANESE + "。"


def test_a_text_that_was_cut_goes_whole_when_somebody_asks_and_plex_takes_it(world: Any) -> None:
    world.plex.max_header_bytes = 6 * 1024
    scene, item = world.pair("1.mp4", title="T", details=JAPANESE)
    sync(world, scene)
    puts(world)
    ask(world, "sync", scenes=[scene])
    assert puts(world) == 0, "as long as Plex accepts no more"
    world.plex.max_header_bytes = 16 * 1024
    world.clock.passed += 31 * 86400
    ask(world, "sync", scenes=[scene])
    assert (item.summary, world.state(scene).detail) == (JAPANESE, "")


@pytest.mark.parametrize("mode", ["add", "replace"])
def test_tags_are_right_in_both_modes_when_a_line_must_be_split(world: Any, mode: str) -> None:
    world.plex.tag_mode, world.plex.max_header_bytes = mode, 6 * 1024
    names = [f"タグ {n}" for n in range(60)]
    people = [f"Person {n}" for n in range(40)]
    scene, item = world.pair(
        "1.mp4",
        plex={"genres": ["old"]},
        title="T",
        details="字" * 500,
        tags=[world.stash.add_tag(name) for name in names],
        performers=[world.stash.add_performer(name) for name in people],
    )
    sync(world, scene)
    assert set(item.genre) == set(names)
    assert set(item.actor) == set(people)
    assert item.summary == "字" * 500
    assert (world.state(scene).state, world.state(scene).detail) == ("synced", "")


@pytest.mark.parametrize("mode", ["add", "replace"])
def test_a_list_longer_than_a_line_is_whole_where_plex_adds(world: Any, mode: str) -> None:
    world.plex.tag_mode, world.plex.max_header_bytes = mode, 6 * 1024
    names = [f"とても長いタグの名前 {n}" for n in range(90)]
    scene, item = world.pair("1.mp4", title="T", tags=[world.stash.add_tag(n) for n in names])
    sync(world, scene)
    assert world.dead_letter(scene) is None
    assert world.state(scene).state == "synced"
    if mode == "add":
        assert set(item.genre) == set(names)
    else:
        assert set(item.genre) < set(names)
        assert len(item.genre) > 30
        words = f"the first {len(item.genre)} of 90 names"
        assert world.state(scene).detail == f"Plex has only {words} of the tags"
    puts(world)
    ask(world, "sync", scenes=[scene])
    assert puts(world) == 0
    ask(world, "undo", scene=scene)
    assert (item.genre, item.title) == ([], "1")
