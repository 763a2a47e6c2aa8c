"""Partial scans: after a delay, files of the virtual disk become bare items."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass

from simulator.plex_items import Section, SimItem
from simulator.plex_library import PlexLibrary
from simulator.plex_skips import passed_over


@dataclass(slots=True, eq=False)
class Scan:
    """One running scan. `path` "" means the whole section."""

    id: str
    section: Section
    path: str
    timer: threading.Timer | None = None


class Scanner:
    """The scans of one server."""

    def __init__(self, library: PlexLibrary) -> None:
        self._library = library
        self.running: dict[str, Scan] = {}

    def start(self, section: Section, path: str, delay: float) -> str:
        """Start a scan; returns the id of its activity. Without a delay it ends at once."""
        scan = Scan(str(uuid.uuid4()), section, path)
        with self._library.lock:
            self.running[scan.id] = scan
            section.refreshing += 1
            if delay <= 0:
                self._finish(scan)
            else:
                scan.timer = threading.Timer(delay, self._finish, [scan])
                scan.timer.daemon = True
                scan.timer.start()
        return scan.id

    def cancel(self, section: Section | None = None) -> None:
        """Cancel the scans of a section, or all: they do not survive a restart."""
        with self._library.lock:
            for scan in list(self.running.values()):
                if section in (None, scan.section):
                    self._over(scan)

    def finish(self) -> None:
        """Finish all running scans now."""
        for scan in list(self.running.values()):
            self._finish(scan)

    def _over(self, scan: Scan) -> bool:
        """End a scan; returns whether it was still running."""
        if self.running.pop(scan.id, None) is None:
            return False
        if scan.timer:
            scan.timer.cancel()
        scan.section.refreshing -= 1
        return True

    def _finish(self, scan: Scan) -> None:
        with self._library.lock:
            if not self._over(scan):
                return
            scan.section.scanned_at = int(self._library.clock())
            known = {path: item for item in scan.section.items.values() for path, _ in item.files}
            for file, size in self._library.disk.items():
                if covers(scan, file):
                    self._take_in(scan.section, file, size, known.get(file))

    def _take_in(self, section: Section, file: str, size: int, known: SimItem | None) -> None:
        if known is None:
            if passed_over(section, file, size):
                return
            self._library.add_item(section.key, file, size)
        elif known.deleted_at is not None:  # it is back
            known.deleted_at = None
            self._library.touch(known)


def covers(scan: Scan, file: str) -> bool:
    """Whether a scan covers this file."""
    return (not scan.path or inside(file, scan.path)) and any(
        inside(file, place) for place in scan.section.locations
    )


def inside(file: str, folder: str) -> bool:
    """Whether a file is in a folder or below it; a file contains nothing."""
    file, folder = file.replace("\\", "/"), folder.replace("\\", "/").rstrip("/")
    return file.startswith(f"{folder}/")
