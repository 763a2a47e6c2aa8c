"""The open stores of the owner of the data folder."""

from __future__ import annotations

from dataclasses import dataclass

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.job_queue import JobQueue


@dataclass(slots=True)
class Stores:
    """The stores that only the owner of the data folder may open."""

    queue: JobQueue
    dead_letters: DeadLetters
    ledger: Ledger
