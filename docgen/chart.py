"""The chart of cost against size, generated from the table in docs/performance.md."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SOURCE = "docs/performance.md"
RUNS = {"first run": "#c4501b", "no changes": "#1b6ac4"}
"""Runs in the chart, with colours that are readable on light and dark pages."""
FAINT = "#8a8a8a"
WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 24, 48


@dataclass(frozen=True, slots=True)
class Point:
    """A measurement: seconds of CPU for a library with this number of scenes."""

    scenes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class _Axis:
    """A logarithmic axis from one power of ten to another, in pixels."""

    low: int
    high: int
    start: float
    end: float

    @classmethod
    def of(cls, values: Sequence[float], start: float, end: float) -> _Axis:
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return cls(low, max(high, low + 1), start, end)

    def at(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    @property
    def marks(self) -> list[float]:
        return [10.0**power for power in range(self.low, self.high + 1)]


def points(text: str, run: str) -> list[Point]:
    """The table's points of one kind of run, by size."""
    row = rf"^\| reconciliation of ([\d,]+) scenes: {run} \| .*?\(([\d.]+) s of it PlexSync's\)"
    found = re.findall(row, text, re.M)
    return sorted(
        (Point(int(scenes.replace(",", "")), float(seconds)) for scenes, seconds in found),
        key=lambda point: point.scenes,
    )


def document(root: Path) -> str:
    """The chart as SVG."""
    text = (root / SOURCE).read_text(encoding="utf-8")
    return draw({run: points(text, run) for run in RUNS})


def draw(runs: dict[str, list[Point]]) -> str:
    """Draw a line for each run, and a dashed line for cost in proportion to size."""
    every = [point for line in runs.values() for point in line]
    across = _Axis.of([point.scenes for point in every], LEFT, WIDTH - RIGHT)
    up = _Axis.of([point.seconds for point in every], HEIGHT - BOTTOM, TOP)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="12">',
            "<title>CPU of PlexSync in a reconciliation, by the size of the library</title>",
            *_grid(across, up),
            *(
                part
                for place, (run, line) in enumerate(runs.items())
                for part in _line(run, line, across, up, above=place == 0)
            ),
            "</svg>",
            "",
        ]
    )


def _grid(across: _Axis, up: _Axis) -> list[str]:
    parts = []
    for scenes in across.marks:
        x = across.at(scenes)
        parts += [
            _stroke(x, up.start, x, up.end, FAINT, 'stroke-opacity="0.3"'),
            _text(x, up.start + 18, f"{scenes:,.0f}", FAINT, "middle"),
        ]
    for seconds in up.marks:
        y = up.at(seconds)
        parts += [
            _stroke(across.start, y, across.end, y, FAINT, 'stroke-opacity="0.3"'),
            _text(across.start - 8, y + 4, f"{seconds:g} s", FAINT, "end"),
        ]
    return [*parts, _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "scenes", FAINT, "middle")]


def _line(run: str, line: Sequence[Point], across: _Axis, up: _Axis, *, above: bool) -> list[str]:
    """A run with its figures `above` or below the line."""
    colour = RUNS[run]
    places = [(across.at(point.scenes), up.at(point.seconds)) for point in line]
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    first, last = line[0], line[-1]
    most = min(last.scenes, 10**up.high * first.scenes / first.seconds)  # the end of the chart
    end = across.at(most), up.at(first.seconds * most / first.scenes)
    return [
        _stroke(*places[0], *end, colour, 'stroke-dasharray="3 4"'),
        f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places),
        *(
            _text(
                *_by(x, y, above=above), f"{point.seconds:g} s", colour, "end" if above else "start"
            )
            for point, (x, y) in zip(line, places, strict=True)
        ),
        _text(*_beside(places), run, colour, "start"),
    ]


def _by(x: float, y: float, *, above: bool) -> tuple[float, float]:
    """The place of a figure to the left above a point of a rising line, or to the right below it."""
    return (max(x - 4, LEFT + 32), y - 8) if above else (min(x + 4, WIDTH - RIGHT - 12), y + 18)


def _beside(places: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The place of a label below the middle of the last part of a rising line."""
    (left, low), (right, high) = places[-2:]
    return (left + right) / 2, (low + high) / 2 + 20


def _stroke(x1: float, y1: float, x2: float, y2: float, colour: str, more: str) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}" {more}/>'


def _text(x: float, y: float, words: str, colour: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}">{words}</text>'
