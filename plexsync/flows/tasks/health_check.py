"""Health Check: checks Plex now, and says what to do about it."""

from __future__ import annotations

from contextlib import suppress

from plexsync import inbox
from plexsync.edges.page import read_state
from plexsync.flows.status.plex_standing import read_breaker
from plexsync.flows.tasks.context import TaskContext
from plexsync.flows.tasks.progress import going_on
from plexsync.model.plex_state import (
    DOWN,
    FAILING,
    HEALTHY,
    STARTING,
    WRITING,
    headline,
    remedy,
    title,
    told,
)
from plexsync.policy.circuit_breaker import CLOSED, CircuitBreaker

WAKE = b'{"id":1,"type":"PlexSync.Wake.Post"}'
"""The inbox record that makes the worker probe Plex and run its sweep at once."""

_BY_STATE = frozenset({HEALTHY, STARTING, FAILING, DOWN, "proxy"})


def health_check(context: TaskContext) -> dict[str, object]:
    """Check Plex now; log its state, or what answers in its place, and what to do about it."""
    health = context.plex.check("Health Check", to_write=True)
    breaker = context.readable(read_breaker, CircuitBreaker())
    waiting = read_state.queue(context.folder).live_jobs()
    due, on = going_on(context.folder, context.clock.now())
    busy = health.healthy and breaker.state != CLOSED and breaker.cause == WRITING
    kind = WRITING if busy else health.kind
    platform = context.plex.platform() if health.healthy else ""
    tell = context.log.info if kind == HEALTHY else context.log.warning
    found = f"Plex is {health.state}: {health.detail}"
    if busy:
        found = headline(kind)
    elif kind not in _BY_STATE:
        found = told(kind, health.detail)
    tell(f"{found} ({health.latency * 1000:.0f} ms).")
    if health.version:
        runs = f" on {platform}" if platform else ""
        context.log.info(f"It is Plex Media Server {health.version}{runs}.")
    tell(remedy(kind))
    if breaker.state != CLOSED:
        context.log.info(f"The circuit breaker is {breaker.state}: {breaker.reason}.")
    if health.healthy:
        with suppress(OSError):  # a worker that cannot be told finds out itself
            inbox.drop(context.folder, WAKE)
            context.wake()
        if on:
            context.log.info(on)
    return {
        "state": health.state,
        "latency": health.latency,
        "detail": health.detail,
        "kind": kind,
        "title": title(kind),
        "remedy": remedy(kind),
        "version": health.version,
        "platform": platform,
        "breaker": breaker.state,
        "waiting": waiting,
        "due": due,
    }
