"""Many hooks at once: a scan fires several in parallel, a bulk edit thousands in a row."""

from __future__ import annotations

import json
import sys
import time

import pytest

from plexsync import inbox, system
from tests.hostile.hook_plugin import Plugin, environ, event, held

CROWD = 50


@pytest.fixture
def plugin(tmp_path):
    plugin = Plugin(tmp_path / "PlexSync")
    yield plugin
    plugin.stop()


def crowd(plugin: Plugin, data: str, scenes: range) -> None:
    """Start all of them as processes before waiting for the first one."""
    hooks = [plugin.popen(env=environ(STASH_PLUGIN_DATA=data)) for _ in scenes]
    for scene, hook in zip(scenes, hooks, strict=True):
        hook.stdin.write(event(scene=scene, sent={"title": "x" * 500}, fields=["title"]))
        hook.stdin.close()
    answers = [(hook.stdout.read(), hook.stderr.read(), hook.wait()) for hook in hooks]
    for hook in hooks:
        hook.stdout.close()
        hook.stderr.close()
    assert set(answers) == {(b'{"output": "ok"}', b"", 0)}


def scenes_in(data: str) -> list[int]:
    return sorted(json.loads(record.data or b"")["id"] for record in inbox.collect(data))


def wait_for_owner(plugin: Plugin, data: str) -> None:
    end = time.monotonic() + 10
    while not system.LockFile(f"{data}/worker.lock").busy():
        assert time.monotonic() < end, "no worker came up"
        time.sleep(0.01)


def test_fifty_hooks_at_once_in_a_fresh_folder_lose_nothing(plugin, tmp_path):
    for round_ in range(10):
        data = str(tmp_path / f"data{round_}")
        crowd(plugin, data, range(1, CROWD + 1))
        assert scenes_in(data) == list(range(1, CROWD + 1))
        wait_for_owner(plugin, data)


def test_fifty_hooks_at_once_beside_a_living_worker_lose_nothing(plugin):
    plugin.run(event(scene=1))
    wait_for_owner(plugin, str(plugin.data))
    for round_ in range(10):
        first = 2 + round_ * CROWD
        crowd(plugin, str(plugin.data), range(first, first + CROWD))
    assert scenes_in(str(plugin.data)) == list(range(1, 2 + 10 * CROWD))
    assert plugin.started() == 1


AT_THE_BARRIER = """
import fcntl, os, sys
from plexsync import hook
folder, go, stdin = sys.argv[1], sys.argv[2], sys.stdin.buffer.read()
os.write(1, b"ready\\n")
fcntl.flock(os.open(go, os.O_RDWR), fcntl.LOCK_SH)
os.write(1, hook.main(folder, stdin))
os._exit(0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the barrier is a POSIX lock")
def test_fifty_hooks_released_at_one_instant_agree_on_folders_and_owner(plugin, tmp_path):
    for round_ in range(3):
        data = str(tmp_path / f"data{round_}")
        go = tmp_path / "go"
        command = [sys.executable, "-c", AT_THE_BARRIER, str(plugin.folder), str(go)]
        with held(go):
            hooks = [
                plugin.popen(args=command, env=environ(STASH_PLUGIN_DATA=data), cwd=plugin.folder)
                for _ in range(CROWD)
            ]
            for scene, hook in enumerate(hooks, 1):
                hook.stdin.write(event(scene=scene))
                hook.stdin.close()
            assert {hook.stdout.readline() for hook in hooks} == {b"ready\n"}
        for hook in hooks:
            assert hook.stdout.read() == b'{"output": "ok"}'
            assert hook.wait() == 0
            hook.stdout.close()
            hook.stderr.close()
        assert scenes_in(data) == list(range(1, CROWD + 1))
        plugin.workers(count=round_ + 1)
    plugin.stop()
    owned = [worker["data"] for worker in plugin.workers()]
    assert len(owned) == len(set(owned)) == 3
    assert plugin.started() == 3  # no hook started a worker that was not needed
