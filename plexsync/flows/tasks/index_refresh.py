"""The library index for a task that reads: refreshed first unless the worker is running."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass

from plexsync import inbox
from plexsync.edges.ownership import Takeover, TakeoverRefused
from plexsync.edges.plex.library_index import PlexIndex
from plexsync.flows.tasks.context import TaskContext
from plexsync.model.paths import index_keys

FILE = "plex_index.db"


@dataclass(frozen=True, slots=True)
class IndexView:
    """A readable index. `age` is that of its least recently read library in seconds, None if it is
    empty; `missing` names configured libraries that Plex does not have.
    """

    index: PlexIndex
    refreshed: bool
    items: int
    parts: int
    age: float | None
    missing: tuple[str, ...] = ()


@contextmanager
def index_view(context: TaskContext) -> Iterator[IndexView]:
    """Refresh the index unless the folder is owned, then open it read-only. Raises Plex's errors."""
    missing = _refresh(context)
    with closing(_open(context, read_only=True)) as index:
        stats = index.stats(context.clock.now())
        yield IndexView(
            index,
            missing is not None,
            stats.items,
            stats.parts,
            stats.age,
            missing or (),
        )


def _refresh(context: TaskContext) -> tuple[str, ...] | None:
    """Refresh and return the missing libraries; None if another process owns the folder."""
    if context.owned is not None:
        return _refreshed(context, context.owned.index(context.config))
    with borrowed(context) as free:
        if not free:
            return None
        with closing(_open(context, read_only=False)) as index:
            return _refreshed(context, index)


def _refreshed(context: TaskContext, index: PlexIndex) -> tuple[str, ...]:
    return index.refresh(context.config.plex_library, context.clock.now()).missing


def _open(context: TaskContext, *, read_only: bool) -> PlexIndex:
    return PlexIndex(
        context.path(FILE), context.plex, context.log.warning, keys=index_keys, read_only=read_only
    )


@contextmanager
def borrowed(context: TaskContext, patience: float = 0.0) -> Iterator[bool]:
    """Own the folder for a moment; yields whether we own it.

    Without `patience` (seconds) a living worker is not asked to step aside. A worker stands by from
    the start, as for an owning task, so that events that arrive meanwhile are synced however this
    ends.
    """
    if context.owned is not None:
        yield True
        return
    if not patience and inbox.has_owner(context.folder):
        yield False
        return
    with ExitStack() as stack:
        try:
            stack.enter_context(Takeover(context.folder, context.stand_by, patience))
        except TakeoverRefused:
            yield False
            return
        yield True
