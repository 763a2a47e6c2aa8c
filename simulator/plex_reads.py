"""The endpoints that only read."""

from __future__ import annotations

from collections.abc import Iterable

from simulator import plex_meta, plex_query, plex_xml
from simulator.faults import Reply
from simulator.plex_edits import Refused
from simulator.plex_items import Collection, Section, SimItem
from simulator.plex_library import PlexLibrary
from simulator.plex_scan import Scanner
from simulator.plex_wire import Request

XML = "text/xml;charset=utf-8"
MOVIES, COLLECTIONS = "1", "18"


def xml(body: bytes, headers: list[tuple[str, str]] | None = None) -> Reply:
    return Reply(200, body, XML, headers or [])


class Reads:
    """The endpoints that change nothing. They raise Refused for requests that cannot be answered."""

    def __init__(self, library: PlexLibrary, scanner: Scanner) -> None:
        self.lib, self.scanner = library, scanner

    def section_of(self, key: str) -> Section:
        if key == "None":  # what a client without a section id sends
            raise Refused(500)
        section = self.lib.sections.get(int(key) if key.isdecimal() else 0)
        if section is None:
            raise Refused(404)
        return section

    def item_of(self, key: str) -> SimItem:
        found = self.lib.find_all([key])
        if not found or not isinstance(found[0], SimItem):
            raise Refused(404)
        return found[0]

    def pictured(self, key: str) -> SimItem | Collection:
        found = self.lib.find_all([key])
        if not found:
            raise Refused(404)
        return found[0]

    # -- the server --------------------------------------------------------------------------

    def identity(self, request: Request) -> Reply:
        lib = self.lib
        start = f' startState="{plex_xml.esc(lib.start_state)}"' if lib.start_state else ""
        return xml(
            plex_xml.container(
                f'size="0" apiVersion="1.1.1" claimed="{int(not self.lib.unclaimed)}"{start}'
                f' machineIdentifier="{plex_xml.esc(lib.machine)}"'
                f' version="{plex_xml.esc(lib.version)}"'
            )
        )

    def root(self, request: Request) -> Reply:
        lib = self.lib
        return xml(plex_meta.root(lib.name, lib.machine, lib.version, int(lib.clock())))

    def library(self, request: Request) -> Reply:
        return xml(plex_meta.LIBRARY)

    def sections(self, request: Request) -> Reply:
        with self.lib.lock:
            entries = [plex_xml.section(section) for section in self.lib.sections.values()]
        return xml(
            plex_xml.container(
                f'size="{len(entries)}" allowSync="0" title1="Plex Library"', entries
            )
        )

    def section(self, request: Request, key: str) -> Reply:
        section = self.section_of(key)
        return xml(plex_xml.container(f'size="1" {plex_xml.in_section(section)}'))

    def preferences(self, request: Request, key: str) -> Reply:
        return xml(plex_xml.preferences(self.section_of(key)))

    def activities(self, request: Request) -> Reply:
        with self.lib.lock:
            scans = [
                f'<Activity uuid="{scan.id}" type="library.update.section" cancellable="1"'
                f' userID="1" title="Scanning {plex_xml.esc(scan.section.title)}"'
                f' subtitle="{plex_xml.esc(scan.path)}" progress="-1"/>'
                for scan in self.scanner.running.values()
            ]
        return xml(plex_xml.container(f'size="{len(scans)}"', scans))

    def playing(self, request: Request) -> Reply:
        """Answer that nothing is being played; only the owner may ask."""
        return xml(plex_xml.container('size="0"', []))

    # -- reading -----------------------------------------------------------------------------

    def list_items(self, request: Request, key: str) -> Reply:
        section = self.section_of(key)
        kind = request.get("type", MOVIES if section.type == "movie" else "")
        if kind == COLLECTIONS:
            return self._list_collections(request, section)
        lib = self.lib
        with lib.lock:
            there: list[SimItem] = []
            if kind == MOVIES:
                there = plex_query.listed(section, request, lib.tags, lib.clock())
            shown, total, offset = plex_query.cut(there, request, lib.max_container_size)
            _convert(shown)
            hidden = _names(request, "excludeElements"), _names(request, "excludeFields")
            children = [
                plex_xml.list_item(item, *hidden, with_locks=lib.locks_in_lists) for item in shown
            ]
        if request.get("includeMeta") == "1":
            children.insert(0, plex_meta.movies(section.key))
        return _page(section, len(shown), total, offset, "All Movies", children)

    def list_collections(self, request: Request, key: str) -> Reply:
        return self._list_collections(request, self.section_of(key))

    def _list_collections(self, request: Request, section: Section) -> Reply:
        with self.lib.lock:
            there = self.lib.collections(section)
            wanted = request.get("title").casefold()
            there = [entry for entry in there if wanted in entry.title.casefold()]
            shown, total, offset = plex_query.cut(there, request, self.lib.max_container_size)
            children = [plex_xml.collection(entry) for entry in shown]
        if request.get("includeMeta") == "1":
            children.insert(0, plex_meta.collections(section.key))
        return _page(section, len(shown), total, offset, "All Collections", children)

    def choices(self, request: Request, key: str, kind: str) -> Reply:
        section = self.section_of(key)
        with self.lib.lock:
            names = {name for item in section.items.values() for name in item.tags.get(kind, ())}
            tags = [self.lib.tags.tag(kind, name) for name in sorted(names)]
        entries = [
            f'<Directory fastKey="/library/sections/{section.key}/all?{kind}={tag.id}"'
            f' key="{tag.id}" title="{plex_xml.esc(tag.name)}"/>'
            for tag in tags
        ]
        return xml(plex_xml.container(f'size="{len(entries)}" allowSync="0"', entries))

    def fetch(self, request: Request, keys: str) -> Reply:
        with self.lib.lock:
            there = self.lib.find_all(keys.split(","))
            if not there:
                raise Refused(404)
            shown, total, offset = plex_query.cut(there, request, None)
            _convert(thing for thing in shown if isinstance(thing, SimItem))
            children = [self._whole(request, thing) for thing in shown]
            sections = {thing.section for thing in there}
        where = plex_xml.in_section(self.lib.sections[sections.pop()]) if len(sections) == 1 else ""
        paging = plex_xml.page(len(shown), total, offset)
        body = plex_xml.container(f'{paging} allowSync="1" {plex_xml.LIBRARY} {where}', children)
        return xml(body, _paging_headers(total, offset))

    def _whole(self, request: Request, thing: SimItem | Collection) -> str:
        if isinstance(thing, Collection):
            return plex_xml.collection(thing, whole=True)
        return plex_xml.full_item(
            thing,
            self.lib.sections[thing.section],
            self.lib.tags,
            request.get("checkFiles") == "1",
            _names(request, "excludeElements"),
            _names(request, "excludeFields"),
        )

    def collection(self, request: Request, key: str, children: str | None) -> Reply:
        with self.lib.lock:
            there = [c for c in self.lib.find_all([key]) if isinstance(c, Collection)]
            if not there:
                raise Refused(404)
            if not children:
                return xml(
                    plex_xml.container('size="1"', [plex_xml.collection(there[0], whole=True)])
                )
            section = self.lib.sections[there[0].section]
            shown, total, offset = plex_query.cut(there[0].members, request, None)
            entries = [plex_xml.list_item(item) for item in shown]
        return _page(section, len(shown), total, offset, there[0].title, entries)


def _convert(items: Iterable[SimItem]) -> None:
    """Fail for a broken item ("Cannot convert data to std::tm"), which fails the whole answer."""
    if any(item.broken for item in items):
        raise Refused(500)


def _names(request: Request, parameter: str) -> frozenset[str]:
    text = request.get(parameter)
    return frozenset(text.split(",")) if text else plex_xml.NOTHING


def _paging_headers(total: int | None, offset: int) -> list[tuple[str, str]]:
    if total is None:
        return []
    return [
        ("X-Plex-Container-Start", str(offset)),
        ("X-Plex-Container-Total-Size", str(total)),
    ]


def _page(
    section: Section, size: int, total: int | None, offset: int, title: str, children: list[str]
) -> Reply:
    body = plex_xml.listing(
        section, plex_xml.page(size, total, offset), plex_xml.esc(title), children
    )
    return xml(body, _paging_headers(total, offset))
