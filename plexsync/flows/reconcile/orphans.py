"""Counts and lists Plex items that no scene has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from plexsync.edges.plex.library_index import PlexIndex
from plexsync.model.plex import Target
from plexsync.policy.gaps import ORPHANED, Gap, GapCount

_AT_ONCE = 500

Unclaimed = Callable[[Sequence[int]], Collection[int]]
"""Returns those of some rating keys that no observation has."""


Keep = Callable[[Sequence[tuple[Target, str]]], None]
"""Stores some orphans with their first files ("" for none)."""


def count_orphans(
    tally: GapCount, index: PlexIndex, section: str, unclaimed: Unclaimed, keep: Keep
) -> GapCount:
    """The tally with the orphans of one library, or ("") of all indexed ones; `keep` gets them."""
    chosen = (pair for pair in index.items() if section in ("", pair[0].section))
    for some in _groups(chosen):
        lonely = set(unclaimed([target.rating_key for target, _ in some]))
        orphans = [pair for pair in some if pair[0].rating_key in lonely]
        for target, file in orphans:
            what = file or f"item {target.rating_key}"
            tally = tally.add(what, [Gap(ORPHANED)], queued=False)
        keep(orphans)
    return tally


def _groups(items: Iterable[tuple[Target, str]]) -> Iterator[list[tuple[Target, str]]]:
    group: list[tuple[Target, str]] = []
    for item in items:
        group.append(item)
        if len(group) == _AT_ONCE:
            yield group
            group = []
    if group:
        yield group
