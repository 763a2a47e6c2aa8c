"""The packages: found, or installed once into the data folder by pip, whatever may fail.

The pins name two tiny packages of a local package index, so no network is needed. Stories of what
happens around pip have a quick stand-in for it, all others the real one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import venv
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from plexsync.dependencies import MAIN, Dependencies, Needs, Unavailable
from plexsync.flows.status.alerts import shown_alerts
from plexsync.model.formatting import quoted
from plexsync.policy.notices import Notices
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.world import ROOT, TOKEN, lock_is_free, until

PINS = "# why\nplexsync-tiny-one==1.0\nplexsync_tiny_two==2.0\n"
TOKEN_IN_THE_ENVIRONMENT = "token-of-the-environment"

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="looks into /proc")


def build_wheel(folder: Path, name: str, version: str, members: dict[str, bytes], tag: str) -> None:
    """A valid wheel; `members` may contain a METADATA of their own."""
    info = f"{name}-{version}.dist-info"
    head = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
    }
    files = {**head, **members}
    rows = [f"{path},sha256={_digest(data)},{len(data)}" for path, data in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    with zipfile.ZipFile(folder / f"{name}-{version}-{tag}.whl", "w") as wheel:
        for path, data in files.items():
            wheel.writestr(path, data)


def hashed(pins: str, wheels: Path) -> str:
    """The pins with the hashes of these wheels, as `dev.py lock` writes them."""

    def with_hash(pin: re.Match[str]) -> str:
        name = _plain(pin[1]).replace("-", "_")
        files = [f for f in wheels.iterdir() if f.name.lower().startswith(f"{name}-{pin[2]}-")]
        digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files] or ["0" * 64]
        return " \\\n".join([pin[0], *(f"    --hash=sha256:{digest}" for digest in digests)])

    pins = re.sub(r"( \\)?\n +--hash=\S+", "", pins)
    return re.sub(r"^([\w.-]+)==(\S+)", with_hash, pins, flags=re.MULTILINE)


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for name, version in (("plexsync_tiny_one", "1.0"), ("plexsync_tiny_two", "2.0")):
        build_wheel(folder, name, version, {f"{name}.py": b"there = True\n"}, "py3-none-any")
    return folder


class Index:
    """A local package index that can make pip wait."""

    def __init__(self, wheels: Path) -> None:
        self.wheels = wheels
        self.open = threading.Event()
        self.open.set()
        self.asked: list[str] = []
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.asked.append(self.path)
                index.open.wait(60)
                name = self.path.rstrip("/").rpartition("/")[2]
                if name.endswith(".whl"):
                    body, kind = (wheels / name).read_bytes(), "application/zip"
                else:
                    found = [p.name for p in wheels.iterdir() if _same(p.name, name)]
                    links = "".join(f'<a href="/files/{n}">{n}</a>' for n in found)
                    body = f"<!DOCTYPE html><html><body>{links}</body></html>".encode()
                    kind = "text/html"
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/simple/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def fetched(self) -> list[str]:
        return sorted(path for path in self.asked if path.endswith(".whl"))

    def stop(self) -> None:
        self.open.set()
        self._server.shutdown()
        self._server.server_close()


def _same(wheel: str, project: str) -> bool:
    return wheel.partition("-")[0].lower().replace("_", "-") == project


def install(folder: Path, wheels: Path, pins: str, what: Needs = MAIN) -> Path:
    """Install these pins by the real pip into an empty folder; returns where they are."""
    (folder / "data").mkdir(mode=0o700)
    (folder / what.file).write_text(hashed(pins, wheels))
    index = Index(wheels)
    needs = Dependencies(str(folder), str(folder / "data"), what)
    with pytest.MonkeyPatch.context() as here:
        here.setattr(sys, "path", [*sys.path])
        for name, value in pip_settings(index.url).items():
            here.setenv(name, value)
        needs.install(print)
    index.stop()
    return Path(needs.folder)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    """The installed set of PINS, made once for all tests that only need it to exist."""
    return install(tmp_path_factory.mktemp("ready"), wheels, PINS)


@pytest.fixture
def index(wheels: Path) -> Iterator[Index]:
    index = Index(wheels)
    yield index
    index.stop()


@pytest.fixture
def nothing(tmp_path: Path) -> Iterator[Index]:
    """An index without any package; other tests of this file put theirs into the common one."""
    folder = tmp_path / "no wheels"
    folder.mkdir()
    index = Index(folder)
    yield index
    index.stop()


class Home:
    """A Stash with the plugin installed, and a Plex; `pins` are the plugin's pins."""

    def __init__(
        self, plugin: Path, plex: PlexSim, index: Index, pins: str = PINS, **more: Any
    ) -> None:
        self.plugin, self.plex, self.index = plugin, plex, index
        self.data = plugin / "data"
        (plugin / "requirements.txt").write_text(hashed(pins, index.wheels))
        self.stash = StashSim(
            plugin_dir=str(plugin),
            python=more.pop("python", sys.executable),
            env={**pip_settings(index.url), "PLEX_TOKEN": TOKEN_IN_THE_ENVIRONMENT, **more},
        )
        self.section = plex.add_section("Films", locations=["/data"])
        self.stash.set_plugin_settings(
            {"plex_url": plex.url, "plex_token": TOKEN, "no_poster": True}
        )

    def pair(self, name: str, **scene: Any) -> tuple[int, Any]:
        key = self.plex.add_item(self.section, file=f"/data/{name}", size=1)
        return self.stash.add_scene(files=[(f"/data/{name}", 1)], **scene), self.plex.item(key)

    def check(self) -> Any:
        return self.stash.run_task("Check Setup")

    def log(self) -> str:
        path = self.data / "plexsync.log"
        return path.read_text() if path.exists() else ""

    def sets(self) -> list[str]:
        folder = self.data / "dependencies"
        return sorted(os.listdir(folder)) if folder.is_dir() else []

    def needs(self) -> Dependencies:
        return Dependencies(str(self.plugin), str(self.data))

    def own(self) -> str:
        return self.needs().folder

    def usable(self) -> bool:
        """Whether a process that starts now would use PlexSync's own set; this one does not."""
        with pytest.MonkeyPatch.context() as here:
            here.setattr(sys, "path", [*sys.path])
            return self.needs().use()

    def kept(self) -> int:
        folder = self.data / "inbox" / "new"
        return len(os.listdir(folder)) if folder.is_dir() else 0


