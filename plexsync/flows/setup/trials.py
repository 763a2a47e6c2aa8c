"""Tries the addresses of Plex servers from where this process runs, several at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing

from plexsync.edges.plex.client import PlexClient
from plexsync.edges.plex.health import Health
from plexsync.flows.services import Trial
from plexsync.model.errors import SyncError
from plexsync.model.plex_server import AccountServer, Address, Attempt
from plexsync.policy.server_choice import in_order, unusable, verdict

ASKED_BY = "the set-up"
PATIENCE = 6.0
"""Seconds for each of the few requests to an address."""
TOGETHER = 16
"""Addresses that are tried at a time."""
ALL_SECONDS = 30.0
"""What all attempts together may take: the worker does nothing else meanwhile."""


def try_servers(
    trial: Trial, servers: Sequence[AccountServer], seconds: float = ALL_SECONDS
) -> Mapping[str, Sequence[Attempt]]:
    """Every address of each server that could be used, by machine identifier, best first."""
    pool = ThreadPoolExecutor(max_workers=TOGETHER)
    running = {
        server.machine: [
            (address, pool.submit(try_address, trial, address, server.machine, server.token))
            for address in in_order(server)
        ]
        for server in servers
        if not unusable(server)
    }
    try:
        done, _ = wait([f for tried in running.values() for _, f in tried], timeout=seconds)
        return {
            machine: [
                future.result()
                if future in done
                else Attempt(address, "It was not reached in time.")
                for address, future in tried
            ]
            for machine, tried in running.items()
        }
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def try_address(trial: Trial, address: Address, machine: str, token: str) -> Attempt:
    """Whether this server answers at an address, and lets this token edit.

    The token is not sent before the server there has named itself.
    """
    with closing(trial(address.url, token)) as client:
        another = _another(client, machine)
        if another:
            return Attempt(address, another)
        health = _check(client)
    return Attempt(address, "" if health.healthy else _sentence(health.words), health.version)


def another_server(trial: Trial, url: str, machine: str, token: str) -> str:
    """Why this server does not answer at an address; "" if it does. The token is not sent."""
    with closing(trial(url, token)) as client:
        return _another(client, machine)


def try_token(trial: Trial, url: str, token: str) -> Health:
    """Whether Plex answers at an address, and lets this token edit."""
    with closing(trial(url, token)) as client:
        return _check(client)


def _another(client: PlexClient, machine: str) -> str:
    try:
        return verdict(machine, client.who_answers(PATIENCE))
    except SyncError as problem:
        return _sentence(problem.message)


def _check(client: PlexClient) -> Health:
    return client.check(ASKED_BY, to_write=True, deadline=PATIENCE)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
