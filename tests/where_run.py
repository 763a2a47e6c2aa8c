"""The table of docs/install.md that says where the suite was run, filled by what ran it.

`dev.py test-python` and `test-windows` write their rows after a whole run. Needs nothing but Python.
"""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

PAGE = Path(__file__).resolve().parent.parent / "docs" / "install.md"
BEGIN = "<!-- where it was run: written by dev.py test-python and test-windows -->"
END = "<!-- end of where it was run -->"
NOT_RUN = "not run"
COUNTED = re.compile(f"(?<={re.escape(BEGIN)}\n)(.*?)(?={re.escape(END)})", re.S)


def counting(report: Path) -> dict[str, str]:
    """The environment that lets pytest write what became of each test to this file."""
    given = os.environ.get("PYTEST_ADDOPTS", "")
    return {"PYTEST_ADDOPTS": f"{given} --junitxml={report}".strip()}


def outcome(report: Path) -> str:
    """For example "3 204 passed, 2 FAILED, 11 skipped", from pytest's report; "" if it has none."""
    try:
        suite = ElementTree.parse(report).getroot().find("testsuite")
    except (OSError, ElementTree.ParseError):
        return ""
    if suite is None:
        return ""
    tests, skipped = int(suite.get("tests", "0")), int(suite.get("skipped", "0"))
    failed = int(suite.get("failures", "0")) + int(suite.get("errors", "0"))
    counts = {"passed": tests - skipped - failed, "FAILED": failed, "skipped": skipped}
    shown = {word: f"{number:,}".replace(",", " ") for word, number in counts.items()}
    return ", ".join(f"{shown[word]} {word}" for word, number in counts.items() if number)


def record(where: str, python: str, result: str, page: Path = PAGE) -> None:
    """Write today's row of one place, instead of an older one of the same."""
    text = page.read_text(encoding="utf-8")
    day = date.today().isoformat()
    rows = _rows(text) | {where: f"| {where} | {python} | {day} | {result} |"}
    lines = ["| where | Python | date | tests |", "| --- | --- | --- | --- |"]
    table = "\n".join([*lines, *(rows[name] for name in sorted(rows, key=_place)), ""])
    page.write_text(COUNTED.sub(lambda _: table, text), encoding="utf-8", newline="\n")


def record_missing(where: str, reason: str, page: Path = PAGE) -> None:
    """Write today's row of a place that this machine lacks, unless it was run on another one."""
    row = _rows(page.read_text(encoding="utf-8")).get(where, NOT_RUN)
    if NOT_RUN in row:
        record(where, "none", f"{NOT_RUN}: {reason}", page)


def _rows(text: str) -> dict[str, str]:
    found = COUNTED.search(text)
    assert found, "the page has no table for it"
    return {line.split("|")[1].strip(): line for line in found[1].splitlines()[2:]}


def _place(where: str) -> list[str | int]:
    """Sorts 3.9 before 3.10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", where)]
