"""Installations of the plugin for tests, each in a folder of its own."""

from __future__ import annotations

import compileall
import functools
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@functools.lru_cache
def compiled_package() -> Path:
    """The package with its byte code, so that the processes of a copy need not compile it."""
    compileall.compile_dir(ROOT / "plexsync", quiet=1)
    return ROOT / "plexsync"


@functools.lru_cache
def _installed() -> dict[str, list[tuple[str, bytes, int]]]:
    """All that is installed, by folder: name, content, and time of change, which byte code names."""
    single = ("PlexSync.py", "PlexSync.yml", "requirements.txt", "requirements-notify.txt")
    found: dict[str, list[tuple[str, bytes, int]]] = {}
    for path in (
        *(ROOT / name for name in single),
        *compiled_package().rglob("*"),
        *(ROOT / "web").rglob("*"),
    ):
        if path.is_file():
            file = path.name, path.read_bytes(), path.stat().st_mtime_ns
            found.setdefault(str(path.parent.relative_to(ROOT)), []).append(file)
    return found


def copy_plugin(target: Path) -> Path:
    """The plugin as a user has it after its first hook, away from the checkout. It is written from
    memory, in a quarter of the time of a copy.
    """
    for folder, files in _installed().items():
        os.makedirs(target / folder, exist_ok=True)
        for name, content, changed in files:
            path = os.path.join(target, folder, name)
            with open(path, "xb", 0) as file:
                file.write(content)
            os.utime(path, ns=(changed, changed))
    return target
