"""The demo's table: Stash's values, Plex's before and after, and the time it took."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Value = str | frozenset[str]
"""A text, the names of a list, or for a poster the SHA-1 of its bytes."""

LEGEND = """\
seconds: from the save in Stash until Plex showed it. kept: empty in Stash and never written by
PlexSync, so Plex's own value stays; collections that a user made in Plex stay beside Stash's."""

HEADS = ("scene", "field", "Stash", "Plex before", "Plex after", "seconds")
WIDTHS = (16, 11, 22, 15, 22, 7)


@dataclass(frozen=True, slots=True)
class Row:
    """One field of one scene in one step. `seconds` is None if it never arrived, or did not have
    to.
    """

    step: str
    scene: str
    field: str
    stash: Value
    wanted: Value
    before: Value
    after: Value
    seconds: float | None = None
    arrives: bool = True
    """False for a field that must stay as it is."""

    @property
    def differs(self) -> bool:
        """Whether Plex shows a wrong value."""
        return self.after != self.wanted

    @property
    def name(self) -> str:
        """The row in words, for the list of what differs."""
        place = f"Step {self.step[0]}" if self.step[0].isdigit() else self.step
        there, here = shown(self.field, self.wanted), shown(self.field, self.after)
        return f"{place} / {self.scene} / {self.field}: wanted {there!r}, Plex shows {here!r}"


def table(rows: Sequence[Row]) -> list[str]:
    """The lines, at most 100 columns wide, each step under its own heading."""
    lines = [_line(HEADS), _line(["-" * width for width in WIDTHS])]
    last = ("", "")
    for row in rows:
        if row.step != last[0]:
            lines += ["", row.step]
            last = (row.step, "")
        lines.append(_line((row.scene if row.scene != last[1] else "", *_cells(row))))
        last = (row.step, row.scene)
    return [*lines, "", *LEGEND.splitlines()]


def _cells(row: Row) -> tuple[str, ...]:
    values = [shown(row.field, value) for value in (row.stash, row.before, row.after)]
    return (row.field, *values, _time(row))


def _time(row: Row) -> str:
    if row.differs:
        return "DIFFERS"
    if not row.arrives:
        return "   kept"
    return "  never" if row.seconds is None else f"{row.seconds:7.2f}"


def _line(cells: Sequence[str]) -> str:
    return " ".join(fit(cell, width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


def shown(field: str, value: Value) -> str:
    """A value as shown in the table."""
    if field == "poster":
        return f"cover {value[:8]}" if isinstance(value, str) and value else "(Plex's own)"
    text = value if isinstance(value, str) else ", ".join(sorted(value))
    return " ".join(text.split()) or "-"


def fit(text: str, width: int) -> str:
    """The text in exactly `width` columns, cut with an ellipsis or padded with spaces."""
    if _columns(text) > width:
        while _columns(text) > width - 1:
            text = text[:-1]
        text = text.rstrip() + "\N{HORIZONTAL ELLIPSIS}"
    return text + " " * (width - _columns(text))


def _columns(text: str) -> int:
    return sum(_COLUMNS.get(unicodedata.east_asian_width(char), 1) for char in text)


_COLUMNS: Mapping[str, int] = {"W": 2, "F": 2}
