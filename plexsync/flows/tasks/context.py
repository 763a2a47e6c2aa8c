"""The definition of a task, and the context in which it runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.messenger import Sender
from plexsync.edges.page.read_state import Unreadable
from plexsync.edges.plex.client import PlexClient
from plexsync.edges.stash.client import StashClient
from plexsync.flows.services import OwnerServices
from plexsync.flows.status.backfills import shown_backfills
from plexsync.flows.worker.page_turn import PageTurn
from plexsync.model.arguments import Rule
from plexsync.model.config import PlexSyncConfig
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.status import BackfillShown

T = TypeVar("T")

READS, QUEUES, DRAINS, COMMAND = "reads", "queues", "drains", "command"
"""READS changes nothing (but see setup_edit.py). QUEUES and DRAINS own the data folder while they run,
and leave the rest to the background worker; only DRAINS writes to Plex itself. A page command is
carried out by the current owner of the data folder."""

PLEX = "plex"
"""A value of `Task.needs`: a healthy Plex."""


class TaskFailed(Exception):
    """A task failed; the text tells the user why and what to do."""


@dataclass(slots=True)
class TaskContext:
    """One run of a task. `args` are already read, see flows/tasks/arguments.py; `owned` is None
    only for tasks that read.
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
    """Starts a worker that continues after the task, however that ends."""
    page: PageTurn | None = None
    """Lets the page interrupt the task; None for a page command and for a task that only reads."""

    sender: Sender | None = None
    """Sends messages; None for a page command."""

    def attend(self, step: Callable[[], T]) -> T:
        """Do a step that may be repeated, and let the page interrupt it."""
        return self.page.attend(step) if self.page else step()

    def owner(self) -> OwnerServices:
        """The owner's services; raises TaskFailed in a task that only reads."""
        if self.owned is None:
            raise TaskFailed("This task must own the data folder.")
        return self.owned

    def messages(self) -> Sender:
        """What sends messages; raises TaskFailed in a page command."""
        if self.sender is None:
            raise TaskFailed("Only a task sends messages.")
        return self.sender

    def log_what_holds_it(self) -> None:
        """For a task that queued something: log why it is not synced yet, if Plex is away, or
        backfills wait.
        """
        outages = self.owner().outages
        if outages.blocked:
            self.log.info(
                "What was queued waits, and is synced by itself once Plex accepts it: "
                f"{outages.why}"
            )
        self.log_held_backfills()

    def log_held_backfills(self) -> None:
        """Log which backfills wait because they are paused, or because of quiet hours."""
        now, offset = self.clock.now(), self.clock.offset
        found: list[BackfillShown] = []
        found = self.readable(lambda folder: shown_backfills(folder, now, offset), found)
        for backfill in found:
            if backfill["waits"]:
                self.log.info(backfill["sentence"])

    def require_plex(self, title: str, refusal: str, besides: str = "") -> None:
        """Raise TaskFailed, with what to do, unless Plex is healthy now."""
        health = self.attend(partial(self.plex.check, title))
        if health.state != "healthy":
            raise TaskFailed(f"{refusal}: {health.words}. {besides}{health.remedy}")

    def path(self, name: str) -> str:
        """A file of the data folder."""
        return os.path.join(self.folder, name)

    def readable(self, read: Callable[[str], T], default: T) -> T:
        """The result of `read` for the data folder; `default`, with a warning, if it fails."""
        try:
            return read(self.folder)
        except Unreadable as problem:
            self.log.warning(str(problem))
            return default


Action = Callable[[TaskContext], dict[str, object]]
"""What a task does; it returns JSON values for the caller."""


class Task(NamedTuple):
    """A button or a page command: a function and its requirements.

    `action` returns JSON values for the caller; the user reads what it logs. `arguments` are those it
    takes besides the mode. `needs` PLEX: Plex is checked, with `title` as who asked, and unless it
    is healthy the task fails with `refusal` and what to do. `unready`: it also runs while Plex's
    address or token is missing. `button`: Stash shows it as a button; otherwise it is only run by
    its mode. `blind`: without the settings, if Stash does not tell them. `anybody`: it also runs for
    a Stash that does not own the data folder, as do tasks that are `unready` and only read. `polled`:
    the page repeats this command, so that it is done is not logged.
    """

    kind: str
    action: Action
    arguments: Mapping[str, Rule] = {}
    needs: str = ""
    title: str = ""
    refusal: str = "Nothing was done"
    unready: bool = False
    button: bool = True
    anybody: bool = False
    blind: bool = False
    polled: bool = False

    def carry_out(self, context: TaskContext) -> dict[str, object]:
        """Run it if its requirements are met; raises TaskFailed."""
        if self.needs == PLEX and context.config.unreadable():
            raise TaskFailed(f"{self.refusal}: {context.config.unreadable()}")
        if self.needs == PLEX:
            context.require_plex(self.title, self.refusal)
        return self.action(context)
