"""The table: one row per figure, as plain text or as Markdown."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass

TITLES = ("what", "measured", "target", "ok?")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `ok` is None if there is no target.

    `right` is False if something was lost or wrong, whatever the speed.
    """

    what: str
    measured: str
    target: str = ""
    ok: bool | None = None
    right: bool = True

    @property
    def cells(self) -> tuple[str, str, str, str]:
        """The row's cells, as shown in the table."""
        verdict = {True: "yes", False: "NO", None: ""}[self.ok if self.right else False]
        return self.what, self.measured, self.target, verdict


def at_most(what: str, value: float, limit: float, text: str, unit: str = "") -> Row:
    """A figure that must be at most `limit`; `text` is how it is shown."""
    return Row(what, text, f"<= {limit:g}{unit}", value <= limit)


def none_of(what: str, count: int, of: int) -> Row:
    """A count that must be 0, out of `of`."""
    return Row(what, f"{count} of {of}", "0", count == 0, right=count == 0)


def headline() -> str:
    """The date and the kind of machine; nothing that identifies it."""
    day = time.strftime("%Y-%m-%d", time.gmtime())
    python = f"{platform.python_implementation()} {platform.python_version()}"
    machine = f"{platform.system()} {platform.machine()}".strip()
    return f"{day}, {os.cpu_count()} CPUs, {python}, {machine}"


def plain(rows: Sequence[Row]) -> str:
    """The table for a terminal."""
    lines = [TITLES, *(row.cells for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(TITLES))]
    shown = [_padded(line, widths) for line in lines]
    shown.insert(1, _padded(["-" * width for width in widths], widths))
    return "\n".join([headline(), "", *shown])


def markdown(rows: Sequence[Row]) -> str:
    """The table for docs/performance.md."""
    lines = [TITLES, ["---"] * len(TITLES), *(row.cells for row in rows)]
    table = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join([f"Measured {headline()}.", "", *table])


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    pairs = zip(cells, widths, strict=True)
    return "  ".join(cell.ljust(width) for cell, width in pairs).rstrip()
