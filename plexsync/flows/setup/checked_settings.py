"""Has pydantic check the settings, but not again those that it has passed: loading it takes a fifth of
a worker's start.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import Any

from plexsync import __version__
from plexsync.edges.storage import files
from plexsync.edges.storage.read_only import peek_json
from plexsync.model.config import DECLARED, PlexSyncConfig
from plexsync.system import Unloadable, why_unloadable

FILE = "checked_settings.json"
"""A note with the fingerprint of the settings that passed last; without it they are checked again."""


class CheckedSettings:
    """Which settings are known to have passed."""

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, FILE)
        self._passed = self._noted = ""

    def check(self, config: PlexSyncConfig) -> None:
        """Raise SettingsRefused unless each value is as its field declares it.

        Raises Unloadable if pydantic is needed for that and cannot be loaded now.
        """
        found = _fingerprint(config)
        if found != self._passed:
            self._noted = peek_json(self._path, _parse, "")
            if found != self._noted:
                _check(config)
            self._passed = found

    def note(self) -> None:
        """Spare later processes the check of what has passed; for the owner of the data folder."""
        if self._passed != self._noted:
            with suppress(OSError):
                files.replace_json(self._path, {"passed": self._passed})
                self._noted = self._passed


def _fingerprint(config: PlexSyncConfig) -> str:
    """Hash of all that the check depends on: each value with its type and limits, but of a secret
    only whether there is one.
    """
    values = [(name, each.type, getattr(config, name)) for name, each in DECLARED.items()]
    return hashlib.sha256(repr((__version__, values)).encode()).hexdigest()


def _parse(raw: Any) -> str:
    return str(raw["passed"])


def _check(config: PlexSyncConfig) -> None:
    """Loads pydantic; the next call tries again if it cannot be loaded now."""
    try:
        from plexsync.model.config_check import check
    except Exception as problem:  # a half-replaced file can raise anything
        raise Unloadable(why_unloadable(problem)) from problem
    check(config)
