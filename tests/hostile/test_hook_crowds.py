"""Many hooks at once: a scan fires several in parallel, a bulk edit thousands in a row."""

from __future__ import annotations

import json
import os
import sys

import pytest

from plexsync import inbox
from tests.hostile.hook_plugin import Plugin, environ, event, held
from torture.hook_crowds import CROWD, beside_a_worker, in_fresh_folders

ROUNDS = int(os.environ.get("PLEXSYNC_TEST_ROUNDS", "2"))


def test_fifty_hooks_at_once_in_a_fresh_folder_lose_nothing(tmp_path):
    assert in_fresh_folders(tmp_path, ROUNDS) == []


@pytest.mark.torture
def test_fifty_hooks_at_once_beside_a_living_worker_lose_nothing(tmp_path):
    assert beside_a_worker(tmp_path, ROUNDS) == []


@pytest.fixture
def plugin(tmp_path):
    plugin = Plugin(tmp_path / "PlexSync")
    yield plugin
    plugin.stop()


def scenes_in(data: str) -> list[int]:
    return sorted(json.loads(record.data or b"")["id"] for record in inbox.collect(data))


AT_THE_BARRIER = """
import fcntl, os, sys
from plexsync import hook
folder, go, stdin = sys.argv[1], sys.argv[2], sys.stdin.buffer.read()
os.write(1, b"ready\\n")
fcntl.flock(os.open(go, os.O_RDWR), fcntl.LOCK_SH)
os.write(1, hook.main(folder, stdin))
os._exit(0)
"""


@pytest.mark.torture
@pytest.mark.skipif(sys.platform == "win32", reason="the barrier is a POSIX lock")
def test_fifty_hooks_released_at_one_instant_agree_on_folders_and_owner(plugin, tmp_path):
    for round_ in range(ROUNDS):
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
    assert len(owned) == len(set(owned)) == ROUNDS
    assert plugin.started() == ROUNDS  # no hook started a worker that was not needed
