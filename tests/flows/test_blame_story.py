"""A fault of the whole is never charged to a part: Plex as people really run it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def quiet(world: Any) -> Any:
    world.configure(no_poster=True)
    return world


def crowd(world: Any, count: int = 6) -> list[tuple[int, Any]]:
    pairs = [world.pair(f"{n}.mp4", title=f"T{n}") for n in range(count)]
    for scene, _ in pairs:
        world.event(scene)
    return pairs


def synced(pairs: list[tuple[int, Any]]) -> int:
    return sum(item.title.startswith("T") for _, item in pairs)


def letters(world: Any) -> dict[str, int]:
    app = world.stores()
    try:
        return dict(app.stores.letters.counts())
    finally:
        app.close()


def stored(world: Any, name: str) -> Any:
    return json.loads((Path(world.folder) / name).read_text())


WHOLE = {
    "521 of a proxy": ("status", {"status": 521, "foreign": True}, "a proxy in front of it"),
    "530 of a proxy": ("status", {"status": 530, "foreign": True}, "a proxy in front of it"),
    "500 of Plex": ("status", {"status": 500}, "Plex answered 500"),
    "400 of a wrong address": ("status", {"status": 400, "foreign": True}, "it answered 400"),
    "404 of a wrong address": ("status", {"status": 404, "foreign": True}, "it answered 404"),
    "login page": ("html", {}, "web page: Sign in"),
    "another product": ("json", {}, "another product"),
    "redirect": (
        "redirect",
        {"location": "https://media.example/plex?X-Plex-Token=no"},
        "it redirects to https://media.example/plex",
    ),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_all_meet_costs_no_scene_anything(quiet: Any, name: str) -> None:
    kind, options, words = WHOLE[name]
    pairs = crowd(quiet)
    fault = quiet.plex.add_fault(kind, **options)
    quiet.run(minutes=200 / 60)
    assert synced(pairs) == 0
    assert all(not job.attempts for job in quiet.waiting().values())
    assert words in stored(quiet, "circuit_breaker.json")["reason"]
    assert quiet.said("warning").count("Circuit breaker CLOSED -> OPEN") == 1
    fault.remove()
    quiet.run(minutes=5)
    assert synced(pairs) == 6
    assert letters(quiet) == {}
    (outage,) = stored(quiet, "outage_history.json")["outages"]
    assert words in outage["cause"]
    assert outage["end"] is not None
    assert "X-Plex-Token" not in quiet.said()


@pytest.mark.parametrize("name", ["404 of a wrong address", "login page"])
def test_what_is_not_plex_takes_nothing_from_the_index(quiet: Any, name: str) -> None:
    """Known items are asked for one by one, and a stranger's 404 says nothing about them."""
    kind, options, _ = WHOLE[name]
    pairs = crowd(quiet)
    quiet.run(minutes=1)
    fault = quiet.plex.add_fault(kind, **options)
    for scene, _ in pairs:
        quiet.edit(scene, title=f"T again {scene}")
    quiet.run(minutes=3)
    fault.remove()
    quiet.plex.clear_journal()
    quiet.run(minutes=5)
    assert {item.title for _, item in pairs} == {f"T again {scene}" for scene, _ in pairs}
    lists = [e for e in quiet.plex.journal if e.path.endswith("/all") and e.method == "GET"]
    assert all(entry.headers["x-plex-container-size"] == "0" for entry in lists)


@pytest.mark.parametrize("status", [301, 401, 404, 406])
def test_the_root_path_is_not_needed(quiet: Any, status: int) -> None:
    pairs = crowd(quiet)
    quiet.plex.add_fault("status", match=lambda r: r.path == "/", status=status, foreign=True)
    quiet.run(minutes=1)
    assert synced(pairs) == 6
    assert quiet.said("warning") == ""


def test_every_list_is_asked_for_with_both_container_headers(quiet: Any) -> None:
    crowd(quiet)
    quiet.run(minutes=1)
    lists = [e for e in quiet.plex.journal if e.method == "GET" and e.path != "/identity"]
    assert lists
    for entry in lists:
        assert {"x-plex-container-start", "x-plex-container-size"} <= set(entry.headers)


def test_a_list_that_fails_alone_is_no_scenes_fault(quiet: Any) -> None:
    """Plex is healthy, and yet what names no item fails: all wait, however long it takes."""
    fault = quiet.plex.add_fault(
        "status",
        match=lambda r: r.path.endswith("/all") and r.method == "GET" and "sort" in dict(r.params),
        status=400,
    )
    pairs = crowd(quiet)
    quiet.run(minutes=12)
    assert letters(quiet) == {}
    assert all(not job.attempts for job in quiet.waiting().values())
    fault.remove()
    quiet.run(minutes=5)
    assert synced(pairs) == 6


def test_a_path_of_items_that_fails_alone_is_no_scenes_fault(quiet: Any) -> None:
    pairs = crowd(quiet)
    fault = quiet.plex.add_fault("status", match="/library/metadata/", status=403, foreign=True)
    quiet.run(minutes=12)
    assert letters(quiet) == {}
    fault.remove()
    quiet.run(minutes=5)
    assert synced(pairs) == 6


def test_one_item_that_plex_cannot_read_costs_its_own_scene_alone(quiet: Any) -> None:
    quiet.configure(max_retries=1)
    pairs = crowd(quiet)
    bad = str(pairs[2][1].key)

    def meets(request: Any) -> bool:
        return bad in request.path.rsplit("/", 1)[-1].split(",")

    quiet.plex.add_fault("status", match=meets, status=400)
    quiet.run(minutes=10)
    assert synced(pairs) == 5
    assert letters(quiet) == {"PlexTemporaryError": 1}
