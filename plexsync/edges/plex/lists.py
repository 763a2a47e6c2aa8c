"""Reads Plex's libraries and the lists of their items; PlexClient inherits this."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from plexsync.edges.plex import xml as plex_xml
from plexsync.edges.plex.answers import is_foreign
from plexsync.edges.plex.connection import PlexConnection, span
from plexsync.edges.plex.tree import UNREAD
from plexsync.edges.plex.xml import Listed
from plexsync.model.collection import ListedCollection
from plexsync.model.errors import (
    PlexAuthError,
    PlexNotFound,
    PlexPermanentError,
    PlexTemporaryError,
    SyncError,
)
from plexsync.model.formatting import quoted
from plexsync.model.library_names import choose
from plexsync.model.named_tuple import NamedTuple
from plexsync.model.plex import Section

COLLECTIONS_AT_ONCE = 1000
_LEAN = (
    f"excludeElements=Genre,Role,Director,Writer,Collection,Label,Field,{','.join(UNREAD)}"
    "&excludeFields=summary,tagline,title,titleSort,originalTitle,thumb,art,studio,guid,slug,"
    "chapterSource,primaryExtraKey,ratingImage,audienceRatingImage,contentRating"
)
"""Only keys, times and files are needed; Plex may ignore this."""


class Sections(NamedTuple):
    """The movie libraries that were found, and the requested names that no library has."""

    found: tuple[Section, ...]
    missing: tuple[str, ...] = ()


class Page(NamedTuple):
    """A page of a list, and the number of items in the whole list.

    `unreadable`: the position (from 1) of an item that Plex cannot deliver; the page then has no
    items.
    """

    items: tuple[Listed, ...]
    total: int
    unreadable: int = 0


class PlexLists:
    """Requests about the server and its libraries as a whole."""

    def __init__(self, connection: PlexConnection) -> None:
        self._connection = connection

    def sections(self, wanted: str = "") -> Sections:
        """The movie libraries named by the setting `plex_library`, or all of them if it is empty."""
        every = plex_xml.movie_sections(self._connection.read("/library/sections"))
        names, missing = choose(wanted, [section.title for section in every])
        if not (names or missing):
            return Sections(tuple(every))
        found = tuple(section for section in every if section.title in names)
        return Sections(found, tuple(missing))

    def libraries(self) -> list[tuple[str, str]]:
        """Title and type ("movie", "show", ...) of every library, for messages."""
        return plex_xml.libraries(self._connection.read("/library/sections"))

    def platform(self) -> str:
        """The operating system that Plex runs on, for messages; "" if unknown."""
        try:
            told = self._connection.read("/")
        except SyncError:  # proxies and Plex itself treat this path specially
            return ""
        return f"{told.get('platform', '')} {told.get('platformVersion', '')}".strip()

    def collection_mode(self, section: str) -> str:
        """How a library shows collections: one of Plex's values, "" if unknown."""
        try:
            told = self._connection.read(f"/library/sections/{section_key(section)}/prefs")
        except PlexNotFound:
            return ""
        return plex_xml.setting(told, "collectionMode")

    def owns(self) -> bool | None:
        """Whether the token is the server owner's, as edits require; None if unknown.

        Only the owner may read what is being played; unknown if a proxy blocks that path.
        """
        try:
            self._connection.read("/status/sessions")
        except SyncError as problem:
            if isinstance(problem, PlexNotFound) or is_foreign(problem):
                return None
            if isinstance(problem, PlexAuthError):
                return False
            raise
        return True

    def list_page(
        self, section: str, start: int, size: int, since: tuple[str, int] | None = None
    ) -> Page:
        """Items of a library by id, from position `start`, at most `size`; Plex may return fewer.

        `since` ("addedAt" or "updatedAt", seconds) keeps only those at or after that time.
        """
        root = self._list(section, f"type=1&sort=id&{_LEAN}{_since(since)}", start, size)
        found = tuple(plex_xml.listed(root))
        total = plex_xml.number(root, "totalSize")
        if total is None and len(found) >= size:
            raise _uncounted()
        return Page(found, start + len(found) if total is None else total)

    def count(self, section: str, since: tuple[str, int] | None = None) -> int:
        """The number of items in a library, or of those that `list_page` returns for `since`."""
        total = plex_xml.number(self._list(section, f"type=1{_since(since)}", 0, 0), "totalSize")
        if total is None:
            raise _uncounted()
        return total

    def collections(self, section: str) -> list[ListedCollection]:
        """All collections of a library, smart ones among them."""
        found: list[ListedCollection] = []
        while True:
            asked = "type=18&excludeFields=summary,thumb,art"
            root = self._list(section, asked, len(found), COLLECTIONS_AT_ONCE)
            known = {each.rating_key for each in found}
            new = [x for x in plex_xml.listed_collections(root) if x.rating_key not in known]
            found += new
            if not new or len(found) >= _total(root, len(found)):
                return found

    def members(self, collection: int) -> list[int] | None:
        """The rating keys of a collection's items; None when Plex does not have it."""
        found: list[int] = []
        path = f"/library/collections/{collection:d}/children?{_LEAN}"
        while True:
            try:
                root = self._connection.read(path, span(len(found), COLLECTIONS_AT_ONCE))
            except PlexNotFound:
                return None
            known = set(found)
            new = [key for key in plex_xml.keys(root) if key not in known]
            found += new
            if not new or len(found) >= _total(root, len(found)):
                return found

    def _list(self, section: str, asked: str, start: int, size: int) -> Element:
        try:
            return self._connection.read(
                f"/library/sections/{section_key(section)}/all?{asked}", span(start, size)
            )
        except PlexNotFound as gone:
            raise PlexTemporaryError(
                f"library {section} is gone", status=404, fault=gone.fault
            ) from gone


def _total(root: Element, seen: int) -> int:
    total = plex_xml.number(root, "totalSize")
    return seen if total is None else total


def _since(since: tuple[str, int] | None) -> str:
    return f"&{since[0]}%3E%3E={since[1]}" if since else ""


def _uncounted() -> PlexTemporaryError:
    return PlexTemporaryError("Plex does not say how many items a library has", cause="body")


def section_key(key: str) -> str:
    """The key of a library, checked for use in a path."""
    if not plex_xml.is_section_key(key):
        text = f"{quoted(str(key)[:40])} is not the key of a library"
        raise PlexPermanentError(text, cause="target")
    return key
