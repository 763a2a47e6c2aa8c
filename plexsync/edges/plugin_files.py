"""Detects when Stash's package manager replaces or removes the plugin under a running worker."""

from __future__ import annotations

import os
import re

from plexsync import __version__
from plexsync.edges.clock import Clock

_VERSION = re.compile(rb"""^__version__ = ["']([^"']+)["']""", re.MULTILINE)

_REST = 1.0
"""Seconds without a change after which an update is taken to be complete."""
_PATIENCE = 10.0
_LOOK = 0.25

REMOVED = "the plugin was removed"


class PluginFiles:
    """The plugin's files in `plugin_dir`, compared with the running version."""

    def __init__(self, plugin_dir: str, running: str = __version__) -> None:
        self._folder = plugin_dir
        self._entry = os.path.join(plugin_dir, "PlexSync.py")
        self._constant = os.path.join(plugin_dir, "plexsync", "__init__.py")
        self._running = running
        self._seen: tuple[int, ...] = ()
        self._reason = ""

    def stop_reason(self) -> str:
        """Why this process must stop: replaced or removed; "" if not. Usually costs two stat calls."""
        if not os.path.exists(self._entry):
            return REMOVED
        seen = _stamp(self._constant)
        if seen != self._seen:
            version = _version(self._constant)
            if version:  # without one the file is being written
                self._seen = seen
                replaced = version != self._running
                self._reason = f"PlexSync {version} was installed" if replaced else ""
        return self._reason

    def wait_until_stable(self, clock: Clock) -> bool:
        """Wait until an update is complete; False if the plugin does not come back."""
        end = clock.monotonic() + _PATIENCE
        before, since = self._files(), clock.monotonic()
        while clock.monotonic() < end:
            clock.wait(_LOOK, lambda: False)
            now = self._files()
            if now != before:
                before, since = now, clock.monotonic()
            elif clock.monotonic() - since >= _REST and self._whole():
                return True
        return False

    def _whole(self) -> bool:
        return os.path.exists(self._entry) and _version(self._constant) != ""

    def _files(self) -> dict[str, tuple[int, ...]]:
        package = os.path.join(self._folder, "plexsync")
        found = [self._entry]
        for place, _, names in os.walk(package):
            found += [os.path.join(place, name) for name in names if name.endswith(".py")]
        return {path: _stamp(path) for path in found}


def _stamp(path: str) -> tuple[int, ...]:
    try:
        info = os.stat(path)
    except OSError:
        return ()
    return info.st_mtime_ns, info.st_size, info.st_ino


def _version(path: str) -> str:
    try:
        with open(path, "rb") as file:
            found = _VERSION.search(file.read(4096))
    except OSError:
        return ""
    return found.group(1).decode("utf-8", "replace") if found else ""
