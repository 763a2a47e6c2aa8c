"""Reads our settings from Stash with the standard library alone, for tasks that must start at once."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any

TIMEOUT = 3.0

_QUERY = '{ configuration { plugins(include: ["PlexSync"]) } }'
_LARGEST = 4 << 20
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - never bound


class NoSettings(Exception):
    """Stash does not say what the settings are; the text tells why."""


def read_settings(block: object) -> Mapping[str, object]:
    """The settings as Stash stores them, asked over its own connection block.

    Raises NoSettings, whose text never has the session in it.
    """
    try:
        return _asked(dict(block))  # type: ignore[call-overload]
    except (OSError, http.client.HTTPException) as problem:
        raise NoSettings(f"Stash does not answer ({type(problem).__name__})") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise NoSettings("Stash's answer is invalid") from None


def _asked(block: Mapping[str, Any]) -> Mapping[str, object]:
    connection = _connection(block)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if session := block.get("SessionCookie"):
        headers["Cookie"] = f"{session['Name']}={session['Value']}"
    try:
        connection.request("POST", "/graphql", json.dumps({"query": _QUERY}).encode(), headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise NoSettings(f"Stash answered {answer.status}")
        found = json.loads(answer.read(_LARGEST))["data"]["configuration"]["plugins"]
    finally:
        connection.close()
    return dict((found or {}).get("PlexSync") or {})


def _connection(block: Mapping[str, Any]) -> http.client.HTTPConnection:
    host = str(block.get("Host") or "").strip("[]")
    address = _EVERYWHERE.get(host, host), int(block["Port"])
    if block["Scheme"] != "https":
        return http.client.HTTPConnection(*address, timeout=TIMEOUT)
    context = ssl.create_default_context()  # as with all requests to Stash: its own certificate
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(*address, timeout=TIMEOUT, context=context)
