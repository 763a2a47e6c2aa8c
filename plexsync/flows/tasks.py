"""Everything that Stash shows as a button: one table, held against PlexSync.yml by a test."""

from __future__ import annotations

from collections.abc import Mapping

from plexsync.flows.call import QUEUES, READS, Task
from plexsync.flows.dlq_recovery import recover_outage_jobs
from plexsync.flows.health_check import health_check
from plexsync.flows.outage_summary import outage_summary

TASKS: Mapping[str, Task] = {
    "health_check": Task(READS, health_check),
    "outage_summary": Task(READS, outage_summary),
    "recover_outage_jobs": Task(QUEUES, recover_outage_jobs),
}
"""Mode, as PlexSync.yml passes it, to task. An unknown mode is an error, never a default."""
