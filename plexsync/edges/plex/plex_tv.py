"""plex.tv: signs in to an account with a PIN, and lists the servers of the account.

Error messages never repeat an answer: it may hold a token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from plexsync.edges.http.certificates import PUBLIC, Trust
from plexsync.edges.http.transport import Reply, Session, TransportError
from plexsync.edges.plex.connection import device
from plexsync.model.plex_server import LOCAL, RELAY, REMOTE, AccountServer, Address
from plexsync.model.settings import read_address
from plexsync.model.stored import one_line

PLEX_TV = "https://plex.tv"
_SIGN_IN_PAGE = "https://app.plex.tv/auth"
_SECONDS = 10.0
_MOST_BYTES = 4 << 20
_MOST_SERVERS = 200
_MOST_ADDRESSES = 30


class PlexTvTrouble(Exception):
    """plex.tv cannot be used now; the text is a sentence for the user."""


class PinGone(Exception):
    """plex.tv no longer has the PIN: it has expired, or the sign-in was denied."""


class PlexTv:
    """plex.tv, or what answers in its place at `base`.

    It knows this installation by `client_id`, under which the account lists it as a device.
    """

    def __init__(self, client_id: str, base: str = PLEX_TV, trust: Trust = PUBLIC) -> None:
        self._client_id = client_id
        self._base = base.rstrip("/")
        self._headers = device(client_id) | {"Accept": "application/json"}
        self._session = Session(5.0, _SECONDS, _SECONDS, trust=trust, max_body=_MOST_BYTES)

    def new_pin(self) -> tuple[int, str]:
        """A PIN to sign in with: its id, and its code for the sign-in page."""
        answer = self._object(self._ask("POST", "/api/v2/pins?strong=true"))
        pin, code = answer.get("id"), answer.get("code")
        if type(pin) is not int or not isinstance(code, str) or not code.isalnum():
            raise PlexTvTrouble("plex.tv's answer has no PIN.")
        return pin, code

    def sign_in_page(self, code: str) -> str:
        """The page on which the user signs in and allows this PIN."""
        page = _SIGN_IN_PAGE if self._base == PLEX_TV else f"{self._base}/auth"
        named = {
            "clientID": self._client_id,
            "code": code,
            "context[device][product]": self._headers["X-Plex-Product"],
        }
        return f"{page}#?{urlencode(named, quote_via=quote)}"

    def token_of(self, pin: int) -> str:
        """The account's token once the user has allowed this PIN, "" before; raises PinGone."""
        reply = self._ask("GET", f"/api/v2/pins/{pin}")
        if reply.status == 404:
            raise PinGone
        token = self._object(reply).get("authToken")
        return token if isinstance(token, str) else ""

    def servers(self, token: str) -> list[AccountServer]:
        """The Plex Media Servers of the account with this token."""
        path = "/api/v2/resources?includeHttps=1&includeRelay=1"
        found = self._json(self._ask("GET", path, {"X-Plex-Token": token}))
        if not isinstance(found, list):
            raise PlexTvTrouble("plex.tv's answer has no list of servers.")
        servers = [each for each in found if isinstance(each, dict) and _is_server(each)]
        return [_server(each) for each in servers[:_MOST_SERVERS]]

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _ask(self, method: str, path: str, more: Mapping[str, str] | None = None) -> Reply:
        headers = {**self._headers, **(more or {})}
        try:
            return self._session.request(method, self._base + path, headers=headers)
        except TransportError as problem:
            raise PlexTvTrouble(f"plex.tv cannot be reached from here: {problem}.") from None

    def _object(self, reply: Reply) -> Mapping[str, Any]:
        found = self._json(reply)
        if not isinstance(found, dict):
            raise PlexTvTrouble("plex.tv's answer is not understood.")
        return found

    def _json(self, reply: Reply) -> object:
        if reply.status == 429:
            raise PlexTvTrouble("plex.tv asks to wait: try again in a few minutes.")
        if not 200 <= reply.status < 300:
            raise PlexTvTrouble(f"plex.tv refuses the request (status {reply.status}).")
        try:
            return json.loads(reply.body)
        except (ValueError, RecursionError):
            raise PlexTvTrouble("What answers in plex.tv's place is not plex.tv.") from None


def _is_server(resource: Mapping[str, Any]) -> bool:
    return "server" in _text(resource, "provides").split(",") and bool(_machine(resource))


def _server(resource: Mapping[str, Any]) -> AccountServer:
    connections = resource.get("connections")
    listed = connections if isinstance(connections, list) else []
    found = [_address(each) for each in listed[:_MOST_ADDRESSES] if isinstance(each, dict)]
    return AccountServer(
        machine=_machine(resource),
        name=_text(resource, "name") or "Plex Media Server",
        owned=resource.get("owned") is True,
        owner=_text(resource, "sourceTitle"),
        secure_only=resource.get("httpsRequired") is True,
        addresses=tuple(address for address in found if address is not None),
        token=_text(resource, "accessToken"),
    )


def _address(connection: Mapping[str, Any]) -> Address | None:
    uri = _text(connection, "uri")
    if "://" not in uri:
        return None
    try:
        url = read_address(uri)
    except ValueError:
        return None  # whatever the server's owner has entered as its custom address
    if connection.get("relay") is True:
        return Address(url, RELAY)
    return Address(url, LOCAL if connection.get("local") is True else REMOTE)


def _machine(resource: Mapping[str, Any]) -> str:
    return _text(resource, "clientIdentifier")


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return one_line(value) if isinstance(value, str) else ""
