"""Maps paths to endpoints."""

from __future__ import annotations

import re
from collections.abc import Callable

from simulator.faults import Reply, error_page
from simulator.plex_edits import Refused
from simulator.plex_items import TAG_KINDS
from simulator.plex_library import PlexLibrary
from simulator.plex_scan import Scanner
from simulator.plex_wire import Request
from simulator.plex_writes import Writes

Route = Callable[..., Reply]


class Routes(Writes):
    """The endpoints of one server. `answer` never raises, whatever a client sends."""

    def __init__(self, library: PlexLibrary, scanner: Scanner) -> None:
        super().__init__(library, scanner)
        section, item = r"/library/sections/(\w+)", r"/library/metadata/(\d+)"
        items = r"/library/metadata/([\w,]+)"
        table: list[tuple[str, str, Route]] = [
            ("GET", "/identity", self.identity),
            ("GET", f"{section}/all", self.list_items),
            ("PUT", f"{section}/all", self.edit_section),
            ("GET", items, self.fetch),
            ("PUT", items, self.edit_items),
            ("GET|POST", rf"{item}/(posters|arts)", self.pictures),
            ("PUT", rf"{item}/(poster|art)", self.choose_picture),
            ("DELETE", rf"{item}/(thumb|art)", self.unselect_picture),
            ("GET", rf"{item}/(thumb|art)/\d+", self.picture_now),
            ("GET", rf"{item}/file", self.picture_file),
            ("PUT", f"{items}/refresh", self.refresh_items),
            ("GET", "/", self.root),
            ("GET", "/library", self.library),
            ("GET", "/library/sections/?", self.sections),
            ("POST", "/library/sections/?", self.add_section),
            ("GET", section, self.section),
            ("GET|POST|DELETE", f"{section}/refresh", self.scan),
            ("GET", f"{section}/prefs", self.preferences),
            ("GET", f"{section}/collections", self.list_collections),
            ("GET", f"{section}/({'|'.join(TAG_KINDS)})", self.choices),
            ("GET", r"/library/collections/(\d+)(/children|/items)?", self.collection),
            ("GET", "/activities", self.activities),
            ("GET", "/status/sessions", self.playing),
            ("GET|PUT", "/:/rate", self.rate),
        ]
        self._table = [(methods.split("|"), re.compile(path), do) for methods, path, do in table]

    def answer(self, request: Request) -> Reply:
        status = self._forbidden(request)
        if status:
            return error_page(status)
        for methods, path, do in self._table:
            if request.method in methods and (found := path.fullmatch(request.path)):
                try:
                    return do(request, *found.groups())
                except Refused as refused:
                    return error_page(refused.status)
        return error_page(404)

    def _forbidden(self, request: Request) -> int:
        """401 for an unknown token, 403 for requests that only the owner may send."""
        token = request.option("X-Plex-Token")
        if request.path == "/identity" or token == self.lib.token or self.lib.unclaimed:
            return 0
        if not token or token != self.lib.guest_token:
            return 401
        owners = request.method != "GET" or request.path == "/status/sessions"
        return 403 if owners else 0
