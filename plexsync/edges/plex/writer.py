"""Sends edits to Plex, by the endpoint and in the sizes that it accepts.

A refused request is repeated by the other endpoint, then in halves, then field by field. Only a
field that is refused on its own is given up. What a server accepts is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from plexsync.edges.plex import edits as plex_edit
from plexsync.edges.plex.connection import PlexConnection
from plexsync.edges.plex.edits import Cut, Rendered
from plexsync.edges.plex.line_limit import FRAME, REFUSALS, LineLimit
from plexsync.edges.plex.session import PlexSession
from plexsync.edges.plex.xml import is_section_key
from plexsync.model.errors import WRITE, PlexPermanentError, PlexTemporaryError, SyncError
from plexsync.model.formatting import quoted
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex import EDITABLE, IMAGE, Edit, PlexItem, Target

_SMALL = 2048
"""A refused line of at most this many bytes is not too long; the fields are then sent one by one.
"""


class Sent(NamedTuple):
    """The result of sending edits.

    `edits` are those that were sent, with texts as `cut` to fit a request. `refused` holds Plex's
    message by field. `torn` lists were sent in several requests, which is correct only if Plex adds
    names.
    """

    edits: tuple[Edit, ...] = ()
    refused: Mapping[str, str] = {}
    cut: Mapping[str, Cut] = {}
    torn: frozenset[str] = frozenset()


class _TooLong(Exception):
    """The request line was too long; a (lower) limit applies now."""


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
        self.connection = connection
        self.session = session
        self.healthy = healthy
        self.read = read
        self.lines = LineLimit(connection, patience)
        self.by_item = False
        """The item's own endpoint was the last that worked."""
        self.replaces_lists = False
        """Plex replaces an item's names by those that are sent, instead of adding them."""

    def fit(self, target: Target, edits: Sequence[Edit]) -> tuple[list[Edit], dict[str, Cut]]:
        """The edits as they would be sent with the known limits, and what would be cut."""
        room = _room(target, self.lines.limit)
        return plex_edit.fit(edits, room, whole_lists=self.replaces_lists)

    def write(self, target: Target, edits: Sequence[Edit]) -> Sent:
        """Send these edits, in one request if they fit; images are skipped.

        Raises the error if Plex or the whole item fails. Safe to repeat.
        """
        writing = _Writing(self, target)
        parameters = _parameters(edits)
        if parameters:
            writing.deliver(parameters)
        return writing.sent()

    def prepare(self, target: Target, edits: Sequence[Edit]) -> None:
        """Render these edits now, for a `write` that follows."""
        self.render(target, _parameters(edits), self.lines.limit)

    def render(self, target: Target, edits: Sequence[Edit], limit: int | None) -> Rendered:
        """The edits as they are sent if a request line may have `limit` bytes."""
        return plex_edit.render(tuple(edits), _room(target, limit), self.replaces_lists)

    def takes_edits(self, target: Target) -> bool:
        """Whether Plex accepts an edit of this item that changes nothing. Raises PlexTemporaryError
        if it no longer has the item.
        """
        try:
            _Writing(self, target).change_nothing()
        except _Refused:
            return False
        return True


