"""Page commands while a task owns the data folder: carried out after the requests in flight."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plexsync import inbox
from plexsync.flows.tasks.process_queue import process_queue
from plexsync.flows.tasks.reconcile import reconcile_all
from plexsync.flows.tasks.sync_all import sync_all, sync_recent
from plexsync.flows.tasks.undo import undo_scene
from plexsync.model.command import KIND, Command, to_input
from tests.task_running import run_task
from tests.world import World

SCENES = 20
EACH = ",".join(str(n + 1) for n in range(SCENES))
IN_FLIGHT = 2
"""The maximum number of requests in flight: one per connection."""


@pytest.fixture
def world(world: Any) -> Any:
    world.configure(no_poster=True, reconcile_batch_size=10)
    return world


def asked(world: World) -> int:
    """The number of requests to both servers."""
    return len(list(world.plex.journal)) + len(list(world.stash.journal))


class Page:
    """Sends a command during the request number `during` from now on."""

    def __init__(self, world: World, during: int) -> None:
        self._world = world
        self._during = asked(world) + during
        self._accepted = ""
        self.later = 0
        """The number of requests that began before the command was carried out."""
        for server in (world.plex, world.stash):
            server.add_fault("status", match=self._look)

    def _look(self, request: Any) -> bool:
        now = asked(self._world)
        if now >= self._during and not self._accepted:
            record = {"id": 1, "type": KIND, "input": to_input(Command("unpin", {"scene": 1}))}
            self._accepted = inbox.drop(self._world.folder, json.dumps(record).encode())
        elif self._accepted and not self.state():
            self.later = now - self._during
        return False

    def state(self) -> str:
        path = Path(self._world.folder) / "results" / f"{self._accepted}.json"
        return str(json.loads(path.read_text())["state"]) if path.exists() else ""


def queued(world: World) -> list[int]:
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}", details="d") for n in range(SCENES)]
    for scene, _ in pairs:
        world.event(scene)
    return [scene for scene, _ in pairs]


def synced(world: World) -> list[int]:
    scenes = queued(world)
    world.run(minutes=1)
    return scenes


CASES = [
    (queued, process_queue, {}, "written", (3, 5, 9, 20)),
    (synced, reconcile_all, {}, "checked", (2, 3, 5, 9)),
    (synced, undo_scene, {"scenes": EACH}, "undone", (3, 6, 9, 20)),
    (synced, sync_all, {}, "queued", (2,)),
    (synced, sync_recent, {}, "queued", (2,)),
]
"""The state before, a task, its arguments, where it reports its number of scenes, and during
which of its requests the page sends a command."""


@pytest.mark.parametrize(
    ("prepare", "run", "args", "seen", "during"),
    [(*case, during) for *case, all_during in CASES for during in all_during],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_command_waits_for_the_requests_in_flight_of_a_task(
    world: World,
    prepare: Callable[[World], list[int]],
    run: Callable[..., dict[str, Any]],
    args: dict[str, str],
    seen: str,
    during: int,
) -> None:
    prepare(world)
    page = Page(world, during)
    output = run_task(world, run, owns=True, **args)
    assert page.state() == "failed", "there was no pin"
    assert page.later <= IN_FLIGHT
    assert output[seen] == SCENES, "the task did all of its work"


def test_a_scene_that_is_saved_while_everything_is_undone_is_synced_again(world: World) -> None:
    scenes = synced(world)
    pressed: list[str] = []

    def saved_and_asked(request: Any) -> bool:
        if request.method == "PUT" and not pressed:
            world.edit(scenes[-1], title="newer")
            command = to_input(Command("sync", {"scenes": [scenes[0]]}))
            record = json.dumps({"id": 1, "type": KIND, "input": command}).encode()
            pressed.append(inbox.drop(world.folder, record))
        return False

    world.plex.add_fault("status", match=saved_and_asked)
    world.event(scenes[1])  # saved before: dropped with its undo
    run_task(world, undo_scene, owns=True, scenes=",".join(map(str, scenes)))
    assert set(world.waiting()) == {scenes[0], scenes[-1]}
    world.run(minutes=1)
    assert world.state(scenes[-1]).state == "synced"
    assert world.state(scenes[1]).state == "undone"
