"""A library for screenshots: many films, a few failures, a history."""

from __future__ import annotations

import json
import struct
import time
import zlib
from collections.abc import Iterator
from contextlib import closing

from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.storage import files
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.ledger import NOT_IN_PLEX, SceneState
from plexsync.model.stats import SLICE
from plexsync.policy.recovery_scheduler import RecoveryState
from tests.ui.house import House, dead_letter
from tests.world import until

HOUR, DAY = 3600.0, 86400.0
FIRST = ("Amber", "Borrowed", "Cold", "Distant", "Evening", "Fallen", "Glass", "Hollow", "Iron",
         "July", "Kind", "Last", "Moonlit", "Northern")  # fmt: skip
SECOND = ("Harbour", "Orchard", "Season", "Letters")
STUDIOS = ("Northwind Pictures", "Small Hours Film", "Foundry", "Rheinfilm")
CHANGED = "Amber Harbour"
"""The user changed its title in Plex."""

REFUSED = ("Hollow Season", "Iron Letters")
MISSING = ("Amber Letters", "Glass Orchard", "July Harbour")
NEW = ("Paper Kites", "Winter Count")
TWICE = "Field Notes"


def picture(seed: str) -> bytes:
    """A cover with a gradient."""
    mark = zlib.crc32(seed.encode())
    light = [90 + (mark >> shift & 127) for shift in (0, 8, 16)]
    dark = [value // 3 for value in reversed(light)]
    width, height = 96, 54
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            part = (x + y) / (width + height)
            rows += bytes(int(a + (b - a) * part) for a, b in zip(light, dark, strict=True))

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(rows)))
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IEND", b"")


class Gallery:
    """Fills a house; `scenes` are the films by title."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.scenes: dict[str, int] = {}
        self._changed = 0

    def fill(self) -> None:
        """Everything, by real syncs unless that would take days."""
        house = self.house
        self.films()
        house.stash.run_task("Sync All Scenes")
        lost = len(MISSING) + len(REFUSED) + 1
        until(lambda: (house.status()["scenes"] or {}).get("synced") == len(self.scenes) - lost, 90)
        until(lambda: (house.status()["dead_letters"] or {}).get("total") == len(REFUSED) + 1)
        for task in ("Clear Queue", "Reconcile Library (All)", "Clear Queue", "Health Check"):
            house.stash.run_task(task)
        house.stop_worker()
        house.bury(self._missed())
        self._known()
        self._history()
        for title in NEW:
            house.stash.edit(self._film(title), details="Plex has not scanned this one yet.")
        until(lambda: (house.status()["queue"] or {}).get("by_error") == {"PlexNotFound": len(NEW)})
        house.plex.item(self._changed).title = "Amber"

    def films(self) -> None:
        """The films in both servers, as on the first day."""
        stash, plex, section = self.house.stash, self.house.plex, self.house.section
        self._studios = [stash.add_studio(name) for name in STUDIOS]
        self._tags = [stash.add_tag(name) for name in ("drama", "sea")]
        for title in (f"{first} {second}" for first in FIRST for second in SECOND):
            scene = stash.scene(self._film(title))
            if title not in MISSING + REFUSED:
                size = scene.files[0].size
                key = plex.add_item(section, file=f"/plex/{_file(title)}", size=size)
                self._changed = key if title == CHANGED else self._changed
        scene = stash.scene(self._film(TWICE, "/elsewhere"))
        for folder in ("archive", "new"):
            plex.add_item(section, file=f"/plex/{folder}/{_file(TWICE)}", size=scene.files[0].size)

    def _film(self, title: str, folder: str = "/data") -> int:
        number = len(self.scenes)
        self.scenes[title] = self.house.stash.add_scene(
            title,
            [] if title in REFUSED else [(f"{folder}/{_file(title)}", 1000 + number)],
            created_at=time.time() - 9 * DAY,
            date=f"20{10 + number % 14}-0{1 + number % 9}-1{number % 9}",
            details="A letter arrives that nobody wrote.\n\nIt knows the way home.",
            studio=self._studios[number % len(self._studios)],
            tags=self._tags,
            cover=picture(title),
        )
        return self.scenes[title]

    def _missed(self) -> Iterator[DeadLetter]:
        for number, title in enumerate(MISSING):
            path = f"/data/{_file(title)}"
            yield dead_letter(
                self.scenes[title],
                ago=(1 + number * 7.3) * HOUR,
                message=f"no item in Plex holds this file: {path}",
                paths=(path,),
                attempts={"PlexNotFound": 12},
            )

    def _known(self) -> None:
        """What giving up stores besides the dead letter."""
        with closing(Ledger(str(self.house.data / "ledger.db"), print)) as ledger:
            ledger.save(
                SceneState(scene=self.scenes[title], state=NOT_IN_PLEX, since=time.time() - HOUR)
                for title in MISSING
            )

    def _history(self) -> None:
        self.house.outages(
            (5.2 * HOUR, 11 * 60.0),
            (19 * HOUR, 38 * 60.0),
            (2.4 * DAY, 4 * 60.0),
            (4.1 * DAY, 2.2 * HOUR),
            (5.8 * DAY, 9 * 60.0),
            (11 * DAY, 14 * 60.0),
            (17.5 * DAY, 6.5 * HOUR),
            (26 * DAY, 55 * 60.0),
        )
        back = RecoveryState(recovery_count=8, last_recovery_at=time.time() - 5 * HOUR)
        files.replace_json(str(self.house.data / "recovery_state.json"), back.to_json())
        path = self.house.data / "stats.json"
        stats = json.loads(path.read_text())
        now = int(time.time() // SLICE)
        busy = {33: 46, 34: 52, 35: 21, 52: 33}
        waves = [(71 - n, busy.get(n, n * 7 % 11)) for n in range(70)]
        stats["slices"] = [[now - ago, done, int(done == 46)] for ago, done in waves if done]
        stats["writes"] = [done for _, done in waves if done]
        path.write_text(json.dumps(stats))


def _file(title: str) -> str:
    return f"{title.lower().replace(' ', '.')}.1080p.mkv"
