"""Reads settings, entities and pictures from Stash. Only our own settings are ever written, on
request.

Every failure is raised as StashDown or StashAuthError; jobs then wait untouched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from plexsync.edges.in_flight import InFlight
from plexsync.edges.stash import answers as stash_answers
from plexsync.edges.stash import pictures
from plexsync.edges.stash import queries as stash_queries
from plexsync.edges.stash.answers import StashSettings
from plexsync.edges.stash.connection import AnswerTooLarge, StashConnection
from plexsync.edges.stash.details import EntityDetails, read_details
from plexsync.edges.stash.handover import Handover
from plexsync.edges.stash.hierarchy import read_hierarchy
from plexsync.edges.stash.pictures import MAX_PICTURE, Picture
from plexsync.edges.stash.scene_lists import StashScenes
from plexsync.model.connection import Connection
from plexsync.model.errors import StashAuthError, StashDown
from plexsync.model.hierarchy import Hierarchy
from plexsync.model.scene import Scene
from plexsync.model.stash_identity import SAMPLE, IdentityAnswer

ENTITIES = stash_queries.ENTITIES
"""Kinds of entities that a scene refers to."""

_KEEP_ALIVE_AT_MOST = 1200.0


class StashClient(StashScenes):
    """Client for one Stash; safe to use from several threads.

    Times in seconds; `total` bounds a whole request. While another process waits for the requests
    `in_flight` (also those to Plex), none is sent and Interrupted is raised. If Stash refuses the
    connection or does not answer, a newer one from the handover is used, if there is one.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        total: float = 60.0,
        in_flight: InFlight | None = None,
        handover: Handover | None = None,
    ) -> None:
        self.in_flight = in_flight or InFlight()
        super().__init__(
            StashConnection(
                connection, connect_timeout, read_timeout, total, self.in_flight, handover
            )
        )
        self._handover = handover
        self._max_age = 3600
        self.enabled = True
        """Whether PlexSync was enabled in Stash when that was last read."""
        self._kept: float | None = None
        self._hierarchy: Hierarchy | None = None
        self._unheard: set[tuple[str, int]] = set()
        """Tags and studios of scenes that Stash does not list, so that they are not requested
        repeatedly.
        """

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never appear in a log: Stash's API key and our session."""
        return self._connection.secrets

    def signature(self) -> dict[str, str]:
        """The headers by which Stash knows us, for requests that are not sent by this client."""
        return self._connection.signature()

    @property
    def cookie(self) -> str:
        """Our session as Stash last renewed it; "" without one."""
        return self._connection.cookie

    @property
    def renewable(self) -> bool:
        """Whether a new session can be handed over once Stash refuses ours."""
        return self._handover is not None and self._handover.possible

    def renewed(self) -> bool:
        """Whether a connection was handed over that has not been tried yet."""
        return self._handover is not None and self._handover.waiting()

    @property
    def address(self) -> str:
        """Stash's current base URL."""
        return self._connection.address

    def settings(self) -> StashSettings:
        """Our settings as saved in Stash; also takes over Stash's API key, in memory only.

        A connection that leads elsewhere is only taken over here, so that a batch reads from one
        Stash.
        """
        try:
            data = self._connection.ask(stash_queries.SETTINGS)
        except (StashDown, StashAuthError):
            if not self._connection.move():
                raise
            self.forget_hierarchy()
            data = self._connection.ask(stash_queries.SETTINGS)
        found = stash_answers.read_settings(data)
        self._connection.use_key(found.api_key)
        self._max_age, self._connection.version = found.max_session_age, found.version
        self.enabled = found.enabled
        return found

    def learn_whether_enabled(self) -> None:
        """Read whether PlexSync is enabled; never waits long, and never for our other requests."""
        with self.in_flight.aside():
            self.enabled = stash_answers.read_enabled(self._connection.ask(stash_queries.ENABLED))

    def ask_identity(self, scenes: Sequence[int]) -> IdentityAnswer:
        """What identifies this Stash, and when these scenes (a few dozen) were created there."""
        try:
            return self._identify(scenes)
        except StashDown as problem:
            if problem.cause != "body" or scenes:
                raise
        # One failing scene fails the lists that contain it, in a small Stash both of them.
        return self._identify(self.scene_ids(0, SAMPLE)[0])

    def _identify(self, scenes: Sequence[int]) -> IdentityAnswer:
        variables = {f"i{n}": str(int(scene)) for n, scene in enumerate(scenes)}
        query = stash_queries.identity(len(scenes))
        data, errors = self._connection.query(query, {"size": SAMPLE, **variables})
        return stash_answers.read_identity(data, errors, len(scenes))

    def save_settings(self, settings: Mapping[str, object]) -> None:
        """Replace all our settings in Stash by these; keys that are missing here are deleted."""
        self._connection.ask(stash_queries.SAVE_SETTINGS, {"settings": settings})

    def hierarchy(self, scenes: Iterable[Scene] = ()) -> Hierarchy:
        """All tags and studios. Cached until `forget_hierarchy`, until the Stash changes, or until
        one of these scenes has a tag or studio that was created since, which no hook reports.
        """
        known = self._hierarchy
        new = known.unknown(scenes) - self._unheard if known is not None else set()
        if known is None or new:
            known = self._hierarchy = read_hierarchy(self._connection.ask)
            self._unheard = known.unknown(scenes)
        return known

    def forget_hierarchy(self) -> None:
        """Drop the cache: a tag or a studio has changed."""
        self._hierarchy = None

    def details(self, kind: str, ids: Sequence[int]) -> dict[int, EntityDetails]:
        """Text and picture of some dozens of one of ENTITIES; those that are gone, or cannot be read,
        are missing.
        """
        variables = {f"i{n}": str(int(number)) for n, number in enumerate(ids)}
        data, errors = self._connection.query(stash_queries.details(kind, len(ids)), variables)
        return read_details(ids, data, stash_answers.by_answer(errors))

    def cover(self, scene: int, etag: str = "") -> Picture:
        """The cover of a scene, unless it still has `etag`."""
        return self.picture("scene", scene, etag)

    def picture(self, kind: str, number: int, etag: str = "") -> Picture:
        """The picture of a scene or of one of ENTITIES, unless it is still the one of this `etag`.

        The address is made of the connection, kind and id alone, and redirects are refused,
        so that no data can lead the request, and our session with it, elsewhere.
        """
        headers = {"Accept": "image/*", **pictures.unless_still(etag)}
        path = pictures.path_of(kind, number)
        try:
            reply = self._connection.call("GET", path, headers=headers, max_body=MAX_PICTURE)
        except AnswerTooLarge:
            return pictures.too_large()
        return pictures.judge(reply.status, reply.headers, reply.body)

    def keep_alive(self, now: float) -> None:
        """Send a small query, so that Stash renews our session."""
        self._kept = now
        self._connection.ask(stash_queries.KEEP_ALIVE)

    def next_keep_alive(self, now: float) -> float | None:
        """When `keep_alive` is due, on the clock of `now`; None if the session cannot expire.

        It is due a third of Stash's session age after the last request, at most 20 minutes.
        """
        if not self._connection.may_expire or not self._max_age:
            return None
        if self._kept is None:
            self._kept = now
        every = min(max(self._max_age / 3, 1.0), _KEEP_ALIVE_AT_MOST)
        return self._kept + every if 0 <= now - self._kept < every else now

    def close(self) -> None:
        """Close every connection; the client may be used again."""
        self._connection.close()
