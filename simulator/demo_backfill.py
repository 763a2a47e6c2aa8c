"""`dev.py demo --scenes 2000`: one Sync All over many scenes, and its estimate beside the truth.

The first fifth of the scenes was synced before, as after a first attempt that was stopped: what is in
step takes no time, and must not promise any for the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from simulator.demo_data import FOLDER
from simulator.demo_stage import Stage, Trouble, until

WRITE = 0.12
"""Seconds that this Plex takes for a write, about as on a small NAS."""

MINUTE = 60.0
WITHIN = 1.5
"""Factor within which the estimate after a minute of work must be right."""

LONGEST = 3600.0
_LONG_AGO = 1_600_000_000.0

Say = Callable[[str], None]


def play_backfill(stage: Stage, scenes: int, say: Say) -> int:
    """Sync so many scenes; 0 if all are in Plex and the estimate was right."""
    _fill(stage, scenes)
    say(f"{scenes} scenes in Stash and in Plex, which takes {WRITE * 1000:.0f} ms for a write.")
    before = scenes // 5
    stage.plex.write_time = 0.0
    for scene in range(1, before + 1):
        stage.stash.edit(scene, details="synced before")
    until(lambda: _in_plex(stage) >= before, LONGEST, "What is synced before was not written", 0.5)
    until(lambda: not _status(stage)["queue"]["pending"], LONGEST, "The queue is not empty", 0.5)
    stage.plex.write_time = WRITE
    say(f"{before} of them are in step already. Sync All Scenes ...")
    stage.stash.run_task("Sync All Scenes")
    return _watch(stage, scenes, say)


def _fill(stage: Stage, scenes: int) -> None:
    plex, stash = stage.plex, stage.stash
    films = plex.add_section("Films", [FOLDER])
    studios = [stash.add_studio(f"Studio {n}") for n in range(20)]
    for number in range(1, scenes + 1):
        path = f"{FOLDER}/{number}.mp4"
        plex.add_item(films, path, number)
        scene = stash.add_scene(
            f"Title {number}", [(path, number)], studio=studios[number % 20], details="new"
        )
        stash.scene(scene).created_at = stash.scene(scene).updated_at = _LONG_AGO
    stash.set_plugin_settings({"plex_url": plex.url, "plex_token": plex.token})


def _watch(stage: Stage, scenes: int, say: Say) -> int:
    """Say how it goes, first after a minute of work; then compare that with how long it took."""
    began, promised = time.monotonic(), None
    while _in_plex(stage) < scenes:
        time.sleep(0.5)
        passed = time.monotonic() - began
        if passed > LONGEST:
            raise Trouble(f"Only {_in_plex(stage)} of {scenes} scenes are in Plex")
        if promised is None and passed >= MINUTE:
            found = _status(stage)["backfills"]
            if not found:
                break
            promised = time.monotonic(), found[0]["left"]
            say(f"After a minute:  {found[0]['sentence']}")
    ended = time.monotonic()
    say(f"All {scenes} scenes are in Plex after {ended - began:.0f} s.")
    if promised is None:
        say("It took less than a minute, so nothing was estimated; take more scenes.")
        return 0
    at, left = promised
    factor = _factor(left, ended - at)
    said = "nothing" if left is None else f"{left:.0f} s"
    say(f"Estimated {said}, in truth {ended - at:.0f} s: a factor of {factor:.2f}.")
    return 0 if factor <= WITHIN else 1


def _factor(estimated: float | None, truth: float) -> float:
    if not estimated or truth <= 0:
        return float("inf")
    return max(estimated / truth, truth / estimated)


def _in_plex(stage: Stage) -> int:
    return sum(item.title.startswith("Title ") for item in stage.plex.items())


def _status(stage: Stage) -> Any:
    return stage.stash.run_operation({"mode": "status"})