def pip_settings(url: str) -> dict[str, str]:
    """The environment in which pip uses only this index, whatever the machine's settings."""
    return {
        "PIP_CONFIG_FILE": os.devnull,  # a command that users run reads all of them
        "PIP_FIND_LINKS": "",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_NO_INDEX": "0",
        "PIP_INDEX_URL": url,
        "PIP_RETRIES": "1",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "PYTHONPATH": "",
    }


QUICK_PIP = """
import io, os, re, sys, urllib.parse, urllib.request, zipfile
def read(url):
    return urllib.request.urlopen(url).read()
pins, target = (sys.argv[sys.argv.index(word) + 1] for word in ("--requirement", "--target"))
index = os.environ["PIP_INDEX_URL"]
for name, version in re.findall(r"^([\\w.-]+)==(\\S+)", open(pins).read(), re.M):
    page = read(index + re.sub("[-_.]+", "-", name).lower() + "/").decode()
    (link,) = re.findall('href="([^"]+-' + re.escape(version) + '-[^"]+)"', page)
    wheel = read(urllib.parse.urljoin(index, link))
    zipfile.ZipFile(io.BytesIO(wheel)).extractall(target)
"""
"""Asks the index and unpacks as pip does, in a tenth of its time."""


@pytest.fixture(scope="module")
def quick_pip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for PYTHONPATH with the stand-in."""
    folder = tmp_path_factory.mktemp("quick")
    (folder / "pip").mkdir()
    (folder / "pip" / "__init__.py").touch()
    (folder / "pip" / "__main__.py").write_text(QUICK_PIP)
    return folder


@pytest.fixture
def home(plugin: Path, index: Index, quick_pip: Path) -> Iterator[Home]:
    with PlexSim(token=TOKEN) as plex:
        home = Home(plugin, plex, index, PYTHONPATH=str(quick_pip))
        with home.stash:
            yield home
            index.open.set()


@pytest.fixture
def installed(home: Home, ready: Path) -> Home:
    """A data folder in which pip has installed the set; no process has used it yet."""
    home.data.mkdir(mode=0o700)
    (home.data / "dependencies").mkdir(mode=0o700)
    shutil.copytree(ready, home.own())
    return home


def told(run: Any) -> str:
    return "\n".join(line.text for line in run.log)


def dependencies_point(run: Any) -> Any:
    assert run.error is None
    return next(p for p in run.output["points"] if p["point"] == "Dependencies")


def pips(data: Path) -> list[int]:
    """Processes that install into this data folder."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes() if folder.name.isdigit() else b""
        except OSError:
            continue
        if b"\0pip\0install\0" in words and os.fsencode(data) in words:
            found.append(int(folder.name))
    return found


