"""Read-only tasks and operations on a damaged data folder: an answer or a message, no exception."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from plexsync.edges.page.read_state import Unreadable
from plexsync.flows.page import operations
from plexsync.flows.tasks.readings import outage_summary, view_queue_status
from plexsync.system import LockFile
from tests.task_running import run_task
from tests.world import World
from torture import rows

SEED = int(os.environ.get("PLEXSYNC_TEST_SEED", "11"))
ASKED: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("status", "dead_letters", "queue", "outages", "throughput", "tick"), {}),
    "scene_state": {"scenes": [1, 2, 3]},
    "report": {"task": "queue_status"},
    "result": {"id": f"{1:020d}-1-00000000"},
}
RAW = (
    "Error",
    "codec",
    "Expecting",
    "NoneType",
    "argument",
    "operand",
    "unexpected",
    "'int'",
    "'str'",
    "index",
)
"""Words of Python that no message for users may contain."""
JUNK = (
    '{"version": 1}', "[]", "null", '{"version": 1, "outages": 3}', "{", '{"version": "x"}',
    '{"version": 1, "outages": [{"start": "x", "end": 1}]}', "\xff", "[" * 100_000,
    '{"version": 1, "outages": [], "observed_since": "x", "earlier_downtime": "y"}',
    '{"version": 1, "outages": [{"start": 1e999, "end": null}], "earlier_downtime": [1]}',
)  # fmt: skip


@pytest.fixture
def lived(world: World) -> World:
    """One scene in step, one that waits, one given up, and an outage behind them."""
    pairs = [world.pair(f"{n}.mp4") for n in range(3)]
    for (scene, film), status in zip(pairs[1:], (500, 400), strict=True):
        world.plex.add_fault(
            "status", match=lambda r, f=film: ("id", str(f.key)) in r.params, status=status
        )
        world.edit(scene, title="new")
    world.edit(pairs[0][0], title="new")
    world.run()
    world.plex.stop()
    world.edit(pairs[0][0], title="newer")
    world.run(minutes=2)
    rows.fill(Path(world.folder, "ledger.db"), pairs[0][0])
    return world


def ask_everything(world: World, where: str) -> None:
    worker = LockFile(os.path.join(world.folder, "worker.lock"))  # so that no read starts one
    assert worker.acquire()
    try:
        _ask(world, where)
    finally:
        worker.release()


def _ask(world: World, where: str) -> None:
    for mode, args in ASKED.items():
        request = operations.Request("/nowhere", world.folder, dict(args), b"", world.clock.now())
        try:
            json.dumps(operations.perform(mode, request), allow_nan=False)
        except (Unreadable, ValueError) as problem:
            assert "cannot be read now" in str(problem), (where, mode)
            assert not [word for word in RAW if word in str(problem)], (where, mode)


def test_every_view_bears_any_value_in_any_column(lived: World, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(lived.folder, whole)
    dice = random.Random(SEED)
    files = ("queue/data.db", "ledger.db", "dlq.db", "plex_index.db")
    columns = [column for file in files for column in rows.columns(whole / file, file)]
    for column in dice.sample(columns, 30):
        value = dice.choice(column.values)
        path = Path(lived.folder, column.file)
        for side in ("-wal", "-shm"):
            path.with_name(path.name + side).unlink(missing_ok=True)
        shutil.copy(whole / column.file, path)
        rows.replace(path, column, value)
        ask_everything(lived, f"{column} {value}")
        shutil.copy(whole / column.file, path)


@pytest.mark.parametrize("junk", JUNK, ids=range(len(JUNK)))
def test_every_view_bears_any_state_file(world: World, junk: str) -> None:
    world.run()
    states = ("circuit_breaker", "recovery_state", "outage_history", "reconcile_state", "stats")
    for name in (*states, "stash_identity", "confirm"):
        Path(world.folder, f"{name}.json").write_bytes(junk.encode("latin-1"))
    ask_everything(world, junk[:60])
    for task in (view_queue_status, outage_summary):
        json.dumps(run_task(world, task))
