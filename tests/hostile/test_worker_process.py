"""The plugin as Stash runs it: hooks and a worker as real processes, kills included."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plexsync.edges.ownership import Takeover, TakeoverRefused
from plexsync.system import LockFile
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests import forks
from tests.signals import KILL
from tests.world import until

TOKEN = "unmistakable-plex-token-0123456789"
KEY = "unmistakable-stash-api-key-0123456789"
posix = pytest.mark.skipif(os.name == "nt", reason="pipes, /proc, and moving a folder in use")


class Install:
    """A plugin in a simulated Stash beside a simulated Plex."""

    def __init__(self, plugin: Path, plex: PlexSim, stash: StashSim) -> None:
        self.plugin, self.plex, self.stash = plugin, plex, stash
        self.data = plugin / "data"
        self.section = plex.add_section("Films", locations=["/plex"])
        self.configure()

    def configure(self, **more: Any) -> None:
        settings = {"plex_url": self.plex.url, "plex_token": TOKEN, "path_map": "/plex=>/data"}
        self.stash.set_plugin_settings({**settings, "no_poster": True, **more})

    def pair(self, name: str, **scene: Any) -> tuple[int, Any]:
        key = self.plex.add_item(self.section, file=f"/plex/{name}", size=1)
        return self.stash.add_scene(files=[(f"/data/{name}", 1)], **scene), self.plex.item(key)

    def worker(self) -> None:
        """Let a worker live before the first save would start it."""
        forks.worker(self.plugin, self.stash.server_connection())

    def worker_pids(self) -> list[int]:
        log = self.data / "plexsync.log"
        text = log.read_text() if log.exists() else ""
        return [int(n) for n in re.findall(r"worker starts .*pid=(\d+)", text)]

    def worker_alive(self) -> bool:
        lock = LockFile(str(self.data / "worker.lock"))
        if lock.acquire():
            lock.release()
            return False
        return True

    def log(self) -> str:
        return (self.data / "plexsync.log").read_text()


@pytest.fixture
def install(plugin: Path) -> Iterator[Install]:
    with (
        PlexSim(token=TOKEN) as plex,
        StashSim(plugin_dir=str(plugin), username="me", password="secret") as stash,
    ):
        yield Install(plugin, plex, stash)


def test_a_save_in_stash_reaches_plex_by_itself(install: Install) -> None:
    scene, item = install.pair("1.mp4", title="old")
    (run,) = install.stash.edit(scene, title="new", details="text")
    assert (run.output, run.error) == ("ok", None)
    until(lambda: item.title == "new" and item.summary == "text")
    assert install.worker_alive()


@pytest.mark.long
def test_fifty_hooks_at_once_lose_nothing_and_start_one_worker(install: Install) -> None:
    pairs = [install.pair(f"{n}.mp4", title="old") for n in range(50)]
    threads = [
        threading.Thread(target=install.stash.edit, args=(scene,), kwargs={"title": f"new {scene}"})
        for scene, _ in pairs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: all(item.title == f"new {scene}" for scene, item in pairs))
    assert len(set(install.worker_pids())) == 1


@pytest.mark.long
def test_a_killed_worker_loses_nothing(install: Install) -> None:
    install.plex.latency = 0.02
    pairs = [install.pair(f"{n}.mp4", title="old") for n in range(30)]
    install.stash.bulk_edit([scene for scene, _ in pairs[:-1]], details="all")
    until(lambda: any(item.summary == "all" for _, item in pairs))
    os.kill(install.worker_pids()[-1], KILL)
    until(lambda: not install.worker_alive())
    install.stash.edit(pairs[-1][0], details="all")
    until(lambda: all(item.summary == "all" for _, item in pairs))
    assert len(install.worker_pids()) == 2


@pytest.mark.long
def test_a_task_takes_over_and_hands_back(install: Install) -> None:
    scene, item = install.pair("1.mp4", title="old")
    install.worker()
    install.stash.edit(scene, title="one")
    until(lambda: item.title == "one")
    with Takeover(str(install.data), lambda: None, patience=20.0):
        (run,) = install.stash.edit(scene, title="two")
        assert run.output == "ok"
        pids = install.worker_pids()
        with pytest.raises(TakeoverRefused, match="Another PlexSync task"):
            Takeover(str(install.data), lambda: None, patience=0.1).__enter__()
    until(lambda: item.title == "two")
    assert set(install.worker_pids()) == set(pids), "the same worker goes on"


def test_a_task_killed_while_it_owns_leaves_a_worker(install: Install) -> None:
    scene, item = install.pair("1.mp4", title="old")
    install.stash.edit(scene, title="one")
    until(lambda: item.title == "one")
    code = (
        "import sys, time\n"
        "from plexsync.edges.ownership import Takeover\n"
        "with Takeover(sys.argv[1], lambda: None, patience=20.0):\n"
        "    print('mine', flush=True)\n"
        "    time.sleep(600)\n"
    )
    task = subprocess.Popen(
        [sys.executable, "-c", code, str(install.data)],
        cwd=install.plugin,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert task.stdout is not None
    assert task.stdout.readline() == "mine\n"
    install.stash.edit(scene, title="two")
    task.kill()
    task.wait()
    until(lambda: item.title == "two")


def test_the_save_that_follows_an_expired_session_hands_a_new_one_to_the_living_worker(
    install: Install,
) -> None:
    scene, item = install.pair("1.mp4", title="old")
    install.worker()
    install.stash.edit(scene, title="one")
    until(lambda: item.title == "one")
    install.stash.expire_sessions()
    install.stash.edit(scene, title="two")
    until(lambda: item.title == "two")
    assert len(set(install.worker_pids())) == 1


@posix
@pytest.mark.parametrize("pipes", [True, False], ids=["pipe", "no pipes in the data folder"])
def test_a_login_that_is_switched_on_under_a_living_worker(
    plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pipes: bool
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir(mode=0o700)
    monkeypatch.setenv("TMPDIR", str(temporary))
    if not pipes:
        (plugin / "data" / "session").mkdir(parents=True)  # in a pipe's place
    with PlexSim(token=TOKEN) as plex, StashSim(plugin_dir=str(plugin)) as stash:
        install = Install(plugin, plex, stash)
        scene, item = install.pair("1.mp4", title="old")
        stash.edit(scene, title="one")
        until(lambda: item.title == "one")
        stash.require_login("me", "secret")
        stash.edit(scene, title="two")
        until(lambda: item.title == "two")
        assert len(set(install.worker_pids())) == 1
        assert bool(list(temporary.glob("plexsync-locks-*/*"))) != pipes


@pytest.mark.parametrize("ask", ["tick", "task"])
def test_jobs_whose_session_ended_wait_for_a_page_or_a_task(install: Install, ask: str) -> None:
    scene, item = install.pair("1.mp4", title="old")
    install.worker()
    install.plex.stop()
    install.stash.edit(scene, title="one")
    until(install.worker_pids)
    install.stash.expire_sessions()
    install.plex.start()
    until(lambda: "Stash refuses the worker's session" in install.log())
    assert install.worker_alive(), "it keeps its jobs and waits"
    if ask == "tick":
        install.stash.run_operation({"mode": "tick"})
    else:
        assert install.stash.run_task("View Queue Status").error is None
    until(lambda: item.title == "one")
    assert len(set(install.worker_pids())) == 1


@posix
@pytest.mark.parametrize("key", ["", KEY], ids=["session", "api key"])
def test_no_secret_leaves_the_memory(plugin: Path, key: str) -> None:
    with (
        PlexSim(token=TOKEN) as plex,
        StashSim(plugin_dir=str(plugin), username="me", password="secret", api_key=key) as stash,
    ):
        install = Install(plugin, plex, stash)
        install.configure(debug_logging=True)
        scene, item = install.pair("1.mp4", title="old")
        (run,) = install.stash.edit(scene, title="one")
        until(lambda: item.title == "one")
        cookie = json.loads(run.stdin)["server_connection"]["SessionCookie"]["Value"]
        pid = install.worker_pids()[-1]
        seen = [Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")]
        seen += [path.read_bytes() for path in install.data.rglob("*") if path.is_file()]
        seen += [repr([(e.path, e.params) for e in plex.journal]).encode(), run.stdout]
        for secret in filter(None, (TOKEN, cookie, key)):
            assert not [text for text in seen if secret.encode() in text]
        assert "[DEBUG]" in install.log() or " debug " in install.log()


def test_the_worker_leaves_when_the_plugin_is_removed(install: Install) -> None:
    scene, item = install.pair("1.mp4", title="old")
    install.worker()
    install.stash.edit(scene, title="one")
    until(lambda: item.title == "one")
    (install.plugin / "PlexSync.py").unlink()
    os.utime(install.data / "inbox" / "new")
    until(lambda: not install.worker_alive())
    assert "the plugin was removed" in install.log()


@posix
def test_a_worker_whose_data_folder_is_taken_away_makes_way(install: Install) -> None:
    scene, item = install.pair("1.mp4", title="old")
    install.stash.edit(scene, title="new")
    until(lambda: item.title == "new")
    (old,) = install.worker_pids()
    away = install.data.rename(install.plugin / "data.before")
    install.stash.edit(scene, title="newer")
    until(lambda: item.title == "newer")
    assert install.worker_pids() != [old]
    until(lambda: "its data folder was removed" in (away / "plexsync.log").read_text())
