"""Kills hooks at any moment, alone and together with the workers that they start."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plexsync import inbox, system
from plexsync.edges.page import read_state
from plexsync.system import LockFile
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.hostile.hook_plugin import Plugin, event
from tests.installation import copy_plugin
from tests.world import until

TOKEN = "torture-plex-token"
UNHARMED = 5
"""One hook in this many is not killed, so that the time that they take now is known however slow they are."""


def kill_hooks(root: Path, seed: int, kills: int) -> tuple[int, list[str]]:
    """Kill hooks while a worker seems to be running, but every fifth not at all; returns how many answered
    ok, and lost events.
    """
    dice = random.Random(seed)
    plugin = Plugin(root / "PlexSync")
    acknowledged: set[int] = set()
    killed = scene = 0
    with plugin.alive():
        usual = _usual_time(plugin)
        while killed < kills:
            scene += 1
            process = plugin.popen()
            start = time.perf_counter()
            timer = threading.Timer(dice.uniform(0.4, 1.1) * usual, process.kill)
            if scene % UNHARMED:
                timer.start()
            out, _ = process.communicate(event(scene=scene, fields=["x" * 4000]))
            timer.cancel()
            if process.returncode == -signal.SIGKILL:
                killed += 1
            else:  # adapt to the machine's speed, so that the kills hit
                usual += (time.perf_counter() - start - usual) / 10
            if out == b'{"output": "ok"}':
                acknowledged.add(scene)
    kept = {found.id for found in _all_events(plugin)}
    return len(acknowledged), [f"scene {n} was acknowledged" for n in acknowledged - kept]


def _usual_time(plugin: Plugin) -> float:
    times = []
    for _ in range(15):
        start = time.perf_counter()
        plugin.run(event(scene=10**6))
        times.append(time.perf_counter() - start)
    return sorted(times)[7]


def _all_events(plugin: Plugin) -> Iterator[Any]:
    """All events in the inbox, which proves that each record is complete; collect has a limit, so
    records are removed in between.
    """
    while found := plugin.events():
        yield from found
        inbox.forget(str(plugin.data), [r.name for r in inbox.collect(str(plugin.data))])


class Crowd:
    """A context manager for a real plugin between two servers, whose hooks and workers are killed."""

    def __init__(self, root: Path, scenes: int) -> None:
        self.plugin = copy_plugin(root / "plugins" / "PlexSync")
        self.data = self.plugin / "data"
        self.plex, self.stash = PlexSim(token=TOKEN).start(), StashSim(str(self.plugin))
        self.stash.start()
        section = self.plex.add_section("Films", locations=["/plex"])
        self.stash.set_plugin_settings(
            {"plex_url": self.plex.url, "plex_token": TOKEN, "path_map": "/plex=>/data"}
            | {"no_poster": True}
        )
        self.films: dict[int, Any] = {}
        for number in range(scenes):
            key = self.plex.add_item(section, file=f"/plex/{number}.mp4", size=1)
            scene = self.stash.add_scene(files=[(f"/data/{number}.mp4", 1)], updated_at=1.5e9)
            self.films[scene] = self.plex.item(key)
        self.worker_kills = 0

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *problem: object) -> None:
        (self.plugin / "PlexSync.py").unlink(missing_ok=True)
        inbox.nudge(str(self.data))
        until(self._nobody_works)
        self.plex.stop()
        self.stash.stop()

    def _nobody_works(self) -> bool:
        lock = self.data / "worker.lock"
        return not lock.exists() or not LockFile(str(lock)).busy()

    def hook(self, scene: int, kill_after: float | None) -> bool:
        """Run one hook of a scene; returns whether it answered ok."""
        block = json.dumps(self.stash.server_connection()).encode()
        process = subprocess.Popen(
            [sys.executable, str(self.plugin / "PlexSync.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        if kill_after is not None:
            threading.Timer(kill_after, process.kill).start()
        out, _ = process.communicate(event(scene=scene, fields=["title", "id"], connection=block))
        return out == b'{"output": "ok"}'

    def workers(self) -> list[int]:
        """Pids of all workers so far, from their log."""
        parts = sorted(self.data.glob("plexsync.log*"), reverse=True)
        text = "".join(part.read_text() for part in parts)
        return [int(pid) for pid in re.findall(r"worker starts .*pid=(\d+)", text)]

    @contextmanager
    def killer(self, dice: random.Random) -> Iterator[None]:
        """Kill workers while the block runs."""
        over = threading.Event()

        def kill() -> None:
            while not over.wait(dice.uniform(0.05, 1.0)):
                if not self._nobody_works():
                    self._kill_worker()

        thread = threading.Thread(target=kill)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _kill_worker(self) -> None:
        for pid in self.workers()[-1:]:
            try:
                os.kill(pid, signal.SIGKILL)
                self.worker_kills += 1
            except ProcessLookupError:
                pass

    def at_rest(self) -> bool:
        """Whether no work is left."""
        return (
            not inbox.collect(str(self.data), limit=1)
            and not read_state.queue(str(self.data)).live_jobs()
        )


def kill_everybody(root: Path, seed: int, hooks: int, scenes: int = 100) -> tuple[int, list[str]]:
    """Run hooks, kill every third of them, and workers too; returns worker kills, and losses."""
    dice = random.Random(seed)
    system.private_folder(str(root))
    with Crowd(root, scenes) as crowd:
        told: dict[int, str] = {}
        with crowd.killer(random.Random(seed + 1)):
            for number in range(hooks):
                scene = dice.choice(sorted(crowd.films))
                title = f"Scene {scene}, hook {number}"
                stored = crowd.stash.scene(scene)
                stored.title, stored.details = title, title
                kill_after = dice.uniform(0.005, 0.04) if number % 3 == 0 else None
                if crowd.hook(scene, kill_after):
                    told[scene] = title
                else:
                    told.pop(scene, None)
        last = sorted(crowd.films)[0]
        if not crowd.hook(last, None):
            return crowd.worker_kills, ["the last hook did not answer ok"]
        until(crowd.at_rest, 180.0)
        lost = [
            f"scene {scene} should show {title!r}, but shows {crowd.films[scene].title!r}"
            for scene, title in told.items()
            if crowd.films[scene].title != title
        ]
        return crowd.worker_kills, lost
