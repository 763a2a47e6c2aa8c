"""docs/reliability.md says what the code does and names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plexsync.policy.backoff import RULES
from torture import classes
from torture.__main__ import TESTS, main

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def test_the_table_of_error_classes_is_the_codes_own() -> None:
    assert set(classes.WHEN) == {kind.__name__ for kind in RULES}
    assert classes.table() in TEXT, "run `python -m torture.classes` and paste its table"


def test_every_file_it_names_is_there() -> None:
    known = {path.name for folder in ("tests", "torture") for path in (ROOT / folder).rglob("*.py")}
    named = set(re.findall(r"`(?:torture/)?(\w+\.py)`", TEXT))
    assert named - known == set()
    assert len(named) > 15


def test_it_has_figures_of_every_torture_without_a_loss() -> None:
    rows = TEXT[TEXT.index("## The last figures") :].splitlines()
    figures = [row.split("|") for row in rows if row.startswith("|")][2:]
    assert len(figures) == len(TESTS)
    assert {row[3].strip() for row in figures} == {"0"}
    assert re.search(r"Last run: \d{4}-\d\d-\d\d, seed \d+, ", TEXT)


@pytest.mark.long
def test_torture_prints_its_seed_and_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--only", "properties", "--seed", "7"]) == 0
    printed = capsys.readouterr()
    assert "seed 7" in printed.err
    assert "properties" in printed.out
    assert "lost" in printed.out
