"""Writes posters, summaries and sort titles of PlexSync's own collections.

A collection is PlexSync's only if it was not edited in Plex and, according to the ledger, PlexSync
put each of its items into it. One that was found to be foreign is left alone for good, and so is
every smart collection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Protocol

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.log.log import Log
from plexsync.edges.stash.client import StashClient
from plexsync.edges.stash.details import EntityDetails
from plexsync.edges.stash.pictures import PictureData, PictureRefused, PictureUnchanged
from plexsync.flows.outage.outage_controller import OutageController
from plexsync.flows.sync.image_writer import ImageWriter
from plexsync.flows.sync.media_server import MediaServer
from plexsync.flows.sync.planning import plan_item
from plexsync.flows.sync.scene_write import ItemWrite
from plexsync.flows.sync.write_items import Read, send_text
from plexsync.flows.sync.write_record import compare, conclude_item, not_applied, target_state
from plexsync.model.collection import FOREIGN, OURS, UNKNOWN, Collection, ListedCollection, Source
from plexsync.model.config import PlexSyncConfig
from plexsync.model.errors import (
    ITEM,
    SCENE,
    WRITE,
    PlexAuthError,
    PlexServerDown,
    PlexTemporaryError,
    StashAuthError,
    StashDown,
    SyncError,
)
from plexsync.model.ledger import TargetState
from plexsync.model.plex import PlexItem, Value
from plexsync.model.plex_state import FAILURE
from plexsync.policy.collection_details import (
    desired_details,
    find,
    foreign,
    is_untouched,
    later,
    settled,
)

AT_ONCE = 50
"""Maximum number of collections per round."""

_LOOKS = 3
"""Number of checks for a collection that Plex should have created."""

_OF_ALL = (PlexServerDown, PlexAuthError, StashDown, StashAuthError)
"""Failures that do not concern a single collection."""


class CollectionServer(MediaServer, Protocol):
    """A media server that also lists collections."""

    def collections(self, section: str) -> list[ListedCollection]:
        """All collections of a library."""

    def members(self, collection: int) -> list[int] | None:
        """The rating keys of a collection's items; None if there is no such collection."""


@dataclass(slots=True)
class _Poster:
    """The picture that a collection should show; `sha1` is "" for none."""

    source: Source
    etag: str = ""
    sha1: str = ""
    data: bytes | None = None


