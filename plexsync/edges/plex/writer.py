"""Sends edits to Plex, by the endpoint and in the sizes that it accepts.

A refused request is repeated by the other endpoint, then in halves, then field by field. Only a
field that is refused on its own is given up. What a server accepts is remembered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from plexsync.edges.plex import edits as plex_edit
from plexsync.edges.plex.connection import PlexConnection
from plexsync.edges.plex.edits import Cut
from plexsync.edges.plex.session import PlexSession
from plexsync.edges.plex.xml import is_section_key
from plexsync.model.errors import WRITE, PlexPermanentError, PlexTemporaryError, SyncError
from plexsync.model.plex import EDITABLE, IMAGE, Edit, PlexItem, Target

REFUSALS = frozenset({400, 403, 404, 405, 406, 409, 413, 414, 415, 422, 431})
"""Statuses that may be due to the endpoint, the length or one field of an edit."""

SHORT = 1000
"""Bytes of a request line that every server accepts."""

_TOO_LONG = frozenset({414, 431})
_SMALL = 2048
"""A refused line of at most this many bytes is not too long; the fields are then sent one by one.
"""
_NEAR = 64
"""Precision in bytes of the measured limit of a request line."""
_FRAME = len("PUT  HTTP/1.1")


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of sending edits.

    `edits` are those that were sent, with texts as `cut` to fit a request. `refused` holds Plex's
    message by field. `torn` lists were sent in several requests, which is correct only if Plex adds
    names.
    """

    edits: tuple[Edit, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    cut: Mapping[str, Cut] = field(default_factory=dict)
    torn: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Writing:
    """The edits of one item in progress; `limit` is the longest request line in bytes."""

    target: Target
    limit: int | None
    well: bool = False
    """Plex was probed because of a refusal, and is healthy."""
    takes_edits: bool = False
    """The item accepts edits: one that changes nothing succeeded."""
    edits: list[Edit] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    cut: dict[str, Cut] = field(default_factory=dict)
    torn: set[str] = field(default_factory=set)


class _TooLong(Exception):
    """The request line was too long; a (lower) limit is set now."""


class _Refused(Exception):
    """Both endpoints refused a request whose line had `size` bytes."""

    def __init__(self, error: SyncError, size: int) -> None:
        super().__init__(error.message)
        self.error = error
        self.size = size


class PlexWriter:
    """Sends edits to one Plex server; safe to use from several threads.

    `healthy` probes Plex, `read` reads one item (None if Plex no longer has it).
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
        """Bytes of the longest request line that Plex accepts; None while none was too long."""
        self.replaces_lists = False
        """Plex replaces an item's names by those that are sent, instead of adding them."""

    def fit(self, target: Target, edits: Sequence[Edit]) -> tuple[list[Edit], dict[str, Cut]]:
        """The edits as they would be sent with the known limits, and what would be cut."""
        return self._fit(edits, self._room(target, self.line_limit))

    def write(self, target: Target, edits: Sequence[Edit]) -> Sent:
        """Send these edits, in one request if they fit; images are skipped.

        Raises the error if Plex or the whole item fails. Safe to repeat.
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
        """Send one request by the endpoint that worked last, and if refused by the other."""
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
        """Returns None if it was accepted, otherwise the refusal."""
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
        """Raise unless Plex is healthy: a failing Plex refuses everything, so no item is at fault."""
        if not writing.well and not self._healthy():
            error.fault = WRITE
            raise error
        writing.well = True

    def _make_sure_it_takes_edits(self, writing: _Writing, refusal: _Refused) -> None:
        """Raise unless an edit that changes nothing succeeds: otherwise no field is at fault."""
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
        """Bytes available for a query; None means unlimited."""
        by_item = target.collection
        return None if limit is None else limit - _size(_path(target, by_item=by_item), "")

    def _was_too_long(self, writing: _Writing, error: SyncError, size: int) -> bool:
        """Whether the length of the line was the cause: a harmless request of that length fails
        too.

        If so, `writing.limit` is lower than before; it applies to all items once an edit succeeds.
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
            return self.line_limit  # another thread has measured it meanwhile
        if not self._takes(size):
            return self._longest_taken(size)
        if error.status in _TOO_LONG:
            return size // 2  # only edits have this limit
        self._longest = max(self._longest, size)
        return None

    def _longest_taken(self, refused: int) -> int | None:
        """Find the limit below `refused` by bisection; None if short requests fail too."""
        good, bad = SHORT, refused
        if not self._takes(good):
            return None
        while bad - good > _NEAR:
            middle = (good + bad) // 2
            good, bad = (middle, bad) if self._takes(middle) else (good, middle)
        return good if self._takes(good) else None

    def _takes(self, size: int) -> bool:
        """Whether Plex accepts a harmless request with a line of `size` bytes."""
        path = "/identity?plexsync="
        try:
            self._connection.probe(path + "x" * (size - len(path) - _FRAME), {}, self._patience)
        except SyncError:
            return False
        return True


def _path(target: Target, *, by_item: bool) -> str:
    """The path of an edit up to the edits. Without an id Plex would edit the whole library."""
    if target.rating_key <= 0:
        raise PlexPermanentError(f"{target.rating_key} is not a rating key", cause="target")
    if not is_section_key(target.section):
        text = f"{target.section!r:.40} is not the key of a library"
        raise PlexPermanentError(text, cause="target")
    if by_item:
        return f"/library/metadata/{target.rating_key}?"
    return f"/library/sections/{target.section}/all?type=1&id={target.rating_key}&"


def _size(path: str, query: str) -> int:
    return _FRAME + len(path) + len(query)


def _parts(edits: Sequence[Edit], size: int) -> list[Sequence[Edit]]:
    """The parts to send separately after all of them together were refused."""
    if size <= _SMALL:
        return [[edit] for edit in edits]
    half = len(edits) // 2
    return [edits[:half], edits[half:]]


def _give_up(writing: _Writing, edit: Edit, error: SyncError) -> None:
    if edit.lock_only:
        writing.edits.append(edit)  # Plex already has the desired value: nothing is lost
    else:
        writing.refused[edit.field] = words_of(error)


def words_of(error: SyncError) -> str:
    """The message for a field that a healthy Plex refused on its own."""
    if error.cause == "foreign":
        return f"a proxy or firewall in front of Plex answered {error.status}"
    return error.message
