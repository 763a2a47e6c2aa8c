"""Reads the items of the next scenes from Plex while the last ones are compared."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Generator, Mapping, Sequence
from concurrent.futures import Executor, wait

from plexsync.flows.sync.item_reader import Asked, ItemReader
from plexsync.model.errors import SyncError
from plexsync.model.plex import PlexItem, Target

Read = tuple[Mapping[Target, PlexItem], Mapping[Target, SyncError]]
"""Items, and the errors of those that cannot be read."""


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
