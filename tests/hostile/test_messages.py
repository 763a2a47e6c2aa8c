"""Messages leave a real worker and a real button by a process of their own, and take no secret along.

A service of the test's own takes them; where Apprise itself is not installed, a stand-in for it is,
by a real pip.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from plexsync import inbox
from plexsync.dependencies import MESSAGES, Dependencies
from simulator.plex import PlexSim
from tests.hostile.test_dependencies import (
    Home,
    Index,
    build_wheel,
    hashed,
    install,
    lock_is_free,
)
from tests.platforms import needs_ctypes
from tests.world import ROOT, TOKEN, until

SECRET = "AbCdEf0123456789secret"
APPRISE = b"""
import json, urllib.error, urllib.request
from types import SimpleNamespace
class Result:
    def __init__(self, line=""):
        entries = [SimpleNamespace(message=line)] * bool(line)
        self.results = [SimpleNamespace(logs=lambda: entries)]
        self.taken = not line
    def __bool__(self):
        return self.taken
class NotifyFormat:
    TEXT = "text"
class AppriseAsset:
    def __init__(self, **_):
        pass
class Apprise:
    def __init__(self, asset=None):
        self.urls = []
    @staticmethod
    def instantiate(url, asset=None):
        return url if url.startswith("json://") else None
    def add(self, url):
        self.urls.append(url)
    def notify(self, body, title, tone, body_format=None):
        order = json.dumps({"title": title, "message": body, "type": tone}).encode()
        try:
            urllib.request.urlopen(self.urls[0].replace("json", "http", 1), order, timeout=5)
        except urllib.error.HTTPError as problem:
            return Result("Failed %s, error=%d." % (self.urls[0], problem.code))
        return Result()
"""

real = pytest.mark.skipif(
    importlib.util.find_spec("apprise") is None, reason="Apprise is not installed here"
)


class Service:
    """Takes messages over HTTP, and answers with `status`."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.status = 200
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.taken.append(json.loads(body))
                self.send_response(service.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self._server.server_address[1]}/{SECRET}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.taken]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.stop()


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    build_wheel(folder, "plexsync_tiny_bell", "1.0", {"apprise.py": APPRISE}, "py3-none-any")
    return folder


def move_in(plugin: Path, plex: PlexSim, index: Index, service: Service, **env: str) -> Home:
    """An installed plugin with what this Python has, that lacks only what sends messages."""
    home = Home(plugin, plex, index, (ROOT / "requirements.txt").read_text(), **env)
    (plugin / MESSAGES.file).write_text(hashed("plexsync-tiny-bell==1.0\n", index.wheels))
    configure(home, service)
    return home


@pytest.fixture
def index(wheels: Path) -> Iterator[Index]:
    index = Index(wheels)
    yield index
    index.stop()


@pytest.fixture
def home(plugin: Path, index: Index, service: Service) -> Iterator[Home]:
    with PlexSim(token=TOKEN) as plex:
        home = move_in(plugin, plex, index, service)
        with home.stash:
            yield home


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    """The installed set of what sends, made once for all tests that only need it to exist."""
    folder = tmp_path_factory.mktemp("ready")
    return install(folder, wheels, "plexsync-tiny-bell==1.0\n", MESSAGES)


@pytest.fixture
def equipped(home: Home, ready: Path) -> Home:
    """A data folder in which pip has installed what sends."""
    for folder in (home.data, home.data / "dependencies"):
        folder.mkdir(mode=0o700)
    shutil.copytree(ready, home.data / "dependencies" / own_set(home))
    return home


def configure(home: Home, service: Service, **settings: object) -> None:
    usual = {"plex_url": home.plex.url, "plex_token": TOKEN, "no_poster": True}
    home.stash.set_plugin_settings({**usual, "notify_urls": service.url, **settings})


def press(home: Home) -> Any:
    return home.stash.run_task("Send a Test Message")


def seen(home: Home, run: Any = None) -> str:
    """Everything that PlexSync stored, logged or answered."""
    files = [p for p in home.data.rglob("*") if p.is_file() and "dependencies" not in p.parts]
    texts = [path.read_text(errors="replace") for path in files]
    lines = [line.text for line in run.log] if run else []
    return "\n".join([*texts, *lines, str(run and run.output), str(run and run.error)])


def own_set(home: Home) -> str:
    return os.path.basename(Dependencies(str(home.plugin), str(home.data), MESSAGES).folder)


