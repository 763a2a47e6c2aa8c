"""Which of the settings that PlexSync wrote were lost again.

Stash's settings page writes all settings of all plugins from the copy that it read when it was
opened. So what PlexSync wrote meanwhile is replaced by the earlier values, which nobody wanted.
"""

from __future__ import annotations

from collections.abc import Mapping

from plexsync.model.set_up import Saved

WATCHED = 7 * 86400.0
"""Seconds for which a setting's return to an earlier value counts as lost, not as wanted."""


def lost_settings(saved: Mapping[str, Saved], current: Mapping[str, str], now: float) -> list[str]:
    """The settings that have their earlier values again. `current` has the fingerprint of each."""
    return sorted(
        key
        for key, each in saved.items()
        if 0 <= now - each.at < WATCHED
        and current[key] != each.after
        and current[key] in each.before
    )
