"""Scenes that lead to the same Plex item: what happens when the one that has it gives it up."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from plexsync.model.job import Job
from plexsync.model.ledger import Pin
from plexsync.model.reasons import UPDATE
from tests.flows.test_reconciliation_story import press
from tests.flows.test_sync_story import settled

Rivals = tuple[int, int, Any]
"""The scene that has the item, the one that would have it next, and the item."""
A_WHILE = 16.0
"""Minutes. A living worker sweeps every fifteen."""
UNTIL_IT_EXITS = 6.0
"""Minutes, if no scene waits."""


def work(world: Any, minutes: float = 0.25) -> None:
    world.run(minutes, leave=finitely(world))


def work_until_given_up(world: Any, scene: int) -> None:
    work(world)
    world.outlast(scene, 300, leave=finitely(world))


def finitely(world: Any) -> Callable[[], str]:
    """Fails if scenes write in turns without end, in which no time would pass."""
    many = world.plex.count("PUT") + 60

    def leave() -> str:
        assert world.plex.count("PUT") < many, "scenes write in turns without end"
        return ""

    return leave


def same_path(world: Any) -> Rivals:
    item = world.film("x/clip.mp4")
    first, second = (
        world.stash.add_scene(files=[("/data/x/clip.mp4", 1000)], title=name) for name in "AB"
    )
    return first, second, item


def copies(world: Any) -> Rivals:
    world.configure(path_map="")
    item = world.film("x/clip.mp4")
    first, second = (
        world.stash.add_scene(files=[(f"/{name}/x/clip.mp4", 1000)], title=name) for name in "AB"
    )
    return first, second, item


def merged(world: Any) -> Rivals:
    files = [("/plex/a.mp4", 1), ("/plex/b.mp4", 2)]
    item = world.plex.item(world.plex.add_item(world.section, files=files))
    first = world.stash.add_scene(title="A", files=[("/data/a.mp4", 1)])
    second = world.stash.add_scene(title="B", files=[("/data/b.mp4", 2)])
    return first, second, item


def pins(world: Any) -> Rivals:
    item = world.film("x/clip.mp4")
    (first, _), (second, _) = (world.pair(f"{name}.mp4", title=name) for name in "AB")
    settled(world, first, second)
    with closing(world.ledger()) as ledger:
        for scene in (first, second):
            ledger.pin(scene, Pin("/plex/x/clip.mp4", item.key))
    return first, second, item


def pinned_over_a_path(world: Any) -> Rivals:
    (first, _), (second, item) = (world.pair(f"{name}.mp4", title=name) for name in "AB")
    settled(world, first, second)
    with closing(world.ledger()) as ledger:
        ledger.pin(first, Pin("/plex/B.mp4", item.key))
    return first, second, item


def destroyed(world: Any, scene: int) -> None:
    world.stash.destroy(scene)
    world.event(scene, "Scene.Destroy.Post", inputFields=...)


def destroyed_unnoticed(world: Any, scene: int) -> None:
    world.stash.destroy(scene)
    press(world, "reconcile_all")


def tagged_sync_never(world: Any, scene: int) -> None:
    tag = world.stash.add_tag("private")
    world.configure(sync_never="tag:private")
    work(world)
    world.edit(scene, tag_ids=[tag])


def left_out_by_a_new_setting(world: Any, scene: int) -> None:
    tag = world.stash.add_tag("private")
    world.edit(scene, tag_ids=[tag])
    work(world)
    world.configure(sync_never="tag:private")


def refused_for_good(world: Any, scene: int) -> None:
    def refuses(request: Any) -> bool:
        return request.method == "PUT" and "B" not in dict(request.params).values()

    world.plex.add_fault("status", match=refuses, status=400)
    world.edit(scene, title="Refused")
    work(world)
    assert world.dead_letter(scene).error == "PlexPermanentError"


def failing_too_often(world: Any, scene: int) -> None:
    world.configure(max_retries=2)
    world.plex.add_fault("ignore_edit", match=lambda r: "Ignored" in str(r.params))
    world.edit(scene, title="Ignored")
    work_until_given_up(world, scene)
    assert world.dead_letter(scene).error == "PlexTemporaryError"


def moved(world: Any, scene: int) -> None:
    world.film("elsewhere/another.mp4")
    world.clock.passed += 60
    world.stash.move_file(scene, "/data/elsewhere/another.mp4")
    world.event(scene)


def moved_out_of_plex(world: Any, scene: int) -> None:
    world.stash.move_file(scene, "/data/elsewhere/another.mp4")
    world.event(scene)
    work_until_given_up(world, scene)
    assert world.dead_letter(scene).error == "PlexNotFound"


def moved_where_no_dead_letters_are_kept(world: Any, scene: int) -> None:
    world.configure(skip_not_found=True)
    world.stash.move_file(scene, "/data/elsewhere/another.mp4")
    world.event(scene)
    work_until_given_up(world, scene)
    assert world.dead_letter(scene) is None


def unpinned(world: Any, scene: int) -> None:
    with closing(world.ledger()) as ledger:
        ledger.unpin(scene)
    world.event(scene)


def pinned_elsewhere(world: Any, scene: int) -> None:
    other = world.film("other.mp4")
    world.clock.passed += 60
    with closing(world.ledger()) as ledger:
        ledger.pin(scene, Pin("/plex/other.mp4", other.key))
    world.event(scene)


WAYS = [
    *((same_path, way) for way in (destroyed, destroyed_unnoticed, tagged_sync_never)),
    *((same_path, way) for way in (left_out_by_a_new_setting, refused_for_good)),
    *((same_path, way) for way in (failing_too_often, pinned_elsewhere, moved, moved_out_of_plex)),
    *((copies, way) for way in (failing_too_often, moved_where_no_dead_letters_are_kept)),
    *((merged, way) for way in (tagged_sync_never, failing_too_often, moved_out_of_plex)),
    *((pins, way) for way in (destroyed, tagged_sync_never, failing_too_often, unpinned)),
    *((pinned_over_a_path, way) for way in (destroyed, tagged_sync_never, failing_too_often)),
    *((pinned_over_a_path, way) for way in (unpinned, pinned_elsewhere)),
]


def rivals(world: Any, kind: Callable[[Any], Rivals]) -> Rivals:
    world.configure(no_poster=True)
    first, second, item = kind(world)
    settled(world, first, second)
    assert (item.title, world.state(second).state) == ("A", "shared")
    return first, second, item


def at_rest(world: Any) -> None:
    """No scene is written again by itself, nor by a reconciliation."""
    before = world.plex.count("PUT")
    work(world, UNTIL_IT_EXITS)
    for _ in range(2):  # the second one knows what the first one found
        press(world, "reconcile_all")
        work(world)
    assert world.plex.count("PUT") == before


@pytest.mark.parametrize(("kind", "give_up"), WAYS)
def test_the_next_scene_gets_an_item_that_is_given_up(
    world: Any, kind: Callable[[Any], Rivals], give_up: Callable[[Any, int], None]
) -> None:
    first, second, item = rivals(world, kind)
    give_up(world, first)
    work(world)
    assert (item.title, world.state(second).state) == ("B", "synced")
    at_rest(world)
    assert item.title == "B"


@pytest.mark.parametrize("kind", [same_path, merged, pins, pinned_over_a_path])
def test_a_scene_that_recovers_has_its_item_again(
    world: Any, kind: Callable[[Any], Rivals]
) -> None:
    first, second, item = rivals(world, kind)
    failing_too_often(world, first)
    work(world)
    assert item.title == "B"
    world.plex.clear_faults()
    press(world, "retry_dead_letters", scene=None, error_types="")
    work(world)
    assert (item.title, world.state(first).state) == ("Ignored", "synced")
    assert (world.dead_letter(first), world.state(second).state) == (None, "shared")
    at_rest(world)
    assert item.title == "Ignored"


@pytest.mark.parametrize("kind", [copies, pins])
def test_a_scene_that_fails_whenever_it_is_tried_again_leaves_the_item_as_often(
    world: Any, kind: Callable[[Any], Rivals]
) -> None:
    first, second, item = rivals(world, kind)
    failing_too_often(world, first)
    for details in ("once", "again"):
        world.edit(first, details=details)
        work_until_given_up(world, first)
        work(world)
        assert (item.title, item.summary, world.state(second).state) == ("B", "", "synced")
        at_rest(world)


def unheard(world: Any, give_up: Callable[[Any, int], None], first: int, second: int) -> None:
    """The first scene gives up its item, and the job by which the second one would get it is lost."""
    hour = int(world.clock.now() // 3600)
    world.configure(quiet_hours=f"{hour % 24}:00-{(hour + 20) % 24}:00")
    give_up(world, first)
    work(world)
    with closing(world.queue()) as queue:
        assert second in queue.jobs
        queue.finish([second])
    world.configure(quiet_hours="")
    work(world)


@pytest.mark.parametrize(
    ("kind", "give_up"),
    [
        *((same_path, destroyed), (same_path, failing_too_often), (copies, refused_for_good)),
        *((pins, destroyed), (pinned_over_a_path, failing_too_often)),
    ],
)
def test_a_reconciliation_gives_the_next_scene_an_item_whose_news_were_lost(
    world: Any, kind: Callable[[Any], Rivals], give_up: Callable[[Any, int], None]
) -> None:
    first, second, item = rivals(world, kind)
    world.clock.passed += 4 * 3600
    work(world)
    press(world, "reconcile_all")  # which remembers what it found
    unheard(world, give_up, first, second)
    assert (item.title, world.state(second).state) != ("B", "synced")
    press(world, "reconcile_all")
    work(world)
    assert (item.title, world.state(second).state) == ("B", "synced")
    at_rest(world)


def interrupted(world: Any, scene: int, times: int = 1) -> None:
    """Workers were killed while they worked on this scene alone."""
    for _ in range(times):
        with closing(world.queue()) as queue:
            queue.put_all([Job(scene=scene, reason=UPDATE, born=world.clock.now())])
            queue.start([scene])


@pytest.mark.parametrize(
    ("kind", "give_up"),
    [
        (same_path, tagged_sync_never),
        (same_path, moved),
        (pins, tagged_sync_never),
        (copies, refused_for_good),
    ],
)
def test_the_next_scene_is_told_although_the_worker_was_killed_before_it_could_do_so(
    world: Any, kind: Callable[[Any], Rivals], give_up: Callable[[Any, int], None]
) -> None:
    first, second, item = rivals(world, kind)
    world.clock.passed += 4 * 3600
    work(world)
    unheard(world, give_up, first, second)
    assert (item.title, world.state(second).state) != ("B", "synced")
    interrupted(world, first)
    work(world)
    assert (item.title, world.state(second).state) == ("B", "synced")
    at_rest(world)


@pytest.mark.parametrize("kind", [same_path, pins])
def test_the_next_scene_gets_the_item_of_one_at_which_workers_die(
    world: Any, kind: Callable[[Any], Rivals]
) -> None:
    first, second, item = rivals(world, kind)
    interrupted(world, first, times=3)
    work(world)
    assert world.dead_letter(first).cause == "poison"
    assert (item.title, world.state(second).state) == ("B", "synced")
    at_rest(world)


def test_a_scene_that_has_its_item_again_removes_what_the_other_one_wrote(world: Any) -> None:
    first, second, item = rivals(world, pinned_over_a_path)
    tags = [world.stash.add_tag("of A")]
    world.edit(first, details="of A", tag_ids=tags)
    work(world)
    assert (item.summary, item.genre) == ("of A", ["of A"])
    unpinned(world, first)
    work(world)
    assert (item.title, item.summary, list(item.genre)) == ("B", "", [])
    at_rest(world)


def one_of_two(world: Any) -> Rivals:
    """The second scene has two files; that of the other item is its own."""
    world.configure(no_poster=True)
    item, _ = world.film("x/clip.mp4"), world.film("y/more.mp4")
    names = ("x/clip.mp4", "y/more.mp4")
    first, second = (
        world.stash.add_scene(files=[(f"/data/{name}", 1000) for name in some], title=title)
        for some, title in ((names[:1], "A"), (names, "B"))
    )
    settled(world, first, second)
    work(world)
    assert (item.title, world.state(second).state) == ("A", "synced")
    return first, second, item


@pytest.mark.parametrize(
    "give_up",
    [
        *(destroyed, destroyed_unnoticed, tagged_sync_never, left_out_by_a_new_setting),
        *(refused_for_good, failing_too_often, moved, moved_out_of_plex, pinned_elsewhere),
    ],
)
def test_a_scene_that_has_another_item_gets_one_that_is_given_up_too(
    world: Any, give_up: Callable[[Any, int], None]
) -> None:
    first, second, item = one_of_two(world)
    at_rest(world)
    give_up(world, first)
    work(world)
    assert (item.title, world.state(second).state) == ("B", "synced")
    at_rest(world)
    assert item.title == "B"


@pytest.mark.parametrize("title", ["A", "B"])
def test_a_reconciliation_gives_it_one_whose_news_were_lost(world: Any, title: str) -> None:
    first, second, item = one_of_two(world)
    world.edit(second, title=title)
    world.clock.passed += 4 * 3600
    work(world)
    press(world, "reconcile_all")  # which remembers what it found
    work(world)
    unheard(world, destroyed, first, second)
    assert len(world.state(second).targets) == 1
    press(world, "reconcile_all")
    work(world)
    assert item.title == title
    assert [len(world.state(second).targets), world.state(second).desired_hash != ""] == [2, True]
    at_rest(world)


def unmet_pin(world: Any) -> Rivals:
    """The ledger knows nothing of the first scene but its pin to the second one's item."""
    world.configure(no_poster=True)
    old = {"created_at": 1.5e9, "updated_at": 1.5e9}  # so that no sweep finds it
    first = world.stash.add_scene(files=[("/data/A.mp4", 1000)], title="A", **old)
    second, item = world.pair("B.mp4", title="Bee")
    with closing(world.ledger()) as ledger:
        ledger.pin(first, Pin("/plex/B.mp4", item.key))
    settled(world, second)
    assert (item.title, world.state(second).state) == ("B", "shared")
    return first, second, item


