"""A Stash with its web app and the real plugin, a Plex, and a recorder of page errors."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plexsync import inbox, system
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.storage import files
from plexsync.model.dead_letter import DeadLetter
from plexsync.model.set_up import CONNECT, FILE, SetUp
from plexsync.policy.outage_history import OutageHistory
from simulator.demo_data import png
from simulator.plex import PlexSim
from simulator.plex_tv import PlexTvSim
from simulator.stash import StashSim
from tests.world import TOKEN, lock_is_free, until

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Dialog, Locator, Page, Request

LARGEST = 200_000
QUIET = ".plexsync-colophon { visibility: hidden } :focus { box-shadow: none !important }"
"""Hides the folder of this machine."""
THERE = "[...document.images].every(i => i.complete || i.getBoundingClientRect().top > innerHeight)"

DRAWN = "new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))"


def shoot(what: Page | Locator, path: Path) -> None:
    """Keep the picture of a page or of a part of it, once everything in it is there."""
    page = what if hasattr(what, "goto") else what.page
    page.wait_for_function(THERE)
    picture = what.screenshot(path=path, style=QUIET, animations="disabled")
    assert len(picture) < LARGEST


ADDRESS = "/plugins/plexsync"
LONG_AGO = 1_500_000_000.0


class House:
    """Servers, plugin folder and films."""

    def __init__(self, plugin: Path, plex: PlexSim, stash: StashSim, plex_tv: PlexTvSim) -> None:
        self.plugin, self.plex, self.stash, self.plex_tv = plugin, plex, stash, plex_tv
        self.data = plugin / "data"
        self.section = plex.add_section("Films", locations=["/plex"])
        self.configure()
        self.was_set_up()

    def was_set_up(self, *steps: str) -> None:
        """These steps of the set-up, or its first one, are done; so it does not open by itself."""
        system.private_folder(str(self.data))
        state = SetUp(dict.fromkeys(steps or [CONNECT], time.time()))
        files.replace_json(str(self.data / FILE), state.to_json())

    def forget(self, **settings: Any) -> None:
        """As on the first day: no step of the set-up is done, and no more is set than this."""
        (self.data / FILE).unlink()
        self.stash.set_plugin_settings(settings)

    @property
    def settings(self) -> dict[str, Any]:
        """The plugin's settings as Stash has them."""
        return dict(self.stash.data.plugin_settings["PlexSync"])

    def configure(self, **more: Any) -> None:
        """Settings as a user has entered them."""
        settings = {"plex_url": self.plex.url, "plex_token": TOKEN, "path_map": "/plex=>/data"}
        self.stash.set_plugin_settings({**settings, "recovery_minutes": 0, **more})

    def pair(self, name: str, plex: dict[str, Any] | None = None, **scene: Any) -> tuple[int, Any]:
        """The same film in both; the scene's id and Plex's item."""
        key = self.plex.add_item(self.section, file=f"/plex/{name}", size=1, **(plex or {}))
        return self.scene(name, **scene), self.plex.item(key)

    def scene(self, name: str, **scene: Any) -> int:
        """A film that only Stash has, from long before PlexSync was installed."""
        mark = len(self.stash.data.scenes) * 37
        cover = png((mark % 200 + 40, mark * 3 % 200 + 40, mark * 7 % 200 + 40))
        scene = {"created_at": LONG_AGO, "files": [(f"/data/{name}", 1)], **scene}
        return self.stash.add_scene(cover=cover, **scene)

    def ambiguous(self, name: str) -> tuple[int, Any, Any]:
        """A scene that could be either of two items, and the items (in folders `x` and `y`)."""
        paths = [f"/plex/{folder}/{name}.mp4" for folder in ("x", "y")]
        keys = [self.plex.add_item(self.section, file=path, size=5) for path in paths]
        files = [(f"/elsewhere/{name}.mp4", 5)]
        scene = self.scene(name, title=f"Which {name}?", files=files)
        return scene, *map(self.plex.item, keys)

    def synced(self, name: str, title: str) -> tuple[int, Any]:
        """A pair that was synced by a real save."""
        scene, item = self.pair(name, title="before")
        self.stash.edit(scene, title=title)
        until(lambda: item.title == title)
        self.settle()
        return scene, item

    def stop_worker(self) -> None:
        """End the worker, as the removal of its plugin does, and put the plugin back."""
        entry = self.plugin / "PlexSync.py"
        text = entry.read_bytes()
        entry.unlink()
        inbox.nudge(str(self.data))
        until(lambda: lock_is_free(self.data / "worker.lock"))
        entry.write_bytes(text)

    def status(self) -> Any:
        """The answer that the page would get."""
        return self.ask("status")

    def ask(self, mode: str, **args: Any) -> Any:
        """An operation, without the page."""
        return self.stash.run_operation({"mode": mode, **args})

    def settle(self) -> None:
        """Wait until no job is left."""
        until(lambda: not self.status()["queue"]["pending"] and not self.status()["inbox"])

    def bury(self, dead_letters: Iterable[DeadLetter]) -> None:
        """Old dead letters, stored while no worker runs."""
        system.private_folder(str(self.data))
        with closing(DeadLetters(str(self.data / "dlq.db"), print)) as store:
            store._connection.execute("PRAGMA synchronous=OFF")  # ten thousand at once, in a test
            for each in dead_letters:
                store.add(each)

    def outages(self, *outages: tuple[float, float], jobs: int = 12) -> None:
        """Past outages: how many seconds ago each began (the oldest last) and its length."""
        system.private_folder(str(self.data))
        now = time.time()
        history = OutageHistory().observe(now - 30 * 86400)
        for ago, length in reversed(outages):
            history = history.begin(now - ago, "Plex does not answer: connection refused")
            history = history.end(now - ago + length).counted(jobs, jobs)
        files.replace_json(str(self.data / "outage_history.json"), history.to_json())

    def missed(self, scene: int, **fields: Any) -> None:
        """A scene was saved, its event is stored, and the worker that the hook started is dead."""
        self.stash.enable_plugin(False)
        self.stash.edit(scene, **fields)
        self.stash.enable_plugin(True)
        system.private_folder(str(self.data))
        event = {"id": scene, "type": "Scene.Update.Post", "inputFields": [*fields, "id"]}
        inbox.drop(str(self.data), json.dumps(event).encode())