def owner_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.mark.long
def test_what_the_running_python_has_is_used_and_nothing_is_installed(
    plugin: Path, index: Index
) -> None:
    pins = (ROOT / "requirements.txt").read_text()
    with PlexSim(token=TOKEN) as plex:
        home = Home(plugin, plex, index, pins)
        with home.stash:
            point = dependencies_point(home.check())
    assert point["state"] == "ok"
    assert f"those of {quoted(sys.executable)}" in point["text"]
    assert (home.sets(), index.asked) == ([], [])


@pytest.mark.torture
@pytest.mark.long
def test_one_that_does_not_fit_brings_a_whole_set_of_its_own(
    plugin: Path, index: Index, wheels: Path
) -> None:
    idna = repack("idna", wheels)
    with PlexSim(token=TOKEN) as plex:
        home = Home(plugin, plex, index, f"idna=={idna}\n{PINS}")
        with home.stash:
            run = home.check()
            point = dependencies_point(run)
            again = dependencies_point(home.check())
    assert "Installing the packages that PlexSync needs" in told(run)
    assert (point["state"], again["state"]) == ("ok", "ok")
    own = f"those of PlexSync's own folder {quoted(home.own())}"
    assert f"all 3 packages as tested, {own}" in point["text"]
    assert home.sets() == [os.path.basename(home.own())]
    assert (Path(home.own()) / "idna" / "__init__.py").exists()
    assert len(index.fetched()) == 3


@pytest.mark.long
def test_saving_goes_on_while_the_worker_installs_and_is_synced_afterwards(home: Home) -> None:
    scene, item = home.pair("1.mp4", title="old")
    home.index.open.clear()
    (run,) = home.stash.edit(scene, title="new")
    assert (run.output, run.error) == ("ok", None)
    until(lambda: home.index.asked)
    (second,) = home.stash.edit(scene, details="more")
    assert (second.output, second.error) == ("ok", None)
    assert home.kept() == 2
    refused = home.stash.run_task("Health Check").error
    assert "is installing the packages it needs; try again in a minute" in refused
    assert home.sets() != [os.path.basename(home.own())]
    home.index.open.set()
    until(lambda: (item.title, item.summary) == ("new", "more"))
    assert home.sets() == [os.path.basename(home.own())]
    assert home.stash.run_task("Health Check").error is None
    assert len(home.index.fetched()) == 2


@posix_only
def test_pip_is_told_no_secret(home: Home) -> None:
    home.index.open.clear()
    home.stash.edit(home.pair("1.mp4")[0], title="new")
    (pip,) = until(lambda: pips(home.data) if home.index.asked else [])
    environ = Path(f"/proc/{pip}/environ").read_bytes()
    words = Path(f"/proc/{pip}/cmdline").read_bytes()
    assert b"PIP_INDEX_URL" in environ
    assert b"PLEX_TOKEN" not in environ
    for secret in (TOKEN_IN_THE_ENVIRONMENT, TOKEN, "session"):
        assert secret.encode() not in environ + words
    assert b"break-system-packages" not in environ.lower() + words


