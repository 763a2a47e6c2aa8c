"""Makes `VERSION.tar.xz`: what a user of a released version has, for the tests of upgrades.

Run it with the release's own code, which must be first on the path (docs/releasing.md has the lines):

    PYTHONPATH=RELEASE .venv/bin/python tests/upgrade/make.py

It installs the package of that code as Stash does and uses it for half a minute, until every file that
PlexSync writes is there. Then Plex goes down for good, work piles up, the worker is killed, and what
the hooks still stored lies in the inbox. The archive holds that plugin, its data folder, and what both
simulated servers had (`servers.json`), so that a test can go on from there.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import signal
import sqlite3
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from plexsync import __version__
from plexsync.system import LockFile
from release import package
from simulator.plex import PlexSim
from simulator.stash import StashSim

HERE = Path(__file__).resolve().parent
PLACE = Path(f"/tmp/plexsync-{__version__}")  # in the log, so that it names nobody's folder
TOKEN = "plex-sim-token"
LONG_AGO = 1_600_000_000.0
FILMS = 520
"""More than the queue takes of a backfill at once, so that a part of it stays stored."""
LOG_SIZE = 1_000_000
"""Above it the worker rotates its log."""
KEPT_LINES = 20
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPj/HwADBwIAMCbHYQAAAABJRU5ErkJggg=="
)
READING = ("View Queue Status", "Outage Summary Report", "Health Check", "Preview Sync")


def until(question: Callable[[], Any], what: str) -> Any:
    """Repeat until the answer is true; ends the program if it never is."""
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.05)
    sys.exit(f"It never happened: {what}. The folder is {PLACE}.")


class Life:
    """One user's PlexSync, from its installation to the moment before the update."""

    def __init__(self, plugin: Path, plex: PlexSim, stash: StashSim) -> None:
        self.plugin, self.plex, self.stash = plugin, plex, stash
        self.data = plugin / "data"
        self.section = plex.add_section("Films", locations=["/plex"])
        self.settings = {
            "plex_url": plex.url,
            "plex_token": TOKEN,
            "path_map": "/plex=>/data",
            "obfuscate_paths": True,
        }
        stash.set_plugin_settings(self.settings)

    def live(self) -> dict[str, Any]:
        """The whole story; returns the scenes by the part that they play."""
        synced = [self.pair(f"synced-{n}.mp4", title=f"Synced {n}") for n in range(5)]
        self.write(synced)
        ambiguous, refused, missing = self.failures()
        self.look(synced[:4])
        self.short_outage(synced[0])
        self.grow_log()
        films = [self.pair(f"film-{n:03}.mp4", title=f"Film {n}", **_OLD) for n in range(FILMS)]
        waiting = self.long_outage(synced[:4], films)
        self.kill_worker()
        in_inbox = self.fill_inbox(synced, films)
        return {
            "synced": synced[:4],
            "unchanged": synced[4],
            "ambiguous": ambiguous,
            "refused": refused,
            "missing": missing,
            "films": films,
            "waiting": waiting,
            "in_inbox": in_inbox,
        }

    def pair(self, name: str, **scene: Any) -> int:
        """The same file in both; returns the scene."""
        self.plex.add_item(self.section, file=f"/plex/{name}", size=1000, added_at=int(LONG_AGO))
        return self.stash.add_scene(files=[(f"/data/{name}", 1000)], **scene)

    def item(self, scene: int) -> Any:
        return self.plex.find(self.stash.scene(scene).path.replace("/data", "/plex"))

    def edit(self, scene: int, title: str, **more: Any) -> None:
        (run,) = self.stash.edit(scene, title=title, **more)
        assert run.output == "ok", run

    def shows(self, scene: int) -> bool:
        return self.item(scene).title == self.stash.scene(scene).title

    def total(self, mode: str) -> int:
        """How many dead letters there are, or jobs in the queue."""
        return int(self.stash.run_operation({"mode": mode})["total"])

    def write(self, synced: list[int]) -> None:
        people = [self.stash.add_performer(name) for name in ("Ann Example", "Bob Example")]
        tags = [self.stash.add_tag(name) for name in ("Indoors", "Outdoors")]
        studio = self.stash.add_studio("Example Pictures")
        for number, scene in enumerate(synced):
            mine = 1 if scene == synced[-1] else 2  # the last has none that is renamed later
            self.edit(
                scene,
                f"Written {number}",
                details="Two lines.\n\nAnd a third.",
                date="2024-02-29",
                studio_id=str(studio),
                performer_ids=[str(each) for each in people[:mine]],
                tag_ids=[str(each) for each in tags[-mine:]],
            )
        for scene in (synced[0], synced[-1]):
            self.stash.set_cover(scene, PNG)
        until(lambda: all(map(self.shows, synced)), "the first scenes are written")
        until(
            lambda: self.item(synced[0]).posters and self.item(synced[-1]).posters,
            "the covers are uploaded",
        )

    def failures(self) -> tuple[int, int, int]:
        """A scene with two items, one whose edit Plex refuses, and one that Plex does not have."""
        for folder in ("a", "b"):
            self.plex.add_item(self.section, file=f"/plex/{folder}/twin.mp4", size=77)
        twin = self.stash.add_scene(files=[("/elsewhere/twin.mp4", 77)])
        refused = self.pair("refused.mp4")
        missing = self.stash.add_scene(files=[("/data/missing.mp4", 5)])
        key = str(self.item(refused).key)
        self.plex.add_fault(
            "status",
            match=lambda r: (
                r.method == "PUT" and (key in r.path or dict(r.params).get("id") == key)
            ),
            status=400,
        )
        self.edit(twin, "Which of the two?")
        self.edit(refused, "Refused")
        self.edit(missing, "Not in Plex")
        until(lambda: self.total("dead_letters") == 2, "two dead letters")
        return twin, refused, missing

    def look(self, synced: list[int]) -> None:
        """Press what only reports, reconcile, and ask what a page asks."""
        for name in (*READING, "Reconcile Last 7 Days", "Clear Dead Letters"):
            self.press(name)
        self.stash.set_plugin_settings({**self.settings, "obfuscate_paths": False})
        for args in (
            {"mode": "preview", "scenes": synced[:1]},
            {"mode": "pin", "scene": synced[3], "part": "/plex/synced-3.mp4"},
        ):
            asked = {"mode": "result", "id": self.stash.run_operation(args)["accepted"]}
            until(partial(self.is_done, asked), f"{args['mode']} is done")

    def is_done(self, asked: dict[str, str]) -> bool:
        return bool(self.stash.run_operation(asked)["state"] == "done")

    def press(self, name: str) -> None:
        run = self.stash.run_task(name)
        assert run.error is None, (name, run.error)

    def log(self) -> str:
        return "".join(path.read_text() for path in sorted(self.data.glob("plexsync.log*")))

    def short_outage(self, scene: int) -> None:
        self.plex.stop()
        self.edit(scene, "Edited in an outage")
        until(lambda: "CLOSED -> OPEN" in self.log(), "the breaker opens")
        self.plex.start()
        until(lambda: self.shows(scene), "Plex is back and the scene is written")
        until(lambda: self.state("circuit_breaker.json")["state"] == "CLOSED", "it closes")

    def state(self, name: str) -> Any:
        return json.loads((self.data / name).read_text())

    def grow_log(self) -> None:
        """Repeat the log's own lines until the next one makes the worker rotate it."""
        path = self.data / "plexsync.log"
        line = path.read_text().splitlines(keepends=True)[-1]
        with path.open("a") as log:
            log.write(line * ((LOG_SIZE - path.stat().st_size) // len(line)))

    def long_outage(self, synced: list[int], films: list[int]) -> list[int]:
        """Plex goes down for good; work piles up; returns the scenes that were edited."""
        self.plex.stop()
        self.edit(synced[1], "About to be cleared")
        until(lambda: self.state("circuit_breaker.json")["state"] == "OPEN", "it opens again")
        self.press("Sync All Scenes")
        for _ in range(2):  # the first version needed one press
            self.press("Clear Queue")
        self.press("Sync All Scenes")
        edited = [synced[0], synced[2], films[5], films[-1]]
        for number, scene in enumerate(edited):
            self.edit(scene, f"Waits {number}")
        self.stash.rename_tag(1, "Inside")
        until(self.is_piled_up, "a full queue, stored backfills and an empty inbox")
        return edited

    def is_piled_up(self) -> bool:
        empty = not os.listdir(self.data / "inbox" / "new")
        with closing(sqlite3.connect(self.data / "ledger.db")) as ledger:
            tables = {name for (name,) in ledger.execute("SELECT name FROM sqlite_master")}
            table = "backfills" if "backfills" in tables else "bulks"
            (stored,) = ledger.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
        return bool(empty and stored >= 2 and self.total("queue") >= 500)

    def kill_worker(self) -> None:
        pid = int(re.findall(r"worker starts version=\S+ pid=(\d+)", self.log())[-1])
        os.kill(pid, signal.SIGKILL)
        until(lambda: not LockFile(str(self.data / "worker.lock")).busy(), "the worker is dead")

    def fill_inbox(self, synced: list[int], films: list[int]) -> list[int]:
        """Events and a page's command that no worker takes over, since its lock is held."""
        lock = LockFile(str(self.data / "worker.lock"))
        assert lock.acquire()
        self.edit(synced[2], "Waits in the inbox")
        self.edit(films[7], "Waits in the inbox too")
        self.stash.rename_performer(2, "Bob Sample")
        self.stash.destroy(films[9])
        self.stash.run_operation({"mode": "sync", "scenes": [films[11]]})
        lock.release()
        assert len(os.listdir(self.data / "inbox" / "new")) >= 5
        return [synced[2], films[7], films[11]]


_OLD = {"created_at": LONG_AGO, "updated_at": LONG_AGO}


def servers(life: Life, parts: dict[str, Any]) -> dict[str, Any]:
    """What both servers had, as JSON; pictures are base64."""
    stash, plex = life.stash.data, life.plex
    return {
        "at": time.time(),
        "parts": parts,
        "settings": {key: value for key, value in life.settings.items() if key != "plex_url"},
        "scenes": [asdict(scene) for scene in stash.scenes.values()],
        "entities": {
            kind: [asdict(entity) for entity in found.values()]
            for kind, found in stash.entities.items()
        },
        "items": [asdict(item) for item in plex.items()],
        "images": list(plex.images.values()),
    }


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(type(value).__name__)


def shorten_logs(data: Path) -> None:
    """Keep the last lines of each log file: they were only filled to be rotated."""
    for path in data.glob("plexsync.log*"):
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(dict.fromkeys(lines[-400:])))


def members(life: Life, parts: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the archive, sorted."""
    shorten_logs(life.data)
    yield (
        "servers.json",
        json.dumps(servers(life, parts), default=_plain, separators=(",", ":")).encode(),
    )
    for path in sorted(life.plugin.rglob("*")):
        inside = path.relative_to(life.plugin)
        skipped = inside.parts[0] == "web" or {"__pycache__", "dependencies"} & set(inside.parts)
        if path.is_file() and not skipped:
            yield f"plugin/{inside.as_posix()}", path.read_bytes()


def write_archive(target: Path, files: Iterator[tuple[str, bytes]]) -> None:
    with tarfile.open(target, "w:xz", preset=9) as archive:
        for name, data in files:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def main() -> None:
    """Make the archive beside this script."""
    plugin = PLACE / "PlexSync"
    shutil.rmtree(PLACE, ignore_errors=True)
    zipfile.ZipFile(io.BytesIO(package.archive(package.ROOT))).extractall(plugin)
    with (
        PlexSim(token=TOKEN) as plex,
        StashSim(plugin_dir=str(plugin), env={"TZ": "UTC", "PYTHONPATH": ""}) as stash,
    ):
        life = Life(plugin, plex, stash)
        parts = life.live()
        target = HERE / f"{__version__}.tar.xz"
        write_archive(target, members(life, parts))
    print(f"{target}: {target.stat().st_size / 1024:.0f} KiB")
    shutil.rmtree(PLACE)


if __name__ == "__main__":
    main()
