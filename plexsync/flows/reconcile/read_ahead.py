"""Reads the next scenes from Stash, and their items from Plex, while the last ones are compared."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Generator, Mapping, Sequence
from concurrent.futures import Executor, Future, wait

from plexsync.edges.stash.client import StashClient
from plexsync.edges.stash.scene_answers import RawPage
from plexsync.flows.sync.item_reader import Asked, ItemReader
from plexsync.model.errors import Interrupted, SyncError
from plexsync.model.plex import PlexItem, Target
from plexsync.model.scene import SceneParts

Read = tuple[Mapping[Target, PlexItem], Mapping[Target, SyncError]]
"""Items, and the errors of those that cannot be read."""


FRESH = 15.0
"""Seconds after which a page that was read ahead is read again: edits may have been written since."""


class PagesAhead:
    """Has the request for the next page in flight while the last one is compared."""

    def __init__(self, stash: StashClient, pool: Executor) -> None:
        self._stash = stash
        self._pool = pool
        self._asked: tuple[tuple[int, int, SceneParts], float, Future[RawPage]] | None = None

    def page(self, after: int, size: int, parts: SceneParts, now: float) -> RawPage:
        """The next scenes above the id `after`, at most `size`. Raises SyncError or Interrupted."""
        page = self._read_ahead((after, size, parts), now)
        page = page or self._stash.raw_page(after, size, parts)
        if page.left > 0:
            following = page.last, size, parts
            self._asked = following, now, self._pool.submit(self._stash.raw_page, *following)
        return page

    def _read_ahead(self, wanted: tuple[int, int, SceneParts], now: float) -> RawPage | None:
        """The page if it was asked for not long ago; a failure is met again without this."""
        asked, self._asked = self._asked, None
        if asked is None or asked[0] != wanted or not 0 <= now - asked[1] < FRESH:
            return None
        try:
            return asked[2].result()
        except (SyncError, Interrupted):
            return None


class ReadAhead:
    """Has as many requests for items in flight as Plex may get at a time."""

    def __init__(self, items: ItemReader, pool: Executor, connections: int) -> None:
        self._items = items
        self._pool = pool
        self._most = connections

    def each(self, batches: Sequence[Collection[Target]]) -> Generator[Read, None, None]:
        """The items of each batch in turn. Raises SyncError or Interrupted; no request is in flight
        then, nor once the generator is closed.
        """
        asked: deque[Asked] = deque()
        try:
            for number, targets in enumerate(batches):
                for each in batches[number + len(asked) : number + self._most + 1]:
                    asked.append(self._items.ask(each, self._pool))
                items, broken = self._items.read(targets, asked.popleft())
                if 1 < len(broken) == len(targets):
                    # of a single one the next run would meet the same failure
                    raise next(iter(broken.values()))
                yield items, broken
        finally:
            for left in asked:
                left.cancel()
            wait(asked)
