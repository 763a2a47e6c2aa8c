"""The button Reconcile Library as Stash runs it: a process that may be stopped at any moment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from plexsync import system
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests import forks
from tests.world import until

TOKEN = "plex-sim-token"


class Desk:
    """A user at Stash's task page, with scenes that are bare in Plex."""

    def __init__(self, plugin: Path, plex: PlexSim, stash: StashSim) -> None:
        self.data = plugin / "data"
        self.plex = plex
        self.stash = stash
        self.section = plex.add_section("Films", locations=["/data"])
        self.configure()

    def configure(self, **settings: Any) -> None:
        base = {"plex_url": self.plex.url, "plex_token": TOKEN, "no_poster": True}
        self.stash.set_plugin_settings({**base, "reconcile_batch_size": 10, **settings})

    def pairs(self, many: int) -> list[Any]:
        for n in range(many):
            self.stash.add_scene(f"T{n}", files=[(f"/data/{n}.mp4", 1)])
        keys = [self.plex.add_item(self.section, file=f"/data/{n}.mp4") for n in range(many)]
        return [self.plex.item(key) for key in keys]

    def press(self, cancel_after: float | None = None, **args: str) -> Any:
        return self.stash.run_task("Reconcile Library (All)", args, cancel_after=cancel_after)

    def state(self) -> Any:
        path = self.data / "reconcile_state.json"
        return json.loads(system.read_regular(str(path), 1 << 20)) if path.exists() else {}


@pytest.fixture
def desk(plugin: Path) -> Iterator[Desk]:
    with PlexSim(token=TOKEN) as plex, StashSim(plugin_dir=str(plugin), popen=forks.start) as stash:
        yield Desk(plugin, plex, stash)


def test_the_worker_closes_what_the_button_found(desk: Desk) -> None:
    items = desk.pairs(25)
    run = desk.press()
    assert run.error is None
    assert run.output["gaps"]["stale"] == run.output["queued"]["stale"] == 25
    assert run.progress == sorted(run.progress)
    assert run.progress[-1] == 1
    assert any(line.text.startswith("Outdated in Plex: 25 scenes, 25 queued") for line in run.log)
    until(lambda: [item.title for item in items] == [f"T{n}" for n in range(25)])


def test_stopped_in_the_middle_it_goes_on_there(desk: Desk) -> None:
    desk.configure(pause_sync=True)
    desk.pairs(100)
    desk.stash.latency = 0.25
    pages_asked = count(1)
    held = desk.stash.add_fault(
        "hang", match=lambda asked: "PlexSyncScenePage" in asked.query and next(pages_asked) > 8
    )
    job = desk.stash.start_task("Reconcile Library (All)")
    until(lambda: desk.state().get("runs", {}).get("manual", {}).get("checked", 0) >= 30)
    job.stop()
    job.wait()
    checked = desk.state()["runs"]["manual"]["checked"]
    held.remove()
    desk.stash.latency = 0.0
    desk.stash.clear_journal()
    run = desk.press()
    assert run.error is None
    assert (run.output["checked"], run.output["gaps"]["stale"]) == (100, 100)
    pages = [entry for entry in desk.stash.journal if "PlexSyncScenePage" in entry.query]
    assert len(pages) == (100 - checked) / 10


def test_a_dry_run_leaves_nothing_behind(desk: Desk) -> None:
    items = desk.pairs(5)
    run = desk.press(dry_run="true")
    assert (run.output["gaps"]["stale"], run.output["queued"]["stale"]) == (5, 0)
    assert desk.state() == {}
    assert [item.title for item in items] == [str(n) for n in range(5)]


def test_a_wrong_argument_is_named(desk: Desk) -> None:
    error = desk.press(kinds="all").error
    assert "kinds must be some of" in error
    assert "not 'all'" in error


def test_what_is_due_by_itself_comes_before_the_task(desk: Desk) -> None:
    items = desk.pairs(25)
    desk.configure(reconcile_interval="daily", reconcile_scope="all")
    run = desk.stash.run_task("Purge Old Dead Letters")
    assert run.error is None
    said = [line.text for line in run.log]
    assert "An automatic reconciliation is due and runs first." in said[0]
    assert "25" in said[1]
    assert "dead letter" in said[-1]
    until(lambda: [item.title for item in items] == [f"T{n}" for n in range(25)])
    again = desk.stash.run_task("Purge Old Dead Letters")
    assert not any("comes first" in line.text for line in again.log)


def test_a_paused_plexsync_compares_nothing_before_a_task(desk: Desk) -> None:
    desk.pairs(3)
    desk.configure(reconcile_interval="daily", reconcile_scope="all", pause_sync=True)
    run = desk.stash.run_task("Purge Old Dead Letters")
    assert run.error is None
    assert not any("comes first" in line.text for line in run.log)
