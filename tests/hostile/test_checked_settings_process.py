"""pydantic checks the settings of workers and tasks, which load it only for settings that have not
passed before."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plexsync import inbox, system
from plexsync.edges.page import read_state
from plexsync.flows.setup.checked_settings import FILE
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.world import until

TOKEN = "unmistakable-plex-token-0123456789"


class Home:
    """An installation whose only processes are those that a story starts."""

    def __init__(self, plugin: Path, plex: PlexSim, stash: StashSim) -> None:
        self.plugin, self.plex, self.stash = plugin, plex, stash
        self.data, self._imports = plugin / "data", plugin.parent / "imports"
        key = plex.add_item(
            plex.add_section("Films", locations=["/data"]), file="/data/1.mp4", size=1
        )
        self.item = plex.item(key)
        self.scene = stash.add_scene(files=[("/data/1.mp4", 1)], title="at first")
        self.configure()

    def configure(self, **settings: Any) -> None:
        base = {"plex_url": self.plex.url, "plex_token": TOKEN, "no_poster": True}
        self.stash.set_plugin_settings({**base, **settings})

    def edit(self, title: str) -> None:
        """A saved scene, and the event that a hook has stored."""
        self.stash.edit(self.scene, title=title)
        event = {
            "id": self.scene,
            "type": "Scene.Update.Post",
            "input": None,
            "inputFields": ["title", "id"],
        }
        inbox.drop(str(self.data), json.dumps(event).encode())

    def worker(self, title: str) -> set[str]:
        """What a worker imports until it has written this edit; it is killed once it is idle."""
        self.edit(title)
        with self.started("worker") as worker:
            until(
                lambda: self.item.title == title and not read_state.anything_waits(str(self.data))
            )
            worker.kill()
            worker.wait()
        return self.imported()

    def task(self, mode: str) -> tuple[dict[str, Any], set[str]]:
        """The answer of a task, and what its process imports."""
        with self.started(mode=mode) as task:
            assert task.stdout
            answer: dict[str, Any] = json.load(task.stdout)
            task.wait()
        return answer, self.imported()

    @contextmanager
    def started(self, *words: str, mode: str = "") -> Iterator[subprocess.Popen[bytes]]:
        """A process of PlexSync with what Stash or a hook tells it."""
        block = self.stash.server_connection()
        order = {"server_connection": block, "args": {"mode": mode}} if mode else block
        with self._imports.open("wb") as imports:
            process = subprocess.Popen(
                [sys.executable, "-X", "importtime", str(self.plugin / "PlexSync.py"), *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=imports,
                env={**os.environ, "STASH_PLUGIN_DATA": str(self.data)},
            )
        with process:
            assert process.stdin
            with process.stdin:
                process.stdin.write(json.dumps(order).encode())
            yield process

    def imported(self) -> set[str]:
        lines = self._imports.read_text().splitlines()
        names = {line.rpartition("|")[2].strip() for line in lines}
        assert "plexsync.services" in names
        return names

    def note(self) -> str:
        return (self.data / FILE).read_text()


def alter(file: Path, before: str, after: str) -> None:
    """Change the installed code."""
    text = file.read_text()
    assert text.count(before) == 1
    file.write_text(text.replace(before, after))


@pytest.fixture
def home(plugin: Path) -> Iterator[Home]:
    with PlexSim(token=TOKEN) as plex, StashSim() as stash:
        system.private_folder(str(plugin / "data"))
        inbox.make_ready(str(plugin / "data"))
        yield Home(plugin, plex, stash)


@pytest.mark.altered
def test_a_worker_loads_pydantic_only_for_settings_that_have_not_passed(home: Home) -> None:
    assert {"pydantic", "pydantic_core"} <= home.worker("at the first start")
    first = home.note()
    assert "pydantic" not in home.worker("with the same settings")
    assert home.note() == first
    home.configure(max_tags=50)
    assert "pydantic" in home.worker("with a changed one")
    changed = home.note()
    alter(home.plugin / "plexsync/__init__.py", '__version__ = "', '__version__ = "1')
    assert "pydantic" in home.worker("after an update")
    assert len({first, changed, home.note()}) == 3 and TOKEN not in first


def test_a_task_that_only_reads_checks_them_too_and_notes_nothing(home: Home) -> None:
    answer, names = home.task("report_for_help")
    assert answer["output"]["report"] and "pydantic" in names
    assert not (home.data / FILE).exists()
    home.worker("noted by its owner")
    answer, names = home.task("report_for_help")
    assert answer["output"]["report"] and "pydantic" not in names


@pytest.mark.altered
def test_a_value_that_no_setting_may_have_stops_everything_with_its_name(home: Home) -> None:
    """As if a default did not fit its own limits."""
    model = home.plugin / "plexsync/model/config.py"
    alter(
        model,
        "max_tags: Annotated[int, Limits(10, 500)] = 100",
        "max_tags: Annotated[int, Limits(10, 500)] = 7",
    )
    said = (
        "PlexSync cannot use its settings: max_tags: Input should be greater than or equal to 10. "
        "This is a mistake in PlexSync; please report it."
    )
    answer, _ = home.task("report_for_help")
    assert answer == {"error": said}
    home.edit("in vain")
    with home.started("worker") as worker:
        worker.wait()
    assert f"The worker stops: {said}" in (home.data / "plexsync.log").read_text()
    assert home.item.title == "1"