@pytest.mark.torture
@pytest.mark.long
def test_what_sends_is_installed_by_the_first_message_and_kept(
    home: Home, service: Service
) -> None:
    assert home.sets() == [] and home.index.asked == []
    run = press(home)
    assert run.error is None
    assert run.output["deliveries"] == [{"scheme": "json", "state": "sent", "words": "sent"}]
    assert service.titles == ["PlexSync: a test message"]
    assert home.sets() == [own_set(home)]
    scene, item = home.pair("1.mp4", title="old")
    home.stash.edit(scene, title="new")  # its worker tidies the sets
    until(lambda: item.title == "new")
    assert press(home).error is None
    assert len(home.index.fetched()) == 1
    assert SECRET not in seen(home, run)


def test_each_url_is_named_by_its_scheme_and_no_secret_is_said(
    equipped: Home, service: Service
) -> None:
    home = equipped
    configure(home, service, notify_urls=f"{service.url} odd://{SECRET}")
    run = press(home)
    assert run.error is None
    assert [line.text for line in run.log if "://" not in line.text][-2:] == [
        "json: sent",
        "odd: not a URL that Apprise can use here",
    ]
    service.status = 401
    configure(home, service)
    run = press(home)
    assert "No message was taken: json: refused (401)." in str(run.error)
    assert SECRET not in seen(home, run)


@pytest.mark.torture
@pytest.mark.long
def test_without_a_network_one_line_says_what_to_do_and_syncing_goes_on(
    plugin: Path, index: Index, service: Service
) -> None:
    with PlexSim(token=TOKEN) as plex:
        home = move_in(plugin, plex, index, service, PIP_INDEX_URL="http://127.0.0.1:1/simple/")
        with home.stash:
            run = press(home)
            scene, item = home.pair("1.mp4", title="old")
            home.stash.edit(scene, title="new")
            until(lambda: item.title == "new")
    assert "PlexSync cannot install Apprise, with which it sends messages: pip cannot" in run.error
    assert "Everything else works without it. Press Send a Test Message to try" in run.error
    assert SECRET not in seen(home, run)


@pytest.mark.long
def test_a_worker_says_that_the_token_is_refused(equipped: Home, service: Service) -> None:
    home = equipped
    configure(home, service, plex_token="another-token")
    home.stash.edit(home.pair("1.mp4", title="old")[0], title="new")
    until(lambda: service.taken)
    assert service.titles == ["PlexSync: Plex refuses the token"]
    until(lambda: json.loads((home.data / "notifications.json").read_text())["outbox"] == [])
    assert SECRET not in seen(home)


@pytest.mark.skipif(sys.platform == "win32", reason="looks into /proc")
def test_no_process_is_told_a_url_where_others_can_read_it(home: Home, service: Service) -> None:
    home.index.open.clear()
    thread = threading.Thread(target=press, args=(home,))
    thread.start()
    until(lambda: home.index.asked)
    found = [
        (entry / name).read_bytes()
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and b"plexsync.send_messages" in _read(entry / "cmdline")
        for name in ("cmdline", "environ")
    ]
    home.index.open.set()
    thread.join()
    assert len(found) == 2
    assert not any(SECRET.encode() in data or TOKEN.encode() in data for data in found)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.long
def test_files_of_a_newer_version_are_said_once(equipped: Home, service: Service) -> None:
    home = equipped
    scene, item = home.pair("1.mp4", title="old")
    home.stash.edit(scene, title="new")
    until(lambda: item.title == "new" and (home.data / "notifications.json").exists())
    entry = home.plugin / "PlexSync.py"
    text = entry.read_bytes()
    entry.unlink()
    inbox.nudge(str(home.data))
    until(lambda: lock_is_free(home.data / "worker.lock"))
    entry.write_bytes(text)
    (home.data / "circuit_breaker.json").write_text('{"version": 9}')
    for title in ("newer", "newest"):
        home.stash.edit(scene, title=title)
        until(lambda: service.taken)
        until(lambda: lock_is_free(home.data / "worker.lock"))
    assert service.titles == ["PlexSync can no longer sync"]


@pytest.mark.long
@real
@needs_ctypes  # which Apprise loads
def test_apprise_itself_takes_what_we_hand_it(home: Home, service: Service) -> None:
    (home.plugin / MESSAGES.file).write_text((ROOT / MESSAGES.file).read_text())
    configure(home, service, notify_urls=f"{service.url} nonsense://{SECRET} json://127.0.0.1:9/x")
    run = press(home)
    assert run.error is None
    assert [each["words"] for each in run.output["deliveries"]] == [
        "sent",
        "not a URL that Apprise can use here",
        "not delivered: the service cannot be reached, or refuses it",
    ]
    (message,) = service.taken
    assert message["title"] == "PlexSync: a test message"
    assert (message["type"], message["message"][:18]) == ("info", "Messages arrive. P")
    service.status = 403
    configure(home, service)
    assert "json: refused (403)" in str(press(home).error)
    assert SECRET not in seen(home, run)
