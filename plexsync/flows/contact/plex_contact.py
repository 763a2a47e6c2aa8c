"""A Plex server as the rules see it: raw requests, and PlexSync's own client beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from urllib.parse import quote
from xml.etree import ElementTree

from plexsync.edges.clock import Clock
from plexsync.edges.http.certificates import Trust
from plexsync.edges.http.transport import Reply, Session
from plexsync.edges.plex.client import PlexClient
from plexsync.edges.plex.connection import span
from plexsync.flows.contact.verdicts import SkippedError, expect

NOBODY = 2**31 - 7
"""An id that nothing has."""

SAMPLE = 25
"""Items that are looked at."""

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_LONG = "/identity?plexsync="


class PlexContact:
    """One Plex server. A raw request may take `seconds`."""

    def __init__(
        self,
        url: str,
        token: str,
        client: PlexClient,
        client_id: str,
        trust: Trust,
        clock: Clock,
        seconds: float = 30.0,
    ) -> None:
        self.client, self.clock = client, clock
        self._url, self._token, self._id = url.rstrip("/"), token, client_id
        self._session = Session(5.0, seconds, seconds, trust=trust, detect_tls=True)

    def ask(
        self,
        path: str,
        token: str | None = None,
        method: str = "GET",
        headers: Mapping[str, str] = NO_HEADERS,
    ) -> Reply:
        """One request; `token` None: the right one, "": none."""
        sent = {"Accept": "application/xml", "X-Plex-Client-Identifier": self._id, **headers}
        secret = self._token if token is None else token
        return self._session.request(
            method,
            self._url + path,
            headers=sent | ({"X-Plex-Token": secret} if secret else {}),
        )

    def long_line(self, size: int) -> Reply:
        """A harmless request whose line has so many bytes."""
        frame = len("GET  HTTP/1.1") + len(_LONG)
        return self.ask(_LONG + "x" * (size - frame), token="")

    def put(self, path: str, values: Sequence[tuple[str, str]]) -> Reply:
        """A raw edit; `path` ends with "?" or "&"."""
        query = "&".join(f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in values)
        return self.ask(path + query, method="PUT")

    def xml(self, path: str, headers: Mapping[str, str] = NO_HEADERS) -> ElementTree.Element:
        """The answer to a read, which must be good."""
        reply = self.ask(path, headers=headers)
        expect(f"the status of {path.partition('?')[0]}", reply.status, 200)
        root = ElementTree.fromstring(reply.body)
        expect("the root element", root.tag, "MediaContainer", public=True)
        return root

    def page(self, start: int, size: int) -> ElementTree.Element:
        """A page of the library's list."""
        path = f"/library/sections/{self.section}/all?type=1&sort=id"
        return self.xml(path, span(start, size))

    @cached_property
    def section(self) -> str:
        """The first movie library that is not empty."""
        for section in self.client.sections().found:
            if self.client.count(section.key):
                return section.key
        raise SkippedError("no movie library with anything in it")

    @cached_property
    def listed(self) -> list[ElementTree.Element]:
        """The first items as a list shows them."""
        return list(self.page(0, SAMPLE))

    @cached_property
    def keys(self) -> list[int]:
        """The rating keys of the first items."""
        return [int(element.get("ratingKey", "0")) for element in self.listed]

    @cached_property
    def whole(self) -> dict[int, ElementTree.Element]:
        """The same items fetched by key."""
        root = self.xml("/library/metadata/" + ",".join(map(str, self.keys)))
        return {int(element.get("ratingKey", "0")): element for element in root}

    def close(self) -> None:
        """Close the raw connection; the client belongs to the caller."""
        self._session.close()
