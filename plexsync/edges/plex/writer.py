"""Edits on their way to Plex: by the endpoint that takes them, in pieces that it takes.

A refused edit goes once more by the other endpoint, then in halves, then field by field. What is
refused alone is given up, and only that. How a server wants its edits is remembered.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from plexsync.edges.plex import edits as plex_edit
from plexsync.edges.plex.connection import PlexConnection
from plexsync.edges.plex.edits import Cut
from plexsync.edges.plex.session import PlexSession
from plexsync.model.errors import WRITE, PlexPermanentError, PlexTemporaryError, SyncError
from plexsync.model.plex import EDITABLE, IMAGE, Edit, PlexItem, Target

REFUSALS = frozenset({400, 403, 404, 405, 406, 409, 413, 414, 415, 422, 431})
"""Answers that may mean the endpoint, the length or one field of an edit."""

SHORT = 1000
"""Bytes of a request line that every server takes."""

_TOO_LONG = frozenset({414, 431})
_SMALL = 2048
"""Bytes; a refused line of this length and less is not too long, so that fields go one by one."""
_NEAR = 64
"""Bytes to which the limit of a request line is narrowed down."""
_FRAME = len("PUT  HTTP/1.1")


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of some edits.

    `edits` went out, as they are here: texts `cut` to what a request holds. `refused` holds Plex's
    words by field. `torn` lists went in several requests, which is right only where Plex adds.
    """

    edits: tuple[Edit, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    cut: Mapping[str, Cut] = field(default_factory=dict)
    torn: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Writing:
    """One item's edits under way; `limit` is what its request lines may take."""

    target: Target
    limit: int | None
    well: bool = False
    """Plex was probed because of a refusal, and is well."""
    takes_edits: bool = False
    """The item takes edits: one that changes nothing got through."""
    edits: list[Edit] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    cut: dict[str, Cut] = field(default_factory=dict)
    torn: set[str] = field(default_factory=set)


class _TooLong(Exception):
    """The request line was too long; there is a limit now, or a lower one."""


class _Refused(Exception):
    """Both endpoints refused a request whose line had `size` bytes."""

    def __init__(self, error: SyncError, size: int) -> None:
        super().__init__(error.message)
        self.error = error
        self.size = size


class PlexWriter:
    """Writes edits to one Plex server; safe to use from several threads.

    `healthy` probes Plex, `read` reads one item (None when Plex has it no longer).
    """

    def __init__(
        self,
        connection: PlexConnection,
        session: PlexSession,
        healthy: Callable[[], bool],
        read: Callable[[Target], PlexItem | None],
        patience: float,
    ) -> None:
        self._connection = connection
        self._session = session
        self._healthy = healthy
        self._read = read
        self._patience = patience
        self._by_item = False
        self._longest = 0
        self._learning = threading.Lock()
        self.line_limit: int | None = None
        """Bytes of the longest request line that Plex takes; None while none was too long."""
        self.replaces_lists = False
        """Names that are sent take the place of those there, instead of joining them."""

    def fit(self, target: Target, edits: Sequence[Edit]) -> tuple[list[Edit], dict[str, Cut]]:
        """The edits as they would go out by what is known of Plex, and what would be cut."""
        return self._fit(edits, self._room(target, self.line_limit))

    def write(self, target: Target, edits: Sequence[Edit]) -> Sent:
        """Make these edits, in one request where one can hold them; images are left out.

        Raises what is wrong with Plex or with the whole item. Safe to repeat.
        """
        writing = _Writing(target, self.line_limit)
        parameters = [e for e in edits if EDITABLE[e.field].kind != IMAGE or e.lock_only]
        if parameters:
            self._deliver(writing, parameters)
        torn = frozenset(writing.torn)
        return Sent(tuple(writing.edits), writing.refused, writing.cut, torn)

    def _deliver(self, writing: _Writing, edits: Sequence[Edit]) -> None:
        try:
            self._put_all(writing, edits)
        except _Refused as refusal:
            self._make_sure_it_takes_edits(writing, refusal)
            if len(edits) == 1:
                _give_up(writing, edits[0], refusal.error)
                return
            for part in _parts(edits, refusal.size):
                self._deliver(writing, part)

    def _put_all(self, writing: _Writing, edits: Sequence[Edit]) -> None:
        while True:
            room = self._room(writing.target, writing.limit)
            fitted, cut = self._fit(edits, room)
            try:
                for query in plex_edit.queries(fitted, room):
                    self._put(writing, query)
            except _TooLong:
                continue
            break
        if writing.limit is not None:
            self.line_limit = min(writing.limit, self.line_limit or writing.limit)
        writing.edits += fitted
        writing.cut |= cut
        writing.torn |= {edit.field for edit in fitted if plex_edit.is_torn(edit, room)}

    def _fit(self, edits: Sequence[Edit], room: int | None) -> tuple[list[Edit], dict[str, Cut]]:
        return plex_edit.fit(edits, room, whole_lists=self.replaces_lists)

    def _put(self, writing: _Writing, query: str) -> None:
        """One request, by the endpoint that worked last and, when that is refused, the other."""
        by_item = self._by_item or writing.target.collection
        path = _path(writing.target, by_item=by_item)
        error = self._try(writing, path, query)
        if error is None:
            return
        self._make_sure_plex_is_well(writing, error)
        if writing.target.collection:  # a library's endpoint answers 404 for them, or edits nothing
            raise _Refused(error, _size(path, query))
        other = _path(writing.target, by_item=not by_item)
        if self._try(writing, other, query) is not None:
            raise _Refused(error, _size(other, query))
        self._by_item = not by_item

    def _try(self, writing: _Writing, path: str, query: str) -> SyncError | None:
        """None when it was taken, else the refusal."""
        size = _size(path, query)
        try:
            self._connection.send(path + query, self._session.put, writing.target.server)
        except SyncError as error:
            if self._was_too_long(writing, error, size):
                raise _TooLong from None
            if error.status not in REFUSALS:
                raise
            return error
        self._longest = max(self._longest, size)
        return None

    def _make_sure_plex_is_well(self, writing: _Writing, error: SyncError) -> None:
        """A sick Plex, or what answers in its place, refuses everything: that is no item's fault."""
        if not writing.well and not self._healthy():
            error.fault = WRITE
            raise error
        writing.well = True

    def _make_sure_it_takes_edits(self, writing: _Writing, refusal: _Refused) -> None:
        """Unless an edit that changes nothing gets through, no field is to blame."""
        if writing.takes_edits:
            return
        item = self._read(writing.target)
        if item is None:
            raise PlexTemporaryError("the item is no longer in Plex", status=404, cause="gone")
        locked = "title" in item.locks
        nothing = Edit(
            field="title", value="", before="", reason="probe", lock_only=True, locked=locked
        )
        try:
            self._put(writing, plex_edit.queries([nothing], None)[0])
        except _Refused:
            raise refusal.error from None
        writing.takes_edits = True

    # -- how long a request line may be ------------------------------------------------------

    def _room(self, target: Target, limit: int | None) -> int | None:
        """Bytes for a query; None: as many as there are."""
        by_item = target.collection
        return None if limit is None else limit - _size(_path(target, by_item=by_item), "")

    def _was_too_long(self, writing: _Writing, error: SyncError, size: int) -> bool:
        """Whether the line's length was the trouble: a harmless request as long meets the same.

        Then `writing.limit` is lower than before; it holds for all once an edit got through.
        """
        suspicious = error.status in REFUSALS or error.cause == "reset"
        if not suspicious or size <= max(self._longest, SHORT):
            return False
        with self._learning:
            limit = self._limit_below(error, size)
        if limit is None or limit < SHORT:
            return False
        writing.limit = limit
        return True

    def _limit_below(self, error: SyncError, size: int) -> int | None:
        if self.line_limit is not None and self.line_limit < size:
            return self.line_limit  # another thread was quicker
        if not self._takes(size):
            return self._longest_taken(size)
        if error.status in _TOO_LONG:
            return size // 2  # only edits are limited so
        self._longest = max(self._longest, size)
        return None

    def _longest_taken(self, refused: int) -> int | None:
        """Look for the limit below `refused` by halving; None when short requests fail, too."""
        good, bad = SHORT, refused
        if not self._takes(good):
            return None
        while bad - good > _NEAR:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if self._takes(middle) else (good, middle)
        return good if self._takes(good) else None

    def _takes(self, size: int) -> bool:
        """Whether Plex answers a request that changes nothing and has so long a line."""
        path = "/identity?plexsync="
        try:
            self._connection.probe(path + "x" * (size - len(path) - _FRAME), {}, self._patience)
        except SyncError:
            return False
        return True


def _path(target: Target, *, by_item: bool) -> str:
    """All of an edit's address but the edits. Without an id Plex would edit the whole library."""
    if target.rating_key <= 0:
        raise PlexPermanentError(f"{target.rating_key} is no rating key", cause="target")
    if not re.fullmatch(r"[0-9]{1,18}", target.section):
        text = f"{target.section!r:.40} is not the key of a library"
        raise PlexPermanentError(text, cause="target")
    if by_item:
        return f"/library/metadata/{target.rating_key}?"
    return f"/library/sections/{target.section}/all?type=1&id={target.rating_key}&"


def _size(path: str, query: str) -> int:
    return _FRAME + len(path) + len(query)


def _parts(edits: Sequence[Edit], size: int) -> list[Sequence[Edit]]:
    """What to try when all of it together was refused."""
    if size <= _SMALL:
        return [[edit] for edit in edits]
    half = len(edits) // 2
    return [edits[:half], edits[half:]]


def _give_up(writing: _Writing, edit: Edit, error: SyncError) -> None:
    if edit.lock_only:
        writing.edits.append(edit)  # what Plex has is as it should be: nothing is lost
    else:
        writing.refused[edit.field] = words_of(error)


def words_of(error: SyncError) -> str:
    """What was said to something that was refused alone by a Plex that is well."""
    if error.cause == "foreign":
        return f"a proxy or firewall in front of Plex answered {error.status}"
    return error.message
