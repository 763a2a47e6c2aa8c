"""Stash's package manager replaces a released version by the present one while the released version's
worker lives, and the other way round."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plexsync import __version__
from plexsync.model.stored import DATABASES
from release import package
from simulator.plex import PlexSim
from simulator.stash import StashSim
from simulator.stash_packages import Package, PluginFolder, read_index
from tests.hostile.hook_plugin import is_running
from tests.installation import add_byte_code
from tests.upgrade.released import ARCHIVES, formats, unpack
from tests.world import ROOT, TOKEN, lock_is_free, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and /proc")

PRESENT = "99.0"
"""What the present code is called here: it may be the released version itself."""


def publish(folder: Path, version: str, date: str, files: dict[str, bytes]) -> Path:
    """A plugin source with this one package; returns its index."""
    folder.mkdir()
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    (folder / package.ZIP).write_bytes(whole.getvalue())
    entry = package.Release("PlexSync", version, "", f"{date} 00:00:00")
    (folder / package.INDEX).write_text(package.index(entry, whole.getvalue()))
    return folder / package.INDEX


def present() -> dict[str, bytes]:
    """The files of the package that `dev.py package` builds, under another version."""
    files = dict(package.files(ROOT))
    files["plexsync/__init__.py"] = files["plexsync/__init__.py"].replace(
        f'"{__version__}"'.encode(), f'"{PRESENT}"'.encode()
    )
    return files


class Site:
    """A Stash in which a released version is installed, and a Plex."""

    def __init__(self, version: str, folder: Path, plex: PlexSim) -> None:
        self.version, self.plex = version, plex
        old = unpack(version, folder / "released").plugin
        shutil.rmtree(old / "data")
        shutil.copy(ROOT / "requirements.txt", old)  # whose packages this Python has
        found = {
            path.relative_to(old).as_posix(): path.read_bytes()
            for path in old.rglob("*")
            if path.is_file()
        }
        self.released = read_index(publish(folder / "old", version, "2020-01-01", found))[
            "PlexSync"
        ]
        self.present = read_index(publish(folder / "new", PRESENT, "2020-01-02", present()))[
            "PlexSync"
        ]
        self.plugins = PluginFolder(folder / "plugins")
        self.plugin = self.install(self.released)
        self.data = self.plugin / "data"
        self.stash = StashSim(plugin_dir=str(self.plugin), env={"PYTHONPATH": ""})
        self.section = plex.add_section("Films", locations=["/data"])
        self.stash.set_plugin_settings(
            {"plex_url": plex.url, "plex_token": TOKEN, "no_poster": True}
        )

    def pairs(self, count: int) -> list[tuple[int, Any]]:
        made = []
        for n in range(count):
            key = self.plex.add_item(self.section, file=f"/data/{n}.mp4", size=1, title="old")
            made.append((self.stash.add_scene(files=[(f"/data/{n}.mp4", 1)]), self.plex.item(key)))
        return made

    def save(self, scene: int, title: str) -> None:
        (run,) = self.stash.edit(scene, title=title)
        assert (run.output, run.error) == ("ok", None)

    def install(self, package: Package) -> Path:
        folder = self.plugins.install(package)
        add_byte_code(folder)
        return folder

    def update(self) -> None:
        """What Stash does: files, then the plugins are loaded again."""
        assert self.plugins.update_available(self.present)
        self.install(self.present)
        self.stash.core.load_plugin(str(self.plugin), {"PYTHONPATH": ""}, "")

    def downgrade(self) -> None:
        self.install(self.released)
        self.stash.core.load_plugin(str(self.plugin), {"PYTHONPATH": ""}, "")

    def needs_other_formats(self) -> None:
        """Skip the test if the released version reads and writes the present formats."""
        if formats(self.plugin) == DATABASES:
            pytest.skip(f"{self.version} has the formats of the present version")

    def log(self) -> str:
        path = self.data / "plexsync.log"
        return path.read_text() if path.exists() else ""

    def workers(self) -> list[tuple[str, int]]:
        """Version and pid of each worker that ever owned the folder."""
        found = re.findall(r"worker starts version=(\S+) pid=(\d+)", self.log())
        return [(version, int(pid)) for version, pid in found]

    def edits(self) -> Counter[str]:
        """How often each title was written to each item, as `key title`."""
        return Counter(
            f"{entry.get('id')} {entry.get('title.value')}"
            for entry in self.plex.journal
            if entry.method == "PUT" and entry.status == 200
        )

    def complaints(self) -> list[str]:
        """Warnings and errors in the log that are not about Plex being away."""
        return [
            line
            for line in self.log().splitlines()
            if re.search(r" (warning|error) ", line) and "Circuit breaker" not in line
        ]


@pytest.fixture(params=sorted(ARCHIVES))
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    with PlexSim(token=TOKEN) as plex:
        site = Site(request.param, tmp_path, plex)
        with site.stash:
            yield site
            (site.plugin / "PlexSync.py").unlink(missing_ok=True)
            if site.data.exists():
                os.utime(site.data / "inbox" / "new")
                until(lambda: lock_is_free(site.data / "worker.lock"))


@pytest.mark.long
def test_waiting_work_goes_over_and_each_edit_is_written_once(site: Site) -> None:
    pairs = site.pairs(8)
    site.save(pairs[0][0], "begins")
    until(lambda: pairs[0][1].title == "begins")
    site.plex.stop()
    for scene, _ in pairs[:4]:
        site.save(scene, f"before {scene}")
    until(lambda: "CLOSED -> OPEN" in site.log())
    ((_, old),) = site.workers()

    site.update()
    for scene, _ in pairs[2:]:
        site.save(scene, f"after {scene}")
    until(lambda: len(site.workers()) == 2)
    until(lambda: not is_running(old))
    assert [version for version, _ in site.workers()] == [site.version, PRESENT]
    assert f"worker stops: PlexSync {PRESENT} was installed" in site.log()

    site.plex.clear_journal()
    site.plex.start()
    titles = {
        scene: f"{'before' if n < 2 else 'after'} {scene}" for n, (scene, _) in enumerate(pairs)
    }
    until(lambda: all(item.title == titles[scene] for scene, item in pairs))
    until(lambda: site.stash.run_operation({"mode": "queue"})["total"] == 0)
    assert site.edits() == {f"{item.key} {titles[scene]}": 1 for scene, item in pairs}
    assert site.complaints() == []
    assert not (site.data / "damaged").exists()


@pytest.mark.long
def test_an_idle_worker_makes_way_at_the_next_event(site: Site) -> None:
    ((scene, item),) = site.pairs(1)
    site.save(scene, "one")
    until(lambda: item.title == "one")
    site.update()
    site.save(scene, "two")
    until(lambda: item.title == "two")
    until(lambda: not is_running(site.workers()[0][1]))
    assert [version for version, _ in site.workers()] == [site.version, PRESENT]
    assert site.edits() == {f"{item.key} one": 1, f"{item.key} two": 1}
    assert site.complaints() == []


@pytest.mark.long
def test_an_update_in_the_middle_of_a_batch_repeats_no_edit(site: Site) -> None:
    pairs = site.pairs(12)
    site.plex.latency = 0.1
    for scene, _ in pairs:
        site.save(scene, f"new {scene}")
    until(lambda: site.edits())
    site.update()
    until(lambda: all(item.title == f"new {scene}" for scene, item in pairs))
    until(lambda: len(site.workers()) == 2 or not is_running(site.workers()[0][1]))
    site.save(pairs[0][0], "last")
    until(lambda: pairs[0][1].title == "last")
    expected = {f"{item.key} new {scene}": 1 for scene, item in pairs}
    assert site.edits() == {**expected, f"{pairs[0][1].key} last": 1}
    assert site.complaints() == []


@pytest.mark.long
def test_a_save_while_the_files_are_replaced_is_found_by_the_sweep(site: Site) -> None:
    (scene, item), (other, shown) = site.pairs(2)
    site.save(scene, "one")
    until(lambda: item.title == "one")
    site.plugins.uninstall("PlexSync")  # an update deletes first
    (run,) = site.stash.edit(other, title="while there is no plugin")
    assert run.exit_code != 0
    site.install(site.present)
    site.save(scene, "two")
    until(lambda: (item.title, shown.title) == ("two", "while there is no plugin"))
    assert site.edits() == {
        f"{item.key} one": 1,
        f"{item.key} two": 1,
        f"{shown.key} while there is no plugin": 1,
    }


@pytest.mark.long
def test_the_page_wakes_the_worker_that_brings_the_files_up_to_date(site: Site) -> None:
    site.needs_other_formats()
    scene = site.stash.add_scene(files=[("/elsewhere/1.mp4", 7)])
    for folder in ("a", "b"):
        site.plex.add_item(site.section, file=f"/data/{folder}/1.mp4", size=7)
    site.save(scene, "Which of the two?")
    until(lambda: site.stash.run_operation({"mode": "dead_letters"})["total"] == 1)
    site.update()
    os.utime(site.data / "inbox" / "new")
    until(lambda: lock_is_free(site.data / "worker.lock"))

    status = site.stash.run_operation({"mode": "status"})
    assert "PlexSync was updated" in "".join(status["problems"])
    assert site.stash.run_operation({"mode": "tick"})["worker"] == "started"
    until(lambda: site.stash.run_operation({"mode": "tick"})["failed"] == 1)
    assert site.stash.run_operation({"mode": "status"})["problems"] == []


@pytest.mark.long
def test_going_back_keeps_events_until_the_newer_version_is_there_again(site: Site) -> None:
    site.needs_other_formats()
    pairs = site.pairs(2)
    site.update()
    for scene, _ in pairs:
        site.save(scene, "one")
    until(lambda: all(item.title == "one" for _, item in pairs))
    site.downgrade()
    for scene, _ in pairs:
        site.save(scene, "two")
    until(lambda: "but this PlexSync knows only" in site.log())
    until(lambda: lock_is_free(site.data / "worker.lock"))
    assert [item.title for _, item in pairs] == ["one", "one"]
    assert len(list((site.data / "inbox" / "new").iterdir())) >= 1

    site.install(site.present)
    site.save(pairs[0][0], "three")
    until(lambda: [item.title for _, item in pairs] == ["three", "two"])