@pytest.mark.long
@posix_only
def test_a_killed_pip_is_said_once_and_tried_again_only_by_check_setup(home: Home) -> None:
    scene, item = home.pair("1.mp4", title="old")
    home.index.open.clear()
    home.stash.edit(scene, title="new")
    (pip,) = until(lambda: pips(home.data) if home.index.asked else [])
    os.kill(pip, signal.SIGKILL)
    until(lambda: "pip was killed (signal 9)" in home.log())
    until(lambda: lock_is_free(home.data / "worker.lock"))
    assert home.sets() == []
    for number in range(5):
        (run,) = home.stash.edit(scene, title=f"new {number}")
        assert run.error is None
        until(lambda: lock_is_free(home.data / "worker.lock"))
    assert home.log().count("cannot install") == 1
    assert len(home.index.asked) == 1
    refused = home.stash.run_task("Health Check").error
    assert "The last attempt failed: pip was killed (signal 9). Press Check Setup" in refused
    home.index.open.set()
    assert home.check().error is None
    until(lambda: item.title == "new 4")
    assert json.loads((home.data / "dependencies.json").read_text())["why"] == ""


@pytest.mark.long
def test_ten_minutes_after_a_failed_try_a_worker_tries_again(home: Home) -> None:
    scene, item = home.pair("1.mp4", title="old")
    failure = {"folder": home.own(), "at": time.time(), "why": "it rained"}
    home.data.mkdir(mode=0o700)
    (home.data / "dependencies.json").write_text(json.dumps(failure))
    needs = Dependencies(str(home.plugin), str(home.data))
    assert needs.failed(failure["at"] + 599) == "it rained"
    assert needs.failed(failure["at"] + 601) == needs.failed(failure["at"] - 10) == ""
    failure["at"] -= 601
    (home.data / "dependencies.json").write_text(json.dumps(failure))
    home.stash.edit(scene, title="new")
    until(lambda: item.title == "new")


@pytest.mark.long
@posix_only
def test_what_a_kill_leaves_half_finished_is_swept_and_never_used(home: Home) -> None:
    scene, item = home.pair("1.mp4", title="old")
    old = home.data / "dependencies" / "cpython-1-of-an-earlier-version"
    old.mkdir(parents=True, mode=0o700)
    home.data.chmod(0o700)
    (home.data / "dependencies").chmod(0o700)
    home.index.open.clear()
    home.stash.edit(scene, title="new")
    (pip,) = until(lambda: pips(home.data) if home.index.asked else [])
    worker = owner_of(pip)
    os.kill(worker, signal.SIGKILL)
    os.kill(pip, signal.SIGKILL)
    until(lambda: lock_is_free(home.data / "worker.lock"))
    assert [name for name in home.sets() if name.endswith(".tmp")]
    home.index.open.set()
    (run,) = home.stash.edit(scene, details="more")
    assert run.error is None
    until(lambda: (item.title, item.summary) == ("new", "more"))
    assert home.sets() == [os.path.basename(home.own())], "older ones are gone too"


def not_there(error: str | None) -> bool:
    """Whether a task was refused because of its packages; a worker may be installing them."""
    return any(said in str(error) for said in ("not installed yet", "is installing the packages"))


@pytest.mark.long
def test_a_set_that_is_not_whole_is_replaced(installed: Home) -> None:
    home = installed
    assert home.usable()
    (info,) = Path(home.own()).glob("plexsync_tiny_two-*.dist-info")
    shutil.rmtree(info)
    Path(home.own(), "plexsync_tiny_two.py").unlink()
    assert not_there(home.stash.run_task("Health Check").error)
    assert home.check().error is None
    assert Path(home.own(), "plexsync_tiny_two.py").exists()
    assert home.sets() == [os.path.basename(home.own())]