def missed_by_a_sweep(world: Any, scene: int) -> None:
    world.stash.destroy(scene)
    world.clock.passed += 2 * 86400


@pytest.mark.parametrize("way", [destroyed, destroyed_unnoticed, missed_by_a_sweep])
def test_the_pin_of_a_destroyed_scene_that_was_never_synced_holds_no_item(
    world: Any, way: Callable[[Any, int], None]
) -> None:
    first, second, item = unmet_pin(world)
    way(world, first)
    work(world)
    assert (item.title, world.state(second).state) == ("Bee", "synced")
    at_rest(world)


def test_a_pin_survives_until_stash_itself_says_that_its_scene_is_gone(world: Any) -> None:
    first, second, item = unmet_pin(world)
    world.event(first, "Scene.Destroy.Post", inputFields=...)
    world.stash.stop()
    work(world)
    world.stash.start()
    world.stash.add_fault("status", status=500)
    work(world)
    world.clock.passed += 2 * 86400
    work(world)
    world.stash.clear_faults()
    work(world, A_WHILE)
    assert (item.title, world.state(second).state) == ("B", "shared")
    world.event(first)
    work(world)
    assert (item.title, world.state(second).state) == ("A", "shared")
    at_rest(world)


@pytest.mark.parametrize("synced", [False, True])
def test_a_pin_is_forgotten_with_its_destroyed_scene(world: Any, synced: bool) -> None:
    first, second, item = unmet_pin(world)
    if synced:
        settled(world, first)
        assert item.title == "A"
    destroyed(world, first)
    work(world)
    world.clock.passed += 31 * 86400
    work(world)
    world.edit(second, title="Later")
    work(world)
    assert (item.title, world.state(second).state) == ("Later", "synced")
    with closing(world.ledger()) as ledger:
        assert ledger.pins() == {}


