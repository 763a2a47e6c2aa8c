"""The commands that run the suite elsewhere fill the table of docs/install.md."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tests.where_run import PAGE, outcome, record, record_missing


def test_a_row_takes_the_place_of_the_one_before_and_versions_are_in_order(tmp_path: Path) -> None:
    page = tmp_path / "install.md"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    before = page.read_text(encoding="utf-8").splitlines()
    for where, exact, result in (
        ("Python 3.9 on Linux", "3.9.1", "7 passed"),
        ("Python 3.77 on Linux", "3.77.1", "1 FAILED"),
        ("Python 3.8 on Linux", "3.8.2", "6 passed"),
        ("Python 3.77 on Linux", "3.77.2", "8 passed"),
    ):
        record(where, exact, result, page)
    new = [line for line in page.read_text(encoding="utf-8").splitlines() if line not in before]
    day = date.today().isoformat()
    assert [line for line in new if "3.8" in line or "3.9" in line or "3.77" in line] == [
        f"| Python 3.8 on Linux | 3.8.2 | {day} | 6 passed |",
        f"| Python 3.9 on Linux | 3.9.1 | {day} | 7 passed |",
        f"| Python 3.77 on Linux | 3.77.2 | {day} | 8 passed |",
    ]
    assert [line for line in before if line not in page.read_text(encoding="utf-8")] == []


def test_a_place_that_was_not_run_is_in_the_table_until_it_was_run(tmp_path: Path) -> None:
    page = tmp_path / "install.md"
    page.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    where, day = "Python 3.77 on Linux", date.today().isoformat()

    def row() -> list[str]:
        return [line for line in page.read_text(encoding="utf-8").splitlines() if "3.77" in line]

    for reason in ("none here", "none there either"):
        record_missing(where, reason, page)
        assert row() == [f"| {where} | none | {day} | not run: {reason} |"]
    record(where, "3.77.1", "8 passed", page)
    record_missing(where, "none here", page)
    assert row() == [f"| {where} | 3.77.1 | {day} | 8 passed |"]


def test_what_became_of_the_tests_is_counted_and_a_run_without_a_report_has_no_count(
    tmp_path: Path,
) -> None:
    report = tmp_path / "report.xml"
    assert outcome(report) == ""
    suite = '<testsuite errors="1" failures="2" skipped="3" tests="1234"/>'
    report.write_text(f"<testsuites>{suite}</testsuites>", encoding="utf-8")
    assert outcome(report) == "1 228 passed, 3 FAILED, 3 skipped"
