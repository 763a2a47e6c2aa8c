"""What a worker is needed for although no work waits; light like status.py."""

from __future__ import annotations

import os

from plexsync.edges.page import read_state
from plexsync.flows.status.alerts import message_is_due
from plexsync.flows.status.plex_standing import read_breaker
from plexsync.model.sign_in import FILE as SIGN_IN
from plexsync.policy.circuit_breaker import CLOSED
from plexsync.policy.timing import SWEEP_EVERY


def duty_calls(folder: str, now: float) -> bool:
    """Whether any duty is due now; raises Unreadable."""
    swept = read_state.swept_at(folder)
    sweeps = swept is not None and not 0 <= now - swept < SWEEP_EVERY
    signs_in = os.path.exists(os.path.join(folder, SIGN_IN))  # only a worker deletes its tokens
    away = read_breaker(folder).state != CLOSED  # only a worker would notice the end
    due = message_is_due(folder, now) or read_state.is_outdated(folder)
    return sweeps or signs_in or away or due
