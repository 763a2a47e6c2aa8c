"""What a task is, and what it is given when it runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.page.read_state import Unreadable
from plexsync.edges.plex.client import PlexClient
from plexsync.edges.stash.client import StashClient
from plexsync.flows.services import OwnerServices
from plexsync.model.arguments import Rule
from plexsync.model.config import PlexSyncConfig

T = TypeVar("T")

READS, QUEUES, DRAINS, COMMAND = "reads", "queues", "drains", "command"
"""A task that reads takes no lock and changes nothing. One that queues or drains owns the data
folder while it runs and leaves the rest to the background worker; only one that drains writes to
Plex itself. A command of a page is carried out by whoever owns the data folder."""

PLEX = "plex"
"""What a task can need: a healthy Plex."""


class TaskFailed(Exception):
    """A task could not do its work; the text says why and what to do."""


@dataclass(slots=True)
class TaskContext:
    """One run of a task. `args` are read already, see flows/tasks/registry.py; `owned` is there for
    all tasks but those that read.
    """

    plugin_dir: str
    folder: str
    args: Mapping[str, Any]
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

    def log_if_plex_is_away(self) -> None:
        """For a task that queued something: log why nothing of it is synced now."""
        outages = self.owner().outages
        if outages.blocked:
            self.log.info(
                f"What was queued waits until Plex takes it, and is then synced by itself: {outages.why}"
            )

    def require_plex(self, title: str, refusal: str, besides: str = "") -> None:
        """Raises TaskFailed, with what to do, unless Plex is healthy now."""
        health = self.plex.check(title)
        if health.state != "healthy":
            raise TaskFailed(f"{refusal}: {health.words}. {besides}{health.remedy}")

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
    """A button or a page's command: a function, and what comes before it.

    `run` returns JSON values for whoever called; people read what it logs. `arguments` are those it
    takes besides the mode. `needs` PLEX: Plex is checked in the name of `title`, and unless it is
    healthy the task fails with `refusal` and what to do. `unready`: the task is of use although
    Plex's address or token is missing. `button`: Stash shows it; one that is none is run by its
    mode. `anybody`: also for a Stash to which the data folder does not belong, like what is
    `unready` and only reads.
    """

    kind: str
    run: Callable[[TaskContext], dict[str, object]]
    arguments: Mapping[str, Rule] = field(default_factory=dict)
    needs: str = ""
    title: str = ""
    refusal: str = "Nothing was done"
    unready: bool = False
    button: bool = True
    anybody: bool = False

    def carry_out(self, context: TaskContext) -> dict[str, object]:
        """Run it, if what it needs is there; raises TaskFailed."""
        if self.needs == PLEX and context.config.unreadable():
            raise TaskFailed(f"{self.refusal}: {context.config.unreadable()}")
        if self.needs == PLEX:
            context.require_plex(self.title, self.refusal)
        return self.run(context)
