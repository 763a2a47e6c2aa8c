"""Stash's answer about one of eight scenes is malformed: only that one becomes a dead letter."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from plexsync.edges.stash.client import StashClient
from plexsync.flows.tasks.reconcile import reconcile_24h, reconcile_all
from plexsync.flows.tasks.sync_all import sync_all
from plexsync.flows.updated import PAGE, updated_since
from plexsync.model.errors import StashDown
from tests.task_running import run_task

Change = Callable[[dict[str, Any]], object]
Answer = dict[str, Any]


def spoil(world: Any, scene: int, change: Change) -> Any:
    """Change Stash's answers about one scene (0: about all), wherever it occurs in them."""

    def rewritten(body: bytes) -> bytes:
        answer = json.loads(body)
        for found in _scenes(answer.get("data")):
            if str(found["id"]) in (str(scene), str(scene or found["id"])) and "tags" in found:
                change(found)
        return json.dumps(answer).encode()

    return world.stash.add_fault("rewrite", match="/graphql", change=rewritten)


def _scenes(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [found for each in value for found in _scenes(each)]
    if not isinstance(value, dict):
        return []
    inner = [found for each in value.values() for found in _scenes(each)]
    return inner + ([value] if "updated_at" in value else [])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda scene: scene.update(performers=None), "performers is null"),
        (
            lambda scene: scene.update(updated_at="0000-01-01T00:00:00Z"),
            "updated_at is not a readable time",
        ),
        (lambda scene: scene.update(title=["x"]), "title is a list, not text"),
        (lambda scene: scene.pop("files"), "files is missing"),
    ],
    ids=["null", "year 0", "wrong type", "missing"],
)
def test_one_odd_scene_is_one_dead_letter_and_the_batch_goes_on(
    world: Any, change: Change, words: str
) -> None:
    world.configure(no_poster=True)
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}") for n in range(8)]
    odd = pairs[3][0]
    fault = spoil(world, odd, change)
    for scene, _ in pairs:
        world.event(scene)
    world.run()
    assert [item.title for _, item in pairs] == [f"T{n}" if n != 3 else "3" for n in range(8)]
    dead_letter = world.dead_letter(odd)
    assert dead_letter.error == "SceneUnusable"
    assert f"Stash's answer for this scene is unusable: {words}" in dead_letter.message
    assert "Stash is away" not in world.said()
    fault.remove()
    world.edit(odd, title="Well again")
    world.run()
    assert pairs[3][1].title == "Well again"
    assert world.dead_letter(odd) is None


def test_an_odd_scene_alone_in_its_batch_is_its_own_fault(world: Any) -> None:
    world.configure(no_poster=True)
    odd, _ = world.pair("a.mp4", title="A")
    world.pair("b.mp4", title="B")
    spoil(world, odd, lambda scene: scene.update(tags=None))
    world.event(odd)
    world.run()
    assert world.dead_letter(odd).error == "SceneUnusable"


def test_when_all_scenes_are_odd_they_wait_for_stash(world: Any) -> None:
    world.configure(no_poster=True)
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}") for n in range(3)]
    fault = spoil(world, 0, lambda scene: scene.update(tags=None))
    for scene, _ in pairs:
        world.event(scene)
    world.run()
    assert sorted(world.waiting()) == [scene for scene, _ in pairs]
    assert [world.dead_letter(scene) for scene, _ in pairs] == [None] * 3
    fault.remove()
    world.run(minutes=2)
    assert [item.title for _, item in pairs] == ["T0", "T1", "T2"]


def test_reconciliation_goes_on_past_an_odd_scene(world: Any) -> None:
    world.configure(no_poster=True)
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}") for n in range(4)]
    for scene, _ in pairs:
        world.event(scene)
    world.run()
    world.clock.passed += 60.0
    for _, item in pairs:
        world.plex.user_edit(item.key, title="Drifted")
    world.clock.passed += 60.0
    spoil(world, pairs[1][0], lambda scene: scene.update(performers=None))
    answer = run_task(world, reconcile_all, owns=True)
    assert (answer["unread"], answer["checked"]) == (1, 4)
    world.run()
    assert [item.title for _, item in pairs] == ["T0", "Drifted", "T2", "T3"]
    assert world.dead_letter(pairs[1][0]).error == "SceneUnusable"


def rewrite(world: Any, change: Callable[[Answer], object]) -> Any:
    """Change all of Stash's answers."""

    def rewritten(body: bytes) -> bytes:
        answer = json.loads(body)
        change(answer)
        return json.dumps(answer).encode()

    return world.stash.add_fault("rewrite", match="/graphql", change=rewritten)


def failing_where(scene: int, *fields: str) -> Callable[[Answer], None]:
    """A GraphQL error of one scene, which makes the answer or the list that contains it fail."""

    def change(answer: Answer) -> None:
        for name, found in (answer.get("data") or {}).items():
            rows = found.get("scenes", [found]) if isinstance(found, dict) else []
            if any(str(row.get("id")) == str(scene) and set(fields) <= set(row) for row in rows):
                error = {"message": "sql: no such time", "path": [name, "scenes", 0, fields[0]]}
                answer["data"][name] = None
                answer.setdefault("errors", []).append(error)
        if answer.get("data") and answer["data"].get("findScenes", 0) is None:
            answer["data"] = None  # a list may not be null

    return change


def without_birthday(scene: int) -> Callable[[Answer], None]:
    def change(answer: Answer) -> None:
        for found in (answer.get("data") or {}).values():
            rows = found.get("scenes", [found]) if isinstance(found, dict) else []
            for row in rows:
                if str(row.get("id")) == str(scene) and "created_at" in row:
                    row["created_at"] = None

    return change


