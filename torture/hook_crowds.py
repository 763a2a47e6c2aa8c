"""Many hooks at once: a scan fires several in parallel, a bulk edit thousands in a row."""

from __future__ import annotations

import json
import time
from pathlib import Path

from plexsync import inbox, system
from tests.hostile.hook_plugin import Plugin, environ, event

CROWD = 50


def in_fresh_folders(root: Path, rounds: int) -> list[str]:
    """Let a crowd of hooks make each of the data folders; returns what was lost or wrong."""
    plugin = Plugin(root / "PlexSync")
    wrong = []
    for round_ in range(rounds):
        data = str(root / f"data{round_}")
        wrong += _crowd(plugin, data, range(1, CROWD + 1))
        wrong += _lost(data, CROWD)
        wait_for_owner(data)
    plugin.stop()
    return wrong


def beside_a_worker(root: Path, rounds: int) -> list[str]:
    """Let a crowd arrive while a worker lives, again and again; returns what was lost or wrong."""
    plugin = Plugin(root / "PlexSync")
    data = str(plugin.data)
    plugin.run(event(scene=1))
    wait_for_owner(data)
    wrong = []
    for round_ in range(rounds):
        first = 2 + round_ * CROWD
        wrong += _crowd(plugin, data, range(first, first + CROWD))
    wrong += _lost(data, 1 + rounds * CROWD)
    if plugin.started() != 1:
        wrong.append(f"{plugin.started()} workers were started")
    plugin.stop()
    return wrong


def _crowd(plugin: Plugin, data: str, scenes: range) -> list[str]:
    """Start all of them as processes before waiting for the first one."""
    hooks = [plugin.popen(env=environ(STASH_PLUGIN_DATA=data)) for _ in scenes]
    for scene, hook in zip(scenes, hooks, strict=True):
        hook.stdin.write(event(scene=scene, sent={"title": "x" * 500}, fields=["title"]))
        hook.stdin.close()
    answers = [(hook.stdout.read(), hook.stderr.read(), hook.wait()) for hook in hooks]
    for hook in hooks:
        hook.stdout.close()
        hook.stderr.close()
    odd = set(answers) - {(b'{"output": "ok"}', b"", 0)}
    return [f"a hook answered {answer!r}" for answer in odd]


def _lost(data: str, last: int) -> list[str]:
    kept = sorted(json.loads(record.data or b"")["id"] for record in inbox.collect(data))
    return [] if kept == list(range(1, last + 1)) else [f"of {last} events {kept} are kept"]


def wait_for_owner(data: str) -> None:
    """Wait until a worker owns the folder."""
    end = time.monotonic() + 10
    while not system.LockFile(f"{data}/worker.lock").busy():
        assert time.monotonic() < end, "no worker came up"
        time.sleep(0.01)
