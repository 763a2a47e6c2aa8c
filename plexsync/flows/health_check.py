"""How Plex is, looked at now, and what to do about it."""

from __future__ import annotations

from plexsync import inbox
from plexsync.edges.queue_reader import pending
from plexsync.flows.call import Call
from plexsync.flows.plex_watch import BREAKER
from plexsync.policy.circuit_breaker import CLOSED, CircuitBreaker

WAKE = b'{"id":1,"type":"PlexSync.Wake.Post"}'
"""The inbox record that makes the worker look at Plex at once."""


NEXT_STEPS = {
    "healthy": "Nothing to do.",
    "starting": "Plex is starting or repairs its database; PlexSync waits and goes on by itself.",
    "not Plex": "Correct Plex URL in Settings > Plugins > PlexSync: it must be the address at which "
    "this machine reaches Plex itself, without a redirect or a sign-in page before it.",
    "failing": "Look at Plex's own log; PlexSync waits and goes on by itself.",
    "down": "Check that Plex runs and that Plex URL in Settings > Plugins > PlexSync is the "
    "address at which this machine reaches it.",
    "unauthorised": "Enter a new Plex token in Settings > Plugins > PlexSync.",
}


def health_check(call: Call) -> dict[str, object]:
    """Look at Plex now: how it is, or what answers in its place, and what to do about it."""
    health = call.plex.check()
    breaker = call.stored(BREAKER, CircuitBreaker.parse, CircuitBreaker())
    waiting = pending(call.path("queue"))
    tell = call.log.info if health.state == "healthy" else call.log.warning
    took = f"{health.latency * 1000:.0f} ms"
    if health.state == "not Plex":
        tell(f"{health.words} ({took}).")
    else:
        tell(f"Plex is {health.state} ({took}): {health.detail}.")
    tell(NEXT_STEPS[health.state])
    if breaker.state != CLOSED:
        call.log.info(f"The circuit breaker is {breaker.state}: {breaker.reason}.")
    if health.state == "healthy" and (breaker.state != CLOSED or waiting):
        inbox.drop(call.folder, WAKE)
        call.wake()
        jobs = "1 job waits" if waiting == 1 else f"{waiting} jobs wait"
        call.log.info(f"{jobs}; the worker was told to go on.")
    return {
        "state": health.state,
        "latency": health.latency,
        "detail": health.detail,
        "breaker": breaker.state,
        "waiting": waiting,
    }
