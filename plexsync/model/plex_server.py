"""Servers of a plex.tv account, the addresses under which they may answer, and what was tried."""

from __future__ import annotations

from dataclasses import dataclass, field

from plexsync.model.named_tuple import NamedTuple

LOCAL, REMOTE, RELAY = "local", "remote", "relay"
"""Where an address leads: into the same network, over the internet, or through plex.tv's relay."""


class Address(NamedTuple):
    """One address of a server; `kind` is LOCAL, REMOTE or RELAY."""

    url: str
    kind: str


@dataclass(frozen=True, slots=True)
class AccountServer:
    """A server that an account may use. `owner` is its owner's name if that is somebody else;
    `secure_only`: it takes only https.
    """

    machine: str
    name: str
    owned: bool
    owner: str
    secure_only: bool
    addresses: tuple[Address, ...]
    token: str = field(repr=False)


class Attempt(NamedTuple):
    """What an address gave from where Stash runs: `why` it cannot be used, "" if it can."""

    address: Address
    why: str
    version: str = ""
