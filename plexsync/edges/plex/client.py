"""Client for Plex, by way of plexapi: reads items, writes edits and images, scans, checks health.

All methods raise the errors of model/errors.py; answers.py decides what each answer means.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from urllib.parse import quote

from plexsync.edges.http.certificates import PUBLIC, Trust
from plexsync.edges.http.transport import Session
from plexsync.edges.in_flight import InFlight
from plexsync.edges.plex import health as plex_health
from plexsync.edges.plex import xml as plex_xml
from plexsync.edges.plex.connection import IDENTITY, PlexConnection, load_client_id
from plexsync.edges.plex.edits import Cut
from plexsync.edges.plex.health import Health
from plexsync.edges.plex.lists import PlexLists, section_key
from plexsync.edges.plex.session import PlexSession
from plexsync.edges.plex.tree import UNREAD
from plexsync.edges.plex.writer import PlexWriter, Sent, words_of
from plexsync.model.errors import (
    WRITE,
    PlexNotFound,
    PlexPermanentError,
    SyncError,
)
from plexsync.model.plex import FIELDS, Edit, PlexItem, Target
from plexsync.model.plex_state import FAILURE

__all__ = ["Cut", "Health", "PlexClient", "Sent", "load_client_id"]

BATCH = 200
"""Items per request of `items`."""
_LEAN = f"excludeElements={','.join(UNREAD)}"
"""Plex may ignore this. It is a third of what it sends of a film."""
LARGEST_IMAGE = 10_000_000
"""Largest image in bytes; Plex fails on images above 10 MB."""
_IMAGE_REFUSALS = frozenset({400, 406, 413, 415, 422})
"""Statuses of an upload that concern only the image."""
_FOREIGN_REFUSALS = frozenset({403, 404, 405})
"""Further statuses by which a proxy or firewall rejects an upload."""
_IMAGES = {"poster": "posters", "background": "arts"}
_CHOICES = {"poster": "poster", "background": "art"}


class PlexClient(PlexLists):
    """One Plex server. Connects when first needed; safe to use from several threads.

    At most `connections` requests are in flight. An attempt takes at most `read_timeout` seconds in
    all. `now` is the wall clock, for a Retry-After with a date. While another process waits for the
    requests `in_flight`, none is sent and Interrupted is raised. `checked` is called with the
    result of each health check and who asked for it.
    """

    def __init__(
        self,
        url: str,
        token: str,
        client_id: str,
        *,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        connections: int = 2,
        trust: Trust = PUBLIC,
        now: Callable[[], float] = time.time,
        in_flight: InFlight | None = None,
        checked: Callable[[Health, str], None] = lambda health, asked_by: None,
    ) -> None:
        def make() -> Session:
            times = (connect_timeout, read_timeout, read_timeout)
            return Session(*times, trust=trust, detect_tls=True)

        self.in_flight = in_flight or InFlight()
        identity_url = url.rstrip("/") + IDENTITY
        self._session = PlexSession(make, connections, token, identity_url, now, self.in_flight)
        super().__init__(PlexConnection(url, token, client_id, self._session, read_timeout))
        self._token = token
        self._checked = checked
        self._patience = max(5.0, read_timeout / 2)
        self._writer = PlexWriter(
            self._connection, self._session, self._healthy, self._read_item, self._patience
        )

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return self._session.requests

    @property
    def received(self) -> int:
        """Bytes of bodies read so far."""
        return self._session.received

    @property
    def answers(self) -> int:
        """Answers so far that were recognisably Plex's, good or bad: proof that it is running."""
        return self._session.answers

    def server_id(self) -> str:
        """The machineIdentifier of the server; the first call connects."""
        return self._connection.server_id()

    def who_answers(self, deadline: float) -> str:
        """The machineIdentifier of the server that answers, which does not get the token yet."""
        return self._connection.who_answers(deadline)

    def verify_server(self) -> None:
        """Check the server's identity again if a connection was opened since the last check.

        Raises PlexTemporaryError if it is another server; the next call adopts that one.
        """
        self._connection.verify()

    def items(self, keys: Sequence[int]) -> dict[int, PlexItem]:
        """The complete items with these rating keys; unknown ones are missing from the result."""
        wanted = [key for key in dict.fromkeys(keys) if key > 0]
        server = self.server_id() if wanted else ""
        found: dict[int, PlexItem] = {}
        for start in range(0, len(wanted), BATCH):
            asked = dict.fromkeys(wanted[start : start + BATCH])
            try:
                these = ",".join(map(str, asked))
                root = self._connection.read(f"/library/metadata/{these}?{_LEAN}")
            except PlexNotFound:
                continue
            some = plex_xml.items(root, server)
            found |= {i.target.rating_key: i for i in some if i.target.rating_key in asked}
        return found

    def write(self, target: Target, edits: Sequence[Edit]) -> Sent:
        """Write these edits, in one request if they fit; returns what happened to each.

        Images are skipped, see `upload_image`. Safe to repeat.
        """
        self.verify_server()
        return self._writer.write(target, edits)

    def load(self) -> None:
        """Load plexapi, which only writes need; raises Unloadable as the first write would."""
        self._connection.load()

    def prepare(self, target: Target, edits: Sequence[Edit]) -> None:
        """Do what `write` would do before it sends, so that a connection need not wait for that."""
        self._writer.prepare(target, edits)

    def takes_edits(self, target: Target) -> bool | None:
        """Whether Plex accepts an edit of this item that changes nothing; None if that is unknown."""
        try:
            self.verify_server()
            return self._writer.takes_edits(target)
        except SyncError:
            return None

    def fit(self, target: Target, edits: Sequence[Edit]) -> tuple[list[Edit], dict[str, Cut]]:
        """The edits as `write` would send them with the known limits, and what it would cut."""
        return self._writer.fit(target, edits)

    @property
    def line_limit(self) -> int | None:
        """Bytes of the longest request line that Plex accepts; None while none was too long."""
        return self._writer.lines.limit

    @line_limit.setter
    def line_limit(self, limit: int | None) -> None:
        self._writer.lines.limit = limit

    def replaces_lists(self) -> None:
        """Record that Plex replaces an item's names by those that are sent, instead of adding them."""
        self._writer.replaces_lists = True

    def upload_image(self, target: Target, field: str, data: bytes) -> str:
        """Upload a "poster" or "background"; Plex selects and locks it, and keeps the old one.

        Returns Plex's message if it refuses this image, "" if it accepts it.
        """
        if not 0 < len(data) <= LARGEST_IMAGE:
            return f"it has {len(data)} bytes, and Plex accepts 1 to {LARGEST_IMAGE}"
        path = f"/library/metadata/{_key(target)}/{_IMAGES[field]}"
        self.verify_server()
        try:
            self._connection.send(path, self._session.post, target.server, data=data)
        except SyncError as error:
            foreign = error.cause == "foreign" and error.status in _FOREIGN_REFUSALS
            if error.status not in _IMAGE_REFUSALS and not foreign:
                raise
            if not self._healthy():
                error.fault = WRITE
                raise
            return words_of(error)
        return ""

    def selected_image(self, target: Target, field: str) -> str:
        """The key of the selected "poster" or "background", "" if none is."""
        return plex_xml.selected(
            self._connection.read(f"/library/metadata/{_key(target)}/{_IMAGES[field]}")
        )

    def select_image(self, target: Target, field: str, key: str) -> None:
        """Select the "poster" or "background" with this key again; "" selects none.

        The key is one returned by `selected_image`. Raises PlexPermanentError if Plex no longer has
        that image. The lock is set separately, see `write`.
        """
        item = f"/library/metadata/{_key(target)}"
        self.verify_server()
        if key:
            path = f"{item}/{_CHOICES[field]}?url={quote(key, safe='', errors='ignore')}"
            self._connection.send(path, self._session.put, target.server)
        else:
            path = f"{item}/{FIELDS[field].edit}"
            self._connection.send(path, self._session.delete, target.server)

    def scan_folder(self, section: str, folder: str) -> None:
        """Request a scan of one folder, a path as Plex sees it; Plex scans it later."""
        if not folder.strip():
            raise PlexPermanentError("no folder to scan", cause="path")
        path = quote(folder, safe="", errors="ignore")
        asked = f"/library/sections/{section_key(section)}/refresh?path={path}"
        self._connection.send(asked, self._session.order, self.server_id())

    def check(
        self, asked_by: str, *, to_write: bool = False, deadline: float | None = None
    ) -> Health:
        """Check whether Plex runs and its library can be read with our token. Never raises
        SyncError.

        `to_write` also checks whether the token may write. Each of its (at most four) requests may
        take `deadline` seconds; the default is half the read timeout, at least 5 s, since a
        sleeping disk needs time to start. All health checks go through here, and each names who
        asked for it.
        """
        seconds = deadline or self._patience
        health = plex_health.check(self._connection, self._token, seconds, to_write=to_write)
        self._checked(health, asked_by)
        return health

    def close(self) -> None:
        """Close every connection."""
        self._session.close()

    def _healthy(self) -> bool:
        return self.check(FAILURE).healthy

    def _read_item(self, target: Target) -> PlexItem | None:
        return self.items([target.rating_key]).get(target.rating_key)


def _key(target: Target) -> int:
    """The item's id; without one Plex would edit the whole library."""
    if target.rating_key <= 0:
        raise PlexPermanentError(f"{target.rating_key} is not a rating key", cause="target")
    return target.rating_key
