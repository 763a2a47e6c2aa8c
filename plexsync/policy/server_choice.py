"""Which servers of an account can be used, in which order their addresses are tried, and which is
proposed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from plexsync.model.plex_server import LOCAL, RELAY, REMOTE, AccountServer, Address, Attempt
from plexsync.model.settings import sends_openly

_ORDER = (LOCAL, REMOTE, RELAY)


def unusable(server: AccountServer) -> str:
    """Why PlexSync cannot use a server, whatever its addresses give; "" if it can."""
    if not server.owned:
        owner = server.owner or "somebody else"
        return (
            f"It belongs to {owner}. PlexSync edits items, which Plex allows only to the server's "
            "owner: have the owner sign in."
        )
    if not server.token:
        return "plex.tv names no token for it: sign it out of plex.tv and in again."
    if not server.addresses:
        return "plex.tv knows no address of it: check that it runs and is signed in."
    return ""


def in_order(server: AccountServer) -> tuple[Address, ...]:
    """The addresses to try, best first: local, then over the internet, the relay last.

    Names of plex.direct stay as they are, since the certificate is for them. Where a router blocks
    such names, the plain address does within the same network.
    """
    known = list(server.addresses)
    if not server.secure_only:
        known += [plain for address in known if (plain := _plain(address))]
    safe = [address for address in known if not sends_openly(address.url)]
    best = {address.url: address for address in sorted(safe, key=_rank, reverse=True)}
    return tuple(sorted(best.values(), key=_rank))


def _rank(address: Address) -> tuple[int, bool, bool, str]:
    url = urlsplit(address.url)
    ipv6 = ":" in (url.hostname or "")
    return _ORDER.index(address.kind), url.scheme != "https", ipv6, address.url


def _plain(address: Address) -> Address | None:
    """The http address behind a local name of plex.direct."""
    url = urlsplit(address.url)
    first, _, rest = (url.hostname or "").partition(".")
    if address.kind != LOCAL or not rest.endswith("plex.direct") or first.count("-") != 3:
        return None
    return Address(f"http://{first.replace('-', '.')}:{url.port or 32400}", LOCAL)


def verdict(wanted: str, found: str) -> str:
    """Why the server that answers at an address is not the one that is wanted; "" if it is.

    Both are machine identifiers.
    """
    if found == wanted:
        return ""
    return "Another Plex server answers there."


def best(attempts: Iterable[Attempt]) -> Attempt | None:
    """The first address that can be used."""
    return next((attempt for attempt in attempts if not attempt.why), None)


def proposed(found: Mapping[str, Sequence[Attempt]]) -> str:
    """The server to propose, by its machine identifier: the one that is reached best, "" if none
    is reached. `found` has the attempts of each, best first.
    """
    reached = {machine: first for machine, tried in found.items() if (first := best(tried))}
    return min(reached, key=lambda machine: _rank(reached[machine].address), default="")
