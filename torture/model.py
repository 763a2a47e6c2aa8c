"""Random days of a Stash, a Plex and a worker between them; in the end both servers must agree.

Everything but time is real: a day of retries takes a second. A crash is simulated from within: from
some moment on no statement reaches the worker's databases.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from plexsync import inbox
from plexsync.app import App
from plexsync.edges.log.log import Log
from plexsync.flows.worker.worker import Worker
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.world import TOKEN, World
from torture.stage import LONG_AGO

STEPS = 40
DAY = 86400.0
_PACE = 4
"""SQLite instructions between two checks of a transaction."""


_FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("status", {"status": 500, "match": "PUT"}),
    ("status", {"status": 503}),
    ("reset", {"at": "after", "match": "PUT"}),
    ("ignore_edit", {}),
    ("html", {}),
    ("cut", {"match": "GET"}),
    ("starting", {}),
)


class Doom:
    """Kills a worker in its n-th write transaction: that one and all later ones never happen."""

    def __init__(self, transactions: int) -> None:
        self._left = transactions
        self._writing: set[int] = set()
        self.came = False

    def watch(self, connections: Iterable[sqlite3.Connection]) -> None:
        """Watch these connections from now on."""
        for connection in connections:
            connection.set_progress_handler(partial(self._tick, connection), _PACE)

    def _tick(self, connection: sqlite3.Connection) -> int:
        if not connection.in_transaction:
            self._writing.discard(id(connection))
        elif id(connection) not in self._writing:
            self._writing.add(id(connection))
            self._left -= 1
            self.came = self.came or self._left < 0
        return int(self.came)


@dataclass(slots=True)
class Outcome:
    """The result of a sequence; `bad` lists violations."""

    bad: list[str]
    lost: int
    wrong: int
    crashes: int
    dead_letters: int
    history: list[str]


class Model:
    """One sequence. `known` are scenes with an acknowledged event after their last change.

    With an even seed the sweep finds nothing, so that it cannot repair lost events.
    """

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.dice = random.Random(seed)
        self.films: dict[int, Any] = {}
        self.known: set[int] = set()
        self._files: dict[int, str] = {}
        self._all_films: dict[int, Any] = {}
        self.refused: set[int] = set()
        self.history: list[str] = []
        self.crashes = 0
        self._serial = 0
        self._no_sweep = seed % 2 == 0
        self._owners: dict[str, int] = {}
        stash = world.stash
        self.people = [stash.add_performer(f"Person {n}") for n in range(5)]
        self.tags = [stash.add_tag(f"tag {n}") for n in range(5)]
        self.studios = [stash.add_studio(f"Studio {n}") for n in range(3)]
        world.configure(no_poster=True, max_retries=3)
        world.plex.add_fault("status", match=self._is_refused, status=400)
        for _ in range(6):
            self.create()

    def _is_refused(self, request: Any) -> bool:
        given = dict(request.params).get("id", "0")
        return request.method == "PUT" and int(given) in self.refused

    # -- what happens ----------------------------------------------------------------------------

    def create(self) -> None:
        """A scan finds a file; Plex has it, or will have it later, or never."""
        name = f"{self._next()}.mp4"
        scene = self.world.stash.add_scene(files=[(f"/data/{name}", 1000)])
        self.world.stash.scene(scene).title = self._text(scene)
        self._hide(scene)
        self.films[scene], self._files[scene] = None, name
        if self.dice.random() < 0.8:
            self.arrive(scene)
        self._tell(scene, "Scene.Create.Post", inputFields=...)

    def arrive(self, scene: int | None = None) -> None:
        """Plex finds a file."""
        absent = [scene] if scene else [s for s, film in self.films.items() if film is None]
        for number in absent[:1]:
            self.films[number] = self._all_films[number] = self.world.film(self._files[number])

    def edit(self) -> None:
        """The user saves a scene; now and then its event is lost with a killed hook."""
        for scene in self._some(1):
            self._change(scene)
            if self.dice.random() < 0.9:
                self._tell(scene)

    def bulk_edit(self) -> None:
        """The user saves many scenes at once."""
        scenes = self._some(self.dice.randrange(2, 6))
        for scene in scenes:
            self._change(scene)
        for scene in scenes:
            self._tell(scene)

    def watch(self) -> None:
        """The user watches a scene, which changes nothing that Plex shows."""
        for scene in self._some(1):
            self.world.event(scene, inputFields=["play_count", "id"])

    def rename(self) -> None:
        """A performer, tag or studio is renamed, which affects all its scenes."""
        kind, ids = self.dice.choice(
            [("performer", self.people), ("tag", self.tags), ("studio", self.studios)]
        )
        entity = self.dice.choice(ids)
        getattr(self.world.stash, f"rename_{kind}")(entity, f"{kind} {self._next()}")
        self.world.event(entity, f"{kind.capitalize()}.Update.Post", inputFields=["name", "id"])

    def destroy(self) -> None:
        """A scene is removed from Stash; Plex keeps its film."""
        for scene in self._some(1):
            self.world.stash.destroy(scene)
            self.world.event(scene, "Scene.Destroy.Post", inputFields=...)
            self.known.discard(scene)
            del self.films[scene]

    def touch_plex(self) -> None:
        """Plex starts or stops refusing a film with a permanent error."""
        films = [film for film in self.films.values() if film is not None]
        for film in films[:1] if self.refused else self.dice.sample(films, min(1, len(films))):
            self.refused = set() if self.refused else {film.key}

    def plex_fails(self) -> None:
        """The next writes, or all requests, fail in some way."""
        kind, options = self.dice.choice(_FAULTS)
        self.world.plex.add_fault(kind, times=self.dice.randrange(1, 4), **options)

    def plex_outage(self) -> None:
        """Plex stops, or starts again."""
        plex = self.world.plex
        plex.stop() if plex.running else plex.start()

    def stash_outage(self) -> None:
        """Stash stops for a moment; the user cannot save meanwhile."""
        self.world.stash.stop()
        self._live(self.dice.uniform(0.1, 15))
        self.world.stash.start()

    def token(self) -> None:
        """The token becomes invalid, or valid again."""
        wrong = self.world.settings.get("plex_token") == TOKEN
        self.world.configure(plex_token="another-token-0000" if wrong else TOKEN)

    def jump(self) -> None:
        """The wall clock jumps."""
        self.world.clock.jumped += self.dice.choice([-DAY, DAY, -3600, 3600, -5])

    def work(self) -> None:
        """A worker runs for a while and exits."""
        self._live(self.dice.choice([0.02, 0.1, 0.5, 3, 20]))

    def crash(self) -> None:
        """A worker is killed while it syncs scenes, which are often edited again afterwards."""
        scenes = self._some(self.dice.randrange(1, 4))
        for again in (False, True):
            for scene in scenes if not again or self.dice.random() < 0.6 else ():
                self._change(scene)
                self._tell(scene)
            if not again:
                doom = Doom(self.dice.randrange(16))
                self._live(self.dice.choice([0.1, 0.5, 3]), doom)
                self.crashes += doom.came

    def _some(self, count: int) -> list[int]:
        return self.dice.sample(sorted(self.films), min(count, len(self.films)))

    def _next(self) -> int:
        self._serial += 1
        return self._serial

    def _text(self, scene: int) -> str:
        text = f"take {self._next()}"
        self._owners[text] = scene
        return text

    def _change(self, scene: int) -> None:
        dice = self.dice
        choices: dict[str, Callable[[], Any]] = {
            "title": lambda: self._text(scene),
            "details": lambda: dice.choice(["", self._text(scene)]),
            "date": lambda: dice.choice(["", "2024-05-01", "2023-01-31"]),
            "studio_id": lambda: dice.choice([None, *self.studios]),
            "performer_ids": lambda: dice.sample(self.people, dice.randrange(4)),
            "tag_ids": lambda: dice.sample(self.tags, dice.randrange(4)),
        }
        fields = dice.sample(sorted(choices), dice.randrange(1, 4))
        self.world.stash.edit(scene, **{name: choices[name]() for name in fields})
        self._hide(scene)
        self.known.discard(scene)

    def _hide(self, scene: int) -> None:
        if self._no_sweep:
            self.world.stash.scene(scene).updated_at = LONG_AGO

    def _tell(self, scene: int, kind: str = "Scene.Update.Post", **more: Any) -> None:
        self.world.event(scene, kind, **more)
        self.known.add(scene)

    # -- the worker --------------------------------------------------------------------------------

    def _live(self, minutes: float, doom: Doom | None = None) -> str:
        """Run one worker until `doom` kills it, it is idle, or so many minutes have passed."""
        world = self.world
        end = world.clock.passed + minutes * 60

        def leave() -> str:
            return "time is up" if world.clock.passed >= end else ""

        log = Log(world.sink)
        stash = world.client()
        app = App(world.folder, stash, world.clock, log, {})
        try:
            stores = app.stores
            worker = Worker(
                world.folder, stores, app, stash, world.clock, log, random.Random(1), leave
            )
            worker.start()
            if doom is not None:
                doom.watch(_connections(app))
            return worker.drain()
        except sqlite3.OperationalError:
            if doom is None or not doom.came:
                raise
            return "killed"
        finally:
            app.close()

    def _finish(self) -> str:
        """Let workers finish, each for the attempts that are due; then one that exits by itself."""
        clock = self.world.clock
        end = clock.passed + 600 * 60
        while clock.passed < end and (waiting := self.world.waiting()):
            due = min(job.not_before for job in waiting.values()) - clock.now()
            clock.passed += min(max(0.0, due), end - clock.passed)
            self._live(0.25)
        return self._live(600)

    def run(self, steps: int, *, leaps: bool = False) -> Outcome:
        """Run random steps, then remove all faults and let a worker finish; with `leaps` without the
        hours between its attempts.
        """
        actions, weights = zip(*_ACTIONS, strict=True)
        for action in self.dice.choices(actions, weights, k=steps):
            self.history.append(action.__name__)
            action(self)
        self._heal()
        self.history.append(self._finish() if leaps else self._live(600))
        return self._judge()

    def _heal(self) -> None:
        self.world.plex.clear_faults()
        self.world.plex.add_fault("status", match=self._is_refused, status=400)
        self.world.plex.start()
        self.world.configure(plex_token=TOKEN)

    # -- the judge
    # -----------------------------------------------------------------------------------

    def _judge(self) -> Outcome:
        app = self.world.stores()
        try:
            dead_letters = {
                dead_letter.scene: dead_letter
                for dead_letter in app.stores.dead_letters.page(10**6)
            }
            states = app.stores.ledger.scenes(self.films)
            waiting = [f"scene {scene} still waits" for scene in app.stores.queue.jobs]
        finally:
            app.close()
        waiting += [f"{r.name} is still in the inbox" for r in inbox.collect(self.world.folder)]
        lost = [
            complaint
            for scene in self.films
            for complaint in self._judge_scene(scene, dead_letters.get(scene), states.get(scene))
        ]
        wrong = list(self._judge_writes())
        gone = [
            f"scene {s} is gone, its dead letter is not"
            for s in dead_letters.keys() - self.films.keys()
        ]
        unexpected = [text for _, text in self.world.sink.lines if "Unexpected" in text]
        bad = waiting + lost + wrong + gone + unexpected
        return Outcome(bad, len(lost), len(wrong), self.crashes, len(dead_letters), self.history)

    def _judge_writes(self) -> Iterable[str]:
        """Check that every text sent to an item is one that its scene had."""
        owners = {str(film.key): scene for scene, film in self._all_films.items()}
        for entry in self.world.plex.journal:
            key = entry.get("id") or entry.path.rpartition("/")[2]  # the item's own endpoint
            for name, value in entry.params if entry.method == "PUT" else ():
                if value in self._owners and self._owners[value] != owners[key]:
                    yield f"the item of scene {owners[key]} was sent {name}={value!r}"

    def _judge_scene(self, scene: int, dead_letter: Any, state: Any) -> Iterable[str]:
        film = self.films[scene]
        if dead_letter is not None:
            if not dead_letter.message:
                yield f"scene {scene} has a dead letter without a reason"
            if dead_letter.error == "PlexNotFound" and film is not None:
                yield f"Plex now has the film of scene {scene}, but its dead letter remains"
            if state is None or state.state == "synced":
                yield f"scene {scene} has a dead letter and is {state and state.state}"
        elif scene in self.known:
            if film is None:
                yield f"scene {scene} has no film and no dead letter"
            elif self._wanted(scene) != _shown(film):
                yield f"scene {scene} should show {self._wanted(scene)}, but shows {_shown(film)}"

    def _wanted(self, number: int) -> tuple[object, ...]:
        scene, data = self.world.stash.scene(number), self.world.stash.data
        studio = [e.name for e in data.known("studio", [scene.studio or 0])]
        return (
            scene.title,
            scene.details,
            scene.date or "",
            studio,
            studio,
            {e.name for e in data.known("performer", scene.performers)},
            {e.name for e in data.known("tag", scene.tags)},
        )


def _shown(film: Any) -> tuple[object, ...]:
    studio = [film.studio] if film.studio else []
    date = film.originallyAvailableAt
    lists = film.collection, set(film.actor), set(film.genre)
    return (film.title, film.summary, date, studio, *lists)


def _connections(app: App) -> list[sqlite3.Connection]:
    """Every database of the worker, by private attributes, so that the code needs no test switch."""
    stores: Any = app.stores
    return [
        stores.queue._queue.connection,
        stores.dead_letters._connection,
        stores.ledger._connection,
    ]


_ACTIONS: tuple[tuple[Callable[[Model], None], int], ...] = (
    (Model.edit, 8),
    (Model.bulk_edit, 3),
    (Model.watch, 1),
    (Model.rename, 4),
    (Model.create, 2),
    (Model.arrive, 2),
    (Model.destroy, 1),
    (Model.touch_plex, 1),
    (Model.plex_fails, 3),
    (Model.plex_outage, 2),
    (Model.stash_outage, 1),
    (Model.token, 1),
    (Model.jump, 1),
    (Model.work, 8),
    (Model.crash, 14),
)


def play(root: Path, seed: int, steps: int = STEPS, *, leaps: bool = False) -> Outcome:
    """Play one sequence in a new folder below `root`; for `leaps` see Model.run."""
    folder = root / f"model-{seed}"
    folder.mkdir(mode=0o700)
    with PlexSim(token=TOKEN) as plex, StashSim() as stash:
        return Model(World(folder, plex, stash), seed).run(steps, leaps=leaps)
