"""Reads the live items of many targets, even if one of them makes its whole request fail."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from itertools import islice

from plexsync.flows.sync.media_server import FileIndex, MediaServer
from plexsync.model.errors import REQUEST, PlexAuthError, SyncError, TransientError
from plexsync.model.plex import PlexItem, Target
from plexsync.model.plex_state import FAILURE

AT_ONCE = 200
"""Maximum number of items per request."""

Asked = Future[Mapping[int, PlexItem]]
"""The answer to a request that was sent ahead, by rating key."""

OTHERS = 3
"""Items that are tried to find out whether one item alone cannot be read."""


class ItemReader:
    """Reads items as they are in Plex now."""

    def __init__(self, server: MediaServer, index: FileIndex) -> None:
        self._server = server
        self._index = index

    def ask(self, targets: Iterable[Target], pool: Executor) -> Asked:
        """Request items ahead, in a thread of the pool; `read` takes the answer, or what is wrong."""
        return pool.submit(self._server.items, _keys(_in_order(targets)[:AT_ONCE]))

    def read(
        self, targets: Iterable[Target], asked: Asked | None = None
    ) -> tuple[dict[Target, PlexItem], dict[Target, SyncError]]:
        """The live items; one that makes its request fail is found by bisection. `asked` is what
        `ask` returned for the same targets.

        Raises errors that are not the fault of a single item.
        """
        wanted = _in_order(targets)
        items: dict[Target, PlexItem] = {}
        broken: dict[Target, SyncError] = {}
        for start in range(0, len(wanted), AT_ONCE):
            self._read_some(wanted[start : start + AT_ONCE], items, broken, asked)
            asked = None
        if broken and not items and (len(broken) > 1 or not self._reads_another(broken)):
            raise next(iter(broken.values()))  # so many do not fail at once by their own fault
        return items, broken

    def _reads_another(self, broken: Container[Target]) -> bool:
        """Whether Plex delivers any other item; also when there is none to ask for."""
        others = (target for target, _ in self._index.items() if target not in broken)
        asked = list(islice(others, OTHERS))
        for target in asked:
            try:
                self._server.items([target.rating_key])
                return True
            except (TransientError, PlexAuthError):
                continue
        return not asked

    def _read_some(
        self,
        wanted: Sequence[Target],
        items: dict[Target, PlexItem],
        broken: dict[Target, SyncError],
        asked: Asked | None = None,
    ) -> None:
        try:
            answer = asked.result() if asked else self._server.items(_keys(wanted))
        except (TransientError, PlexAuthError) as error:
            if not broken and not items and self._stops(error):
                raise
            if len(wanted) == 1:
                broken[wanted[0]] = error
                return
            middle = len(wanted) // 2
            self._read_some(wanted[:middle], items, broken)
            self._read_some(wanted[middle:], items, broken)
            return
        for target in wanted:
            item = answer.get(target.rating_key)
            if item is not None and item.target.server == target.server:
                items[target] = item

    def _stops(self, error: SyncError) -> bool:
        """Whether bisection would be useless, because the error concerns no item or Plex as a
        whole.
        """
        return error.fault == REQUEST or (
            error.unproven and not self._server.check(FAILURE).healthy
        )


def _in_order(targets: Iterable[Target]) -> list[Target]:
    return sorted(targets, key=lambda target: target.rating_key)


def _keys(targets: Iterable[Target]) -> list[int]:
    return [target.rating_key for target in targets]
