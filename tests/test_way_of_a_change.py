"""The way of a change stays short: few functions and few kinds of value from the hook to the PUT."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MOST_FUNCTIONS, MOST_KINDS = 45, 8


def test_few_functions_and_few_kinds_of_value_lead_from_the_hook_to_the_put() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "docgen" / "hops.py")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    found = json.loads(run.stdout)
    assert len(found["functions"]) <= MOST_FUNCTIONS, found["functions"]
    kinds = {kind.rpartition(".")[2] for kind in found["shapes"]}
    assert len(kinds) <= MOST_KINDS, kinds
    assert kinds == _documented()


def _documented() -> set[str]:
    """The kinds that architecture.md lists."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    (rows,) = re.findall(r"^\| kind of value \|.*\n\| --- .*\n((?:\|.*\n)+)", text, re.M)
    return set(re.findall(r"^\| `(\w+)`", rows, re.M))
