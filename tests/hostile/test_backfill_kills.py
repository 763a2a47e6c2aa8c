"""A paused backfill whose worker is killed: the pause is stored, edits go on, and it can be resumed."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.test_operations_process import Page, page
from tests.world import lock_is_free, until

__all__ = ["page"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a signal only there")


def in_plex(films: list[tuple[int, Any]]) -> int:
    return sum(item.title.startswith("Film") for _, item in films)


def kill_worker(data: Path) -> None:
    pid = int(re.findall(r"worker starts.*pid=(\d+)", (data / "plexsync.log").read_text())[-1])
    os.kill(pid, signal.SIGKILL)
    until(lambda: lock_is_free(data / "worker.lock"))


@pytest.mark.long
def test_a_pause_survives_the_kill_of_its_worker(page: Page) -> None:  # noqa: F811
    films = [page.pair(f"{n}.mp4", title=f"Film {n}") for n in range(8)]
    held = page.plex.add_fault("hang", match="PUT")
    page.stash.run_task("Sync All Scenes")
    until(lambda: held.used)
    accepted = page.ask("pause_backfill", backfill="sync all")["accepted"]
    held.remove()
    assert page.result(accepted)["state"] == "done"
    kill_worker(page.data)
    written = in_plex(films)
    (backfill,) = page.ask("status")["backfills"]
    assert (backfill["waits"], backfill["total"]) == ("paused", 8)
    assert page.ask("tick")["pending"] is False
    scene, item = page.pair("edit.mp4", title="old")
    page.stash.edit(scene, title="Edited")
    until(lambda: item.title == "Edited")
    kill_worker(page.data)
    assert in_plex(films) == written < 8
    page.ask("resume_backfill", backfill="sync all")
    until(lambda: in_plex(films) == 8)
    until(lambda: page.ask("status")["backfills"] == [])


def test_after_a_kill_the_open_page_wakes_a_worker_for_a_pause_that_ends(page: Page) -> None:  # noqa: F811
    films = [page.pair(f"{n}.mp4", title=f"Film {n}") for n in range(8)]
    held = page.plex.add_fault("hang", match="PUT")
    page.stash.run_task("Sync All Scenes")
    until(lambda: held.used)
    accepted = page.ask("pause_backfill", backfill="sync all", until="in an hour")["accepted"]
    held.remove()
    assert page.result(accepted)["state"] == "done"
    kill_worker(page.data)
    assert page.ask("tick") | {"waiting": 0} == {
        "pending": True, "worker": "started", "waiting": 0, "failed": 0
    }  # fmt: skip
    until(lambda: page.ask("tick")["worker"] == "alive")
    assert in_plex(films) < 8
