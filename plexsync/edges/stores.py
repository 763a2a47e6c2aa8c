"""The stores that the owner of the data folder has open."""

from __future__ import annotations

from dataclasses import dataclass

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.job_queue import JobQueue


@dataclass(slots=True)
class Stores:
    """The durable stores that belong to the owner of the data folder."""

    queue: JobQueue
    dead_letters: DeadLetters
    ledger: Ledger