def with_names(world: Any, scene: int, name: str) -> None:
    """The scene gets a tag, a performer, a studio and so a collection of this name."""
    stash = world.stash
    stored = stash.scene(scene)
    stored.studio, stored.tags = stash.add_studio(name), [stash.add_tag(name)]
    stored.performers = [stash.add_performer(name)]


def names_in(item: Any) -> set[str]:
    return {item.studio, *item.collection, *item.genre, *item.actor}


@pytest.mark.parametrize("kind", [copies, same_path, merged])
def test_scenes_that_are_new_at_once_leave_nothing_of_each_other(
    world: Any, kind: Callable[[Any], Rivals]
) -> None:
    world.configure(no_poster=True)
    first, second, item = kind(world)
    with_names(world, first, "of A")
    with_names(world, second, "of B")
    settled(world, second, first)
    assert (item.title, names_in(item)) == ("A", {"of A"})
    assert [world.state(scene).state for scene in (first, second)] == ["synced", "shared"]
    at_rest(world)


@pytest.mark.parametrize("kind", [copies, same_path])
def test_scenes_that_are_tried_again_at_once_leave_nothing_of_each_other(
    world: Any, kind: Callable[[Any], Rivals]
) -> None:
    first, second, item = rivals(world, kind)
    world.configure(max_retries=1)
    world.plex.add_fault("ignore_edit")
    for scene, name in ((first, "of A"), (second, "of B")):
        with_names(world, scene, name)
        world.edit(scene, details=name)
        work_until_given_up(world, scene)
    assert all(world.dead_letter(scene) for scene in (first, second))
    world.plex.clear_faults()
    press(world, "retry_dead_letters", scene=None, error_types="")
    work(world, A_WHILE)
    assert (item.title, item.summary, names_in(item)) == ("A", "of A", {"of A"})
    at_rest(world)


