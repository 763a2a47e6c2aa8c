"""`.ci/run` fails with any of its parts; only a machine without a browser is excused, in one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ui.prepare import UNAVAILABLE
from tests.world import ROOT

STAND_IN = """\
#!/bin/sh
[ "$1" = dev.py ] && shift && echo "ran $*"
[ "$*" != "{fails}" ] || exit {status}
"""
"""Of the interpreter, for the script's commands: it runs none of them, and one fails."""

TORTURE = "torture --tests"
PREPARED = "test-ui --prepare"
"""What is done beside the suite: if it fails, so does the attempt after it, which counts."""

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="a script for bash")


def ci(folder: Path, fails: str) -> subprocess.CompletedProcess[str]:
    """The script with commands of which one fails, given as its name and status."""
    name, _, status = fails.rpartition(" ")
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci")
    python = folder / "python3"
    python.write_text(STAND_IN.format(fails=name, status=status))
    python.chmod(0o755)
    return subprocess.run(
        ["bash", str(folder / ".ci/run")],
        env={**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("fails", "status", "ran"),
    [
        ("none 0", 0, ["check", "test", TORTURE, "test-ui", PREPARED]),
        ("check 1", 1, ["check"]),
        ("test 1", 1, ["check", "test", PREPARED]),
        (f"{TORTURE} 1", 1, ["check", "test", TORTURE, PREPARED]),
        ("test-ui 1", 1, ["check", "test", TORTURE, "test-ui", PREPARED]),
        (f"{PREPARED} 1", 0, ["check", "test", TORTURE, "test-ui", PREPARED]),
        ("test 77", UNAVAILABLE, ["check", "test", PREPARED]),
    ],
)
def test_it_fails_with_any_of_its_parts(
    tmp_path: Path, fails: str, status: int, ran: list[str]
) -> None:
    done = ci(tmp_path, fails)
    assert done.returncode == status
    assert sorted(done.stdout.splitlines()) == sorted(f"ran {each}" for each in ran)


def test_without_a_browser_it_passes_and_says_so(tmp_path: Path) -> None:
    done = ci(tmp_path, f"test-ui {UNAVAILABLE}")
    assert done.returncode == 0
    assert "The browser tests were NOT run" in done.stdout.splitlines()[-1]


def test_a_machine_without_browser_or_node_is_told_apart_from_a_failure(tmp_path: Path) -> None:
    script = ROOT / "tests" / "ui" / "prepare.py"
    nothing = {**os.environ, "PATH": str(tmp_path), "CHROMIUM": ""}
    done = subprocess.run(
        [sys.executable, str(script)], env=nothing, capture_output=True, text=True
    )
    assert done.returncode == UNAVAILABLE
    assert "The browser tests need Chromium" in done.stderr
