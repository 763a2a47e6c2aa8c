"""The connection to one Plex server: who it is, reads, and what is sent by way of plexapi."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from xml.etree.ElementTree import Element

from plexsync import __version__
from plexsync.edges.plex.answers import NOT_PLEX
from plexsync.edges.plex.session import PlexSession
from plexsync.edges.storage import files
from plexsync.model.errors import REQUEST, PlexServerDown, PlexTemporaryError
from plexsync.model.stored import versioned
from plexsync.system import Unloadable, why_unloadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from plexsync.edges.plex.server import Server

IDENTITY = "/identity"
"""Identifies the server; needs no token."""

_LOADING = threading.Lock()


def load_client_id(path: str, warn: Callable[[str], None] = lambda text: None) -> str:
    """The identifier under which Plex lists this installation as a device; created once, unless it
    cannot be stored: who only looks around must be able to do so on a full disk.
    """
    known = files.read_json(path, _read_client_id, "", warn)
    if known:
        return known
    made = str(uuid.uuid4())
    with suppress(OSError):
        files.replace_json(path, {"version": 1, "identifier": made})
    return made


class PlexConnection:
    """The server behind one URL; connects (one request) when first needed."""

    def __init__(
        self, url: str, token: str, client_id: str, session: PlexSession, timeout: float
    ) -> None:
        self.session = session
        self._url, self._token, self._timeout = url.rstrip("/"), token, timeout
        self._headers = device(client_id) | {"X-Plex-Token": token}
        self._lock = threading.Lock()
        self._identity: Element | None = None
        self._server: Any = None
        self._verified = 0

    def server_id(self) -> str:
        """The machineIdentifier of the connected server."""
        return str(self._connected().get("machineIdentifier"))

    def who_answers(self, deadline: float) -> str:
        """The machineIdentifier of the server that answers, which does not get the token yet."""
        sent = {name: value for name, value in self._headers.items() if name != "X-Plex-Token"}
        root = self.session.get(self._url + IDENTITY, headers=sent, timeout=deadline)
        found = "" if root is None else root.get("machineIdentifier", "")
        self._check_name(found)
        return found

    def verify(self) -> None:
        """Check the server's identity again if a connection was opened since the last check.

        Raises PlexTemporaryError if it is another server; the next call adopts that one.
        """
        known = self.server_id()
        if self.session.opened != self._verified:
            self._compare(self.read(IDENTITY).get("machineIdentifier", ""), known)
            self._verified = self.session.opened

    def read(self, path: str, headers: Mapping[str, str] | None = None) -> Element:
        """Plex's XML at a path; of a list the part named by `headers`, or all of it."""
        self._connected()
        sent = self._headers | WHOLE | dict(headers or {})
        root = self.session.get(self._url + path, headers=sent, timeout=self._timeout)
        assert root is not None
        return root

    def send(
        self, path: str, method: Callable[..., Element | None], to: str, **options: Any
    ) -> None:
        """Send an order, edit or upload to the server `to`; `method` is one of the session's.

        If a new connection is needed, the server's identity is checked first.
        """
        server = self._sender()
        self._compare(server.machineIdentifier, to)

        def check(identity: Element) -> None:
            self._compare(identity.get("machineIdentifier", ""), to)
            self._verified = self.session.opened

        server.query(path, method=method, check=check, **options)

    def load(self) -> None:
        """Load plexapi before it is needed."""
        _server_class()

    def probe(self, path: str, headers: Mapping[str, str], deadline: float) -> Element:
        """Read without a connect before it, within `deadline` seconds."""
        sent = self._headers | WHOLE | dict(headers)
        root = self.session.get(self._url + path, headers=sent, timeout=deadline)
        assert root is not None
        return root

    def _check_name(self, found: str | None) -> None:
        if not found:
            raise PlexServerDown(
                f"{NOT_PLEX}: it sends no identity", cause="foreign", fault=REQUEST
            )

    def _compare(self, found: str, known: str) -> None:
        self._check_name(found)
        if found != known:
            with self._lock:
                self._identity = self._server = None
            raise PlexTemporaryError(
                "another Plex server answers at plex_url now", cause="server", fault=REQUEST
            )

    def _connected(self) -> Element:
        """How the server introduced itself."""
        with self._lock:
            if self._identity is None:
                found = self.probe(IDENTITY, {}, self._timeout)
                self._check_name(found.get("machineIdentifier"))
                self._identity, self._verified = found, self.session.opened
            return self._identity

    def _sender(self) -> Any:
        """plexapi's server. It is loaded only once something is sent, since that takes a while."""
        identity = self._connected()
        named = identity.get("machineIdentifier")
        with self._lock:
            if self._server is None or self._server.machineIdentifier != named:
                self._server = _server_class()(
                    self._url, self._token, self._headers, self.session, self._timeout, identity
                )
            return self._server


def _server_class() -> type[Server]:
    """Loads plexapi; the next call tries again if it cannot be loaded now."""
    # one at a time: who waits for another thread's import, which fails, is not told why
    with _LOADING:
        try:
            from plexsync.edges.plex.server import Server
        except Exception as problem:  # a half-replaced file can raise anything; the worker logs it
            raise Unloadable(why_unloadable(problem)) from problem
    return Server


def span(start: int, size: int) -> dict[str, str]:
    """Headers that request a part of a list; size 0 requests only the total."""
    return {"X-Plex-Container-Start": str(start), "X-Plex-Container-Size": str(size)}


WHOLE = span(0, 100_000)
"""Newer versions of Plex refuse many lists that are requested without these headers."""


def device(client_id: str) -> dict[str, str]:
    """Headers that identify us as a device. Plex notifies its owner of each unknown identifier."""
    return {
        "X-Plex-Client-Identifier": client_id,
        "X-Plex-Product": "PlexSync",
        "X-Plex-Version": __version__,
        "X-Plex-Device": "PlexSync",
        "X-Plex-Device-Name": "PlexSync for Stash",
        "X-Plex-Platform": "Stash",
        "X-Plex-Provides": "",
        "Accept": "application/xml",
    }


def _read_client_id(raw: object) -> str:
    known = versioned(raw, 1).get("identifier")
    if not isinstance(known, str):
        raise ValueError("it holds no identifier")
    return str(uuid.UUID(known))
