"""The sign-in at plex.tv: a PIN, the user's consent, the account's servers, and the choice of one.

Its tokens stay in this process and in a private file, see sign_in_file.py. The account's own token
is used for one request, and stored nowhere.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from plexsync.edges.plex.plex_tv import PinGone, PlexTv
from plexsync.flows.services import Trial
from plexsync.flows.setup.sign_in_file import SignInFile
from plexsync.flows.setup.trials import try_address, try_servers
from plexsync.model.plex_server import LOCAL, AccountServer, Address, Attempt
from plexsync.model.sign_in import EXPIRED, SERVERS, WAITING, SignIn
from plexsync.policy.server_choice import best, proposed, unusable

GONE = "The sign-in was denied at plex.tv, or has expired: start it again."
NO_SERVERS = (
    "This account has no Plex Media Server, and none is shared with it: sign in with the account "
    "that owns the server."
)
REPLACED = "Another browser has started a sign-in of its own, so this one has ended."


class SignInEnded(Exception):
    """The sign-in cannot go on; the text tells the user why."""


def start(plex_tv: PlexTv, file: SignInFile, now: float) -> SignIn:
    """Begin a sign-in, instead of any other; raises PlexTvTrouble."""
    pin, code = plex_tv.new_pin()
    sign_in = SignIn(secrets.token_hex(8), now, pin, plex_tv.sign_in_page(code))
    file.keep(sign_in)
    return sign_in


def check(plex_tv: PlexTv, trial: Trial, file: SignInFile, wanted: str, now: float) -> SignIn:
    """How the sign-in stands; once the user has allowed it, the servers of the account.

    Raises PlexTvTrouble if plex.tv cannot be asked now, SignInEnded if another one has begun.
    """
    sign_in = _current(file, wanted, now)
    if sign_in.state != WAITING:
        return sign_in
    try:
        token = plex_tv.token_of(sign_in.pin)
    except PinGone:
        return _end(file, sign_in, GONE)
    if not token:
        return sign_in
    servers = plex_tv.servers(token)
    if not servers:
        return _end(file, sign_in, NO_SERVERS)
    sign_in = _with_servers(sign_in, servers, try_servers(trial, servers))
    file.keep(sign_in)
    return sign_in


def _current(file: SignInFile, wanted: str, now: float) -> SignIn:
    sign_in = file.read()
    if sign_in is None:
        raise SignInEnded("This sign-in has ended: start it again.")
    if sign_in.id != wanted:
        raise SignInEnded(REPLACED)
    if sign_in.expired(now):
        file.forget()
        raise SignInEnded(EXPIRED)
    return sign_in


def _end(file: SignInFile, sign_in: SignIn, why: str) -> SignIn:
    file.forget()
    return sign_in.end(why)


def _with_servers(
    sign_in: SignIn, servers: Sequence[AccountServer], tried: Mapping[str, Sequence[Attempt]]
) -> SignIn:
    """The proposed server comes first, then those that can be used, each group by name."""
    first = proposed(tried)
    ranked = sorted(servers, key=lambda s: (s.machine != first, bool(unusable(s)), s.name.lower()))
    return sign_in._replace(
        state=SERVERS,
        servers=[_shown(server, tried.get(server.machine, ())) for server in ranked],
        proposed=first,
        tokens={server.machine: server.token for server in servers if server.machine in tried},
    )


def _shown(server: AccountServer, tried: Sequence[Attempt]) -> dict[str, object]:
    found = best(tried)
    return {
        "machine": server.machine,
        "name": server.name,
        "why": unusable(server),
        "best": found.address.url if found else "",
        "version": found.version if found else "",
        "addresses": [
            {"url": each.address.url, "kind": each.address.kind, "why": each.why} for each in tried
        ],
    }


def choose(
    trial: Trial, file: SignInFile, wanted: str, machine: str, url: str, now: float
) -> tuple[str, str]:
    """The name and the token of the chosen server, if it still answers at the chosen address.

    Raises SignInEnded with the reason otherwise; the sign-in goes on.
    """
    sign_in = _current(file, wanted, now)
    server = next((each for each in sign_in.servers if each["machine"] == machine), None)
    known = server and any(each["url"] == url for each in server["addresses"])
    token = sign_in.tokens.get(machine)
    if server is None or not known or not token:
        raise SignInEnded("This server or address was not offered: start the sign-in again.")
    why = try_address(trial, Address(url, LOCAL), machine, token).why
    if why:
        raise SignInEnded(f"Nothing was saved. {server['name']} cannot be used at {url}: {why}")
    return str(server["name"]), token
