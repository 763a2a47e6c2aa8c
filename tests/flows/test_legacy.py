"""What an earlier product of the same name left is set aside unread, and Sync All is suggested."""

from __future__ import annotations

import json
import os
import pickle
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import persistqueue
import pytest

from plexsync.flows.tasks.sync_all import sync_all
from tests.task_running import run_task
from tests.world import World

LONG_AGO = 1_700_000_000.0


@pytest.fixture(autouse=True)
def _nothing_but_the_folder(world: World) -> None:
    world.configure(reconcile_interval="never", no_poster=True)


def pair(world: World, name: str, title: str) -> tuple[int, Any]:
    """A scene that was not edited since PlexSync was installed."""
    return world.pair(name, title=title, created_at=LONG_AGO, updated_at=LONG_AGO)


def old_queue(world: World, *jobs: object) -> Path:
    """The earlier product's queue, made by the library it used, with its default serialiser."""
    folder = Path(world.folder, "queue")
    queue = persistqueue.SQLiteAckQueue(str(folder), auto_commit=True, multithreading=True)
    for job in jobs:
        queue.put(job)
    queue.close()
    return folder / "data.db"


def old_dead_letters(world: World, *scenes: int) -> None:
    with closing(sqlite3.connect(Path(world.folder, "dlq.db"))) as made, made:
        made.execute(
            "CREATE TABLE dead_letters (id INTEGER PRIMARY KEY AUTOINCREMENT, job_id INTEGER,"
            " scene_id INTEGER, job_data BLOB, error_type TEXT, failed_at TIMESTAMP)"
        )
        made.executemany(
            "INSERT INTO dead_letters (scene_id, error_type) VALUES (?, 'PlexNotFound')",
            [(scene,) for scene in scenes],
        )


def kept(world: World) -> dict[str, bytes]:
    """What was moved away, by name."""
    place = Path(world.folder, "legacy")
    return {path.name: path.read_bytes() for path in place.rglob("*") if path.is_file()}


def test_what_an_earlier_product_left_is_kept_unread_and_sync_all_does_its_jobs(
    world: World,
) -> None:
    waiting, item = pair(world, "1.mp4", "waited in the queue")
    buried, other = pair(world, "2.mp4", "was a dead letter")
    old_queue(world, {"scene_id": waiting, "job_key": f"scene_{waiting}"})
    old_dead_letters(world, buried)
    left = {
        "sync_timestamps.json": json.dumps({waiting: LONG_AGO + 5}),
        "circuit_breaker.json": '{"state": "open"}',
        "stats.json": '{"jobs": 9}',
    }
    for name, text in left.items():
        Path(world.folder, name).write_text(text)

    world.run(minutes=1)

    assert "waited" not in item.title and "dead" not in other.title
    (warning,) = world.said("warning").splitlines()
    assert "They are not read, but kept in" in warning
    assert 'Press "Sync All Scenes"' in warning
    found = kept(world)
    assert {"data.db", "dlq.db"} < found.keys()
    assert {name: found[name].decode() for name in left} == left

    run_task(world, sync_all, owns=True)
    world.run(minutes=1)
    assert (item.title, other.title) == ("waited in the queue", "was a dead letter")
    assert world.said("warning").count("an earlier product") <= 1


def test_a_folder_without_a_past_is_left_as_it_is(world: World) -> None:
    scene, item = world.pair("1.mp4", title="old")
    world.edit(scene, title="new")
    world.run()
    world.run()
    assert item.title == "new"
    assert world.said("warning") == ""
    assert not Path(world.folder, "legacy").exists()


def test_a_queue_that_a_killed_process_left_is_moved_with_its_log(world: World) -> None:
    path = old_queue(world)
    row = pickle.dumps({"scene_id": 7}, protocol=4)
    code = (
        "import os, sqlite3, sys; left = sqlite3.connect(sys.argv[1])\n"
        "left.execute('PRAGMA wal_autocheckpoint=0')\n"
        "row = (bytes.fromhex(sys.argv[2]),)\n"
        "left.execute('INSERT INTO ack_queue_default (data, timestamp, status)"
        " VALUES (?, 0, 2)', row)\n"
        "left.commit(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(path), row.hex()], check=True)
    log = Path(f"{path}-wal").read_bytes()
    assert log
    world.run(minutes=1)
    assert kept(world)["data.db-wal"] == log
    assert "damaged" not in world.said("warning")


class Planted:
    """A pickle that runs a command when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_nothing_in_an_old_job_is_ever_run(world: World, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    old_queue(world, {"scene_id": 7, "data": Planted(trap)}, Planted(trap))
    world.run(minutes=1)
    assert "data.db" in kept(world)
    assert not trap.exists()


def test_a_move_that_was_killed_is_done_again(world: World) -> None:
    half = Path(world.folder, "legacy", "20200101T000000-abcd", "queue")
    for folder in (half.parent.parent, half.parent, half):
        folder.mkdir(mode=0o700)
    path = old_queue(world, {"scene_id": 7})
    (half / "data.db-wal").write_bytes(b"moved before the kill")
    world.run(minutes=1)
    assert {"data.db-wal", "data.db"} <= kept(world).keys()
    assert path.read_bytes() not in kept(world).values()


def test_settings_of_the_older_community_plugin_are_enough(world: World) -> None:
    scene, item = pair(world, "1.mp4", "one")
    host, port = world.plex.url.removeprefix("http://").split(":")
    world.stash.set_plugin_settings(
        {
            "plexHost": f"http://{host}",
            "plexPort": port,
            "plexToken": world.settings["plex_token"],
            "path_map": "/plex=>/data",
        }
    )
    world.edit(scene, title="two")
    world.run()
    assert item.title == "two"
