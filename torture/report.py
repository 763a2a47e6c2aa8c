"""The table of results, one row per test, as plain text or Markdown."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

TITLES = ("test", "trials", "lost", "run twice", "wrong writes", "besides", "seconds")


@dataclass(slots=True)
class Figures:
    """The result of one test. None where a figure has no meaning; `bad` lists all violations,
    including what was lost or wrong.
    """

    test: str
    trials: str
    lost: int = 0
    twice: int | None = None
    wrong: int | None = None
    besides: str = ""
    bad: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def cells(self) -> tuple[str, ...]:
        """The row's cells, as shown in the table."""
        figures = ("–" if n is None else f"{n:,}" for n in (self.lost, self.twice, self.wrong))
        besides = self.besides + (f"; FAILED {len(self.bad)}" if self.bad else "")
        return self.test, self.trials, *figures, besides.strip("; "), f"{self.seconds:.0f}"


def headline(seed: int) -> str:
    """The date, the seed and the kind of machine; nothing that identifies it."""
    day = time.strftime("%Y-%m-%d", time.gmtime())
    python = f"{platform.python_implementation()} {platform.python_version()}"
    machine = f"{platform.system()} {platform.machine()}"
    return f"{day}, seed {seed}, {os.cpu_count()} CPUs, {python}, {machine}"


def plain(rows: Sequence[Figures], seed: int) -> str:
    """The table for a terminal."""
    lines = [TITLES, *(row.cells for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(TITLES))]
    shown = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in (lines[0], ["-" * width for width in widths], *lines[1:])
    ]
    return "\n".join([headline(seed), "", *shown])


def markdown(rows: Sequence[Figures], seed: int) -> str:
    """The table for docs/reliability.md."""
    lines = [TITLES, ["---"] * len(TITLES), *(row.cells for row in rows)]
    table = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join([f"Last run: {headline(seed)}.", "", *table])
