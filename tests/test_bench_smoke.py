"""Runs every part of the benchmark at a tiny size, so that it keeps working, and tests the comparison of
counted work. Figures of time mean nothing here."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from bench import counted, report
from bench.__main__ import PARTS, main
from bench.report import Row
from bench.servers import PacedPlex

AGAIN = {"small", "growth", "recipes", "many"}
"""They run the same code as others: `many` as `drain`, the rest as `reconcile`, `small` at the same tiny
size, two of them several times."""
SHORT = {"inbox", "queue", "row"}
LOSABLE = {"hook", "inbox", "drain", "posters", "index", "reconcile", "row"}
"""Parts that count what is lost or wrong."""
_PARTS = [
    pytest.param(part, marks=() if part in SHORT else pytest.mark.torture)
    for part in sorted(PARTS.keys() - AGAIN)
]


@pytest.mark.long
@pytest.mark.parametrize("part", _PARTS)
def test_each_part_of_the_benchmark_runs_and_loses_nothing(
    part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process: another one would take longer to import the parts than to run most of them."""
    status = main(["--tiny", "--only", part, "--markdown"])
    shown = capsys.readouterr().out
    assert status == 0, shown
    assert shown.startswith("Measured 20")
    assert "| what | measured | target | ok? |\n| --- | --- | --- | --- |\n" in shown
    counts = re.findall(r"\| (\d+) of (\d+) \| 0 \|", shown)
    assert counts or part not in LOSABLE
    assert all(wrong == "0" != of for wrong, of in counts)


@pytest.mark.torture
@pytest.mark.long
def test_the_part_for_a_million_scenes_runs(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["--million", "--scenes", "60"])
    shown = capsys.readouterr()
    assert status == 0, shown.err
    for what in ("index", "first run", "no changes"):
        assert f"60 scenes, {what}: CPU of 10 times the scenes" in shown.out


def test_the_paced_plex_never_answers_earlier_than_one_that_takes_exactly_its_times() -> None:
    with PacedPlex(latency=0.02, write_time=0.03) as plex:
        plex.add_section("Movies", ["/plex"])
        plex.add_item(1)

        def edit(n: int) -> None:
            url = f"{plex.url}/library/metadata/1?title.value={n}"
            requests.put(url, headers={"X-Plex-Token": plex.token}, timeout=60).raise_for_status()

        with ThreadPoolExecutor(3) as threads:
            list(threads.map(edit, range(9)))
        entries = sorted(plex.journal, key=lambda entry: entry.done)
    ends = 0.0
    for entry in entries:
        ends = max(entry.at + 0.02, ends) + 0.03
        assert entry.done >= ends - 0.001


@pytest.mark.parametrize(
    ("row", "verdict", "right"),
    [
        (report.at_most("speed", 2.0, 1.0, "2 s"), "NO", True),
        (report.at_most("speed", 1.0, 1.0, "1 s"), "yes", True),
        (report.none_of("lost", 1, 9), "NO", False),
        (report.none_of("lost", 0, 9), "yes", True),
        (Row("size", "31 MiB"), "", True),
    ],
)
def test_a_missed_target_is_shown_and_only_a_wrong_count_is_an_error(
    row: Row, verdict: str, right: bool
) -> None:
    assert row.cells[-1] == verdict
    assert row.right is right


def test_the_headline_names_no_machine() -> None:
    assert re.fullmatch(
        r"20\d\d-\d\d-\d\d, \d+ CPUs, [A-Za-z]+ [\w.+]+, [A-Za-z]* ?\w*", report.headline()
    )


def test_a_hook_takes_no_more_than_expected() -> None:
    """The cheapest of the counts; `.ci/run` compares all of them."""
    found = counted.count(parts=[counted.hook_])
    accepted = counted.expected()
    assert counted.regressions(found, {name: accepted[name] for name in found}) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"drain: writes": 100, "drain: calls": 103}, []),
        (
            {"drain: writes": 101, "drain: calls": 90},
            ["drain: writes rose from 100 to 101; at most 100 pass."],
        ),
        (
            {"drain: writes": 100, "drain: calls": 104},
            ["drain: calls rose from 100 to 104; at most 103 pass."],
        ),
        ({"drain: writes": 100}, ["drain: calls is no longer counted."]),
        (
            {"drain: writes": 0, "drain: calls": 1, "new": 7},
            ["new is 7, and nothing is expected."],
        ),
    ],
)
def test_each_count_that_rose_is_named(found: dict[str, int], said: list[str]) -> None:
    assert counted.regressions(found, {"drain: writes": 100, "drain: calls": 100}) == said


def test_what_fell_is_named_so_that_it_can_be_kept() -> None:
    accepted = {"drain: writes": 100, "drain: calls": 100}
    assert counted.improvements({"drain: writes": 99, "drain: calls": 99}, accepted) == [
        "drain: writes fell from 100 to 99."
    ]