@pytest.mark.long
def test_two_at_once_install_once(home: Home, quick_pip: Path) -> None:
    scene, item = home.pair("1.mp4", title="old")
    home.index.open.clear()
    (hook,) = home.stash.edit(scene, title="new")
    until(lambda: home.index.asked)
    order = {**json.loads(hook.stdin), "args": {"mode": "check_setup"}}
    entry = [sys.executable, str(home.plugin / "PlexSync.py")]
    environ = {**os.environ, **pip_settings(home.index.url), "PYTHONPATH": str(quick_pip)}
    with subprocess.Popen(entry, env=environ, stdin=-1, stdout=-1, stderr=-1) as check:
        assert check.stdin and check.stderr
        check.stdin.write(json.dumps(order).encode())
        check.stdin.close()
        check.stdin = None
        assert b"Installing the packages" in check.stderr.readline()
        home.index.open.set()
        out, _ = check.communicate()
    points = {point["point"]: point for point in json.loads(out)["output"]["points"]}
    assert points["Dependencies"]["state"] == "ok"
    until(lambda: item.title == "new")
    assert len(home.index.fetched()) == 2


COMMAND = re.compile(r"run this where Stash runs, as its user: (.+)$")


@pytest.mark.torture
@pytest.mark.long
def test_without_a_network_the_command_in_the_message_does_it(
    tmp_path: Path, plugin: Path, index: Index, wheels: Path
) -> None:
    odd = tmp_path / "my plug-ins & more's" / "PlexSync"
    shutil.copytree(plugin, odd)
    with PlexSim(token=TOKEN) as plex:
        home = Home(odd, plex, index, PIP_INDEX_URL="http://127.0.0.1:1/simple/")
        with home.stash:
            (run,) = home.stash.edit(home.pair("1.mp4")[0], title="new")
            assert run.error is None
            until(lambda: "cannot reach its package index" in home.log())
            until(lambda: lock_is_free(home.data / "worker.lock"))
            run = home.check()
            assert "cannot reach its package index" in run.error
            command = COMMAND.search(run.error)
            assert command
            environ = {**os.environ, **pip_settings(index.url)}
            subprocess.run(command[1], shell=True, check=True, capture_output=True, env=environ)
            assert "own folder" in dependencies_point(home.check())["text"]
    assert home.kept() == 1
    (odd / "PlexSync.py").unlink()


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """Wheels with the right names and versions, but other content."""
    folder = tmp_path / "planted"
    folder.mkdir()
    for name, version in Dependencies(str(ROOT), "/data").pins:
        plain = _plain(name).replace("-", "_")
        build_wheel(folder, plain, version, {f"{plain}.py": b"evil = True\n"}, "py3-none-any")
    assert len(os.listdir(folder)) == 12
    return folder


@pytest.fixture
def needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dependencies:
    """The real requirements, in a Python that has pip but none of the packages."""
    monkeypatch.setattr(sys, "path", [path for path in sys.path if "site-packages" not in path])
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    return Dependencies(str(ROOT), str(data))


