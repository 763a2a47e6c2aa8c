"""What a task says to Stash's log: its beginning and its end, in 25 lines at most."""

from __future__ import annotations

import io

import pytest

from plexsync.edges.log.brief import TALK_EVERY, Brief
from plexsync.edges.log.stash_sink import StashSink


class Said:
    def __init__(self) -> None:
        self.stream = io.BytesIO()
        self.now = 0.0
        self.brief = Brief(StashSink(self.stream), lambda: self.now)

    @property
    def lines(self) -> list[str]:
        return [line[3:] for line in self.stream.getvalue().decode().splitlines()]


@pytest.mark.parametrize("count", [0, 1, 12, 13, 24, 25, 200])
def test_a_task_shows_25_lines_at_most_and_always_its_last(count: int) -> None:
    said = Said()
    for number in range(count):
        said.brief.write("info", f"line {number}")
    said.brief.end()
    assert len(said.lines) <= 25
    assert said.lines[-1:] == [f"line {count - 1}"][: count and 1]
    shown = [line for line in said.lines if line.startswith("line")]
    assert shown == sorted(shown, key=lambda line: int(line.split()[1]))
    if count <= 24:
        assert len(shown) == count
    else:
        assert f"({count - 24} more" in said.lines[12]


def test_a_long_task_still_talks_while_it_runs() -> None:
    said = Said()
    for number in range(20):
        said.brief.write("info", f"line {number}")
    said.now += TALK_EVERY
    said.brief.write("warning", "still at work")
    assert said.lines[-1] == "still at work"


def test_progress_is_never_held_back() -> None:
    said = Said()
    for _ in range(30):
        said.brief.progress(0.5)
    assert said.lines == ["0.5000"] * 30
