"""The contract run's own script, played against the simulated servers."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from release import package
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.contract.real_servers import LIBRARIES, STEPS, Chain, main
from tests.world import lock_is_free, until

INSIDE = "/media"
FFMPEG = "import sys; open(sys.argv[-1], 'wb').write(b'one second')"
"""In ffmpeg's place: the simulated servers never look into a video."""


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[PlexSim, StashSim]]:
    """Two empty ones, as their containers start."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    with PlexSim() as plex, StashSim() as stash:
        plex.unclaimed = True
        stash.core.status = "SETUP"
        stash.core.plugins_path = str(plugins)
        cleared = ("PYTHONPATH", "STASH_PLUGIN_DATA", "PLEX_URL", "PLEX_TOKEN")
        stash.core.plugin_environment = dict.fromkeys(cleared, "")
        for library in LIBRARIES:
            plex.disk[f"{INSIDE}/{library.video}"] = 10
            stash.core.disk[f"{INSIDE}/{library.video}"] = 10
        yield plex, stash
        send_worker_home(plugins / "PlexSync")


def send_worker_home(plugin: Path) -> None:
    """A worker exits when it is woken and its plugin is gone."""
    (plugin / "PlexSync.py").unlink(missing_ok=True)

    def gone() -> bool:
        inbox = plugin / "data" / "inbox" / "new"
        if inbox.exists():
            os.utime(inbox)
        return lock_is_free(plugin / "data" / "worker.lock")

    if (plugin / "data").exists():
        until(gone)


@pytest.fixture
def run(servers: Any, tmp_path: Path) -> Callable[..., tuple[int, list[str]]]:
    """The command with the package of this checkout; returns its status and its report."""
    ahead, dist, report = [0.0], tmp_path / "dist", tmp_path / "contract.txt"
    for server in servers:
        server.clock = lambda: time.time() + ahead[0]
    package.main(["--out", str(dist)])

    def pause(seconds: float) -> None:
        ahead[0] += seconds

    def run(*more: str) -> tuple[int, list[str]]:
        plex, stash = servers
        words = ["--plex", plex.url, "--stash", stash.url, "--media", str(tmp_path / "media")]
        words += ["--plugins", str(tmp_path / "plugins"), "--package", str(dist / "PlexSync.zip")]
        words += ["--ffmpeg", "|".join([sys.executable, "-c", FFMPEG]), "--report", str(report)]
        code = main([*words, *more], {}, pause)
        return code, report.read_text(encoding="utf-8").splitlines()

    return run


@pytest.mark.long
def test_two_empty_servers_are_led_to_a_saved_scene_in_plex_and_a_report(
    servers: Any, run: Any, tmp_path: Path
) -> None:
    plex, stash = servers
    code, report = run()
    told = [line for line in report if not line.endswith(": ok") and ": skipped: " not in line]
    assert told == ["nothing differs"]
    assert code == 0
    assert report[: len(STEPS)] == [f"{step.__doc__}: ok" for step in STEPS]
    assert "both: the item can be edited and restored: ok" in report
    assert stash.core.stashes == [INSIDE]
    agents = [(each.agent, each.scanner) for each in plex.sections.values()]
    assert agents == [(each.agent, each.scanner) for each in LIBRARIES]
    shown = {(item.title, item.files[0][0]) for item in plex.items()}
    assert shown == {(each.title, f"{INSIDE}/{each.video}") for each in LIBRARIES}
    assert all((tmp_path / "media" / each.video).read_bytes() for each in LIBRARIES)


def test_the_report_ends_with_the_step_that_failed_and_the_servers_own_words(
    servers: Any, run: Any
) -> None:
    plex, _ = servers
    plex.add_fault("status", status=403, match="POST /library/sections")
    code, report = run()
    assert code == 1
    assert report[-1] == (
        f"{Chain.make_libraries.__doc__}: FAILED: Plex answers 403 to POST /library/sections"
    )