def dead_letter(
    scene: int, error: str = "PlexNotFound", ago: float = 1800.0, **more: Any
) -> DeadLetter:
    """A dead letter that was buried so many seconds ago."""
    at = time.time() - ago
    words = {"message": f"no item in Plex holds this file: /data/{scene}.mp4", **more}
    return DeadLetter(
        scene=scene, error=error, buried_at=at, first_failure=at - 600, last_failure=at, **words
    )


class Witness:
    """Forbidden actions of pages: console errors, dialogs, requests to other hosts."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.asked: list[str] = []
        """The requests to Stash: the mode of an operation, or the query's first line."""
        self._open = 0

    def watch(self, page: Page, home: str) -> None:
        """Watch this page from now on; `home` is the only host that it may contact."""

        def request(asked: Request) -> None:
            if not asked.url.startswith((f"{home}/", "data:", "blob:")):
                self.seen.append(f"request: {asked.url}")
            elif asked.url.endswith("/graphql"):
                self.asked.append(_asked(asked.post_data_json))
            self._open += 1

        def ended(asked: Request) -> None:
            self._open -= 1

        page.on("console", self._console)
        page.on("pageerror", lambda problem: self.seen.append(f"error: {problem}"))
        page.on("dialog", self._dialog)
        page.on("request", request)
        page.on("requestfinished", ended)
        page.on("requestfailed", ended)

    def count(self, page: Page, mode: str) -> int:
        """The number of these requests so far."""
        page.evaluate("0")  # its answer comes after the events of all requests so far
        return self.asked.count(mode)

    def answered(self, page: Page) -> bool:
        """Whether every request so far has its answer."""
        page.evaluate("0")
        return not self._open

    def settled(self, page: Page) -> bool:
        """Whether the page has all answers and shows them, so that nothing moves under a click."""
        before = len(self.asked)
        if not before or not self.answered(page):
            return False
        page.evaluate(DRAWN)
        return self.answered(page) and len(self.asked) == before

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning", "assert"):
            self.seen.append(f"console {message.type}: {message.text}")

    def _dialog(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def _asked(question: Any) -> str:
    args = (question.get("variables") or {}).get("args") or {}
    return str(args.get("mode") or question["query"].strip().partition("\n")[0])
