"""Remembers which settings PlexSync has written in Stash, and notices if they are lost."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence

from plexsync.edges.log.log import Log
from plexsync.edges.storage import files
from plexsync.model.set_up import FILE, FRESH, Saved, SetUp, lost_words
from plexsync.policy.lost_settings import WATCHED, lost_settings

Settings = Mapping[str, object]

MOST_EARLIER = 10
"""Earlier values of a setting whose return is noticed."""


class SavedSettings:
    """The owner's side of set_up.json. Only fingerprints of values are stored."""

    def __init__(self, folder: str, warn: Callable[[str], None]) -> None:
        self._path = os.path.join(folder, FILE)
        self._warn = warn

    def state(self) -> SetUp:
        """The stored state."""
        return files.read_json(self._path, SetUp.parse, FRESH, self._warn)

    def finish(self, step: str, now: float, choice: str = "") -> SetUp:
        """The user has finished a step, and for the first sync made a choice."""
        return self._keep(self.state().finish(step, now, choice))

    def remember(self, keys: Iterable[str], before: Settings, after: Settings, now: float) -> None:
        """PlexSync has changed these settings."""
        state = self.state()
        salt = state.salt or secrets.token_hex(16)
        new = {
            key: Saved(
                _earlier(state.saved.get(key), _fingerprint(salt, before.get(key)), now),
                _fingerprint(salt, after.get(key)),
                now,
            )
            for key in keys
        }
        lost = tuple(key for key in state.lost if key not in new)
        self._keep(state._replace(saved={**state.saved, **new}, salt=salt, lost=lost))

    def notice(self, settings: Settings, log: Log, now: float) -> None:
        """Compare what Stash has now with what was written."""
        state = self.state()
        if not state.saved:
            return
        current = {key: _fingerprint(state.salt, settings.get(key)) for key in state.saved}
        lost = tuple(lost_settings(state.saved, current, now))
        if lost == state.lost:
            return
        self._keep(state._replace(lost=lost))
        if lost:
            log.warning(lost_words(lost))

    def _keep(self, state: SetUp) -> SetUp:
        files.replace_json(self._path, state.to_json())
        return state


def _earlier(known: Saved | None, latest: str, now: float) -> Sequence[str]:
    """The earlier values that a page may still show: it may be open since before several changes."""
    recent = known.before if known and 0 <= now - known.at < WATCHED else ()
    return list(dict.fromkeys([latest, *recent]))[:MOST_EARLIER]


def _fingerprint(salt: str, value: object) -> str:
    plain = json.dumps(value if value not in ("", None) else None, sort_keys=True)
    return hashlib.sha256(f"{salt} {plain}".encode()).hexdigest()[:32]
