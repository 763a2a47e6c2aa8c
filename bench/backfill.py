"""A long backfill of scenes that Plex lacks: when the first one that it has is in Plex."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing

from bench.drain import LATENCY, NO_IMAGES, WRITE_TIME
from bench.report import Row, at_most, none_of
from bench.site import Site, Worker, wait_for
from bench.traffic import sort
from plexsync.edges.ledger.ledger import Ledger

REACHED = 5.0
"""Maximum seconds until the first present scene is written once the worker has reached it."""


def backfill(count: int) -> Iterator[Row]:
    """Measure a Sync All over `count` scenes that Plex lacks, followed by one that it has."""
    with Site(LATENCY, WRITE_TIME, NO_IMAGES) as site:
        lacking = site.ask("lacking", count)
        (there,) = site.ask("fill", 1)
        site.ask("long_ago", [*lacking, there])
        with closing(Ledger(os.path.join(site.data, "ledger.db"), print)) as ledger:
            ledger.set_meta("installed_at", repr(time.time() - 60))
            ledger.add_backfill("sync all", "scene", [*lacking, there], time.time())
        with Worker(site) as worker:
            wait_for(site, lambda: site.ask("shows", there))
            seconds = time.monotonic() - worker.started
        traffic = sort(site.ask("journal"))
        reached = traffic.writes[0][1] - traffic.items[0][0]
        yield Row(
            f"Sync All of {count:,} scenes that Plex lacks, and one that it has, until that is there",
            f"{seconds:.1f} s, {seconds / count * 1000:.1f} ms a scene, {traffic.reads} reads",
        )
        yield at_most(
            "  of that since the worker reached it", reached, REACHED, f"{reached:.1f} s", " s"
        )
        yield none_of("items that differ afterwards", site.ask("different"), 1)