@pytest.mark.parametrize("spoilt", ["null", "an error"])
def test_a_scene_without_a_birthday_hides_no_stash(world: Any, spoilt: str) -> None:
    world.configure(no_poster=True)
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}") for n in range(3)]
    odd = pairs[0][0]
    rewrite(world, without_birthday(odd) if spoilt == "null" else failing_where(odd, "created_at"))
    for round_ in range(2):
        for scene, _ in pairs[1:]:
            world.edit(scene, title=f"round {round_}")
        world.run()
        assert [item.title for _, item in pairs[1:]] == [f"round {round_}"] * 2
    assert "Stash is away" not in world.said()
    assert "another Stash" not in world.said()


def test_a_stash_that_can_read_no_scene_is_away_and_no_other_one(world: Any) -> None:
    world.configure(no_poster=True)
    scene, item = world.pair("a.mp4", title="A")
    world.event(scene)
    world.run()

    def all_fail(answer: Answer) -> None:
        for name in list(answer["data"]):
            if name.startswith("s") and name[1:].isdigit():
                failing_where(scene, "id")(answer)

    fault = rewrite(world, all_fail)
    world.edit(scene, title="B")
    world.run()
    assert "another Stash" not in world.said()
    assert scene in world.waiting()
    fault.remove()
    world.run(minutes=5)
    assert item.title == "B"


def test_a_namesake_that_fails_holds_nobody_up(world: Any) -> None:
    world.configure(no_poster=True)
    item = world.film("Film.mp4")
    scene = world.stash.add_scene(files=[("/data/film.mp4", 1000)], title="Mine")
    odd = world.stash.add_scene(files=[("/data/else/Film.mp4", 5)], title="Odd")
    rewrite(world, failing_where(odd, "tags"))
    world.event(scene)
    world.run()
    assert item.title == "Mine"


def test_a_reconciliation_of_late_goes_on_past_a_scene_that_fails(world: Any) -> None:
    world.configure(no_poster=True)
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}") for n in range(3)]
    for scene, _ in pairs:
        world.event(scene)
    world.run()
    rewrite(world, failing_where(pairs[1][0], "tags"))
    answer = run_task(world, reconcile_24h, owns=True)
    assert (answer["unread"], answer["checked"]) == (1, 3)


def test_what_was_updated_is_read_past_an_odd_row_on_a_full_page(world: Any) -> None:
    scenes = [world.stash.add_scene(f"T{n}") for n in range(PAGE + 3)]
    odd = scenes[-5]

    def without_time(answer: Answer) -> None:
        for row in answer["data"]["findScenes"]["scenes"]:
            if row["id"] == str(odd):
                row["updated_at"] = None

    rewrite(world, without_time)
    found = {scene for page in updated_since(world.client(), 0.0) for scene, _ in page}
    assert found == set(scenes) - {odd}


def repeat(world: Any, rows: int, count: int) -> None:
    """A Stash that answers every request for a list with its first rows."""

    def change(answer: Answer) -> None:
        found = answer["data"].get("findScenes")
        if found and "scenes" in found:
            some = [
                {"id": str(n), "updated_at": "2024-01-01T00:00:00Z"} for n in range(1, rows + 1)
            ]
            answer["data"]["findScenes"] = {"count": count, "scenes": some}

    rewrite(world, change)


@pytest.mark.parametrize(("rows", "count"), [(2, 10), (0, 10)])
def test_a_list_that_does_not_lead_on_is_not_read_for_ever(
    world: Any, rows: int, count: int
) -> None:
    repeat(world, rows, count)
    client: StashClient = world.client()
    after = 2 if rows else 0
    for ask in (client.scene_ids, client.scene_page):
        with pytest.raises(StashDown, match="not in their order"):
            ask(after, 2)
    with pytest.raises(StashDown, match="not in their order"):
        run_task(world, sync_all, owns=True)


def test_a_list_that_repeats_itself_comes_to_an_end(world: Any) -> None:
    repeat(world, PAGE, PAGE)
    assert len(list(updated_since(world.client(), 0.0))) == 2


@pytest.mark.parametrize("spoilt", ["null", "an error"])
def test_an_odd_tag_hides_no_other_one(world: Any, spoilt: str) -> None:
    odd, well = world.stash.add_tag("Odd"), world.stash.add_tag("Well")

    def change(answer: Answer) -> None:
        for found in answer["data"].values():
            for row in found.get("nodes", [found]) if found else ():
                if row.get("id") == str(odd):
                    row["name" if "name" in row else "text"] = 7
        if spoilt == "an error" and (answer["data"].get("s0") or {}).get("id") == str(odd):
            answer["data"]["s0"] = None
            answer["errors"] = [{"message": "no such picture", "path": ["s0"]}]

    rewrite(world, change)
    client: StashClient = world.client()
    assert list(client.hierarchy().tags.nodes) == [well]
    assert well in client.details("tag", [odd, well])


def test_tags_that_repeat_themselves_are_not_read_for_ever(world: Any) -> None:
    nodes = [{"id": str(n), "name": f"T{n}", "aliases": [], "parents": []} for n in range(1, 1001)]

    def change(answer: Answer) -> None:
        if "found" in answer["data"]:
            some = [{**node, "parent_studio": None} for node in nodes]
            answer["data"]["found"] = {"nodes": some}

    rewrite(world, change)
    assert len(world.client().hierarchy().tags.nodes) == 1000
