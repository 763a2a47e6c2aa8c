"""Runs the benchmark at a tiny size, so that it keeps working. Its figures mean nothing here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench import report
from bench.report import Row

ROOT = Path(__file__).resolve().parent.parent


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", "--quick", *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.mark.long
def test_every_part_of_the_benchmark_runs_and_loses_nothing() -> None:
    done = bench()
    assert done.returncode == 0, done.stdout + done.stderr
    for part in (
        "hook, worker alive",
        "hooks at once",
        "drain of",
        "index of",
        "single save until it is in Plex",
        "page asks for",
        "CPU of the queue per job",
        "are taken in at once",
        "scenes that Plex lacks",
        "reconciliation of",
    ):
        assert part in done.stdout
    counts = re.findall(r"  (\d+) of (\d+)  ", done.stdout)
    assert len(counts) >= 5
    assert all(wrong == "0" != of for wrong, of in counts)


@pytest.mark.long
def test_the_long_part_runs_alone_and_as_markdown() -> None:
    done = bench("--only", "row", "--markdown")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Measured 20")
    assert "| what | measured | target | ok? |\n| --- | --- | --- | --- |\n" in done.stdout
    assert "| 20 hooks in a row: lost | 0 of 20 | 0 | yes |" in done.stdout


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
