"""Marks for tests of what not every system has."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

posix_only = pytest.mark.skipif(
    sys.platform == "win32", reason="modes, links, pipes and forks of POSIX"
)


def is_private(path: Path | str) -> bool:
    """Whether only the owner may read a file, as far as the system has modes for that."""
    return sys.platform == "win32" or stat.S_IMODE(os.stat(path).st_mode) == 0o600