class _Writing:
    """Sends the edits of one item, and learns for all items what the server accepts."""

    def __init__(self, writer: PlexWriter, target: Target) -> None:
        self._writer = writer
        self._target = target
        self._limit = writer.lines.limit
        self._well = False
        """Plex was probed because of a refusal, and is healthy."""
        self._takes_edits = False
        """The item accepts edits: one that changes nothing succeeded."""
        self._edits: list[Edit] = []
        self._refused: dict[str, str] = {}
        self._cut: dict[str, Cut] = {}
        self._torn: set[str] = set()

    def sent(self) -> Sent:
        """What became of the edits."""
        return Sent(tuple(self._edits), self._refused, self._cut, frozenset(self._torn))

    def deliver(self, edits: Sequence[Edit]) -> None:
        """Send these edits, and if they are refused, smaller pieces of them."""
        try:
            self._put_all(edits)
        except _Refused as refusal:
            self._make_sure_it_takes_edits(refusal)
            if len(edits) == 1:
                self._give_up(edits[0], refusal.error)
                return
            for part in _parts(edits, refusal.size):
                self.deliver(part)

    def _put_all(self, edits: Sequence[Edit]) -> None:
        while True:
            queries, fitted, cut, torn = self._writer.render(self._target, edits, self._limit)
            try:
                for query in queries:
                    self._put(query)
            except _TooLong:
                continue
            break
        if self._limit is not None:
            self._writer.lines.confirm(self._limit)
        self._edits += fitted
        self._cut |= cut
        self._torn |= torn

    def _put(self, query: str) -> None:
        """Send one request by the endpoint that worked last, and if refused by the other."""
        by_item = self._writer.by_item or self._target.collection
        path = _path(self._target, by_item=by_item)
        error = self._try(path, query)
        if error is None:
            return
        self._make_sure_plex_is_well(error)
        if self._target.collection:  # a library's endpoint answers 404 for them, or edits nothing
            raise _Refused(error, _size(path, query))
        other = _path(self._target, by_item=not by_item)
        if self._try(other, query) is not None:
            raise _Refused(error, _size(other, query))
        self._writer.by_item = not by_item

    def _try(self, path: str, query: str) -> SyncError | None:
        """Returns None if it was accepted, otherwise the refusal."""
        size, lines = _size(path, query), self._writer.lines
        try:
            self._writer.connection.send(
                path + query, self._writer.session.put, self._target.server
            )
        except SyncError as error:
            limit = lines.below(error, size)
            if limit is not None:
                self._limit = limit
                raise _TooLong from None
            if error.status not in REFUSALS:
                raise
            return error
        lines.accepted(size)
        return None

    def _make_sure_plex_is_well(self, error: SyncError) -> None:
        """Raise unless Plex is healthy: a failing Plex refuses everything, so no item is at fault."""
        if not self._well and not self._writer.healthy():
            error.fault = WRITE
            raise error
        self._well = True

    def _make_sure_it_takes_edits(self, refusal: _Refused) -> None:
        """Raise unless an edit that changes nothing succeeds: otherwise no field is at fault."""
        if self._takes_edits:
            return
        try:
            self.change_nothing()
        except _Refused:
            raise refusal.error from None
        self._takes_edits = True

    def change_nothing(self) -> None:
        """Set a lock to what it is. Raises _Refused, or PlexTemporaryError without the item."""
        item = self._writer.read(self._target)
        if item is None:
            raise PlexTemporaryError("the item is no longer in Plex", status=404, cause="gone")
        locked = "title" in item.locks
        nothing = Edit(
            field="title", value="", before="", reason="probe", lock_only=True, locked=locked
        )
        self._put(plex_edit.queries([nothing], None)[0])

    def _give_up(self, edit: Edit, error: SyncError) -> None:
        if edit.lock_only:
            self._edits.append(edit)  # Plex already has the desired value: nothing is lost
        else:
            self._refused[edit.field] = words_of(error)


def _parameters(edits: Sequence[Edit]) -> list[Edit]:
    return [e for e in edits if EDITABLE[e.field].kind != IMAGE or e.lock_only]


def _room(target: Target, limit: int | None) -> int | None:
    """Bytes available for a query; None means unlimited."""
    by_item = target.collection
    return None if limit is None else limit - _size(_path(target, by_item=by_item), "")


def _path(target: Target, *, by_item: bool) -> str:
    """The path of an edit up to the edits. Without an id Plex would edit the whole library."""
    if target.rating_key <= 0:
        raise PlexPermanentError(f"{target.rating_key} is not a rating key", cause="target")
    if not is_section_key(target.section):
        text = f"{quoted(str(target.section)[:40])} is not the key of a library"
        raise PlexPermanentError(text, cause="target")
    if by_item:
        return f"/library/metadata/{target.rating_key}?"
    return f"/library/sections/{target.section}/all?type=1&id={target.rating_key}&"


def _size(path: str, query: str) -> int:
    return FRAME + len(path) + len(query)


def _parts(edits: Sequence[Edit], size: int) -> list[Sequence[Edit]]:
    """The parts to send separately after all of them together were refused."""
    if size <= _SMALL:
        return [[edit] for edit in edits]
    half = len(edits) // 2
    return [edits[:half], edits[half:]]


def words_of(error: SyncError) -> str:
    """The message for a field that a healthy Plex refused on its own."""
    if error.cause == "foreign":
        return f"a proxy or firewall in front of Plex answered {error.status}"
    return error.message
