"""What a task is given, and what a task is."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.page.read_state import Unreadable
from plexsync.edges.plex.client import PlexClient
from plexsync.edges.stash.client import StashClient
from plexsync.flows.services import OwnerServices
from plexsync.model.config import PlexSyncConfig

T = TypeVar("T")

READS, QUEUES, DRAINS = "reads", "queues", "drains"
"""A task that reads takes no lock and changes nothing. The others own the data folder while they
run and leave the rest to the background worker; only one that drains writes to Plex itself."""


class TaskFailed(Exception):
    """A task could not do its work; the text says why and what to do."""


@dataclass(slots=True)
class TaskContext:
    """One press of a button. `owned` is there for tasks that queue or drain."""

    plugin_dir: str
    folder: str
    args: Mapping[str, object]
    config: PlexSyncConfig
    plex: PlexClient
    stash: StashClient
    clock: Clock
    log: Log
    wake: Callable[[], None]
    owned: OwnerServices | None = None
    stand_by: Callable[[], None] = lambda: None
    """Starts a worker that goes on when the task has ended in whatever way."""

    def owner(self) -> OwnerServices:
        """What owning tasks use; raises TaskFailed in a task that only reads."""
        if self.owned is None:
            raise TaskFailed("This task must own the data folder.")
        return self.owned

    def tell_if_plex_is_away(self) -> None:
        """For a task that queued something: say why nothing happens now."""
        outages = self.owner().outages
        if outages.blocked:
            self.log.info(f"What was queued waits, and follows by itself: {outages.why}")

    def path(self, name: str) -> str:
        """A file of the data folder."""
        return os.path.join(self.folder, name)

    def readable(self, read: Callable[[str], T], default: T) -> T:
        """What `read` finds in the data folder; `default`, with a warning, where that fails."""
        try:
            return read(self.folder)
        except Unreadable as problem:
            self.log.warning(str(problem))
            return default


@dataclass(frozen=True, slots=True)
class Task:
    """`run` returns JSON values for whoever called; people read what it logs.

    `unready`: the task is of use although Plex's address or token is missing. `button`: Stash
    shows it; one that is none is run by its mode. `arguments` are those it takes besides the mode.
    `anybody`: also for a Stash to which the data folder does not belong, like what is `unready` and
    only reads.
    """

    kind: str
    run: Callable[[TaskContext], dict[str, object]]
    unready: bool = False
    button: bool = True
    arguments: tuple[str, ...] = ()
    anybody: bool = False
