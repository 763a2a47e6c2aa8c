"""How to reach the Stash that started us: the `server_connection` block of a plugin's input."""

from __future__ import annotations

import ipaddress
import json
import re

from plexsync.model.named_tuple import NamedTuple
from plexsync.model.secret import SecretStr

_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}\Z")
_COOKIE_VALUE = re.compile(r"[\x21-\x3a\x3c-\x7e]*\Z")
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - the address that Stash reports; nothing is bound here
_HOST_NAME = re.compile(r"[0-9A-Za-z._-]{1,253}\Z")


class Connection(NamedTuple):
    """Where Stash listens, and the session it gave us; the cookie's value never appears in repr.

    `host` is an address to connect to (never "all interfaces"), an IPv6 one without brackets.
    An empty `cookie_name` means that Stash sent no session.
    """

    scheme: str
    host: str
    port: int
    cookie_name: str = ""
    cookie_value: SecretStr = SecretStr("")
    plugin_dir: str = ""
    config_dir: str = ""

    @property
    def base_url(self) -> str:
        """For example "http://127.0.0.1:9999" or "https://[::1]:9999", without a trailing slash."""
        host = f"[{self.host.replace('%', '%25')}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def parse_connection(block: bytes) -> Connection:
    """Parse the JSON of a `server_connection` block as Stash writes it.

    Raises ValueError that names the part that is wrong and never quotes the cookie.
    """
    try:
        raw = json.loads(block)
    except (ValueError, RecursionError):
        raise _bad("is not JSON") from None
    return read_connection(raw)


def read_connection(raw: object) -> Connection:
    """As `parse_connection`, for a block that is already parsed, as in a task's input."""
    if not isinstance(raw, dict):
        raise _bad("is not an object")
    scheme, port = raw.get("Scheme"), raw.get("Port")
    if scheme not in ("http", "https"):
        raise _bad('has a Scheme that is neither "http" nor "https"')
    if type(port) is not int or not 0 < port < 65536:
        raise _bad("has a Port that is not a number from 1 to 65535")
    name, value = _cookie(raw.get("SessionCookie"))
    return Connection(
        scheme=scheme,
        host=_host(raw.get("Host")),
        port=port,
        cookie_name=name,
        cookie_value=SecretStr(value),
        plugin_dir=_text(raw, "PluginDir"),
        config_dir=_text(raw, "Dir"),
    )


def _host(raw: object) -> str:
    """The address to connect to for a listen address: "all interfaces" becomes this machine."""
    if not isinstance(raw, str):
        raise _bad("has a Host that is not text")
    host = raw[1:-1] if raw.startswith("[") and raw.endswith("]") else raw
    try:
        address = ipaddress.ip_address(host or _EVERYWHERE)
    except ValueError:
        if not _HOST_NAME.match(host):
            raise _bad("has a Host that is neither a name nor an address") from None
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "::1"
    return host


def _cookie(raw: object) -> tuple[str, str]:
    if raw is None:
        return "", ""
    if not isinstance(raw, dict):
        raise _bad("has a SessionCookie that is not an object")
    name, value = raw.get("Name"), raw.get("Value")
    if not isinstance(name, str) or not _COOKIE_NAME.match(name):
        raise _bad("has a SessionCookie with an unusable name")
    if not isinstance(value, str) or not _COOKIE_VALUE.match(value):
        raise _bad("has a SessionCookie with an unusable value")
    return name, value


def _text(raw: dict[object, object], key: str) -> str:
    value = raw.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or "\0" in value:
        raise _bad(f"has a {key} that is not a path")
    return value


def _bad(what: str) -> ValueError:
    return ValueError(f"The connection block from Stash {what}.")
