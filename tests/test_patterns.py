"""Every regular expression of PlexSync takes time linear in the length of any text."""

from __future__ import annotations

import subprocess
import sys

import pytest

from torture import patterns
from torture.patterns import ROOT


@pytest.mark.torture
@pytest.mark.long
def test_every_pattern_reads_a_megabyte_of_its_worst() -> None:
    command = [sys.executable, "-m", "torture.patterns"]
    # A pattern with more than linear cost takes hours.
    try:
        done = subprocess.run(command, cwd=ROOT.parent, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired as late:
        raise AssertionError(f"it never ends: {(late.stdout or b'')[-200:]!r}") from None
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.count(" ms") >= 50


def test_every_use_of_a_pattern_is_found() -> None:
    found = {use.pattern.pattern for use in patterns.uses()}
    for path in ROOT.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        name = ".".join(path.relative_to(ROOT.parent).with_suffix("").parts)
        if "import re\n" in source:
            compiled = {pattern.pattern for pattern in patterns.compiled(name).values()}
            assert compiled <= found, name
            assert len(compiled) >= source.count("re.compile("), name
