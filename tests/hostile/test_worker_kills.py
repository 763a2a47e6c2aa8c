"""The real worker killed at any instant: nothing lost, nothing wrong, nothing twice."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plexsync import inbox
from plexsync.policy.batch_size import FEWEST as BATCH
from plexsync.policy.debounce import BURST
from tests.world import until
from torture.stage import Stage
from torture.worker_kills import kill_workers

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

KILLS = int(os.environ.get("PLEXSYNC_TEST_KILLS", "12"))
"""Few, since `torture` kills thousands."""
CONNECTIONS = 2
"""The default of `plex_connections`."""
SCENES = 120
REFUSED = 1 / SCENES
"""One scene: several would open the circuit breaker for an hour at the end."""
SEED = int(os.environ.get("PLEXSYNC_TEST_SEED", "20"))


@pytest.mark.torture
@pytest.mark.long
def test_workers_killed_at_random_lose_nothing_and_write_nothing_wrong(tmp_path: Path) -> None:
    verdict = kill_workers(tmp_path, SEED, KILLS, SCENES, REFUSED)
    print(
        f"seed {SEED}, {KILLS} kills: lost {len(verdict.lost)}, wrong {len(verdict.wrong)},"
        f" sent twice {verdict.twice}, dead letters {verdict.dead}, innocent {verdict.innocent}"
    )
    assert verdict.bad == []
    assert verdict.twice <= KILLS
    assert verdict.innocent <= KILLS // 20


@pytest.fixture(scope="module")
def one_scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("stage"), scenes=1, refused=0, sick=0) as stage:
        yield stage


@pytest.fixture
def stage(one_scene: Stage) -> Stage:
    one_scene.reset()
    return one_scene


def save(stage: Stage, scene: int, **fields: object) -> None:
    stage.stash.edit(scene, **fields)
    event = {"id": scene, "type": "Scene.Update.Post", "inputFields": [*fields, "id"]}
    inbox.drop(str(stage.data), json.dumps(event).encode())


def killed_at_its_edit(stage: Stage) -> None:
    """Run one worker, which is killed after Plex has its edit and before the answer."""

    def kill(request: object) -> bool:
        if getattr(request, "method", "") == "PUT":
            stage.kill_worker()
        return False

    stage.on_request = kill
    stage.worker = stage.nursery.start(stage.block())
    assert stage.nursery.wait(stage.worker)
    stage.on_request = lambda request: False


@pytest.mark.long
def test_a_text_written_by_a_killed_worker_is_cleared_when_stash_clears_it(stage: Stage) -> None:
    (scene,) = stage.films
    save(stage, scene, title="Scene 1", details="A")
    stage.drain()
    save(stage, scene, details="B")
    killed_at_its_edit(stage)
    assert stage.films[scene].summary == "B"
    save(stage, scene, details="")
    stage.drain()
    assert stage.films[scene].summary == ""


@pytest.mark.long
def test_names_written_by_a_killed_worker_are_removed_when_stash_drops_them(stage: Stage) -> None:
    (scene,) = stage.films
    first, second = stage.stash.add_studio("First"), stage.stash.add_studio("Second")
    save(stage, scene, title="Scene 1", studio_id=first)
    stage.drain()
    save(stage, scene, studio_id=second)
    killed_at_its_edit(stage)
    save(stage, scene, studio_id=None)
    stage.drain()
    assert stage.films[scene].collection == []
    assert stage.films[scene].studio == ""


@pytest.mark.long
def test_with_preserve_what_a_killed_worker_wrote_is_no_edit_of_a_person(stage: Stage) -> None:
    (scene,) = stage.films
    settings = stage.stash.data.plugin_settings[stage.stash.plugin_id]
    stage.stash.set_plugin_settings({**settings, "preserve_plex_edits": True})
    save(stage, scene, title="Scene 1", details="A")
    stage.drain()
    save(stage, scene, details="B")
    killed_at_its_edit(stage)
    save(stage, scene, details="C")
    stage.drain()
    assert stage.films[scene].summary == "C"
    stage.films[scene].summary = "typed in Plex"
    save(stage, scene, details="D")
    stage.drain()
    assert stage.films[scene].summary == "typed in Plex"


@pytest.fixture(scope="module")
def many_scenes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two batches, at the true speed: when time flies, something is always due between them."""
    folder = tmp_path_factory.mktemp("stage")
    with Stage(folder, scenes=2 * BATCH, refused=0, sick=0, speed=1.0) as stage:
        yield stage


@pytest.mark.torture
@pytest.mark.long
@pytest.mark.parametrize(
    ("method", "number"),
    [("GET", 2), ("PUT", BATCH + 1), ("GET", 3)],
    ids=["the second is read", "the second is written", "the first is read back"],
)
def test_a_worker_killed_with_two_batches_under_way_loses_nothing_of_either(
    many_scenes: Stage, method: str, number: int
) -> None:
    stage, seen = many_scenes, Counter[str]()
    stage.reset()

    def kill(request: Any) -> bool:
        if request.method == "PUT" or request.path.startswith("/library/metadata/"):
            seen[request.method] += 1
            if seen[method] == number and request.method == method:
                stage.kill_worker()
        return False

    for scene in stage.films:
        stage.edit(scene)
    due = time.monotonic() + BURST
    until(lambda: time.monotonic() >= due)  # all at once, so that both batches are full
    stage.on_request = kill
    stage.worker = stage.nursery.start(stage.block())
    assert stage.nursery.wait(stage.worker)
    stage.on_request = lambda request: False
    assert seen["GET"] == 2 or seen["PUT"] > BATCH, "the first is not over when the second begins"
    last = stage.nursery.start(stage.block())
    until(stage.idle)
    stage.nursery.kill(last)
    verdict = stage.judge()
    assert verdict.bad == []
    assert (verdict.dead, verdict.innocent) == (0, 0)
    assert verdict.twice <= CONNECTIONS, "only those in flight"
