"""What Stash updated recently: one query for all callers, and one margin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plexsync.edges.stash.client import StashClient

PAGE = 1000

MARGIN = 26 * 3600.0
"""Stash sorts times as text, with their UTC offsets: after a change of the time zone its list can
be out of order by this many seconds."""


def updated_since(
    stash: StashClient, since: float, kind: str = "scene"
) -> Iterator[list[tuple[int, float]]]:
    """Yield a list per page of (id, time) of what was updated since then, newest first. Raises
    StashDown or StashAuthError.
    """
    page, seen = 1, set[int]()
    while True:
        found = stash.recently_updated(page, PAGE, kind)
        yield [(number, at) for number, at in found.times if at >= since]
        past = bool(found.times) and is_past(found.times[-1][1], since)
        if past or found.rows < PAGE or found.ids <= seen:  # it repeats the same rows
            return
        seen |= found.ids
        page += 1


def is_past(at: float, since: float) -> bool:
    """Whether nothing updated after `since` can follow this time in Stash's list."""
    return at < since - MARGIN


def last_updated(stash: StashClient, count: int) -> Sequence[int]:
    """The most recently updated scenes."""
    return [scene for scene, _ in stash.recently_updated(1, count).times]
