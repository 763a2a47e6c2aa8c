"""Plex with "Secure connections: Required" and similar set-ups: from the error message to
a synced scene."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plexsync.flows.tasks.check_setup import check_setup
from tests import certificates
from tests.certificates import HASH
from tests.listening import Listening
from tests.task_running import run_task
from tests.world import ROOT, TOKEN, World


def secured(world: World, certificate: str, wanted: str = "required") -> str:
    """Make Plex use this certificate; returns its https address with the IP address."""
    world.plex.tls = certificates.server(certificate)
    world.plex.secure_connections = wanted
    world.configure(no_poster=True)
    return world.plex.url.replace("http:", "https:")


def stuck(world: World, scene: int, said: str) -> None:
    """The scene waits at no cost, and the log says why, in few lines."""
    before = len(world.sink.lines)
    world.run(10)
    assert said in world.said("warning")
    assert scene in world.waiting() and world.dead_letter(scene) is None
    assert world.waiting()[scene].attempts == {}
    assert len(world.sink.lines) - before <= 20
    assert world.plex.journal == []


def arrives(world: World, item: Any, title: str) -> None:
    world.run(2)
    assert item.title == title
    assert world.waiting() == {}


@pytest.mark.long
@pytest.mark.parametrize(
    ("certificate", "scheme", "said", "mended"),
    [
        (
            "plex_direct",
            "http",
            "takes only secure connections; enter the address "
            f"https://127-0-0-1.{HASH}.plex.direct:",
            {"scheme": "https", "environ": "ca"},
        ),
        ("by_address", "https", "this machine does not trust the issuer", {"setting": "ca"}),
        ("by_address", "https", "this machine does not trust the issuer", {"environ": "ca"}),
        ("self_signed", "https", "is self-signed", {"setting": "self_signed"}),
        ("self_signed", "https", "is self-signed", {"setting": "ignore"}),
        ("other_name", "https", "is for plex.example, www.plex.example", {"setting": "other_name"}),
        ("expired", "https", "has expired", {"certificate": "by_address"}),
    ],
    ids=["http", "own CA", "SSL_CERT_FILE", "pin", "ignore", "name", "expired"],
)
def test_a_scene_waits_for_tls_to_be_mended_and_then_arrives(
    world: World, certificate: str, scheme: str, said: str, mended: dict[str, str]
) -> None:
    address = secured(world, certificate)
    if certificate in ("plex_direct", "other_name", "expired"):
        world.environ["SSL_CERT_FILE"] = certificates.path("ca")
    world.configure(plex_url=address.replace("https:", scheme + ":"))
    scene, item = world.pair("a.mp4", plex={"title": "Old"}, title="New")
    world.event(scene)
    stuck(world, scene, said)

    setting = mended.get("setting", "")
    world.configure(
        plex_url=address,
        plex_certificate=setting if setting in ("", "ignore") else certificates.path(setting),
    )
    if "environ" in mended:
        world.environ["SSL_CERT_FILE"] = certificates.path(mended["environ"])
    if "certificate" in mended:
        world.plex.tls = certificates.server(mended["certificate"])
    arrives(world, item, "New")


def test_a_changed_certificate_setting_counts_in_the_living_worker(world: World) -> None:
    world.configure(plex_url=secured(world, "self_signed"))
    scene, item = world.pair("a.mp4", plex={"title": "Old"}, title="New")
    world.event(scene)
    mended_at = world.clock.passed + 300

    def mend() -> None:
        if world.clock.passed >= mended_at:
            world.configure(plex_certificate=certificates.path("self_signed"))

    world.clock.on_wait = mend
    world.run(10)
    assert item.title == "New" and world.waiting() == {}


def test_the_file_of_a_pinned_certificate_is_named_until_it_is_there(
    world: World, tmp_path: Path
) -> None:
    pin = tmp_path / "plex.pem"
    world.configure(plex_url=secured(world, "self_signed"), plex_certificate=str(pin))
    scene, item = world.pair("a.mp4", plex={"title": "Old"}, title="New")
    world.event(scene)
    stuck(world, scene, f"the certificate file {pin} cannot be used (No such file or directory)")
    shutil.copy(certificates.path("self_signed"), pin)
    arrives(world, item, "New")


def test_a_plex_that_prefers_tls_takes_both(world: World) -> None:
    address = secured(world, "by_address", wanted="preferred")
    scene, item = world.pair("a.mp4", plex={"title": "Old"}, title="New")
    world.event(scene)
    arrives(world, item, "New")
    world.configure(plex_url=address, plex_certificate=certificates.path("ca"))
    world.edit(scene, title="Newer")
    arrives(world, item, "Newer")


class Elsewhere:
    """A second server that records all requests."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._listening = Listening(socket.create_server(("127.0.0.1", 0)), self._hear)
        self.url = f"http://127.0.0.1:{self._listening.port}"
        self.close = self._listening.close

    def _hear(self, connection: socket.socket) -> None:
        with connection:
            self.heard.append(b"somebody connected")


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    server = Elsewhere()
    yield server
    server.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nothing_goes_to_where_a_redirect_points(
    world: World, elsewhere: Elsewhere, status: int
) -> None:
    scene, item = world.pair("a.mp4", plex={"title": "Old"}, title="New")
    world.event(scene)
    fault = world.plex.add_fault("redirect", status=status, location=elsewhere.url + "/login")
    world.run(0.5)
    assert scene in world.waiting()
    fault.remove()
    world.run(10)
    assert item.title == "New"
    assert elsewhere.heard == []
    assert TOKEN not in world.said()


@pytest.fixture
def installed(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "plugins" / "PlexSync"
    folder.mkdir(parents=True)
    for name in ("PlexSync.yml", "requirements.txt"):
        shutil.copy(ROOT / name, folder)
    world.plugin_dir = folder


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("entered", "state", "text", "remedy"),
    [
        (
            "ignore",
            "warn",
            "no certificate is checked",
            'Let "Plex certificate" in the view Settings',
        ),
        (certificates.path("ca"), "ok", "1 certificate in ", ""),
        ("/nowhere/plex.pem", "bad", "/nowhere/plex.pem cannot be used (No such", "Correct "),
        ("", "", "", ""),
    ],
    ids=["ignore", "file", "missing", "empty"],
)
def test_the_setup_check_tells_of_the_certificate(
    world: World, entered: str, state: str, text: str, remedy: str
) -> None:
    world.configure(plex_certificate=entered)
    points = [p for p in run_task(world, check_setup)["points"] if p["point"] == "Plex certificate"]
    if not entered:
        assert points == []
        return
    (point,) = points
    assert point["state"] == state
    assert point["text"].startswith(text) and point["remedy"].startswith(remedy)
