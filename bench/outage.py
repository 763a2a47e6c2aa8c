"""Plex's return with waiting jobs: when they start, at what rate, and when they are done."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator

from bench.drain import LATENCY, NO_IMAGES, WRITE_TIME
from bench.report import Row, at_most, none_of
from bench.site import Site, Worker, wait_for
from bench.traffic import sort

FIRST = 10.0
"""Maximum seconds from the probe that finds Plex healthy until the first job is in Plex."""


def outage(count: int) -> Iterator[Row]:
    """Measure `count` scenes edited while Plex is down, after it is started again."""
    with Site(LATENCY, WRITE_TIME, NO_IMAGES) as site:
        scenes = site.ask("fill", count)
        site.ask("down")
        site.edited(scenes)
        with Worker(site) as worker:
            wait_for(site, lambda: _breaker(site) == "OPEN")
            site.ask("journal")
            site.ask("up")
            worker.drain()
            journal = site.ask("journal")
        healthy = min(end for method, path, _, end in journal if path == "/library/sections")
        writes = sorted(end for _, end in sort(journal).writes)
        seconds = Counter(int(end - writes[0]) for end in writes)
        first = writes[0] - healthy
        yield at_most(
            f"Plex healthy until the first of {count} waiting jobs is in Plex",
            first,
            FIRST,
            f"{first:.1f} s",
            " s",
        )
        yield Row("  until the last one", f"{writes[-1] - healthy:.0f} s")
        yield Row(
            "  writing requests in the first second, and most in any second",
            f"{seconds[0]}, {max(seconds.values())} (rate 5/s, rising to 20/s)",
        )
        yield none_of("items that differ afterwards", site.ask("different"), count)


def _breaker(site: Site) -> str:
    try:
        with open(os.path.join(site.data, "circuit_breaker.json"), encoding="utf-8") as file:
            return str(json.load(file)["state"])
    except (OSError, ValueError, KeyError):
        return ""
