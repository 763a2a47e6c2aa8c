"""Coming from an earlier PlexSync: what it left is taken over once, and nothing of it is run."""

from __future__ import annotations

import json
import os
import pickle
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import persistqueue
import pytest

from plexsync.edges.legacy import scene_of
from tests.world import World

LONG_AGO = 1_700_000_000.0


HOUR = 3600.0


@pytest.fixture(autouse=True)
def _nothing_but_the_import(world: World) -> None:
    world.configure(reconcile_interval="never", no_poster=True)


def pair(world: World, name: str, title: str, edited: float = LONG_AGO) -> tuple[int, Any]:
    """A scene that nobody has touched since PlexSync was installed."""
    return world.pair(name, title=title, created_at=LONG_AGO, updated_at=edited)


def old_job(scene: object, **data: Any) -> dict[str, Any]:
    """A job as the earlier version put it into its queue."""
    return {
        "pqid": 3,
        "scene_id": scene,
        "update_type": "metadata",
        "data": {"title": "scene_id", "path": "/data/Ä.mp4", **data},
        "enqueued_at": LONG_AGO,
        "job_key": f"scene_{scene}",
    }


def old_queue(world: World, *jobs: object) -> Path:
    """The earlier version's queue, made by the library it used, with its default serialiser."""
    folder = Path(world.folder, "queue")
    queue = persistqueue.SQLiteAckQueue(str(folder), auto_commit=True, multithreading=True)
    for job in jobs:
        queue.put(job)
    queue.close()
    return folder / "data.db"


def old_letters(world: World, *scenes: int) -> None:
    with closing(sqlite3.connect(Path(world.folder, "dlq.db"))) as made, made:
        made.execute(
            "CREATE TABLE dead_letters (id INTEGER PRIMARY KEY AUTOINCREMENT, job_id INTEGER,"
            " scene_id INTEGER, job_data BLOB, error_type TEXT, error_message TEXT,"
            " stack_trace TEXT, retry_count INTEGER, failed_at TIMESTAMP)"
        )
        made.executemany(
            "INSERT INTO dead_letters (scene_id, error_type) VALUES (?, 'PlexNotFound')",
            [(scene,) for scene in scenes],
        )


