"""Carries out the page's commands, in the process that owns the data folder, between two batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from plexsync.edges.clock import Clock
from plexsync.edges.log.log import Log
from plexsync.edges.page.command_store import CommandStore
from plexsync.edges.stash.client import StashClient
from plexsync.edges.storage.files import is_machine_trouble
from plexsync.flows.services import OwnerServices, WorkerServices
from plexsync.flows.tasks.context import TaskContext, TaskFailed
from plexsync.flows.tasks.registry import PAGE_COMMANDS
from plexsync.model.command import AT_ONCE, from_input
from plexsync.model.errors import AnotherStash, Interrupted, StashAuthError, SyncError


class CommandServices(WorkerServices, OwnerServices, Protocol):
    """What the composition root provides to the owner."""


class Commands:
    """Carries out the commands in the store. One that cannot be done now fails at once, with the
    reason: the user waits for the answer, and can try again.
    """

    def __init__(
        self,
        folder: str,
        book: CommandStore,
        services: CommandServices,
        stash: StashClient,
        clock: Clock,
        log: Log,
    ) -> None:
        self._folder = folder
        self._book = book
        self._services = services
        self._stash = stash
        self._clock = clock
        self._log = log
        self.session_refused = False
        """Stash refused our session while a command was carried out."""

    @property
    def waiting(self) -> bool:
        """Whether any command is left to be carried out."""
        return self._book.waiting

    def carry_out_waiting(self, leave: Callable[[], str]) -> int:
        """Carry out waiting commands, a few at most and none once it is time to leave; returns how
        many.
        """
        count = 0
        while count < AT_ONCE and not leave():
            entry = self._book.next()
            if entry is None:
                break
            self._carry_out(entry)
            count += 1
        if count:
            self._book.sweep(self._clock.now())
        return count

    def _carry_out(self, entry: Mapping[str, object]) -> None:
        """Carry out one command and store its result. Raises only what the machine lacks, and Interrupted if
        it is time to leave: then it is started again later.
        """
        try:
            if self._book.worn_out(entry):
                raise TaskFailed(
                    "The worker ended while it carried out this command, which is not tried again."
                )
            answer = self._answer(entry)
        except Interrupted:
            self._book.requeue(entry)
            raise
        except (TaskFailed, SyncError, AnotherStash, ValueError) as problem:
            self.session_refused |= isinstance(problem, StashAuthError)
            self._fail(entry, self._log.safe(str(problem)))
        except Exception as problem:  # noqa: BLE001 - a bug must not stop the queue
            if is_machine_trouble(problem):
                raise
            self._fail(entry, self._log.safe(f"Unexpected: {problem!r}"))
        else:
            self._book.done(entry, answer, self._clock.now())
            if not PAGE_COMMANDS[str(entry["command"])].polled:
                self._log.info(f"The page's command {entry['command']} is done.")

    def _fail(self, entry: Mapping[str, object], reason: str) -> None:
        self._book.failed(entry, reason, self._clock.now())
        command = PAGE_COMMANDS.get(str(entry.get("command")))
        text = f"The page's command {entry.get('command')} failed: {reason}"
        if command is not None and command.polled:
            self._log.warn_once(text, text)
        else:
            self._log.warning(text)

    def _answer(self, entry: Mapping[str, object]) -> dict[str, object]:
        command = from_input({name: entry.get(name) for name in ("command", "args")})
        task = PAGE_COMMANDS[command.name]
        return task.carry_out(self._context(command.args, anybody=task.anybody))

    def _context(self, args: Mapping[str, Any], *, anybody: bool) -> TaskContext:
        config = self._services.config(anybody=anybody)
        return TaskContext(
            plugin_dir="",
            folder=self._folder,
            args=args,
            config=config,
            plex=self._services.plex(config),
            stash=self._stash,
            clock=self._clock,
            log=self._log,
            wake=lambda: None,
            owned=self._services,
        )
