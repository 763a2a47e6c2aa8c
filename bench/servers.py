"""The simulated servers in a separate process, so that they and the worker share no lock (GIL).

`python -m bench.servers PLUGIN_DIR` reads JSON lists `[command, argument, ...]` from stdin, one per
line, and writes `[answer]` to stdout, one per line; it exits when stdin ends.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from bench.multiplied import ManyFilms, ManyScenes
from simulator.faults import Reply
from simulator.plex import PlexSim, is_write
from simulator.plex_wire import Connection, Request
from simulator.stash import StashSim

TOKEN = "bench-token"
FOLDER = "/media/films"
_SUMMARY = (
    "Two people meet where the road ends and find out that neither of them came by chance. "
    "What begins as a walk along the shore becomes a search for a boat that nobody has seen."
)
_PATIENCE = 60.0
_TURN = 0.0005
"""Seconds for which Plex waits while Stash computes an answer: really they are two programs."""


class PacedPlex(PlexSim):
    """A Plex whose writes take exactly the set times, including the simulator's own work: each ends
    when it would if nothing else ran on this machine, or later, but a late one delays no other.
    With `films` it shows these instead of its own.
    """

    films: ManyFilms | None = None
    _written = 0.0
    """When the last write should have ended."""

    def _carry_out(self, request: Request, wire: Connection) -> Reply:
        if self.films and (reply := self.films.answer(request)):
            return reply
        if not is_write(request):
            return self._routes.answer(request)
        with self._writing:
            begin = max(request.arrived + self.latency, self._written)
            self._written = begin + self.write_time
            reply = self._routes.answer(request)
            wire.pause(self._written - time.monotonic())
            return reply


class LargeStash(StashSim):
    """A Stash that can show its scenes many times over, under new numbers."""

    def multiply(self, count: int) -> None:
        """Show so many scenes in place of those that it has."""
        if self._server is not None:
            self._server.site = ManyScenes(self.core, count)


class Servers:
    """The commands for the benchmarks; every public method is one."""

    def __init__(self, plex: PacedPlex, stash: LargeStash) -> None:
        self._plex, self._stash = plex, stash
        self._section = plex.add_section("Films", locations=[FOLDER])
        self._items: dict[int, Any] = {}
        self._count = 0

    def hello(self) -> dict[str, Any]:
        """The servers' addresses, and the connection block that Stash passes to a plugin."""
        return {"plex": self._plex.url, "connection": self._stash.server_connection()}

    def configure(self, settings: Mapping[str, Any]) -> None:
        """Change the plugin's settings in Stash."""
        base = {"plex_url": self._plex.url, "plex_token": TOKEN}
        self._stash.set_plugin_settings({**base, **settings})

    def pace(self, latency: float, write_time: float) -> None:
        """Seconds before each answer of Plex, and that a write takes while no other may write."""
        self._plex.latency, self._plex.write_time = latency, write_time

    def fill(self, count: int, cover: int = 0) -> list[int]:
        """Add `count` films, bare in Plex and fully described in Stash, each with a cover of so
        many bytes; returns their ids.
        """
        stash = self._stash
        studios = [stash.add_studio(f"Studio {n}") for n in range(20)]
        people = [stash.add_performer(f"First{n} Last{n * 7 % 100}") for n in range(200)]
        tags = [stash.add_tag(f"some tag {n}") for n in range(60)]
        scenes = []
        for n in range(count):
            file, size, item = self._film()
            scene = stash.add_scene(
                f"A film with a name, number {n}",
                [(file, size)],
                details=f"{_SUMMARY}\n\n{_SUMMARY}\n\nPart {n}.",
                date=f"20{n % 24:02d}-{n % 12 + 1:02d}-{n % 28 + 1:02d}",
                director=f"Director {n % 50}",
                studio=studios[n % len(studios)],
                performers=[people[(n * 3 + k) % len(people)] for k in range(3)],
                tags=[tags[(n * 5 + k) % len(tags)] for k in range(6)],
                cover=b"\xff\xd8\xff%d" % n + bytes(cover) if cover else None,
            )
            self._items[scene] = item
            scenes.append(scene)
        return scenes

    def lacking(self, count: int) -> list[int]:
        """Add `count` scenes without a film in Plex; returns their ids."""
        return [
            self._stash.add_scene(f"Lacking {n}", [(f"{FOLDER}/Lacking/{n}.mkv", n)])
            for n in range(1, count + 1)
        ]

    def long_ago(self, scenes: list[int]) -> None:
        """Set the update times of these scenes, and of all performers, tags and studios, far in the past,
        so that no sweep finds them.
        """
        for scene in map(self._stash.scene, scenes):
            scene.created_at = scene.updated_at = 1.0
        for table in self._stash.data.entities.values():
            for entity in table.values():
                entity.created_at = entity.updated_at = 1.0

    def shelve(self, count: int) -> None:
        """Add `count` films that only Plex has."""
        for _ in range(count):
            self._film()

    def _film(self) -> tuple[str, int, Any]:
        n = self._count = self._count + 1
        file, size = f"{FOLDER}/Shelf {n % 997:03d}/Film {n:06d}/film {n:06d}.mkv", 10**9 + n
        return file, size, self._plex.item(self._plex.add_item(self._section, file, size))

    def files(self, count: int) -> list[str]:
        """The paths of about `count` films, evenly spread."""
        paths = [item.files[0][0] for item in self._plex.items()]
        return paths[:: max(1, len(paths) // count)][:count]

    def down(self) -> None:
        """Stop Plex."""
        self._plex.stop()

    def up(self) -> None:
        """Start Plex again."""
        self._plex.start()

    def journal(self) -> list[tuple[str, str, float, float]]:
        """Method, path, start and end of each request to Plex since the last call."""
        entries = self._plex.journal
        self._plex.clear_journal()
        return [(entry.method, entry.path, entry.at, entry.done) for entry in entries]

    def edits(self) -> list[str]:
        """Path and query of each PUT to Plex since the last call of `journal`."""
        puts = [entry for entry in self._plex.journal if entry.method == "PUT"]
        return [f"{entry.path}?{urlencode(entry.params)}" for entry in puts]

    def first_question(self) -> float:
        """The time of the first request to Stash since the last call."""
        entries = list(self._stash.journal)
        self._stash.journal.clear()
        return min((entry.at for entry in entries), default=0.0)

    def different(self) -> int:
        """The number of films that differ between Plex and Stash."""
        return sum(not self._same(scene, item) for scene, item in self._items.items())

    def shows(self, scene: int) -> bool:
        """Whether the film of a scene is equal in Plex and Stash."""
        return self._same(scene, self._items[scene])

    def _same(self, number: int, item: Any) -> bool:
        scene, data = self._stash.scene(number), self._stash.data

        def names(kind: str, ids: list[int]) -> list[str]:
            return sorted(entity.name for entity in data.known(kind, ids))

        studio = names("studio", [scene.studio or 0])
        return [
            item.title == scene.title,
            item.summary == scene.details,
            item.originallyAvailableAt == scene.date,
            [item.studio] == item.collection == studio,
            item.director == [scene.director],
            sorted(item.actor) == names("performer", scene.performers),
            sorted(item.genre) == names("tag", scene.tags),
        ].count(False) == 0

    def age(self, seconds: float) -> None:
        """Set Plex's clock back, so that later changes look that old."""
        self._plex.clock = lambda: time.time() - seconds

    def settle(self) -> None:
        """Make every film of `fill` in Plex equal to Stash, as if it had been synced."""
        for number, item in self._items.items():
            scene = self._stash.scene(number)
            self._plex.assign(item, self._as_synced(scene))
            item.locks |= {"title", "summary"}
        # exclude these objects from later collections, which would be measured too
        gc.collect()
        gc.freeze()

    def multiply(self, count: int) -> None:
        """Show `count` scenes and films in place of those of `fill`, made from them."""
        self._stash.multiply(count)
        self._plex.films = ManyFilms(self._plex, self._section, count)

    def _as_synced(self, scene: Any) -> dict[str, Any]:
        def names(kind: str, ids: list[int]) -> list[str]:
            return [entity.name for entity in self._stash.data.known(kind, ids)]

        (studio,) = names("studio", [scene.studio])
        return {
            "title": scene.title,
            "summary": scene.details,
            "studio": studio,
            "date": scene.date,
            "directors": [scene.director],
            "actors": names("performer", scene.performers),
            "genres": names("tag", scene.tags),
            "collections": [studio],
        }

    def plant(self, each: int) -> dict[str, list[int]]:
        """Plant `each` gaps of each kind among the films of `fill`; returns their scenes by kind.

        For orphaned items they are zeros, since those have no scene.
        """
        scenes = sorted(self._items)
        step = len(scenes) // each
        planted = {
            kind: scenes[place::step][:each]
            for place, kind in enumerate(("empty", "stale", "drifted", "missing"))
        }
        for number in planted["empty"]:
            self._plex.user_edit(self._items[number].key, summary="")
        for number in planted["stale"]:
            self._stash.auto_tag(number, details=f"Something new about {number}")
        for number in planted["drifted"]:
            self._plex.user_edit(self._items[number].key, title=f"Changed by hand {number}")
        for number in planted["missing"]:
            self._plex.remove_item(self._items.pop(number).key)
        self.shelve(each)
        return {**planted, "orphaned": [0] * each}

    def retouch(self, count: int) -> int:
        """Have Plex mark `count` films as updated, although nothing changed; returns how many."""
        some = list(self._items.values())[:count]
        for item in some:
            self._plex.touch(item)
        return len(some)

    def pages(self) -> int:
        """The number of queries for whole scenes since the last call, without identity checks."""
        entries = list(self._stash.journal)
        self._stash.journal.clear()
        return sum("...PlexSyncScene" in entry.query for entry in entries)

    def save(self, scene: int, title: str) -> tuple[float, float]:
        """Save a title in Stash; seconds until the save was done, and until Plex showed it."""
        item, start = self._items[scene], time.monotonic()
        runs = self._stash.edit(scene, title=title)
        saved = time.monotonic() - start
        if [run.output for run in runs] != ["ok"]:
            raise RuntimeError(f"the hook answered {[run.error or run.output for run in runs]}")
        while item.title != title:
            if time.monotonic() - start > _PATIENCE:
                raise RuntimeError("the save never reached Plex")
            time.sleep(0.002)
        return saved, time.monotonic() - start


def serve(servers: Servers) -> None:
    """Carry out commands until stdin ends."""
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        answer = getattr(servers, name)(*arguments)
        sys.stdout.write(json.dumps([answer]) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Run both servers on free local ports."""
    sys.setswitchinterval(_TURN)
    plex, stash = PacedPlex(token=TOKEN), LargeStash(sys.argv[1])
    with plex, stash:
        serve(Servers(plex, stash))


if __name__ == "__main__":
    main()
