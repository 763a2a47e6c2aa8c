"""Kills the worker at any moment while it drains: nothing may be lost, wrong or written twice."""

from __future__ import annotations

import random
import time
from pathlib import Path

from torture.stage import Stage, Verdict

LONGEST_LIFE = 0.3


def kill_workers(root: Path, seed: int, kills: int, scenes: int = 400) -> Verdict:
    """Kill `kills` workers 1 to 300 ms after their first step, then let one finish."""
    dice = random.Random(seed)
    with Stage(root, seed, scenes) as stage:
        for scene in stage.films:
            stage.edit(scene)
        killed = 0
        while killed < kills:
            worker = stage.nursery.start(stage.block())
            time.sleep(dice.uniform(0.001, LONGEST_LIFE))
            killed += stage.nursery.kill(worker)
            stage.edit_some(dice.randrange(scenes // 20))
        stage.sickness.well = True
        stage.drain()
        return stage.judge()
