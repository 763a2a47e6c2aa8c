"""Fixtures shared by the stories; the objects that they provide are in world.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from plexsync import inbox
from plexsync.edges.ledger.ledger import Ledger
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.installation import copy_plugin
from tests.world import TOKEN, World, lock_is_free, until


@pytest.fixture(scope="session")
def new_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger as PlexSync creates it."""
    path = tmp_path_factory.mktemp("new") / "ledger.db"
    Ledger(str(path), print).close()
    return path


@pytest.fixture
def world(tmp_path: Path, new_ledger: Path) -> Iterator[World]:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    with PlexSim(token=TOKEN) as plex, StashSim() as stash:
        world = World(folder, plex, stash)
        world.new_ledger = new_ledger
        yield world
        world.close()


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Path]:
    """An installed plugin; its worker, if one is alive, is stopped at the end of the test."""
    folder = copy_plugin(tmp_path / "plugins" / "PlexSync")
    yield folder
    (folder / "PlexSync.py").unlink(missing_ok=True)
    data = folder / "data"
    if (data / "inbox" / "new").exists():
        inbox.nudge(str(data))
        until(lambda: lock_is_free(data / "worker.lock"))