def test_a_scene_that_was_not_told_of_another_one_removes_what_that_one_wrote(world: Any) -> None:
    first, second, item = rivals(world, same_path)
    hour = int(world.clock.now() // 3600)
    world.configure(quiet_hours=f"{hour % 24}:00-{(hour + 20) % 24}:00")
    with_names(world, second, "of B")
    with closing(world.ledger()) as ledger:
        ledger.pin(second, Pin("/plex/x/clip.mp4", item.key))
    world.event(second)
    work(world)
    assert (item.title, names_in(item), world.state(first).state) == ("B", {"of B"}, "synced")
    with closing(world.queue()) as queue:
        queue.finish([first])
    destroyed(world, second)
    work(world)
    world.edit(first, details="again")
    work(world)
    assert (item.title, item.summary, names_in(item)) == ("A", "again", {""})


def test_what_was_sent_before_a_scene_vanished_is_removed_although_no_answer_came(
    world: Any,
) -> None:
    first, second, item = rivals(world, same_path)
    with_names(world, first, "of A")

    def breaks(request: Any) -> bool:
        return request.method == "PUT" or item.title == "Sent"

    world.plex.add_fault("reset", match=breaks, at="after")
    world.edit(first, title="Sent")
    work(world)
    assert (item.title, names_in(item)) == ("Sent", {"of A"})
    destroyed(world, first)
    work(world)
    world.plex.clear_faults()
    work(world, A_WHILE)
    assert (item.title, names_in(item), world.state(second).state) == ("B", {""}, "synced")
    at_rest(world)


def test_a_reconciliation_finds_a_scene_whose_free_item_shows_the_same_already(world: Any) -> None:
    first, second, item = rivals(world, same_path)
    world.edit(second, title="A")
    work(world)
    world.clock.passed += 4 * 3600
    work(world)
    press(world, "reconcile_all")
    tagged_sync_never(world, first)
    work(world)
    with closing(world.ledger()) as ledger:  # as an earlier version left it
        ledger.save([ledger.scenes([second])[second]._replace(state="shared", desired_hash="")])
    press(world, "reconcile_all")
    work(world)
    assert (item.title, world.state(second).state) == ("A", "synced")


def test_an_undone_scene_keeps_its_item(world: Any) -> None:
    first, second, item = rivals(world, same_path)
    press(world, "undo_scene", scene=(first,), scenes=None)
    assert item.title == "clip"
    work(world)
    world.edit(second, title="Bee")
    at_rest(world)
    assert (item.title, world.state(second).state) == ("clip", "shared")
    third = world.stash.add_scene(files=[("/data/x/clip.mp4", 1000)], title="C")
    settled(world, third)
    assert (item.title, world.state(third).state) == ("clip", "shared")
    world.edit(first, title="Again")
    work(world)
    assert item.title == "Again"


def test_undoing_a_scene_that_was_left_out_leaves_the_item_to_the_next(world: Any) -> None:
    first, second, item = rivals(world, same_path)
    tagged_sync_never(world, first)
    work(world)
    press(world, "undo_left_out", confirmed=True)
    work(world)
    assert (item.title, world.state(second).state) == ("B", "synced")
    at_rest(world)
    assert item.title == "B"


def test_each_scene_in_turn_has_an_item_that_all_before_it_gave_up(world: Any) -> None:
    first, second, item = rivals(world, same_path)
    third = world.stash.add_scene(files=[("/data/x/clip.mp4", 1000)], title="C")
    settled(world, third)
    refused_for_good(world, first)
    work(world)
    assert (item.title, world.state(third).state) == ("B", "shared")
    world.plex.clear_faults()
    destroyed(world, second)
    work(world)
    assert (item.title, world.state(third).state) == ("C", "synced")
    at_rest(world)
    world.event(first)
    work(world)
    assert (item.title, world.state(third).state) == ("Refused", "shared")
    at_rest(world)


def test_an_item_that_takes_no_edit_is_given_up_by_each_scene_once(world: Any) -> None:
    world.configure(no_poster=True, max_retries=2)
    first, second, _ = same_path(world)
    third = world.stash.add_scene(files=[("/data/x/clip.mp4", 1000)], title="C")
    world.plex.add_fault("ignore_edit")
    for scene in (first, second, third):
        world.event(scene)
        work(world)
    for scene in (first, second, third):
        work_until_given_up(world, scene)
    assert all(world.dead_letter(scene) for scene in (first, second, third))
    press(world, "reconcile_all")  # which has each tried once more
    work(world)
    for scene in (first, second, third):
        work_until_given_up(world, scene)
    at_rest(world)
