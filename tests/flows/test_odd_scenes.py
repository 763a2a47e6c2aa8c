"""Stash answers oddly about one scene of eight: that one is given up in words, the rest arrives."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from plexsync.flows.tasks.reconcile import reconcile_all
from tests.task_running import run_task

Change = Callable[[dict[str, Any]], object]


def spoil(world: Any, scene: int, change: Change) -> Any:
    """Change what Stash says about one scene (0: about all), wherever it stands in an answer."""

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
