"""Page commands while a task owns the data folder: carried out between two of its requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from plexsync.edges.clock import Clock
from plexsync.edges.in_flight import InFlight
from plexsync.edges.page.command_store import NewCommands
from plexsync.flows.services import PageCommands
from plexsync.flows.worker.intake import Intake
from plexsync.model.command import AT_ONCE
from plexsync.model.errors import Interrupted

T = TypeVar("T")


class PageTurn:
    """Lets the page interrupt a task, as it interrupts the worker's batches."""

    def __init__(
        self, folder: str, intake: Intake, commands: PageCommands, in_flight: InFlight, clock: Clock
    ) -> None:
        self._intake = intake
        self._commands = commands
        self._new = NewCommands(folder)
        self._in_flight = in_flight
        self._clock = clock

    def attend(self, step: Callable[[], T]) -> T:
        """Do a step of a task. When a command arrives, no further request of the step begins; the
        command is carried out, and then the step is repeated from its start.
        """
        while True:
            try:
                with self._in_flight.until(self._asked):
                    return step()
            except Interrupted:
                self.serve()

    def serve(self) -> None:
        """Take over the inbox and carry out the commands, in the order in which they arrived."""
        for _ in range(AT_ONCE):
            taken = self._intake.take_in(self._clock.now())
            if not self._commands.carry_out_waiting(lambda: "") and not taken:
                return

    def _asked(self) -> bool:
        return self._commands.waiting or self._new.came()
