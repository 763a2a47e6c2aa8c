"""The page's scripts in Node: what needs no browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
OLDEST = 20


def node() -> str:
    """Path of a Node that has `--test`; skips without one."""
    path = shutil.which("node")
    found = subprocess.run([path, "--version"], capture_output=True, text=True) if path else None
    version = re.match(r"v(\d+)", found.stdout) if found else None
    if not path or not version or int(version[1]) < OLDEST:
        pytest.skip(f"Node.js {OLDEST} or later is not here")
    return path


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.js")))
def test_in_node(name: str) -> None:
    done = subprocess.run(
        [node(), "--test", "--test-reporter=tap", str(HERE / name)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^# pass [1-9]", done.stdout, re.M), "no test was found"
