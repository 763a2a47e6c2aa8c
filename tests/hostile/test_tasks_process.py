"""Buttons in Stash: the task as a process, its answer, its log, and what is left behind."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from plexsync.edges.ledger.ledger_view import LedgerView
from plexsync.edges.page.read_state import SWEPT_AT
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests import forks
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
        """Let the background worker run, and look for saves that it missed, before the first save."""
        forks.worker(self.plugin, self.stash.server_connection())
        until(self._swept)

    def _swept(self) -> bool:
        with closing(LedgerView(str(self.plugin / "data" / "ledger.db"))) as ledger:
            return ledger.get_meta(SWEPT_AT) != ""

    def press(self, name: str, **args: Any) -> Any:
        return self.stash.run_task(name, args)

    @contextmanager
    def worker_asleep(self) -> Iterator[None]:
        """Stop the worker process while the block runs."""
        pid = int(re.findall(r"worker starts .*pid=(\d+)", self.worker_log())[-1])
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def worker_log(self) -> str:
        path = self.plugin / "data" / "plexsync.log"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def desk(plugin: Path) -> Iterator[Desk]:
    with PlexSim(token=TOKEN) as plex, StashSim(plugin_dir=str(plugin), popen=forks.start) as stash:
        yield Desk(plugin, plex, stash)


def told(run: Any) -> str:
    return "\n".join(line.text for line in run.log)


def test_health_check_says_how_plex_is_and_what_to_do(desk: Desk) -> None:
    run = desk.press("Health Check")
    assert (run.error, run.output["state"]) == (None, "healthy")
    assert "Plex is healthy" in told(run)
    desk.configure(plex_token="not-the-right-token")
    run = desk.press("Health Check")
    assert run.output["state"] == "unauthorised"
    assert "Enter a new Plex token" in told(run)
    assert "not-the-right-token" not in told(run)
    desk.configure()
    desk.plex.add_fault("starting")
    assert desk.press("Health Check").output["state"] == "starting"
    desk.plex.stop()
    run = desk.press("Health Check")
    assert run.output["state"] == "down"
    assert "Plex URL" in told(run)


def test_without_settings_a_task_says_what_to_enter(desk: Desk) -> None:
    desk.stash.set_plugin_settings({})
    assert "enter the address of your Plex server" in desk.press("Health Check").error


def test_an_unknown_task_is_an_error(desk: Desk) -> None:
    assert 'has no task "format_disk"' in desk.press(None, mode="format_disk").error
    assert "has no task None" in desk.press(None).error


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot stop a process")
def test_a_healthy_check_makes_the_worker_continue_at_once(desk: Desk) -> None:
    scene, item = desk.pair("1.mp4", title="old")
    desk.worker()
    desk.plex.stop()
    desk.stash.edit(scene, title="new")
    until(lambda: "CLOSED -> OPEN" in desk.worker_log())
    with desk.worker_asleep():  # otherwise its own check may come first
        desk.plex.start()
        run = desk.press("Health Check")
    assert run.output["breaker"] == "OPEN", "a task that only looks closes nothing"
    until(lambda: item.title == "new")
    assert "-> CLOSED" in desk.worker_log()


@pytest.mark.long
def test_outage_summary_lists_what_happened(desk: Desk) -> None:
    assert "0 outages" in told(desk.press("Outage Summary Report"))
    scene, item = desk.pair("1.mp4", title="old")
    desk.worker()
    desk.plex.stop()
    desk.stash.edit(scene, title="new")
    until(lambda: "CLOSED -> OPEN" in desk.worker_log())
    assert "ongoing" in told(desk.press("Outage Summary Report"))
    desk.plex.start()
    desk.press("Health Check")
    until(lambda: item.title == "new")
    text = told(desk.press("Outage Summary Report"))
    assert "1 outage on record" in text
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  \d{4}.* 1 +1 +Plex does not answer", text)


@pytest.mark.long
def test_recover_outage_jobs_end_to_end(desk: Desk) -> None:
    assert "No outage is on record" in told(desk.press("Recover Outage Jobs"))
    old = {"created_at": LONG_AGO, "updated_at": LONG_AGO}  # no sweep finds them
    refused, item = desk.pair("1.mp4", title="old", **old)
    waiting, its = desk.pair("2.mp4", title="old", **old)
    desk.worker()
    fault = desk.plex.add_fault("status", match="PUT", status=400)
    desk.stash.edit(refused, title="new")
    until(lambda: "Gave up" in desk.worker_log())
    desk.plex.stop()
    desk.stash.edit(waiting, title="new")
    until(lambda: "CLOSED -> OPEN" in desk.worker_log())
    assert "Nothing was recovered: Plex is down" in desk.press("Recover Outage Jobs").error
    fault.remove()
    desk.plex.add_fault("status", match="PUT", status=400)
    desk.plex.start()
    desk.press("Health Check")
    until(lambda: desk.worker_log().count("Gave up") == 2)
    run = desk.press("Recover Outage Jobs")
    assert run.error is None
    assert run.output["queued"] == 0
    assert "2 Refused by Plex" in told(run)
    desk.plex.clear_faults()
    run = desk.press("Recover Outage Jobs", error_types="PlexPermanentError", window="last")
    assert run.error is None
    until(lambda: item.title == "new" and its.title == "new")
    assert desk.press("Recover Outage Jobs", window="sometime").error.startswith(
        "recover_outage_jobs: window must be"
    )
