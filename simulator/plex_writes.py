"""The endpoints that change something: edits, ratings, pictures, scans."""

from __future__ import annotations

import urllib.request
from collections.abc import Sequence

from simulator import plex_edits, plex_query, plex_xml
from simulator.faults import Reply
from simulator.plex_edits import Refused
from simulator.plex_items import Collection, Section, SimItem
from simulator.plex_library import uploads
from simulator.plex_reads import COLLECTIONS, MOVIES, XML, Reads, xml
from simulator.plex_wire import Request

MAX_IMAGE = 10 << 20
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Writes(Reads):
    """The endpoints that write."""

    def scan(self, request: Request, key: str) -> Reply:
        section = self.section_of(key)
        if request.method == "DELETE":
            self.scanner.cancel(section)
            return Reply(200)
        activity = self.scanner.start(section, request.get("path"), self.lib.scan_delay)
        return Reply(200, headers=[("X-Plex-Activity", activity)])

    def add_section(self, request: Request) -> Reply:
        """A new library. Its files appear with a scan."""
        asked = {
            name: request.get(name) for name in ("name", "type", "agent", "scanner", "language")
        }
        places = [value for name, value in request.params if name == "location"]
        if not all(asked.values()) or not places or asked["type"] not in ("movie", "show"):
            raise Refused(400)
        name, kind, agent, scanner, _ = asked.values()
        key = self.lib.add_section(name, places, kind, agent, scanner=scanner)
        shown = plex_xml.section(self.lib.sections[key])
        return Reply(201, plex_xml.container('size="1"', [shown]), XML)

    # -- writing -----------------------------------------------------------------------------

    def edit_section(self, request: Request, key: str) -> Reply:
        """Edit all items that pass the filters: without `id` the whole section."""
        section = self.section_of(key)
        if not self.lib.section_edits:
            raise Refused(404)
        edits = self._edits(request)
        lib = self.lib
        if request.get("type", MOVIES) == COLLECTIONS:
            return self._edit_collections(section, request, edits)
        if request.get("type", MOVIES) != MOVIES:
            return Reply(501, b"not simulated")
        with lib.lock:
            items = plex_query.select(section, request.params, lib.tags, lib.clock())
            if not items and lib.unknown_id == "404":
                raise Refused(404)
            self._edit(items, edits)
        return Reply(200)

    def _edit_collections(
        self, section: Section, request: Request, edits: plex_edits.Edits
    ) -> Reply:
        if not self.lib.collection_edits_by_section:
            raise Refused(404)
        with self.lib.lock:
            wanted = request.get("id").split(",")
            self._edit([c for c in self.lib.collections(section) if str(c.key) in wanted], edits)
        return Reply(200)

    def edit_items(self, request: Request, keys: str) -> Reply:
        edits = self._edits(request)
        with self.lib.lock:
            items = self.lib.find_all(keys.split(","))
            if not items:
                raise Refused(404)
            self._edit(items, edits)
        return Reply(200)

    def _edits(self, request: Request) -> plex_edits.Edits:
        edits = plex_edits.parse(request.params, self.lib.unknown_field)
        if edits.names & self.lib.refused_fields:
            raise Refused(400)
        if "editionTitle" in edits.values and not self.lib.plex_pass:
            raise Refused(400)
        return edits

    def _edit(self, items: Sequence[SimItem | Collection], edits: plex_edits.Edits) -> None:
        shown = plex_edits.as_kept(edits, self.lib.whole_ratings, self.lib.folds_blanks)
        for item in items:
            if isinstance(item, Collection):
                plex_edits.apply_to_collection(item, shown)
            else:
                before = plex_edits.state_of(item)
                plex_edits.apply(
                    item, shown, self.lib.tags, self.lib.tag_mode, self.lib.forgets_roles
                )
                if not self.lib.equal_edits_count and plex_edits.state_of(item) == before:
                    continue
            self.lib.touch(item)

    def refresh_items(self, request: Request, keys: str) -> Reply:
        if not self.lib.find_all(keys.split(",")):
            raise Refused(404)
        return Reply(200)

    def rate(self, request: Request) -> Reply:
        try:
            rating = float(request.get("rating"))
        except ValueError:
            raise Refused(400) from None
        if not (rating == -1 or 0 <= rating <= 10):
            raise Refused(400)
        with self.lib.lock:
            item = self.item_of(request.get("key"))
            item.userRating = None if rating == -1 else rating
            item.last_rated_at = None if rating == -1 else int(self.lib.clock())
            self.lib.touch(item)
        return Reply(200)

    # -- pictures ----------------------------------------------------------------------------

    def pictures(self, request: Request, key: str, resource: str) -> Reply:
        item = self.pictured(key)
        if request.method == "POST":
            data = request.body or _download(request.get("url"))
            if len(data) > MAX_IMAGE:
                raise Refused(500)
            if self.lib.picture_status != 200:
                raise Refused(self.lib.picture_status)
            with self.lib.lock:
                self.lib.upload(item, resource, data)
            return Reply(200)
        with self.lib.lock:
            entries = item.picture(resource)
            keys = [uploads(resource) + sha for sha in entries.uploaded] + entries.agent
            photos = [plex_xml.picture(item, name, name == entries.selected) for name in keys]
        return xml(
            plex_xml.container(
                f'size="{len(photos)}" identifier="com.plexapp.plugins.library"', photos
            )
        )

    def choose_picture(self, request: Request, key: str, what: str) -> Reply:
        item, url, resource = self.pictured(key), request.get("url"), f"{what}s"
        if url.startswith(("http://", "https://")):
            data = _download(url)
            with self.lib.lock:
                self.lib.upload(item, resource, data)
            return Reply(200)
        with self.lib.lock:
            entries = item.picture(resource)
            known = [uploads(resource) + sha for sha in entries.uploaded] + entries.agent
            if url not in known:
                raise Refused(404)
            self.lib.select(item, resource, url)
        return Reply(200)

    def unselect_picture(self, request: Request, key: str, attribute: str) -> Reply:
        with self.lib.lock:
            self.lib.select(self.pictured(key), "posters" if attribute == "thumb" else "arts", "")
        return Reply(200)

    def picture_now(self, request: Request, key: str, attribute: str) -> Reply:
        entries = self.pictured(key).picture("posters" if attribute == "thumb" else "arts")
        return self._image(entries.selected)

    def picture_file(self, request: Request, key: str) -> Reply:
        self.pictured(key)
        return self._image(request.get("url"))

    def _image(self, rating_key: str) -> Reply:
        data = self.lib.images.get(rating_key.rpartition("/")[2])
        if data is None:
            raise Refused(404)
        return Reply(200, data, "image/jpeg")


def _download(url: str) -> bytes:
    """Fetch a picture by URL, as Plex itself does: any failure is one error status."""
    if not url.startswith(("http://", "https://")):
        raise Refused(400)
    try:
        with _DIRECT.open(url, timeout=10) as answer:
            return bytes(answer.read(MAX_IMAGE + 1))
    except (OSError, ValueError):
        raise Refused(500) from None
