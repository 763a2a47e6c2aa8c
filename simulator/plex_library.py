"""The state of the simulated Plex, and changes other than by HTTP."""

from __future__ import annotations

import hashlib
import threading
import time
import uuid as uuids
from collections.abc import Callable, Iterable
from typing import Any

from simulator.plex_edits import FIELDS, LOCKABLE, set_names, set_value
from simulator.plex_items import (
    TAG_KINDS,
    Collection,
    Section,
    SimItem,
    TagBook,
)

Files = Iterable["tuple[str, int]"]
NO_AGENT = "com.plexapp.agents.none"
ALIASES = {
    "genres": "genre",
    "roles": "actor",
    "actors": "actor",
    "directors": "director",
    "writers": "writer",
    "producers": "producer",
    "countries": "country",
    "collections": "collection",
    "labels": "label",
    "date": "originallyAvailableAt",
    "original_title": "originalTitle",
    "sort_title": "titleSort",
    "user_rating": "userRating",
    "content_rating": "contentRating",
}


class PlexLibrary:
    """Sections, items, tags, pictures, and how the server behaves. `lock` guards the state."""

    tag_mode = "add"  # or "replace": indexed tags replace the existing ones
    unknown_field = "400"  # or "ignore"
    unknown_id = "ignore"  # id= is a filter, so nothing happens; or "404"
    max_container_size: int | None = None  # more items than this come in no page
    plex_pass = True  # without it an edition title is refused
    section_edits = True  # False: 404; the item's own path works
    collection_edits_by_section = False  # 404, as 1.43 says; the collection's own path works
    refused_fields: frozenset[str] = frozenset()  # edit names that are 400 with any value
    whole_ratings = False  # fractions of ratings are cut off
    folds_blanks = False  # runs of white space in texts become one blank
    picture_status = 200  # or 406: no uploaded picture is acceptable
    equal_edits_count = True  # False: an edit that changes nothing does not move updatedAt
    times_ahead = 0  # seconds by which updatedAt is ahead, as if it were local time
    locks_in_lists = False  # True: lists show the locks of items
    forgets_roles = False  # True: naming an actor again wipes the part played
    keeps_empty_collections = False  # True: a collection stays without its last item
    uploads_lock = True  # False: an uploaded picture is selected and not locked
    unclaimed = False  # nobody owns the server yet: clients of its network need no token
    scan_delay = 0.0  # seconds from the request until the files are there

    def __init__(self, token: str, machine: str, name: str, version: str) -> None:
        self.token, self.machine, self.name, self.version = token, machine, name, version
        self.start_state = ""  # what /identity reports while the server starts
        self.guest_token = ""  # a Home user's: it may read and not write
        self.disk: dict[str, int] = {}  # path -> size: what a scan finds
        self.lock = threading.RLock()
        self.clock: Callable[[], float] = time.time
        self.sections: dict[int, Section] = {}
        self.tags = TagBook()
        self.images: dict[str, bytes] = {}  # sha1 -> bytes
        self._items: dict[int, SimItem] = {}
        self._by_file: dict[str, int] = {}  # a hint: tests may have changed files directly
        self._last_key = 0

    # -- setting the scene -------------------------------------------------------------------

    def add_section(
        self,
        title: str,
        locations: Iterable[str] = ("/plex",),
        type: str = "movie",  # noqa: A002 - as Plex calls it
        agent: str = NO_AGENT,
        uuid: str | None = None,
        scanner: str = "",
    ) -> int:
        """Add a library; returns its key."""
        with self.lock:
            key = len(self.sections) + 1
            now = int(self.clock())
            name = uuid or str(uuids.uuid5(uuids.NAMESPACE_URL, f"{key}/{title}"))
            self.sections[key] = Section(
                key, title, type, list(locations), agent, name, now, now, scanner=scanner
            )
            return key

    def add_item(
        self,
        section: int,
        file: str = "/plex/a.mp4",
        size: int = 1000,
        title: str | None = None,
        added_at: int | None = None,
        files: Files | None = None,
        **values: Any,
    ) -> int:
        """Add an item with `file` or several `files`; returns its rating key.

        `values` by plain names (summary, studio, date, genres ...), `locked` the names of locked
        fields, `stacked=True` makes all files parts of one version. Size 0 means unknown to Plex.
        """
        with self.lock:
            there = list(files) if files else [(file, size)]
            now = int(self.clock()) if added_at is None else added_at
            key = self.next_key()
            item = SimItem(key, section, title or stem(there[0][0]), there, now, now)
            self._bare(item)
            self.assign(item, values)
            self._items[key] = self.sections[section].items[key] = item
            self.sections[section].revision += 1
            self._by_file.update({path: key for path, _ in there if path not in self._by_file})
            return key

    def _bare(self, item: SimItem) -> None:
        home = self.sections[item.section]
        item.guid = (
            f"{NO_AGENT}://{item.key:040x}?lang=xn"
            if home.own_videos
            else f"plex://movie/{item.key:024x}"
        )
        item.thumb = f"/library/metadata/{item.key}/thumb/{item.added_at}"

    def next_key(self) -> int:
        self._last_key += 1
        return self._last_key

    def remove_item(self, key: int) -> None:
        """Remove an item, as by "empty trash"; its key is never used again."""
        with self.lock:
            item = self._items.pop(key)
            home = self.sections[item.section]
            del home.items[key]
            home.revision += 1
            for path, _ in item.files:
                if self._by_file.get(path) == key:
                    del self._by_file[path]

    def move_item(self, key: int, new_file: str, keep_key: bool = False) -> int:
        """Move the first file. Plex creates a new, bare item for it unless `keep_key`; returns the
        key.
        """
        with self.lock:
            old = self._items[key]
            files = [(new_file, old.files[0][1]), *old.files[1:]]
            if not keep_key:
                self.remove_item(key)
                return self.add_item(old.section, files=files, stacked=old.stacked)
            self.change_files(key, files)
            return key

    def change_files(self, key: int, files: Files) -> None:
        """Change the item's files as by a scan: renamed, replaced, a version more or less.

        The item's own times stay; only those of its library change.
        """
        with self.lock:
            item = self._items[key]
            item.files = list(files)
            self._by_file.update({path: key for path, _ in item.files})
            self._scanned(self.sections[item.section])

    def rebuild(self, section: int, files: Iterable[str]) -> None:
        """Rebuild the library under the same keys and times, with other files in its items."""
        with self.lock:
            home = self.sections[section]
            for item, file in zip(home.items.values(), list(files), strict=True):
                item.files = [(file, item.files[0][1])]
                self._by_file[file] = item.key
            self._scanned(home)

    def _scanned(self, home: Section) -> None:
        """Record the end of a scan that changed something; times are in whole seconds."""
        home.scanned_at = max(home.scanned_at, int(self.clock()))
        home.revision += 1

    def trash_item(self, key: int) -> None:
        """Mark an item's files as missing: it stays listed, with `deletedAt`."""
        with self.lock:
            self._items[key].deleted_at = int(self.clock())
            self.touch(self._items[key])

    # -- looking at it -----------------------------------------------------------------------

    def item(self, key: int) -> SimItem:
        """The item itself, to be read or changed. Raises KeyError if there is none."""
        return self._items[key]

    def items(self) -> list[SimItem]:
        with self.lock:
            return list(self._items.values())

    def find(self, file: str, section: int | None = None) -> SimItem:
        """The (first) item with this file. Raises KeyError if there is none."""
        with self.lock:
            hint = self._items.get(self._by_file.get(file, 0))
            if hint and has_file(hint, file) and section in (None, hint.section):
                return hint
            for item in self._items.values():
                if has_file(item, file) and section in (None, item.section):
                    return item
        raise KeyError(file)

    def find_all(self, keys: Iterable[str]) -> list[SimItem | Collection]:
        """Items and collections by their keys, in that order; unknown keys are skipped."""
        found: dict[int, SimItem | Collection] = {}
        for text in keys:
            key = int(text) if text.isdecimal() else 0
            thing = self._items.get(key) or self._collection_by_key(key)
            if thing:
                found[key] = thing
        return list(found.values())

    def _collection_by_key(self, key: int) -> Collection | None:
        if not 0 < key <= self._last_key:
            return None
        every = (c for home in self.sections.values() for c in self.collections(home))
        return next((c for c in every if c.key == key), None)

    def collections(self, home: Section) -> list[Collection]:
        """The collections of a section, by the current tags of its items."""
        members: dict[str, list[SimItem]] = {}
        for item in home.items.values():
            for name in item.tags.get("collection", ()):
                members.setdefault(name.casefold(), []).append(item)
        for folded in [name for name in home.collections if name not in members]:
            if self.keeps_empty_collections:
                home.collections[folded].members = []
            else:
                del home.collections[folded]
        for folded, there in members.items():
            if folded not in home.collections:
                self._new_collection(home, folded, there[0])
            home.collections[folded].members = there
        there_are = [*home.collections.values(), *home.smart]
        return sorted(there_are, key=lambda entry: (entry.titleSort or entry.title).casefold())

    def collection(self, title: str, section: int | None = None) -> Collection:
        """The (first) collection of this title. Raises KeyError when there is none."""
        with self.lock:
            for home in self.sections.values():
                for entry in self.collections(home) if section in (None, home.key) else ():
                    if entry.title == title:
                        return entry
        raise KeyError(title)

    def add_smart_collection(self, section: int, title: str, members: Iterable[int] = ()) -> int:
        """A collection that lives by a filter; gives its rating key."""
        with self.lock:
            there = [self._items[key] for key in members]
            key, now = self.next_key(), int(self.clock())
            entry = Collection(key, section, title, 0, now, now, there, smart=True)
            self.sections[section].smart.append(entry)
            return key

    def edit_collection(self, title: str, poster: bytes = b"", **values: Any) -> None:
        """A person edits a collection in Plex Web: the values are set and locked."""
        with self.lock:
            entry = self.collection(title)
            for name, value in values.items():
                setattr(entry, ALIASES.get(name, name), value)
                entry.locks.add(ALIASES.get(name, name))
            if poster:
                self.upload(entry, "posters", poster)
            self.touch(entry)

    def _new_collection(self, home: Section, folded: str, first: SimItem) -> None:
        name = next(name for name in first.collection if name.casefold() == folded)
        tag = self.tags.tag("collection", name)
        now = int(self.clock())
        entry = Collection(self.next_key(), home.key, tag.name, tag.id, now, now)
        home.collections[folded] = entry

    # -- changing it -------------------------------------------------------------------------

    def user_edit(self, key: int, **values: Any) -> None:
        """Edit as a user in Plex Web: values are set and locked. `poster=bytes` uploads an image."""
        with self.lock:
            item = self._items[key]
            for resource in ("poster", "art"):
                if isinstance(values.get(resource), bytes):
                    self.upload(item, f"{resource}s", values.pop(resource))
            item.locks |= self.assign(item, values)
            self.touch(item)

    def agent_refresh(self, key: int, **values: Any) -> None:
        """Set values as an agent does; locked fields stay."""
        with self.lock:
            item = self._items[key]
            kept = {n: v for n, v in values.items() if ALIASES.get(n, n) not in item.locks}
            self.assign(item, kept)
            self.touch(item)

    def assign(self, item: SimItem, values: dict[str, Any]) -> set[str]:
        """Set values by plain names; returns the names under which Plex would lock them."""
        names = set()
        for plain, value in values.items():
            name = ALIASES.get(plain, plain)
            if name in TAG_KINDS:
                set_names(item, name, value, self.tags)
            elif name == "locked":
                item.locks |= {ALIASES.get(lock, lock) for lock in value}
            elif name in FIELDS or hasattr(item, name):
                set_value(item, FIELDS[name][0] if name in FIELDS else name, value)
            else:
                raise TypeError(f"an item has no {plain!r}")
            names |= {name} & LOCKABLE
        return names

    def touch(self, item: SimItem | Collection) -> None:
        """Set the item's update time to now, in whole seconds."""
        item.updated_at = int(self.clock()) + self.times_ahead
        self.sections[item.section].revision += 1

    # -- pictures ----------------------------------------------------------------------------

    def upload(self, item: SimItem | Collection, resource: str, data: bytes) -> str:
        """Store, select and lock a picture; identical bytes are one entry."""
        digest = hashlib.sha1(data).hexdigest()
        self.images[digest] = data
        entries = item.picture(resource)
        if digest not in entries.uploaded:
            entries.uploaded.append(digest)
        rating_key = f"{uploads(resource)}{digest}"
        self.select(item, resource, rating_key)
        return rating_key

    def select(self, item: SimItem | Collection, resource: str, rating_key: str) -> None:
        """Select an entry as the item's picture ("" for none), and lock it; its path changes."""
        attribute = "thumb" if resource == "posters" else "art"
        item.picture(resource).selected = rating_key
        last = str(getattr(item, attribute)).rpartition("/")[2]
        epoch = max(int(self.clock()), int(last) + 1 if last.isdecimal() else 0)
        path = f"/library/metadata/{item.key}/{attribute}/{epoch}" if rating_key else ""
        setattr(item, attribute, path)
        if rating_key and self.uploads_lock:
            item.locks.add(attribute)
        self.touch(item)


def uploads(resource: str) -> str:
    """The prefix of an uploaded picture's rating key."""
    return "upload://posters/" if resource == "posters" else "upload://art/"


def stem(file: str) -> str:
    """The name of a file without folder and suffix, with either kind of slashes."""
    name = file.replace("\\", "/").rpartition("/")[2]
    return name.rpartition(".")[0] or name


def has_file(item: SimItem, file: str) -> bool:
    return any(path == file for path, _ in item.files)
