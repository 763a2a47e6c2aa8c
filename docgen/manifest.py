"""Writes the version of the code, in plexsync/__init__.py, into PlexSync.yml, where Stash reads it."""

from __future__ import annotations

import re
from pathlib import Path

from plexsync import __version__

_LINE = re.compile(r'^version: ".*"$', re.MULTILINE)


def document(root: Path) -> str:
    """The manifest's text."""
    text = (root / "PlexSync.yml").read_text(encoding="utf-8")
    return _LINE.sub(f'version: "{__version__}"', text)