def test_no_setting_of_pips_brings_in_wheels_from_elsewhere(
    planted: Path, nothing: Index, needs: Dependencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = planted.parent / "pip.conf"
    config.write_text(f"[global]\nfind-links = {planted}\nno-index = true\n")
    hostile = {"PIP_CONFIG_FILE": str(config), "PIP_FIND_LINKS": str(planted), "PIP_NO_INDEX": "1"}
    for name, value in {**pip_settings(nothing.url), **hostile, "PIP_NO_DEPS": "0"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Unavailable, match="there is no ready-made package PlexAPI==4"):
        needs.install(print)
    assert nothing.asked
    assert os.listdir(planted.parent / "data" / "dependencies") == []


@pytest.mark.long
def test_a_wheel_with_another_hash_is_refused_wherever_it_comes_from(
    planted: Path, needs: Dependencies, monkeypatch: pytest.MonkeyPatch
) -> None:
    lies = Index(planted)
    try:
        for name, value in pip_settings(lies.url).items():
            monkeypatch.setenv(name, value)
        with pytest.raises(Unavailable, match=r"PlexAPI==\S+ that pip found is not the one that"):
            needs.install(print)
    finally:
        lies.stop()
    assert os.listdir(planted.parent / "data" / "dependencies") == []
    by_hand = {**os.environ, "PIP_FIND_LINKS": str(planted), "PIP_NO_INDEX": "1"}
    done = subprocess.run(needs.command(), env=by_hand, capture_output=True, text=True)
    assert done.returncode and "DO NOT MATCH THE HASHES" in done.stderr
    assert not os.path.exists(needs.folder)


def change(own: Path) -> None:
    (own / "plexsync_tiny_one.py").write_text("there = False\n")


def lose(own: Path) -> None:
    (own / "plexsync_tiny_one.py").unlink()


def plant(own: Path) -> None:
    (own / "json.py").write_text("evil = True\n")


@pytest.mark.parametrize("damage", [change, lose, plant])
def test_a_set_is_verified_before_it_is_used_for_the_first_time(
    installed: Home, damage: Callable[[Path], None]
) -> None:
    """After a manual installation, or loss of files."""
    damage(Path(installed.own()))
    assert not installed.usable()


def alerts(data: Path) -> list[str]:
    shown = shown_alerts(str(data), Notices(), troubled=False, dead=0, newer=[])
    return [alert["subject"] for alert in shown]


def test_a_failed_installation_is_over_once_the_running_python_has_the_packages(
    tmp_path: Path,
) -> None:
    """The page says why they are missing as long as that is stored."""
    stamp = tmp_path / "dependencies.json"
    stamp.write_text(json.dumps({"folder": "/x", "at": 5.0, "why": "no network", "verified": ""}))
    assert alerts(tmp_path) == ["set-up"]
    assert Dependencies(str(ROOT), str(tmp_path)).use()
    assert alerts(tmp_path) == []


def test_what_python_compiled_is_no_damage(installed: Home) -> None:
    cached = Path(installed.own(), "__pycache__", f"json.{sys.implementation.cache_tag}.pyc")
    cached.parent.mkdir()
    cached.write_bytes(b"evil")
    assert installed.usable()
    assert installed.stash.run_task("Health Check").error is None


@pytest.mark.long
def test_a_set_that_fails_its_verification_is_replaced(installed: Home) -> None:
    own = Path(installed.own())
    change(own)
    plant(own)
    assert not_there(installed.stash.run_task("Health Check").error)
    assert installed.check().error is None
    assert (own / "plexsync_tiny_one.py").read_text() == "there = True\n"
    assert not (own / "json.py").exists()
    assert len(installed.index.fetched()) == 2


@pytest.mark.long
@posix_only
@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="gives folders away")
def test_nothing_is_loaded_from_a_folder_that_others_may_write_to(installed: Home) -> None:
    home = installed
    scene, item = home.pair("1.mp4", title="old")
    assert home.usable()
    os.chown(home.data, 12345, 12345)
    (run,) = home.stash.edit(scene, title="new")
    assert (run.output, run.error) == ("ok", None)
    until(lambda: "loads no packages from" in home.log())
    until(lambda: lock_is_free(home.data / "worker.lock"))
    home.stash.edit(scene, details="more")
    until(lambda: lock_is_free(home.data / "worker.lock"))
    assert home.log().count("loads no packages from") == 1
    for task in ("Check Setup", "Health Check"):
        error = home.stash.run_task(task).error
        assert f"loads no packages from {home.data}, because others may write to it" in error
        assert "STASH_PLUGIN_DATA" in error
    assert home.kept() == 2
    os.chown(home.data, 0, 0)
    assert home.check().error is None
    until(lambda: (item.title, item.summary) == ("new", "more"))


def test_a_python_without_pip_says_how_to_get_one(
    tmp_path: Path, plugin: Path, index: Index
) -> None:
    python = bare_python(tmp_path / "bare", with_pip=False)
    with PlexSim(token=TOKEN) as plex:
        home = Home(plugin, plex, index, python=python)
        with home.stash:
            (hook,) = home.stash.edit(home.pair("1.mp4")[0], title="new")
            assert (hook.output, hook.error) == ("ok", None)
            until(lambda: "has no pip" in home.log())
            until(lambda: lock_is_free(home.data / "worker.lock"))
            error = home.check().error
            assert "has no pip; install it" in error
            assert f"{python} -m pip install" in error
            assert home.kept() == 1


