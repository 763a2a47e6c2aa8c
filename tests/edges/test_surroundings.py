"""Checks of the environment, with real disks, packages and servers."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from plexsync.edges import surroundings


class Dated(BaseHTTPRequestHandler):
    """A server that sends the given Date header, or none."""

    def do_GET(self) -> None:
        self.send_response_only(404)
        if self.server.date:  # type: ignore[attr-defined]
            self.send_header("Date", self.server.date)  # type: ignore[attr-defined]
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Dated) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("date", "seconds"),
    [("Thu, 01 Jan 1970 00:10:00 GMT", 600.0), ("", None), ("soon", None), ("Thu, 99", None)],
)
def test_a_servers_time_is_the_date_of_its_answer(
    server: HTTPServer, date: str, seconds: float | None
) -> None:
    server.date = date  # type: ignore[attr-defined]
    url = f"http://127.0.0.1:{server.server_port}/identity"
    assert surroundings.server_time(url) == seconds


def test_a_server_that_is_not_there_has_no_time() -> None:
    assert surroundings.server_time("http://127.0.0.1:1/x", seconds=1.0) is None
    assert surroundings.server_time("no address at all") is None


def test_other_manifests_are_found_where_stash_looks(tmp_path: Path) -> None:
    own = tmp_path / "plugins" / "PlexSync"
    other = tmp_path / "plugins" / "community" / "x" / "plexsync.yml"
    for file in (own / "PlexSync.yml", other, tmp_path / "plugins" / ".git" / "PlexSync.yml"):
        file.parent.mkdir(parents=True)
        file.write_text("name: PlexSync\n")
    (tmp_path / "plugins" / "loop").symlink_to(tmp_path / "plugins")
    assert os.fspath(other) in surroundings.manifests_beside(str(own), "PlexSync.yml")
    other.unlink()
    assert surroundings.manifests_beside(str(own), "PlexSync.yml") == []


def test_the_disk_under_a_folder(tmp_path: Path) -> None:
    assert surroundings.free_bytes(str(tmp_path)) > 0
    if sys.platform != "win32" and os.path.exists(surroundings.MOUNTS):  # Wine shows it too
        assert surroundings.filesystem("/proc/self") == "proc"
        assert surroundings.filesystem(str(tmp_path)) != ""