def old_times(
    world: World, times: dict[Any, Any] | str, name: str = "sync_timestamps.json"
) -> None:
    text = times if isinstance(times, str) else json.dumps(times)
    path = Path(world.folder, name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def imported(world: World) -> list[str]:
    return [line for line in world.said("info").splitlines() if line.startswith("Imported")]


def kept(world: World) -> set[str]:
    """What was moved away, by name."""
    place = Path(world.folder, "imported")
    return {path.name for path in place.rglob("*") if path.is_file()}


def test_jobs_letters_and_times_are_taken_over_once(world: World) -> None:
    waiting, item = pair(world, "1.mp4", "waited in the queue")
    buried, other = pair(world, "2.mp4", "was a dead letter")
    synced, third = pair(world, "3.mp4", "synced before")
    stale, fourth = pair(world, "4.mp4", "edited after its sync", LONG_AGO + 90)
    unknown, fifth = pair(world, "5.mp4", "nobody's wish")
    old_queue(world, old_job(waiting), old_job(str(waiting)), old_job(waiting))
    old_letters(world, buried, buried)
    old_times(world, {synced: LONG_AGO + 5, stale: LONG_AGO + 5})
    for name in ("circuit_breaker.json", "stats.json"):
        Path(world.folder, name).write_text('{"state": "open", "jobs": 9}')

    world.run(minutes=1)

    assert item.title == "waited in the queue"
    assert other.title == "was a dead letter"
    assert fourth.title == "edited after its sync"
    assert third.title != "synced before"
    (line,) = imported(world)
    assert "1 job, 1 dead letter, 2 times of sync" in line
    assert "Not readable" not in line
    assert world.said("warning") == ""
    names = {"data.db", "dlq.db", "sync_timestamps.json", "circuit_breaker.json", "stats.json"}
    assert names <= kept(world)
    assert world.state(synced).detail == "an earlier PlexSync synced it"

    world.edit(synced, title="edited now")
    world.run(minutes=1)
    assert third.title == "edited now"
    assert len(imported(world)) == 1
    assert not world.waiting()
    assert world.state(unknown) is None
    assert fifth.title != "nobody's wish"


def test_a_folder_without_a_past_is_left_as_it_is(world: World) -> None:
    scene, item = world.pair("1.mp4", title="old")
    world.edit(scene, title="new")
    world.run()
    world.run()
    assert item.title == "new"
    assert not imported(world)
    assert not Path(world.folder, "imported").exists()


def test_times_beside_the_old_queue_count_too(world: World) -> None:
    scene, item = pair(world, "1.mp4", "one", LONG_AGO + 90)
    old_times(world, {scene: LONG_AGO}, name="queue/sync_timestamps.json")
    old_times(world, {scene: LONG_AGO - 5})
    world.run(minutes=1)
    assert item.title == "one"
    assert "1 time of sync" in imported(world)[0]


def test_a_queue_that_a_killed_process_left_is_read_with_its_log(world: World) -> None:
    scene, item = pair(world, "1.mp4", "one")
    path = old_queue(world)
    row = pickle.dumps(old_job(scene), protocol=4)
    code = (
        "import os, sqlite3, sys; left = sqlite3.connect(sys.argv[1])\n"
        "left.execute('PRAGMA wal_autocheckpoint=0')\n"
        "row = (bytes.fromhex(sys.argv[2]),)\n"
        "left.execute('INSERT INTO ack_queue_default (data, timestamp, status)"
        " VALUES (?, 0, 2)', row)\n"
        "left.commit(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(path), row.hex()], check=True)
    assert Path(f"{path}-wal").stat().st_size > 0
    world.run(minutes=1)
    assert item.title == "one"


class Planted:
    """Runs a command when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_nothing_in_an_old_job_is_ever_run(world: World, tmp_path: Path) -> None:
    scene, item = pair(world, "1.mp4", "one")
    trap = tmp_path / "sprung"
    old_queue(world, {"scene_id": scene, "data": Planted(trap)}, Planted(trap))
    world.run(minutes=1)
    assert item.title == "one"
    assert not trap.exists()
    assert "Not readable: 1 of the queue's jobs" in imported(world)[0]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("scene", [1, 255, 256, 65535, 65536, 2**31 - 1, 2**31, 2**62, "77"])
def test_the_scene_is_found_in_every_form_of_a_job(scene: int | str, protocol: int) -> None:
    for job in (old_job(scene), {"scene_id": scene}, {"title": "scene_ids", "scene_id": scene}):
        assert scene_of(pickle.dumps(job, protocol=protocol)) == int(scene)


@pytest.mark.parametrize("scene", [0, -1, None, True, "x", "", 2**63, 1.5, [7], "9" * 30])
def test_what_is_no_scene_id_is_not_taken_for_one(scene: object) -> None:
    for protocol in (2, 4):
        assert scene_of(pickle.dumps({"scene_id": scene}, protocol=protocol)) is None
    assert scene_of(json.dumps({"scene_id": scene}).encode()) is None


def test_jobs_as_json_are_read_as_well() -> None:
    assert scene_of(b'{"scene_id": 7}') == scene_of(b'{"scene": "7"}') == 7
    assert scene_of(b'{"scene_id": ') is None


def test_any_bytes_at_all_give_a_scene_or_nothing() -> None:
    dice = random.Random(5)
    whole = pickle.dumps(old_job(123456), protocol=4)
    for _ in range(3000):
        data = bytearray(whole[: dice.randrange(len(whole) + 1)])
        for _ in range(dice.randrange(4)):
            if data:
                data[dice.randrange(len(data))] = dice.randrange(256)
        found = scene_of(bytes(data))
        assert found is None or 0 < found < 2**63
    for odd in (None, "text", 7, b"", b"[" * 100_000, b"{" * 100_000):
        assert scene_of(odd) is None


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('{"SCENE": 1700000000.5, "77": 1700', 1),
        ('{"SCENE": 1700000000.5, "7', 1),
        ('{"SCENE": 1700000000.5}}', 1),
        ("[1, 2]", 0),
        ("", 0),
        ("\x00" * 5000, 0),
        ("[" * 100_000, 0),
    ],
)
def test_damaged_times_give_what_they_can(world: World, text: str, count: int) -> None:
    scene, item = pair(world, "1.mp4", "one", time.time() - 5 * HOUR)
    old_times(world, text.replace("SCENE", str(scene)))
    world.event(pair(world, "2.mp4", "two")[0])
    world.run(minutes=1)
    (line,) = imported(world)
    assert f"{count} time" in line
    assert "Not readable" in line
    assert item.title == "one", "a scene of the last day is looked at"


@pytest.mark.parametrize("at", [True, None, "x", -5, 0, 1e300, [1], {"a": 1}])
def test_a_time_that_is_none_makes_the_scene_worth_a_look(world: World, at: object) -> None:
    scene, item = pair(world, "1.mp4", "one")
    old_times(world, {scene: at, "x": 5, "-3": 5, "0": 5})
    world.run(minutes=1)
    assert item.title == "one"
    assert "1 time of sync" in imported(world)[0]


def test_a_damaged_old_queue_is_set_aside_and_the_rest_goes_on(world: World) -> None:
    scene, item = pair(world, "1.mp4", "one", LONG_AGO + 90)
    path = old_queue(world, *(old_job(n) for n in range(1, 200)))
    data = bytearray(path.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    path.write_bytes(data)
    old_times(world, {scene: LONG_AGO})
    world.run(minutes=1)
    assert item.title == "one"
    assert "damaged" in world.said("warning") or "Not readable" in imported(world)[0]


def test_an_import_that_was_killed_is_done_again(world: World) -> None:
    scene, item = pair(world, "1.mp4", "one")
    new = Path(world.folder, "imported", "new", "queue")
    for folder in (new.parent.parent, new.parent, new):
        folder.mkdir(mode=0o700)
    old_queue(world, old_job(scene)).rename(new / "data.db")
    for side in Path(world.folder, "queue").iterdir():
        side.unlink()
    world.run(minutes=1)
    assert item.title == "one"
    assert len(imported(world)) == 1
    assert not new.exists()


def test_a_huge_past_is_taken_over_whole(world: World) -> None:
    scene, item = pair(world, "1.mp4", "one")
    times = {str(n): LONG_AGO + n for n in range(10_000, 40_000)}
    old_times(world, {**times, str(scene): LONG_AGO})
    path = old_queue(world, old_job(scene))
    row = pickle.dumps(old_job(scene, details="x" * 500), protocol=4)
    with closing(sqlite3.connect(path)) as filled, filled:
        filled.executemany(
            "INSERT INTO ack_queue_default (data, timestamp, status) VALUES (?, 0, ?)",
            [(row, status) for status in (1, 2, 5, 9) for _ in range(10_000)],
        )
    world.run(leave=lambda: "enough" if item.title == "one" else "")
    assert "1 job, 0 dead letters, 30001 times of sync" in imported(world)[0]
    assert item.title == "one"
    with closing(sqlite3.connect(Path(world.folder, "ledger.db"))) as ledger:
        (known,) = ledger.execute("SELECT COUNT(*) FROM scenes").fetchone()
    assert known == 30_001


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
