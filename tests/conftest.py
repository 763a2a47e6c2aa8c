"""Fixtures that stories share; what they give is in world.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from plexsync import inbox
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.world import TOKEN, World, copy_plugin, lock_is_free, until


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Coverage is measured in the first case of each test: the tracer doubles what a case costs,
    and the other cases run the same lines with other values."""
    seen: set[tuple[str, str]] = set()
    for item in items:
        test = (item.nodeid.partition("::")[0], getattr(item, "originalname", item.name))
        if test in seen:
            item.add_marker(pytest.mark.no_cover)
        seen.add(test)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    with PlexSim(token=TOKEN) as plex, StashSim() as stash:
        world = World(folder, plex, stash)
        yield world
        world.close()


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Path]:
    """An installed plugin; its worker, if one lives, ends when the test does."""
    folder = copy_plugin(tmp_path / "plugins" / "PlexSync")
    yield folder
    (folder / "PlexSync.py").unlink(missing_ok=True)
    data = folder / "data"
    if (data / "inbox" / "new").exists():
        inbox.nudge(str(data))
        until(lambda: lock_is_free(data / "worker.lock"))
