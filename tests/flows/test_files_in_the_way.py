"""Something else in the place of a file or folder: moved aside, reported once, work continues."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plexsync.edges.log.log import FileSink, Log
from plexsync.edges.page import read_state, results
from plexsync.flows.page import operations
from tests.world import World

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="pipes and links in a folder are POSIX here"),
    pytest.mark.timeout(60),
]


def pipe(path: Path) -> None:
    os.mkfifo(path)


def link(path: Path) -> None:
    target = path.parent.parent / f"outside-{path.name}"
    target.write_bytes(b"somebody else's")
    path.symlink_to(target)


def bound(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def folder(path: Path) -> None:
    path.mkdir()


KINDS = {pipe: "a pipe", link: "a symbolic link", bound: "a socket", folder: "a folder"}
DATABASES = ("dlq.db", "ledger.db", "plex_index.db", "queue/data.db")
STATES = ("circuit_breaker.json", "stats.json", "reconcile_state.json")


def replaced(world: World, name: str, kind: Callable[[Path], None]) -> Path:
    """The file as a worker left it, then replaced by something else."""
    path = Path(world.folder, name)
    path.parent.mkdir(exist_ok=True)
    for side in ("", "-wal", "-shm"):
        path.with_name(path.name + side).unlink(missing_ok=True)
    kind(path)
    return path


def lives(world: World, film: Any, scene: int) -> None:
    world.edit(scene, title="after")
    world.run()
    assert film.title == "after"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_is_set_aside(world: World, kind: Callable[[Path], None]) -> None:
    scene, film = world.pair("a.mp4")
    world.edit(scene, title="before")
    world.run()
    paths = [replaced(world, name, kind) for name in (*DATABASES, *STATES)]
    lives(world, film, scene)
    for path in paths:
        said = [text for level, text in world.sink.lines if path.name in text and level != "info"]
        assert len(said) == 1 and KINDS[kind] in said[0]
        assert not path.exists() or stat.S_ISREG(path.lstat().st_mode)
        if kind is link:
            left = path.parent.parent / f"outside-{path.name}"
            assert left.read_bytes() == b"somebody else's"


@pytest.mark.parametrize("side", ["-wal", "-shm", "-journal"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_lies_beside_a_database_is_no_trap(
    world: World, kind: Callable[[Path], None], side: str
) -> None:
    scene, film = world.pair("a.mp4")
    world.edit(scene, title="before")
    world.run()
    for name in DATABASES:
        path = Path(world.folder, name + side)
        path.unlink(missing_ok=True)
        kind(path)
    lives(world, film, scene)


def test_a_folder_named_like_an_unfinished_file_stops_nobody(world: World) -> None:
    scene, film = world.pair("a.mp4")
    world.run()
    Path(world.folder, "queue", "epoch.json.1-ab.tmp").mkdir()
    lives(world, film, scene)


@pytest.mark.parametrize("name", ["queue", "results", "reports", "removed", "inbox/new"])
def test_a_file_in_the_place_of_a_folder_is_set_aside(world: World, name: str) -> None:
    scene, film = world.pair("a.mp4")
    path = Path(world.folder, name)
    path.parent.mkdir(exist_ok=True)
    path.write_text("in the way")
    if name == "inbox/new":
        world.run()
    lives(world, film, scene)
    assert f"{path.name} was a file instead of a folder" in world.said("warning")
    assert [found.read_text() for found in Path(world.folder).rglob(f"damaged/*/{path.name}")] == [
        "in the way"
    ]


def test_even_the_folder_for_the_damaged_may_be_in_the_way(world: World) -> None:
    scene, film = world.pair("a.mp4")
    for name in ("damaged", "queue"):
        Path(world.folder, name).write_text("in the way")
    lives(world, film, scene)
    assert [path.name for path in Path(world.folder).glob("damaged.*")]


def test_a_linked_queue_is_not_followed(world: World, tmp_path: Path) -> None:
    target = tmp_path / "somebody else's"
    target.mkdir()
    target.chmod(0o755)
    scene, film = world.pair("a.mp4")
    Path(world.folder, "queue").symlink_to(target)
    lives(world, film, scene)
    assert stat.S_IMODE(target.stat().st_mode) == 0o755
    assert list(target.iterdir()) == []
    assert "queue was a symbolic link" in world.said("warning")


def test_a_folder_where_a_command_keeps_its_result_is_no_reason_to_stop(world: World) -> None:
    Path(world.folder, "results").write_text("in the way")
    request = operations.Request("/", world.folder, {"what": "queue"}, b"", world.clock.now())
    accepted = str(operations.perform("clear", request)["accepted"])
    world.run()
    found = results.result(world.folder, accepted)
    assert found is not None and found["state"] == "done"


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_only_looks_waits_in_no_pipe(world: World, kind: Callable[[Path], None]) -> None:
    world.run()
    for name in (*DATABASES, *STATES, "outage_history.json"):
        replaced(world, name, kind)
    known: dict[str, dict[str, object]] = {"scene_state": {"scenes": [1]}, "report": {"task": "x"}}
    for mode in ("status", "dead_letters", "queue", "outages", "tick", "scene_state", "report"):
        args = known.get(mode, {})
        request = operations.Request("/", world.folder, args, b"{}", world.clock.now())
        try:
            json.dumps(operations.perform(mode, request))
        except (ValueError, read_state.Unreadable) as problem:
            assert "cannot be read now" in str(problem)
    assert KINDS[kind] in str(read_state_problems(world))


def read_state_problems(world: World) -> object:
    request = operations.Request("/", world.folder, {}, b"", world.clock.now())
    return operations.perform("status", request)["problems"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_log_is_begun_afresh(tmp_path: Path, kind: Callable[[Path], None]) -> None:
    path = tmp_path / "data" / "plexsync.log"
    path.parent.mkdir(mode=0o700)
    kind(path)
    sink = FileSink(str(path))
    Log(sink).info("the worker starts")
    sink.close()
    first, second = path.read_text().splitlines()
    assert f"plexsync.log was {KINDS[kind]}" in first
    assert second.endswith("the worker starts")
