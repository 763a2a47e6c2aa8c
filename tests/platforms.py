"""Marks for tests of what not every system has."""

from __future__ import annotations

import importlib
import os
import stat
import sys
from pathlib import Path

import pytest

posix_only = pytest.mark.skipif(
    sys.platform == "win32", reason="modes, links, pipes and forks of POSIX"
)


def _loads(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


needs_ctypes = pytest.mark.skipif(
    not _loads("ctypes"), reason="this Python lacks the library of ctypes"
)
"""As the one that `dev.py test-python musl` fetches: PlexSync itself needs no ctypes there."""


def is_private(path: Path | str) -> bool:
    """Whether only the owner may read a file, as far as the system has modes for that."""
    return sys.platform == "win32" or stat.S_IMODE(os.stat(path).st_mode) == 0o600
