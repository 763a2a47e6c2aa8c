"""A simulated plex.tv: PINs, the page on which somebody allows them, and an account's servers.

Follows the JSON of https://plex.tv/api/v2 as public clients read it. A strong PIN lives half an hour;
one that was denied or has expired is gone (404, as plex.tv answers for an unknown one).
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from simulator import faults
from simulator.faults import Fault, Faults, Match, Reply
from simulator.plex_journal import Entry, Journal
from simulator.plex_wire import Connection, Request, Server

JSON = "application/json; charset=utf-8"
PIN_LIFE = 1800
GONE = {"errors": [{"code": 1020, "message": "Code not found or expired", "status": 404}]}
UNAUTHORISED = {"errors": [{"code": 1001, "message": "User could not be authenticated"}]}
IDENTITY = "x-plex-client-identifier"

AUTH_PAGE = b"""<!doctype html><html lang="en"><head><title>Plex (simulated)</title>
<style>body{font:16px sans-serif;background:#1f2326;color:#eee;padding:3rem}button{font:inherit;margin:1rem}</style>
</head><body><h1>Simulated plex.tv</h1><p id="who"></p>
<button id="allow">Allow</button><button id="deny">Deny</button>
<script>
const given = new URLSearchParams(location.hash.replace(/^#!?\\?/, ""));
const who = document.getElementById("who");
who.textContent = given.get("context[device][product]") + " asks to use your account.";
for (const what of ["allow", "deny"]) {
  document.getElementById(what).onclick = async () => {
    await fetch(`/simulated/${what}?code=${encodeURIComponent(given.get("code"))}`, { method: "POST" });
    who.textContent = what === "allow" ? "Allowed. You may close this window." : "Denied.";
  };
}
</script></body></html>"""


@dataclass(slots=True)
class Pin:
    """One PIN; `token` is "" until somebody allows it."""

    id: int
    code: str
    client: str
    product: str
    made: float
    token: str = ""


def connection(uri: str, *, local: bool = True, relay: bool = False) -> dict[str, Any]:
    """One address of a server, as plex.tv lists it."""
    protocol, _, rest = uri.partition("://")
    host, _, port = rest.rpartition(":")
    address = host.partition(".")[0].replace("-", ".") if host.endswith(".plex.direct") else host
    return {
        "protocol": protocol,
        "address": address,
        "port": int(port),
        "uri": uri,
        "local": local,
        "relay": relay,
        "IPv6": "[" in host,
    }


class PlexTvSim:
    """`with PlexTvSim() as plex_tv:` serves until the end of the block, at `url`.

    `latency` and the list `resources` may be changed at any time; `clock` gives the time.
    """

    max_header_bytes = 16_384
    keep_alive = 60.0
    tls = None
    secure_connections = "preferred"

    def __init__(
        self, token: str = "account-token-of-plex-tv", port: int = 0, latency: float = 0.0
    ) -> None:
        self.token, self.port, self.latency = token, port, latency
        self.clock: Callable[[], float] = time.time
        self.resources: list[dict[str, Any]] = []
        self.pins: dict[int, Pin] = {}
        self._server: Server | None = None
        self._faults, self._journal = Faults(), Journal()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def journal(self) -> list[Entry]:
        """Every request so far, in the order of arrival."""
        return self._journal.entries()

    def start(self) -> PlexTvSim:
        """Listen; the port of the first start is kept."""
        if self._server is None:
            self._server = Server(("127.0.0.1", self.port), self._serve, self)
            self.port = int(self._server.server_address[1])
        return self

    def stop(self) -> None:
        """Be out of reach."""
        server, self._server = self._server, None
        if server is not None:
            server.stop(self._faults.wake)

    def __enter__(self) -> PlexTvSim:
        return self.start()

    def __exit__(self, *raised: object) -> None:
        self.stop()

    def add_fault(
        self, kind: str, times: int | None = None, match: Match | str | None = None, **options: Any
    ) -> Fault:
        """One of the kinds of `faults`; the oldest that matches a request happens."""
        return self._faults.add(kind, times, match, **options)

    # -- the account -------------------------------------------------------------------------

    def add_server(
        self,
        machine: str,
        *addresses: dict[str, Any],
        name: str = "Plex",
        token: str = "",
        owner: str = "",
        **more: Any,
    ) -> None:
        """A server that the account may use; with `owner` it is somebody else's."""
        self.resources.append(
            {
                "name": name,
                "product": "Plex Media Server",
                "productVersion": "1.41.3.9314-a0bfb8370",
                "platform": "Linux",
                "clientIdentifier": machine,
                "provides": "server",
                "ownerId": 17 if owner else None,
                "sourceTitle": owner or None,
                "accessToken": token or None,
                "owned": not owner,
                "home": False,
                "synced": False,
                "relay": any(each["relay"] for each in addresses),
                "presence": True,
                "httpsRequired": False,
                "publicAddressMatches": True,
                "dnsRebindingProtection": False,
                "natLoopbackSupported": False,
                "connections": list(addresses),
                **more,
            }
        )

    def allow(self, code: str = "") -> None:
        """Somebody signs in and allows the PIN with this code, or the newest one."""
        self._pin(code).token = self.token

    def deny(self, code: str = "") -> None:
        """Somebody denies it: it is gone."""
        del self.pins[self._pin(code).id]

    def _pin(self, code: str) -> Pin:
        return next(p for p in reversed(self.pins.values()) if code in ("", p.code))

    # -- serving -----------------------------------------------------------------------------

    def _serve(self, request: Request, wire: Connection) -> None:
        entry = self._journal.begin(request)
        wire.before_reply = partial(self._journal.end, entry)
        try:
            wire.pause(self.latency)
            fault = self._faults.take(request)
            if fault is None:
                wire.reply(self._answer(request))
            else:
                faults.deliver(fault, lambda: self._answer(request), wire)
        finally:
            self._journal.end(entry)

    def _answer(self, request: Request) -> Reply:
        path = request.path
        if path == "/auth":
            return Reply(200, AUTH_PAGE, "text/html; charset=utf-8", foreign=True)
        if path.startswith("/simulated/"):
            code = request.get("code")
            (self.allow if path.endswith("/allow") else self.deny)(code)
            return _json(200, {})
        if not request.headers.get(IDENTITY):
            return _json(400, {"errors": [{"code": 1000, "message": "X-Plex-Client-Identifier"}]})
        if path == "/api/v2/pins" and request.method == "POST":
            return self._new_pin(request)
        if path.startswith("/api/v2/pins/"):
            return self._old_pin(path.rpartition("/")[2], request.headers[IDENTITY])
        if path == "/api/v2/resources":
            return self._resources(request)
        return _json(404, {"errors": [{"code": 1002, "message": "Not Found", "status": 404}]})

    def _new_pin(self, request: Request) -> Reply:
        strong = request.get("strong") == "true"
        code = secrets.token_hex(12 if strong else 2)
        product = request.headers.get("x-plex-product", "")
        pin = Pin(len(self.pins) + 70_001, code, request.headers[IDENTITY], product, self.clock())
        self.pins[pin.id] = pin
        return _json(201, self._shown(pin))

    def _old_pin(self, number: str, client: str) -> Reply:
        pin = self.pins.get(int(number)) if number.isdigit() else None
        if pin is None or pin.client != client or self.clock() >= pin.made + PIN_LIFE:
            return _json(404, GONE)
        return _json(200, self._shown(pin))

    def _shown(self, pin: Pin) -> dict[str, Any]:
        left = max(0, int(pin.made + PIN_LIFE - self.clock()))
        return {
            "id": pin.id,
            "code": pin.code,
            "product": pin.product,
            "trusted": False,
            "clientIdentifier": pin.client,
            "expiresIn": left,
            "authToken": pin.token or None,
            "newRegistration": None,
        }

    def _resources(self, request: Request) -> Reply:
        if request.headers.get("x-plex-token") != self.token:
            return _json(401, UNAUTHORISED)
        relays = request.get("includeRelay") == "1"
        shown = [
            {**each, "connections": [c for c in each["connections"] if relays or not c["relay"]]}
            for each in self.resources
        ]
        return _json(200, shown)


def _json(status: int, value: object) -> Reply:
    return Reply(status, json.dumps(value).encode(), JSON, foreign=True)
