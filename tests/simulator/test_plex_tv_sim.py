"""The simulated plex.tv, with a plain HTTP client and with plexapi's reading of its answers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from simulator.plex_tv import PIN_LIFE, PlexTvSim, connection

ME = {"X-Plex-Client-Identifier": "me", "X-Plex-Product": "PlexSync"}


@pytest.fixture
def plex_tv() -> Iterator[PlexTvSim]:
    with PlexTvSim() as simulated:
        yield simulated


def ask(plex_tv: PlexTvSim, path: str, method: str = "GET", **headers: str) -> tuple[int, Any]:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    request = urllib.request.Request(plex_tv.url + path, method=method, headers={**ME, **named})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read())


def pin(plex_tv: PlexTvSim) -> Any:
    status, made = ask(plex_tv, "/api/v2/pins?strong=true", "POST")
    assert status == 201
    return made


def test_a_pin_is_claimed_once_somebody_allows_it(plex_tv: PlexTvSim) -> None:
    made = pin(plex_tv)
    assert made["authToken"] is None and len(made["code"]) > 20 and made["product"] == "PlexSync"
    assert ask(plex_tv, f"/api/v2/pins/{made['id']}")[1]["authToken"] is None
    plex_tv.allow(made["code"])
    assert ask(plex_tv, f"/api/v2/pins/{made['id']}")[1]["authToken"] == plex_tv.token


def test_a_pin_is_gone_when_denied_expired_or_asked_by_another_client(plex_tv: PlexTvSim) -> None:
    denied, kept = pin(plex_tv), pin(plex_tv)
    plex_tv.deny(denied["code"])
    assert ask(plex_tv, f"/api/v2/pins/{denied['id']}")[0] == 404
    stranger = {"X_Plex_Client_Identifier": "somebody else"}
    assert ask(plex_tv, f"/api/v2/pins/{kept['id']}", **stranger)[0] == 404
    assert ask(plex_tv, f"/api/v2/pins/{kept['id']}")[0] == 200
    now = plex_tv.clock()
    plex_tv.clock = lambda: now + PIN_LIFE
    assert ask(plex_tv, f"/api/v2/pins/{kept['id']}")[0] == 404


def test_servers_need_the_accounts_token_and_relays_must_be_asked_for(plex_tv: PlexTvSim) -> None:
    plex_tv.add_server(
        "abc",
        connection("https://192-168-1-5.0123.plex.direct:32400"),
        connection("https://relay.example:8443", local=False, relay=True),
        token="of the server",
    )
    path = "/api/v2/resources?includeHttps=1&includeRelay=1"
    assert ask(plex_tv, path)[0] == 401
    status, (server,) = ask(plex_tv, path, X_Plex_Token=plex_tv.token)
    assert (status, server["owned"], server["accessToken"]) == (200, True, "of the server")
    assert [each["address"] for each in server["connections"]] == ["192.168.1.5", "relay.example"]
    _, (server,) = ask(plex_tv, path.partition("&")[0], X_Plex_Token=plex_tv.token)
    assert len(server["connections"]) == 1


def test_the_page_at_plex_tv_has_both_buttons(plex_tv: PlexTvSim) -> None:
    with urllib.request.urlopen(f"{plex_tv.url}/auth#?code=1", timeout=5) as page:
        text = page.read().decode()
    assert "Allow" in text and "Deny" in text


def test_out_of_reach_it_refuses_connections(plex_tv: PlexTvSim) -> None:
    plex_tv.stop()
    with pytest.raises(urllib.error.URLError):
        ask(plex_tv, "/api/v2/pins?strong=true", "POST")
