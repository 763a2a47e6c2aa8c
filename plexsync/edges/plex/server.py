"""The only module that knows plexapi: a server object that sends everything through our session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from plexapi.server import PlexServer

from plexsync.edges.plex.session import PlexSession


class Server(PlexServer):
    """plexapi's server with our headers, whatever plexapi's defaults or its config.ini say.

    It is the one that answered /identity with `identity`: proxies and Plex itself treat `/` specially.
    """

    def __init__(
        self,
        url: str,
        token: str,
        headers: Mapping[str, str],
        session: PlexSession,
        timeout: float,
        identity: Element,
    ) -> None:
        self._own_headers = headers
        self._identity: Element | None = identity
        super().__init__(url, token, session, timeout)  # type: ignore[no-untyped-call]
        self._identity = None

    def _headers(self, **more: str) -> dict[str, str]:
        return {**self._own_headers, **more}

    def query(
        self,
        key: str,
        method: Callable[..., Any] | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **kwargs: Any,
    ) -> Element | None:
        """The tree that our session has parsed; plexapi would parse the text again."""
        if self._identity is not None:  # plexapi asks who the server is, which is known
            return self._identity
        ask: Any = method or self._session.get
        root: Element | None = ask(
            self.url(key),
            headers=self._headers(**headers or {}),
            params=params,
            timeout=timeout or self._timeout,
            **kwargs,
        )
        return root

    def url(self, key: str, includeToken: bool | None = None) -> str:  # noqa: N803
        """The URL of a path, never with the token."""
        return f"{self._baseurl}{key}"