@pytest.mark.long
def test_a_system_without_a_ready_made_package_names_it(
    plugin: Path, index: Index, wheels: Path
) -> None:
    build_wheel(wheels, "plexsync_tiny_far", "1.0", {}, "cp39-cp39-musllinux_1_2_armv6l")
    with PlexSim(token=TOKEN) as plex:
        home = Home(plugin, plex, index, "plexsync-tiny-far==1.0\n")
        with home.stash:
            error = home.check().error
    assert "there is no ready-made package plexsync-tiny-far==1.0 for Python 3." in error
    assert home.sets() == []


PIP = "import sys; print(sys.stdin.read() + {said!r}, file=sys.stderr); sys.exit({code})"


@pytest.mark.parametrize(
    ("said", "code", "expected"),
    [
        (
            "Collecting x\nERROR: Could not install packages due to an OSError: [Errno 28] No "
            "space left on device\n\nnotice",
            1,
            "pip said: Could not install packages due to an OSError: [Errno 28] No space left on",
        ),
        ("ERROR: no such option: --only-binary", 2, "pip said: no such option: --only-binary."),
        ("something odd", 1, "pip said: something odd."),
        ("", 3, "pip said: exit status 3."),
        ("", 0, "pip reported success, but not all of them are there"),
        ("WARNING: HTTPSConnectionPool: Read timed out.", 1, "cannot reach its package index"),
    ],
)
def test_what_pip_says_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, code: int, expected: str
) -> None:
    package = tmp_path / "other" / "pip"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(PIP.format(said=said, code=code))
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    (tmp_path / "requirements.txt").write_text(PINS)
    (tmp_path / "data").mkdir(mode=0o700)
    needs = Dependencies(str(tmp_path), str(tmp_path / "data"))
    with pytest.raises(Unavailable) as raised:
        needs.install(print)
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)
    assert COMMAND.search(str(raised.value))
    assert os.listdir(tmp_path / "data" / "dependencies") == []
    assert expected.rstrip(".") in needs.failed(time.time())
    assert f"The last attempt failed: {needs.failed(time.time())}." in needs.missing()


def test_a_place_that_cannot_be_written_is_named_with_its_remedy(home: Home) -> None:
    home.data.mkdir(mode=0o700)
    (home.data / "dependencies").write_text("in the way")
    error = home.check().error
    assert f"{home.data / 'dependencies'} is not a folder" in error
    assert COMMAND.search(error)


@posix_only
def test_a_read_only_disk_is_said_with_the_command(
    tmp_path: Path, plugin: Path, index: Index
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=64k,mode=700", "none", str(disk)]
    try:
        made = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        made = False
    if not made:
        pytest.skip("mounting is not allowed here")
    try:
        with PlexSim(token=TOKEN) as plex:
            home = Home(plugin, plex, index, STASH_PLUGIN_DATA=str(disk))
            with home.stash:
                error = home.check().error
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)
    assert "Read-only file system" in error
    assert "STASH_PLUGIN_DATA" in error
    assert COMMAND.search(error)


def test_a_plugin_without_its_list_is_not_whole(home: Home) -> None:
    (home.plugin / "requirements.txt").unlink()
    assert "PlexSync is incomplete" in home.check().error
    with pytest.raises(Unavailable, match=r"requirements\.txt"):
        Dependencies(str(home.plugin), str(home.data))


@pytest.mark.long
def test_a_set_that_cannot_be_loaded_says_what_to_do(installed: Home) -> None:
    home = installed
    assert home.usable()
    Path(home.own(), "requests.py").write_text("raise ImportError('cut by a power failure')\n")
    error = home.stash.run_task("Health Check").error
    assert "cannot load what it needs (cut by a power failure)" in error
    assert "remove the folder `dependencies`" in error


