"""A data folder on a network drive without locks: the system call fails."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from plexsync import system
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.world import TOKEN, until

LOCKS = ("worker.lock", "takeover.lock", "starting.lock", "started.lock")


def _strace_works() -> bool:
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-qq", "true"], capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(not _strace_works(), reason="strace is missing or not allowed")


@pytest.fixture
def python(plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Python for which the locks of the data folder do not work."""
    temporary = tmp_path / "tmp"
    temporary.mkdir(mode=0o700)
    monkeypatch.setenv("TMPDIR", str(temporary))
    data = plugin / "data"
    data.mkdir(mode=0o700)
    paths = " ".join(f"-P '{data / name}'" for name in LOCKS)
    wrapper = tmp_path / "python-without-locks"
    wrapper.write_text(
        "#!/bin/sh\n"
        f"exec strace -qq -o /dev/null {paths} -e trace=flock -e inject=flock:error=ENOLCK "
        f"'{sys.executable}' \"$@\"\n"
    )
    wrapper.chmod(0o700)
    return str(wrapper)


@contextmanager
def worker(plugin: Path, python: str, stash: StashSim) -> Iterator[None]:
    """A worker that was started already."""
    command = [python, str(plugin / "PlexSync.py"), "worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(stash.server_connection()).encode())
        process.stdin.close()
        until(lambda: "worker starts" in said(plugin))
        yield
        (plugin / "PlexSync.py").unlink()
        assert process.wait(30) == 0


def said(plugin: Path) -> str:
    log = plugin / "data" / "plexsync.log"
    return log.read_text() if log.exists() else ""


@pytest.fixture
def stash(plugin: Path, python: str) -> Iterator[StashSim]:
    with StashSim(plugin_dir=str(plugin), python=python) as stash:
        yield stash


@pytest.mark.long
def test_one_worker_does_the_work_and_says_which_lock_it_uses(
    plugin: Path, python: str, stash: StashSim, tmp_path: Path
) -> None:
    with PlexSim(token=TOKEN) as plex, worker(plugin, python, stash):
        section = plex.add_section("Films", locations=["/data"])
        stash.set_plugin_settings({"plex_url": plex.url, "plex_token": TOKEN, "no_poster": True})
        key = plex.add_item(section, file="/data/1.mp4", size=1, title="old")
        stash.edit(stash.add_scene(files=[("/data/1.mp4", 1)]), title="new")
        until(lambda: plex.item(key).title == "new")
        assert said(plugin).count("worker starts") == 1
        (folder,) = (tmp_path / "tmp").glob("plexsync-locks-*")
        assert f"does not support locks, so {folder}" in said(plugin)
        assert folder.stat().st_mode & 0o777 == 0o700
        own = system.LockFile(str(plugin / "data" / "worker.lock"))
        assert not own.busy(), "the lock of the data folder itself is not used"
        assert stash.run_task("Process Queue").error is None
        assert "a task takes over" in said(plugin)
