"""The demo's set-up: what it says of a library of older scenes, and what their first sync then takes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simulator.demo_data import FOLDER, png
from simulator.demo_stage import Stage, Trouble, until
from simulator.plex import SimItem

LONG_AGO = 1_500_000_000.0
ABSENT = 25
"""Plex lacks one file in so many."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the set-up said, and the seconds that the first sync really took."""

    survey: dict[str, Any]
    dry_pass: dict[str, Any]
    seconds: float

    @property
    def lines(self) -> list[str]:
        """The figures for the end of the demo."""
        files, missing = self.survey["files"], self.survey["missing"]
        counts, estimate = self.dry_pass["counts"], self.dry_pass["estimate"]
        known = "assumed" if estimate["assumed"] else "measured"
        return [
            f"Set-up   path map {self.survey['path_map']['suggested']}; {missing} of {files} files "
            f"match nothing in Plex; {counts.get('differs', 0)} scenes differ",
            f"First    sync of all: estimated {estimate['seconds']:.1f} s (writes {known}), "
            f"took {self.seconds:.1f} s, {self.seconds / estimate['seconds']:.2f} times that",
        ]


def first_sync(scenes: int, patience: float) -> Figures:
    """Install the plugin beside servers with older scenes, and go through the set-up."""
    with Stage() as stage:
        return _set_up(stage, _fill(stage, scenes), patience)


def _set_up(stage: Stage, items: Sequence[SimItem], patience: float) -> Figures:
    """Adopt the path map that is suggested, and bring all in step."""
    settings = {"plex_url": stage.plex.url, "plex_token": stage.plex.token}
    stage.stash.set_plugin_settings(settings)
    survey = _task(stage, "survey")
    settings["path_map"] = survey["path_map"]["suggested"]
    stage.stash.set_plugin_settings(settings)
    dry_pass = _task(stage, "first_sync")
    _task(stage, "sync_all")
    began = time.monotonic()
    until(
        lambda: all(item.title.startswith("#") and item.studio for item in items),
        patience,
        "Not every older scene arrived in Plex",
        0.05,
    )
    return Figures(survey, dry_pass, time.monotonic() - began)


def _fill(stage: Stage, scenes: int) -> list[SimItem]:
    """Add older scenes to both servers; returns the items in Plex."""
    plex, stash, found = stage.plex, stage.stash, list[SimItem]()
    section = plex.add_section("Films", [FOLDER])
    studio, tag = stash.add_studio("Archive"), stash.add_tag("old")
    for number in range(scenes):
        path = f"{FOLDER}/archive/{number % 20}/{number}.mp4"
        stash.add_scene(
            f"# {number}",
            [(path.replace(FOLDER, "/data", 1), 5000 + number)],
            details=f"The reel with the number {number}.",
            date="2001-02-03",
            studio=studio,
            tags=[tag],
            cover=png((number & 255, number >> 8 & 255, 90)),
            created_at=LONG_AGO,
            updated_at=LONG_AGO,
        )
        if number % ABSENT:
            found.append(plex.item(plex.add_item(section, path, 5000 + number)))
    return found


def _task(stage: Stage, mode: str) -> Any:
    run = stage.stash.run_task(args={"mode": mode})
    if run.error is not None:
        raise Trouble(f"The task {mode} failed: {run.error}")
    return run.output
