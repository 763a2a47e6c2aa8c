"""Kills the worker at any moment while it drains: nothing may be lost, wrong or written twice."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torture.stage import Stage, Verdict

LONGEST_LIFE = 60
"""Requests to either server after which a worker is killed at the latest."""


def kill_workers(
    root: Path, seed: int, kills: int, scenes: int = 400, refused: float = 0.1
) -> Verdict:
    """Kill `kills` workers somewhere between the requests that they send, then let one finish.

    Requests and not only time decide, so that a busy machine kills as deep in the work.
    """
    dice = random.Random(seed)
    with Stage(root, seed, scenes, refused) as stage:
        for scene in stage.films:
            stage.edit(scene)
        killed = 0
        while killed < kills:
            with _counted(stage) as seen:
                wanted = dice.randrange(LONGEST_LIFE)
                worker = stage.nursery.start(stage.block())
                while len(seen) < wanted and stage.nursery.alive(worker):
                    time.sleep(0.001)
                time.sleep(dice.uniform(0.001, 0.02))
                killed += stage.nursery.kill(worker)
            stage.edit_some(dice.randrange(scenes // 20))
        stage.sickness.well = True
        stage.drain()
        return stage.judge()


@contextmanager
def _counted(stage: Stage) -> Iterator[list[object]]:
    """The requests that arrive while the block runs."""
    seen: list[object] = []
    stage.on_request = lambda request: bool(seen.append(request))
    yield seen
    stage.on_request = lambda request: False