class CollectionWriter:
    """Writes due collections, a few at a time; belongs to the worker's thread."""

    def __init__(
        self,
        config: PlexSyncConfig,
        server: CollectionServer,
        stash: StashClient,
        ledger: Ledger,
        pool: Executor,
        read: Read,
        outages: OutageController,
        log: Log,
    ) -> None:
        self._config = config
        self._server = server
        self._stash = stash
        self._ledger = ledger
        self._images = ImageWriter(server, pool, outages, preserve=config.preserve_plex_edits)
        self._read = read
        self._outages = outages
        self._log = log

    def bring_in_step(self, now: float) -> None:
        """Process due collections. Raises a server's failure; they then stay due."""
        due = self._ledger.due_collections(now, AT_ONCE)
        for section in dict.fromkeys(each.section for each in due):
            some = [each for each in due if each.section == section]
            try:
                self._library(section, some, now)
            except SyncError as error:
                if isinstance(error, _OF_ALL):
                    raise
                for each in some:  # for example because the library is gone: the others continue
                    self._save(later(self._kept(each), self._log.safe(error.message), now))

    def _library(self, section: str, due: Sequence[Collection], now: float) -> None:
        listed = self._server.collections(section)
        open_ = [found for each in due if (found := self._located(each, listed, now)) is not None]
        items, _ = self._read({each.plex.target for each in open_})
        proven: list[tuple[Collection, PlexItem]] = []
        for each in open_:
            item = items.get(each.plex.target)
            if item is None:
                self._save(later(each, "Plex lists it and does not show it", now))
            elif (mine := self._proven(each, item, now)) is not None:
                proven.append((mine, item))
        details = self._details([each for each, _ in proven])
        for each, item in proven:
            self._bring(each, item, details, now)

    def _located(
        self, each: Collection, listed: Sequence[ListedCollection], now: float
    ) -> Collection | None:
        """The collection as it is in Plex; None if there is nothing to do for it."""
        there = find(each.name, listed)
        target = each.plex.target
        if there is None:
            self._missing(each, now)
        elif there.rating_key != target.rating_key:
            created = TargetState(target=target._replace(rating_key=there.rating_key))
            return replace(each, owner=UNKNOWN, etag="", sha1="", plex=created)
        elif each.owner == FOREIGN or each.quick:
            self._save(settled(each, each.detail))
        else:
            return each
        return None

    def _missing(self, each: Collection, now: float) -> None:
        """Handle one that Plex removed because it became empty, or that Plex has yet to create."""
        if each.plex.target.rating_key or each.attempts >= _LOOKS:
            self._ledger.forget_collection(each.section, each.name)
        else:
            self._save(later(each, "Plex does not show it yet", now))

    def _proven(self, each: Collection, item: PlexItem, now: float) -> Collection | None:
        """The collection if it is proven to be ours; None if it is not, or cannot be read now."""
        if each.owner == OURS:
            return each
        if not is_untouched(item):
            self._save(foreign(each, "it was edited in Plex"))
            return None
        try:
            members = self._server.members(item.target.rating_key)
        except SyncError as error:
            self._failed(each, error, now)
            return None
        if members is None:
            self._save(later(each, "Plex no longer has it", now))
            return None
        if not self._ledger.put_into(each.section, each.name, members):
            self._save(foreign(each, "it contains items that PlexSync did not add"))
            return None
        return replace(each, owner=OURS)

    def _details(self, ours: Sequence[Collection]) -> dict[Source, EntityDetails]:
        """Stash's details of what the collections represent; one query for each kind."""
        wanted: defaultdict[str, set[int]] = defaultdict(set)
        for each in ours:
            if each.source.kind:
                wanted[each.source.kind].add(each.source.id)
        return {
            Source(kind, number): found
            for kind, ids in wanted.items()
            for number, found in self._stash.details(kind, sorted(ids)).items()
        }

    def _bring(
        self,
        each: Collection,
        item: PlexItem,
        details: Mapping[Source, EntityDetails],
        now: float,
    ) -> None:
        try:
            self._write(each, item, details.get(each.source), now)
        except SyncError as error:
            self._failed(self._kept(each), error, now)

    def _write(
        self, each: Collection, item: PlexItem, found: EntityDetails | None, now: float
    ) -> None:
        poster = self._poster(each, found)
        values = desired_details(
            each,
            found.text if found else None,
            poster.sha1,
            self._config.collection_sort,
            strip_emoji=self._config.strip_emoji,
        )
        write = plan_item(values, item, "", each.plex, self._config.preserve_plex_edits)
        if write.edits:
            self._images.inspect([write])
            intent = target_state(write, values, now, intent=True)
            self._save(replace(each, plex=intent))
            self._send(write, poster)
        missed = conclude_item(write, values, now)
        done = replace(each, plex=target_state(write, values, now, intent=False))
        if missed:
            self._save(done)
            raise not_applied(missed)
        self._save(settled(replace(done, etag=poster.etag, sha1=poster.sha1), _refused(write)))
        self._tell(each, write, values)

    def _send(self, write: ItemWrite, poster: _Poster) -> None:
        send_text(write, self._server, self._outages)
        self._images.upload(write, lambda sha1: self._data(poster))
        if write.sent:
            items, _ = self._read({write.item.target})
            if write.item.target in items:
                compare(write, items[write.item.target])

    def _poster(self, each: Collection, found: EntityDetails | None) -> _Poster:
        """The picture of what a collection represents; read from Stash only if there is one."""
        known = _Poster(each.source, each.etag, each.sha1)
        if found is None or not found.has_picture:
            return known if found is None else _Poster(each.source)
        picture = self._stash.picture(each.source.kind, each.source.id, each.etag)
        if isinstance(picture, PictureUnchanged):
            return known
        if isinstance(picture, PictureData):
            return _Poster(each.source, picture.etag, picture.sha1, picture.data)
        if isinstance(picture, PictureRefused):
            self._log.warn_once(
                ("poster", each.source),
                f"The picture of {each.source.kind} {each.source.id} is not used for its "
                f"collection: {picture.reason}.",
            )
        return _Poster(each.source)

    def _data(self, poster: _Poster) -> bytes:
        if poster.data is None:
            picture = self._stash.picture(poster.source.kind, poster.source.id)
            if not isinstance(picture, PictureData) or picture.sha1 != poster.sha1:
                raise PlexTemporaryError("Stash no longer has the picture that was to be uploaded")
            poster.data = picture.data
        return poster.data

    def _failed(self, each: Collection, error: SyncError, now: float) -> None:
        """Raise a server's failure; for a failure of its own, let the collection wait."""
        if isinstance(error, _OF_ALL) or not self._is_its_own(error):
            raise error
        why = self._log.safe(error.message)
        self._save(later(each, why, now))
        self._log.warn_once(
            ("collection", each.section, each.name),
            f"A collection could not be updated ({why}); it is tried again by itself.",
            title=each.name,
        )

    def _is_its_own(self, error: SyncError) -> bool:
        if error.fault in (ITEM, WRITE):
            return self._server.check(FAILURE).healthy
        return error.fault == SCENE

    def _tell(self, each: Collection, write: ItemWrite, values: Mapping[str, Value]) -> None:
        changed = ", ".join(name for name in values if name in write.done)
        if changed:
            self._log.debug("collection in step", title=each.name, changed=changed)
        for name, words in write.words.items():
            self._log.warn_once(
                ("collection", name),
                f"Plex refuses the {name.replace('_', ' ')} of a collection ({words}); it is tried "
                "again when it changes in Stash.",
                title=each.name,
            )

    def _kept(self, each: Collection) -> Collection:
        """The collection as the ledger has it now."""
        return next(iter(self._ledger.collections(each.section, [each.name]).values()), each)

    def _save(self, each: Collection) -> None:
        self._ledger.save_collections([each])


def _refused(write: ItemWrite) -> str:
    return "; ".join(f"Plex refuses the {name}: {words}" for name, words in write.words.items())
