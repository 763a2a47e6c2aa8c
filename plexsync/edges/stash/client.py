"""Reads settings, scenes and covers from Stash. Only our own settings are ever written, on request.

Every failure is raised as StashDown or StashAuthError; jobs then wait untouched.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from plexsync.edges.in_flight import InFlight
from plexsync.edges.log.redact import Redactor
from plexsync.edges.stash import answers as stash_answers
from plexsync.edges.stash import pictures
from plexsync.edges.stash import queries as stash_queries
from plexsync.edges.stash.answers import SceneAnswers, ScenePage, StashSettings, UpdatedPage
from plexsync.edges.stash.connection import AnswerTooLarge, StashConnection
from plexsync.edges.stash.details import EntityDetails, read_details
from plexsync.edges.stash.handover import Handover
from plexsync.edges.stash.hierarchy import read_hierarchy
from plexsync.edges.stash.pictures import MAX_PICTURE, Picture
from plexsync.model.connection import Connection
from plexsync.model.errors import StashAuthError, StashDown
from plexsync.model.hierarchy import Hierarchy
from plexsync.model.paths import name_key
from plexsync.model.scene import BASIC, Scene, SceneParts
from plexsync.model.stash_identity import SAMPLE, IdentityAnswer

ENTITIES = stash_queries.ENTITIES
"""Kinds of entities that a scene refers to."""

BATCH = 50
"""Scenes per query."""
_PAGE = 100
_MAX_PAGES = 100
_KEEP_ALIVE_AT_MOST = 1200.0


class StashClient:
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
        self._connection = StashConnection(
            connection, connect_timeout, read_timeout, total, self.in_flight, handover
        )
        self._handover = handover
        self._max_age = 3600
        self.enabled = True
        """Whether PlexSync was enabled in Stash when that was last read."""
        self._version = ""
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
            data = self._ask(stash_queries.SETTINGS)
        except (StashDown, StashAuthError):
            if not self._connection.move():
                raise
            self.forget_hierarchy()
            data = self._ask(stash_queries.SETTINGS)
        found = stash_answers.read_settings(data)
        self._connection.use_key(found.api_key)
        self._max_age, self._version = found.max_session_age, found.version
        self.enabled = found.enabled
        return found

    def learn_whether_enabled(self) -> None:
        """Read whether PlexSync is enabled; never waits long, and never for our other requests."""
        with self.in_flight.aside():
            self.enabled = stash_answers.read_enabled(self._ask(stash_queries.ENABLED))

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
        data, errors = self._query(query, {"size": SAMPLE, **variables})
        return stash_answers.read_identity(data, errors, len(scenes))

    def save_settings(self, settings: Mapping[str, object]) -> None:
        """Replace all our settings in Stash by these; keys that are missing here are deleted."""
        self._ask(stash_queries.SAVE_SETTINGS, {"settings": settings})

    def scenes(self, ids: Sequence[int], parts: SceneParts = BASIC) -> SceneAnswers:
        """The scenes with these ids, 50 per query, with these parts.

        An unreadable scene does not affect the others. Raises StashDown if the fault is Stash's:
        not even another scene can be read.
        """
        wanted = list(dict.fromkeys(ids))
        answers = SceneAnswers()
        for start in range(0, len(wanted), BATCH):
            batch = wanted[start : start + BATCH]
            variables = {f"i{n}": str(int(scene)) for n, scene in enumerate(batch)}
            query = stash_queries.scenes(len(batch))
            data, errors = self._query(query, variables | _asking_for(parts))
            answers.add(stash_answers.read_scenes(batch, data, errors, parts))
        if answers.odd and not answers.scenes:
            self._suspect(answers.odd)
        return answers

    def _suspect(self, odd: Mapping[int, str]) -> None:
        """Raise StashDown unless another scene can be read, or Stash has only one."""
        for after in (max(odd), 0):
            data = self._ask(stash_queries.SCENE_PAGE, {"after": after, "size": 1})
            answers, ids, _ = stash_answers.read_page(data)
            if ids and ids[0] not in odd:
                break
        else:
            answers = SceneAnswers(unusable=dict(odd) if len(odd) > 1 else {})
        for trouble in answers.odd.values():
            raise stash_answers.unwell(trouble)

    def scenes_by_file(self, names: Sequence[str], parts: SceneParts = BASIC) -> list[Scene]:
        """Scenes with a file of one of these names in any folder, by id.

        Case and Unicode form of the names do not matter; the caller compares folders and sizes.
        """
        wanted = {name_key(name) for name in names if name}
        found: dict[int, Scene] = {}
        for spelling in sorted({form for name in names for form in _spellings(name)}):
            for scene in self._including(spelling, parts):
                if any(name_key(file.path) in wanted for file in scene.files):
                    found[scene.id] = scene
        return [found[scene] for scene in sorted(found)]

    def recently_updated(self, page: int, size: int, kind: str = "scene") -> UpdatedPage:
        """Ids with their `updated_at` in seconds since the epoch, newest first; page 1 is the
        first.

        `kind` is "scene" or one of ENTITIES. Stash sorts, and the caller compares: Stash's own
        filter compares times as text.
        """
        variables = {"page": page, "size": size}
        scenes = kind == "scene"
        query = stash_queries.RECENTLY_UPDATED if scenes else stash_queries.recently_updated(kind)
        data = self._ask(query, variables)
        return stash_answers.read_updates(data)

    def scene_ids(self, after: int, size: int) -> tuple[list[int], int]:
        """The next ids above `after`, ascending, at most `size`, and how many there are above it.

        Unlike with page numbers, no scene is skipped if others are deleted meanwhile.
        """
        data = self._ask(stash_queries.SCENE_IDS, {"after": after, "size": size})
        ids, left = stash_answers.read_ids(data)
        stash_answers.check_onwards(ids, after, left)
        return ids, left

    def scene_page(self, after: int, size: int, parts: SceneParts = BASIC) -> ScenePage:
        """The next scenes above the id `after`, ascending, at most `size`."""
        variables = {"after": after, "size": size}
        answers, ids, left = self._whole(stash_queries.SCENE_PAGE, variables, parts)
        stash_answers.check_onwards(ids, after, left)
        last = ids[-1] if ids else after
        return ScenePage(tuple(answers.scenes), last, left - len(ids), answers.odd)

    def scene_files(self, after: int, size: int) -> tuple[list[tuple[int, str, int | None]], int]:
        """Scene, path and size in bytes of the files of the next scenes above the id `after`, at
        most `size` scenes, and how many scenes there are above it. A scene without a file has the
        path "".
        """
        data = self._ask(stash_queries.SCENE_FILES, {"after": after, "size": size})
        files, left = stash_answers.read_files(data)
        stash_answers.check_onwards([*dict.fromkeys(scene for scene, *_ in files)], after, left)
        return files, left

    def latest_scenes(
        self, sort: str, page: int, size: int, parts: SceneParts = BASIC
    ) -> ScenePage:
        """Scenes by "updated_at" or "created_at", newest first; page 1 is the first."""
        variables = {"page": page, "size": size, "sort": sort}
        answers, _, total = self._whole(stash_queries.LATEST_SCENES, variables, parts)
        return ScenePage(tuple(answers.scenes), page, max(0, total - page * size), answers.odd)

    def hierarchy(self, scenes: Iterable[Scene] = ()) -> Hierarchy:
        """All tags and studios. Cached until `forget_hierarchy`, until the Stash changes, or until
        one of these scenes has a tag or studio that was created since, which no hook reports.
        """
        known = self._hierarchy
        new = known.unknown(scenes) - self._unheard if known is not None else set()
        if known is None or new:
            known = self._hierarchy = read_hierarchy(self._ask)
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
        data, errors = self._query(stash_queries.details(kind, len(ids)), variables)
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
        self._ask(stash_queries.KEEP_ALIVE)

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

    def _including(self, name: str, parts: SceneParts) -> Iterator[Scene]:
        """Scenes with a path that includes `name`; %, _ and quotes in it may match more, never
        less.

        Stash splits the value at spaces unless it is in double quotes.
        """
        for page in range(1, _MAX_PAGES + 1):
            variables = {"path": f'"{name}"', "page": page, "size": _PAGE}
            answers, ids, _ = self._whole(stash_queries.SCENES_BY_FILE, variables, parts)
            yield from answers.scenes
            if len(ids) < _PAGE:
                return

    def _whole(
        self, query: str, variables: Mapping[str, object], parts: SceneParts
    ) -> tuple[SceneAnswers, list[int], int]:
        """The scenes of a list, the ids in its order, and the count beside them.

        An error of one scene spoils a whole list: then the scenes are asked for one by one.
        """
        try:
            data = self._ask(query, {**variables, **_asking_for(parts)})
            return stash_answers.read_page(data, parts)
        except StashDown as problem:
            if problem.cause != "body":
                raise
        lean = stash_queries.without_scenes(query)
        ids, count = stash_answers.read_ids(self._ask(lean, variables))
        return self.scenes(ids, parts), ids, count

    def _ask(self, query: str, variables: Mapping[str, object] | None = None) -> dict[str, Any]:
        """The data of an answer; raises if it has any error."""
        data, errors = self._query(query, variables or {})
        if errors:
            raise stash_answers.failed(errors[0], version=self._version)
        return data

    def _query(
        self, query: str, variables: Mapping[str, object]
    ) -> tuple[dict[str, Any], list[object]]:
        """The data and errors of an answer; raises if it has no data."""
        # By default Stash answers with a content type that it does not compress.
        headers = {"Accept": "application/json"}
        body = {"query": query, "variables": variables}
        reply = self._connection.call("POST", "/graphql", headers=headers, json=body)
        answer = stash_answers.read_body(reply.status, reply.body)
        data, errors = answer.get("data"), answer.get("errors") or []
        # An error may repeat what was sent, our key included.
        errors = Redactor(self.secrets).clean(errors if isinstance(errors, list) else [errors])
        if reply.status != 200 or not isinstance(data, dict):
            error = errors[0] if errors else "no data"
            raise stash_answers.failed(error, reply.status, self._version)
        return data, errors


def _asking_for(parts: SceneParts) -> dict[str, object]:
    """The variables beyond a query's own; the defaults are left out."""
    wanted = {
        "details": parts.details,
        "performerTags": parts.performer_tags,
        "pictures": parts.pictures,
    }
    return {name: True for name, asked in wanted.items() if asked}


def _spellings(name: str) -> set[str]:
    """The Unicode forms in which a file system may store a name; Stash compares bytes."""
    if not name.strip('" '):
        return set()
    return {name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)}
