"""All of Stash's scenes, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from plexsync.edges.stash.client import StashClient
from plexsync.model.connection import read_connection
from plexsync.model.errors import StashDown
from simulator.stash import StashSim


@pytest.fixture
def sim() -> Iterator[StashSim]:
    with StashSim() as stash:
        yield stash


@pytest.fixture
def client(sim: StashSim) -> Iterator[StashClient]:
    client = StashClient(read_connection(sim.server_connection()))
    yield client
    client.close()


def walk(client: StashClient, size: int) -> list[int]:
    found: list[int] = []
    after, left = 0, 1
    while left > 0:
        page = client.scene_page(after, size)
        found += [scene.id for scene in page.scenes]
        after, left = page.last, page.left
    return found


@pytest.mark.parametrize("size", [1, 3, 10, 11, 100])
def test_every_scene_is_met_once_in_as_few_requests_as_can_be(
    sim: StashSim, client: StashClient, size: int
) -> None:
    scenes = [sim.add_scene(f"T{n}") for n in range(10)]
    assert walk(client, size) == scenes
    assert len(sim.journal) == -(-10 // size)


def test_an_empty_stash_has_an_empty_page(client: StashClient) -> None:
    page = client.scene_page(0, 10)
    assert (page.scenes, page.left) == ((), 0)


def test_what_goes_or_comes_meanwhile_hides_nothing_else(
    sim: StashSim, client: StashClient
) -> None:
    scenes = [sim.add_scene(f"T{n}") for n in range(10)]
    first = client.scene_page(0, 5)
    for scene in scenes[:3]:
        sim.destroy(scene)
    new = sim.add_scene("New")
    rest = client.scene_page(first.last, 50)
    assert [scene.id for scene in rest.scenes] == [*scenes[5:], new]


def test_a_page_holds_whole_scenes(sim: StashSim, client: StashClient) -> None:
    studio = sim.add_studio("S")
    number = sim.add_scene("T", [("/data/1.mp4", 5)], details="D", studio=studio)
    page = client.scene_page(0, 10)
    assert list(page.scenes) == client.readable_scenes([number])
    assert page.scenes[0].studio is not None


def test_one_that_spoils_its_page_costs_only_itself(sim: StashSim, client: StashClient) -> None:
    scenes = [sim.add_scene(f"T{n}") for n in range(4)]
    whole = "fragment PlexSyncScene"
    sim.add_fault("graphql_errors", match=lambda entry: whole in entry.query, times=1)
    page = client.scene_page(0, 3)
    assert [scene.id for scene in page.scenes] == scenes[:3]
    assert (page.last, page.left) == (scenes[2], 1)


def test_a_stash_that_is_away_is_down(sim: StashSim, client: StashClient) -> None:
    sim.add_fault("status", status=503)
    with pytest.raises(StashDown):
        client.scene_page(0, 3)
    assert len(sim.journal) == 1


@pytest.mark.parametrize("sort", ["updated_at", "created_at"])
def test_the_latest_come_first(sim: StashSim, client: StashClient, sort: str) -> None:
    times = [500, 300, 400, 100, 200]
    stamps: list[dict[str, Any]] = [{sort: at} for at in times]
    scenes = [sim.add_scene("T", **stamp) for stamp in stamps]
    order = [scenes[times.index(at)] for at in sorted(times, reverse=True)]
    first, second = client.latest_scenes(sort, 1, 3), client.latest_scenes(sort, 2, 3)
    assert [scene.id for scene in (*first.scenes, *second.scenes)] == order
    assert (first.last, first.left, second.left) == (1, 2, 0)
