"""The time from a click on Save in Stash until Plex shows it, on an idle machine."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from bench.drain import LATENCY, NO_IMAGES, WRITE_TIME
from bench.report import Row, at_most
from bench.site import Site, wait_for

SECONDS = 0.9


def save(times: int) -> Iterator[Row]:
    """Measure saves: the first one's hook starts the worker, which is idle before the others."""
    with Site(LATENCY, WRITE_TIME, NO_IMAGES) as site:
        scene, *others = site.ask("fill", times + 1)
        _, first = site.ask("save", scene, "First title")
        waits, saves = [], []
        for other in others:
            wait_for(site, site.drained)
            saved, shown = site.ask("save", other, "Another title")
            waits.append(saved)
            saves.append(shown)
        middle = statistics.median(saves)
        text = f"{middle:.2f} s (slowest {max(saves):.2f} s)"
        yield at_most(
            "single save until it is in Plex, median, 0.5 s of it debounce",
            middle,
            SECONDS,
            text,
            " s",
        )
        yield Row("  the first save: worker, index and connections too", f"{first:.2f} s")
        yield Row("  the user waits for the hook", f"{statistics.median(waits) * 1000:.0f} ms")
