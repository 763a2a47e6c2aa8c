"""The library index: which Plex item holds which file, stored locally so that look-ups are cheap.

It is a cache: deleting plex_index.db costs one full read of the libraries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from plexsync.edges.plex.client import PlexClient
from plexsync.edges.plex.index_schema import Held, IndexStats, SectionRow
from plexsync.edges.plex.index_store import MOST_PER_KEY, NAME, IndexStore, part_of
from plexsync.edges.plex.lists import Page, Sections
from plexsync.edges.plex.new_list import Keys
from plexsync.edges.plex.pages import PAGE, pages
from plexsync.edges.plex.refresh import Depth, RefreshCount, RefreshResult
from plexsync.edges.plex.xml import Listed
from plexsync.model.errors import PlexTemporaryError
from plexsync.model.plex import IndexedPart, PlexItem, Section, Target

__all__ = ["PAGE", "Held", "IndexStats", "Keys", "PlexIndex"]

MAX_AGE = 86400.0
"""Seconds after which a library is read whole again."""

REREAD_PAUSE = 600.0
"""Seconds between two full reads of a library because a file was missing."""


class PlexIndex:
    """Belongs to one thread. Stored per server: a new server starts empty, the others' rows stay.

    `keys` defines which paths are alike; similar paths are found too, and the caller decides. With
    `read_only` it is read beside its owner, and neither refreshed nor corrected. `sound`: see Ledger.
    """

    def __init__(
        self,
        path: str,
        client: PlexClient,
        warn: Callable[[str], None],
        keys: Keys,
        *,
        read_only: bool = False,
        sound: bool = False,
    ) -> None:
        self._client, self._keys, self._read_only = client, keys, read_only
        self._store = IndexStore(path, keys, warn, read_only=read_only, sound=sound)
        self.libraries: tuple[Section, ...] = ()
        """The libraries found by the last refresh; none before it."""
        self._known_limit: int | None = None
        self.news = False
        """Whether it has learned of files since this was last reset."""
        self.lookups = self.hits = 0
        """Look-ups of a scene's files, and those with a result."""

    def complete(self, wanted: str) -> bool:
        """Whether a refresh of these libraries ("" for all) was ever finished for this server."""
        return self._store.covered(self._client.server_id()) == wanted

    def refresh(
        self, wanted: str, now: float, force: bool = False, depth: Depth = Depth.NEW
    ) -> RefreshResult:
        """Read what Plex added or changed since the last refresh; read a library whole if that does
        not add up.

        `wanted` names the libraries ("" for all), `now` is wall-clock seconds, `force` reads them
        whole. Raises the errors of PlexClient; the index is then as it was before, but that one
        library which cannot be listed does not keep the others from being brought up to date.
        """
        if self._read_only:
            return RefreshResult(0, 0, 0, False, ())
        before, tally = self._client.requests, RefreshCount()
        self._client.verify_server()
        server = self._client.server_id()
        known = self._store.sections(server)
        libraries = self._libraries(wanted, bool(known))
        self.libraries = libraries.found
        failed: PlexTemporaryError | None = None
        for section in libraries.found:
            row = known.pop(section.key, None)
            usable = row and row.uuid == section.uuid and 0 <= now - row.read_at < MAX_AGE
            try:
                if row and usable and not force:
                    self._update(row, section, now, depth, tally)
                else:
                    self._read_whole(server, section, now, tally)
            except PlexTemporaryError as problem:
                if problem.cause == "server":
                    raise
                failed = failed or problem
            self.news |= tally.added > 0
        if failed is not None:
            raise failed
        for key in known:
            tally.removed += self._store.drop(server, key)
        self._store.cover(server, wanted)
        return RefreshResult(
            self._client.requests - before,
            tally.added,
            tally.removed,
            tally.whole,
            libraries.missing,
        )

    def worth_reading(self, now: float, depth: Depth) -> bool:
        """Whether a refresh of this depth would read a library whole because a file was missing."""
        known = self._store.sections(self._client.server_id()).values()
        return not self._read_only and any(_wants_reading(row, now, depth) for row in known)

    def find(
        self, paths: Sequence[str], held: Mapping[str, Sequence[Held]] = MappingProxyType({})
    ) -> list[IndexedPart]:
        """The files that may be one of these (paths as Plex sees them), in a fixed order.

        Those with the same path if there are any, otherwise those with the same folder and name,
        and those with the same name. Connects if needed, for the server's identity. `held` is what
        `at_paths` returned for these paths, if it was asked.
        """
        server = self._client.server_id()
        some = (file for path in paths for file in held.get(path, ())[:MOST_PER_KEY])
        found = dict.fromkeys(part_of(server, file) for file in some)
        found = found or self._store.find(server, self._keys_of(paths))
        self.lookups += 1
        self.hits += bool(found)
        return list(found)

    def at_paths(self, paths: Sequence[str]) -> dict[str, list[Held]]:
        """Of many paths at once, those that `find` finds by the path: all files there."""
        keys = {path: key[1] for path, key in zip(paths, self._keys_of(paths), strict=True)}
        held = self._store.at_paths(self._client.server_id(), keys)
        return {path: held[key] for path, key in keys.items() if key in held}

    def may_hold(self, paths: Sequence[str]) -> bool:
        """Whether any file in any folder has the name of one of these; not counted as a lookup."""
        names = (key[2] for key in self._keys_of(paths))
        return any(True for _ in self._store.lookup(self._client.server_id(), NAME, names))

    def _keys_of(self, paths: Sequence[str]) -> list[tuple[str, str, str, str]]:
        return [self._keys(path.encode("utf-8", "replace").decode()) for path in paths]

    def forget(self, target: Target) -> None:
        """Delete an item that is no longer in Plex."""
        if not self._read_only:
            self._store.forget(target)

    def line_limit(self, now: float) -> int | None:
        """Bytes of the longest request line that the current server accepts; None if unknown."""
        return self._store.line_limit(self._client.server_id(), now)

    def keep_line_limit(self, limit: int, now: float) -> None:
        """Store that limit for 30 days."""
        if not self._read_only:
            self._store.keep_line_limit(self._client.server_id(), limit, now)

    def recall_limits(self, now: float) -> None:
        """Set the client's limit to the one stored for the current server."""
        self._client.line_limit = self._known_limit = self.line_limit(now)

    def keep_limits(self, now: float) -> None:
        """Store the limit that the client has found since."""
        limit = self._client.line_limit
        if limit is not None and limit != self._known_limit:
            self.keep_line_limit(limit, now)

    def correct(self, target: Target, item: PlexItem) -> None:
        """Correct an item whose files differ from the index, and have its library read whole again."""
        if not self._read_only:
            found = Listed(target.rating_key, 0, item.updated_at, item.parts, item.deleted)
            self._store.correct(target, found)

    def unreadable(self) -> dict[str, list[tuple[int, str]]]:
        """By library, the items that Plex itself cannot deliver: their positions in its list, which
        is in the order of addition, and the file before each ("" for the first).
        """
        known = self._store.sections(self._client.server_id())
        return {
            key: [
                (at, self._store.file_at(row.list, at - 2 - n)) for n, at in enumerate(row.places)
            ]
            for key, row in known.items()
            if row.places
        }

    def parts(self) -> Iterator[tuple[str, int | None]]:
        """Path and size in bytes of every indexed file of the current server."""
        return self._store.parts(self._client.server_id())

    def items(self) -> Iterator[tuple[Target, str]]:
        """Every item of the current server with its first file, library by library."""
        return self._store.items(self._client.server_id())

    def files_by_section(self) -> Iterator[tuple[str, str]]:
        """Library and path of every indexed file of the current server."""
        return self._store.files_by_section(self._client.server_id())

    def items_by_section(self) -> dict[str, int]:
        """The number of indexed items by library."""
        return self._store.items_by_section(self._client.server_id())

    def stats(self, now: float) -> IndexStats:
        """Size and age of the index of the server that was read last."""
        return self._store.stats(now)

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    def _libraries(self, wanted: str, some_known: bool) -> Sections:
        libraries = self._client.sections(wanted)
        if some_known and not libraries.found:
            return self._client.sections(wanted)  # a single empty answer must not drop them all
        return libraries

    def _update(
        self, row: SectionRow, section: Section, now: float, depth: Depth, tally: RefreshCount
    ) -> None:
        """Update a library that is already indexed."""
        moved, came = row.clock != section.clock, tally.added
        row = row._replace(clock=section.clock)
        if depth in (Depth.MISSED, Depth.DOUBTED) and _wants_reading(row, now, depth):
            self._read_whole(row.server, section, now, tally, missed=True)
        elif (depth is not Depth.MOVED or moved) and not self._catch_up(row, now, tally):
            self._read_whole(row.server, section, now, tally)
        elif depth is Depth.MOVED and came == tally.added and _wants_reading(row, now, depth):
            self._read_whole(row.server, section, now, tally, missed=True)

    def _catch_up(self, row: SectionRow, now: float, tally: RefreshCount) -> bool:
        """Read what is new; False if the number of items still differs from Plex's.

        Tries twice, because Plex may add items between the two requests.
        """
        for _ in range(2):
            for since in (("addedAt", row.added - 1), ("updatedAt", row.updated - 1)):
                for page in pages(self._client, row.key, since):
                    tally.add(self._store.put(row.list, page.items))
                    row = _newer(row, page, now)
            self._store.save(row)
            if self._client.count(row.key) == self._store.count(row.list) + row.surplus:
                return True
        return False

    def _read_whole(
        self,
        server: str,
        section: Section,
        now: float,
        tally: RefreshCount,
        *,
        missed: bool = False,
    ) -> None:
        """Read a library whole; once more if it changed meanwhile or is suddenly empty."""
        tally.whole = True
        old = self._store.sections(server).get(section.key)
        reread_at = now if missed else old.reread_at if old else 0.0
        for last in (False, True):
            row = SectionRow(
                server=server,
                key=section.key,
                uuid=section.uuid,
                read_at=now,
                clock=section.clock,
                read_clock=section.clock,
                reread_at=reread_at,
            )
            totals, places = [], []
            with self._store.new_list() as files:
                for page in pages(self._client, section.key):
                    files.put(page.items)
                    row = _newer(row, page, now)
                    totals.append(page.total)
                    places += [page.unreadable] if page.unreadable else []
                surplus = totals[-1] - files.count()
                vanished = old and not totals[-1] and self._store.count(old.list)
                if last or (not vanished and surplus == len(places) and len(set(totals)) == 1):
                    row = row._replace(surplus=surplus, unreadable=" ".join(map(str, places)))
                    tally.add(self._store.replace(row, files))
                    return


def _wants_reading(row: SectionRow, now: float, depth: Depth) -> bool:
    """Whether a missing file may be a change that the items' own times do not show."""
    rests = 0 <= now - row.reread_at < REREAD_PAUSE
    return not rests and (depth is Depth.DOUBTED or row.clock != row.read_clock)


def _newer(row: SectionRow, page: Page, now: float) -> SectionRow:
    """The row with the newest times of the page; future times are ignored, or they would hide
    changes.
    """
    latest = int(now)
    return row._replace(
        added=max([row.added, *(min(item.added_at, latest) for item in page.items)]),
        updated=max([row.updated, *(min(item.updated_at, latest) for item in page.items)]),
    )
