"""Preview, Check Setup and Undo as real processes in the simulated Stash."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests import forks
from tests.signals import STOPPED
from tests.world import until

TOKEN = "plex-sim-token"
LONG_AGO = 1_600_000_000


class Desk:
    """A user at Stash's task page."""

    def __init__(self, plugin: Path, plex: PlexSim, stash: StashSim) -> None:
        self.plugin, self.plex, self.stash = plugin, plex, stash
        self.section = plex.add_section("Films", locations=["/data"])
        self.configure()

    def configure(self, **settings: Any) -> None:
        base = {"plex_url": self.plex.url, "plex_token": TOKEN, "no_poster": True}
        self.stash.set_plugin_settings({**base, **settings})

    def pair(self, name: str, **scene: Any) -> tuple[int, Any]:
        key = self.plex.add_item(self.section, file=f"/data/{name}", size=1)
        return self.stash.add_scene(files=[(f"/data/{name}", 1)], **scene), self.plex.item(key)

    def worker(self) -> None:
        """Let the background worker run before the first save would start it."""
        forks.worker(self.plugin, self.stash.server_connection())

    def worker_log(self) -> str:
        path = self.plugin / "data" / "plexsync.log"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def desk(plugin: Path) -> Iterator[Desk]:
    with PlexSim(token=TOKEN) as plex, StashSim(plugin_dir=str(plugin), popen=forks.start) as stash:
        yield Desk(plugin, plex, stash)


def told(run: Any) -> str:
    return "\n".join(line.text for line in run.log)


def test_preview_before_the_first_sync_and_beside_a_working_worker(desk: Desk) -> None:
    scene, item = desk.pair("1.mp4", title="new", updated_at=LONG_AGO)
    run = desk.stash.run_task("Preview Sync")
    assert run.error is None
    assert run.output["counts"] == {"changes": 1}
    assert f'Scene {scene}, title: "1" in Plex, would be "new"' in told(run)
    assert run.progress == sorted(run.progress)
    assert (run.progress[-1], item.title) == (1.0, "1")
    desk.worker()
    desk.stash.edit(scene, title="newer")
    until(lambda: item.title == "newer")
    run = desk.stash.run_task("Preview Sync", {"scene": str(scene)})
    assert run.error is None
    assert run.output["counts"] == {"in step": 1}
    assert "The background worker is running" in told(run)


@pytest.mark.parametrize("name", ["Preview Sync", "Check Setup"])
def test_a_reader_killed_while_it_reads_plex_strands_no_save(desk: Desk, name: str) -> None:
    scene, item = desk.pair("1.mp4", title="old", updated_at=LONG_AGO)
    reads = lambda request: request.path.endswith("/all")  # noqa: E731
    fault = desk.plex.add_fault("hang", match=reads)
    job = desk.stash.start_task(name)
    until(lambda: any(entry.path.endswith("/all") for entry in desk.plex.journal))
    (hook,) = desk.stash.edit(scene, title="new")
    assert hook.output == "ok"
    job.stop()
    assert job.wait().exit_code == STOPPED
    fault.remove()
    until(lambda: item.title == "new")


def test_check_setup_on_a_bare_and_on_a_good_installation(desk: Desk) -> None:
    desk.stash.set_plugin_settings({})
    run = desk.stash.run_task("Check Setup")
    assert run.error is None
    assert '[bad] Plex URL: it is not set. Enter "Plex URL"' in told(run)
    desk.configure()
    desk.pair("1.mp4", title="A")
    run = desk.stash.run_task("Check Setup")
    assert run.error is None
    assert run.output["counts"]["bad"] == 0
    assert "[ok] Sample scenes: 1 of 1 found in Plex (1 by path)." in told(run)
    assert TOKEN not in told(run)
    assert run.progress[-1] == 1.0


def test_undo_everything_at_the_second_press_and_a_scene_by_its_number(desk: Desk) -> None:
    first, one = desk.pair("1.mp4", title="old")
    second, two = desk.pair("2.mp4", title="old")
    desk.worker()
    desk.stash.edit(first, title="first")
    desk.stash.edit(second, title="second")
    until(lambda: (one.title, two.title) == ("first", "second"))
    run = desk.stash.run_task(None, {"mode": "undo_scene", "scene": str(first)})
    assert run.error is None
    assert (one.title, two.title) == ("1", "second")
    assert not one.locks
    run = desk.stash.run_task("Undo Everything")
    assert run.output["would_undo"] == 1
    assert two.title == "second"
    run = desk.stash.run_task("Undo Everything")
    assert run.error is None
    assert "1 scene undone" in told(run)
    assert (one.title, two.title) == ("1", "2")
    desk.stash.edit(second, title="third")
    until(lambda: two.title == "third")
    assert one.title == "1"


def test_a_dry_pass_that_is_stopped_goes_on_where_it_was(desk: Desk) -> None:
    desk.configure(reconcile_batch_size=10)
    for number in range(30):
        desk.pair(f"{number}.mp4", title=f"T{number}", created_at=LONG_AGO, updated_at=LONG_AGO)
    pages: list[str] = []

    def second_page(entry: Any) -> bool:
        if "PlexSyncScenePage" in entry.query:
            pages.append(entry.query)
        return len(pages) > 1

    held = desk.stash.add_fault("hang", match=second_page)
    job = desk.stash.start_task(args={"mode": "first_sync"})
    until(lambda: len(pages) > 1)  # it is read ahead, perhaps before the first one is over
    until(lambda: desk.stash.run_operation({"mode": "set_up"})["dry_pass"])
    job.stop()
    job.wait()
    held.remove()
    kept = desk.stash.run_operation({"mode": "set_up"})["dry_pass"]
    assert (kept["done"], kept["checked"], kept["estimate"]) == (False, 10, None)
    run = desk.stash.run_task(args={"mode": "first_sync"})
    assert run.error is None
    assert "Continuing where it was stopped, after 10 scenes." in told(run)
    assert (run.output["counts"], run.output["checked"]) == ({"differs": 30}, 30)
    assert run.progress[-1] == 1
    assert desk.plex.writes() == 0