def test_it_is_at_the_front_of_the_path_and_the_only_one_left(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in pip_settings(index.url).items():
        monkeypatch.setenv(name, value)
    (tmp_path / "requirements.txt").write_text(hashed(PINS, index.wheels))
    data = tmp_path / "data"
    for folder in (data, data / "dependencies", data / "dependencies" / "older"):
        folder.mkdir(mode=0o700)
    (data / "dependencies" / "older" / "x.py").touch()
    before = list(sys.path)
    needs = Dependencies(str(tmp_path), str(data))
    assert not needs.use()
    usual = os.umask(0)
    try:
        needs.install(print)
        os.umask(usual)
        inside = [Path(needs.folder), *Path(needs.folder).rglob("*")]
        assert sys.platform == "win32" or not any(path.stat().st_mode & 0o077 for path in inside)
        assert sys.path == [needs.folder, *before]
        assert needs.wrong() == []
        assert not list(Path(needs.folder).rglob("*.pyc"))
        needs.tidy()
        assert os.listdir(data / "dependencies") == [os.path.basename(needs.folder)]
    finally:
        os.umask(usual)
        sys.path[:] = before
    shutil.rmtree(Path(needs.folder, "plexsync_tiny_one-1.0.dist-info"))
    Path(needs.folder, "plexsync_tiny_one-1.0.dist-info").mkdir()
    assert not needs.use(), "a damaged record is no version"


def test_a_set_belongs_to_one_python_one_machine_and_one_list(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(PINS)
    first = Dependencies(str(tmp_path), "/data").folder
    (tmp_path / "requirements.txt").write_text(PINS.replace("2.0", "2.1"))
    second = Dependencies(str(tmp_path), "/data").folder
    assert first.rpartition("-")[0] == second.rpartition("-")[0]
    assert first != second
    assert f"{sys.version_info[0]}{sys.version_info[1]}" in os.path.basename(first)


def test_the_pins_name_everything_that_the_packages_need_in_turn() -> None:
    needs = Dependencies(str(ROOT), "/data")
    pinned = {_plain(name) for name, _ in needs.pins}
    for name, wanted in needs.pins:
        assert metadata.version(name) == wanted
        for line in metadata.requires(name) or []:
            if "extra ==" not in line:
                wanted_name = re.match(r"[A-Za-z0-9._-]+", line)
                assert wanted_name
                assert _plain(wanted_name[0]) in pinned, f"{name} needs {line}"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.torture
@pytest.mark.long
def test_the_real_set_in_a_bare_python(
    tmp_path: Path, plugin: Path, index: Index, wheels: Path
) -> None:
    pins = (ROOT / "requirements.txt").read_text()
    for name, _ in Dependencies(str(ROOT), "/data").pins:
        repack(name, wheels)
    python = bare_python(tmp_path / "bare", with_pip=True)
    with PlexSim(token=TOKEN) as plex:
        home = Home(plugin, plex, index, pins, python=python)
        with home.stash:
            scene, item = home.pair("1.mp4", title="old")
            assert "own folder" in dependencies_point(home.check())["text"]
            home.stash.edit(scene, title="new")
            until(lambda: item.title == "new")


def bare_python(folder: Path, *, with_pip: bool) -> str:
    """A Python that has none of the packages."""
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    python = str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    if with_pip:  # this Python's own: to unpack another one takes four seconds
        ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
        place = Path(subprocess.check_output(ask, text=True).strip())
        source = Path(str(metadata.distribution("pip").locate_file("pip")))
        shutil.copytree(source, place / "pip")
    return python


def repack(name: str, folder: Path) -> str:
    """An installed package as the wheel that it was; returns its version."""
    found = metadata.distribution(name)
    members: dict[str, bytes] = {}
    project = version = ""
    for path in found.files or []:
        text = path.as_posix()
        place, _, last = text.partition("/")
        if place.endswith(".dist-info"):
            project, _, version = place.removesuffix(".dist-info").rpartition("-")
        if not text.startswith("..") and not text.endswith(".pyc") and last != "RECORD":
            members[text] = Path(str(found.locate_file(path))).read_bytes()
    tags = re.findall(r"^Tag: (\S+)", found.read_text("WHEEL") or "", re.MULTILINE)
    build_wheel(folder, project, version, members, tags[0])
    return found.version
