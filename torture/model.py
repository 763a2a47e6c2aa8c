"""Random days of a Stash, a Plex and a worker between them; in the end both servers must agree.

They are judged twice: when the worker has come to rest by itself, and again after the user has tried
what was given up and pressed Reconcile, when nothing excuses a difference any more but a film that
Plex lacks or refuses. Everything but time is real: a day of retries takes a second. A crash is simulated from within: from
some moment on no statement reaches the worker's databases.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from plexsync import inbox
from plexsync.app import App
from plexsync.edges.log.log import Log
from plexsync.flows.tasks.registry import TASKS
from plexsync.flows.worker.worker import Worker
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.task_running import run_task
from tests.world import TOKEN, World
from torture.stage import LONG_AGO

STEPS = 40
BACKLOG = 6
"""Scenes that are in Stash before PlexSync, with the ids up to this one."""
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
    """One sequence. `known` are scenes with an acknowledged event after their last change. Several
    scenes may have the same file: its film belongs to the first one that was not given up.

    With an even seed the sweep finds nothing, so that it cannot repair lost events.
    """

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.dice = random.Random(seed)
        self.known: set[int] = set()
        self._files: dict[int, str] = {}
        self._films: dict[str, Any] = {}
        self._scenes: dict[str, set[int]] = {}
        """All scenes that ever had a file."""
        self._furthest = 0.0
        """The furthest that the wall clock ever jumped."""
        self.refused: set[int] = set()
        self.history: list[str] = []
        self.crashes = 0
        self._bad: list[str] = []
        self._lost = 0
        self._serial = 0
        self._no_sweep = seed % 2 == 0
        self._owners: dict[str, int] = {}
        stash = world.stash
        self.people = [stash.add_performer(f"Person {n}") for n in range(5)]
        self.tags = [stash.add_tag(f"tag {n}") for n in range(5)]
        self.studios = [stash.add_studio(f"Studio {n}") for n in range(3)]
        world.configure(no_poster=True, max_retries=3, reconcile_batch_size=10)
        world.configure(skip_missing=True)  # such dead letters take long to be tried again
        self._deaf = 0
        """The key of a film of which Plex accepts edits without effect."""
        self._make_films_difficult()
        for _ in range(BACKLOG):
            self.scan()
        for _ in range(6):
            self.create()
        self._pair = self._twins()
        self._twins()  # these stay together

    def _make_films_difficult(self) -> None:
        self.world.plex.add_fault("status", match=self._is_refused, status=400)
        self.world.plex.add_fault("ignore_edit", match=self._is_deaf)

    def _is_refused(self, request: Any) -> bool:
        given = dict(request.params).get("id", "0")
        return request.method == "PUT" and int(given) in self.refused

    def _is_deaf(self, request: Any) -> bool:
        return str(self._deaf) in (dict(request.params).get("id"), request.path.rpartition("/")[2])

    def _twins(self) -> tuple[int, int]:
        """Two scenes with one file, which Plex has."""
        name = f"{self._next()}.mp4"
        self._films[name] = self.world.film(name)
        first, second = self._add(name), self._add(name)
        for scene in (first, second):
            self._tell(scene, "Scene.Create.Post", inputFields=...)
        return first, second

    # -- what happens ----------------------------------------------------------------------------

    def create(self) -> None:
        """A scan finds a file; Plex has it, or will have it later, or never."""
        self._tell(self.scan(), "Scene.Create.Post", inputFields=...)

    def scan(self) -> int:
        """A scan finds a file, but no hook tells of its scene, which is older than the installation."""
        name = f"{self._next()}.mp4"
        if self._serial <= BACKLOG or self.dice.random() < 0.8:
            self._films[name] = self.world.film(name)
        scene = self._add(name)
        self.world.stash.scene(scene).updated_at = LONG_AGO
        self.world.stash.scene(scene).created_at = LONG_AGO
        return scene

    def twin(self) -> None:
        """Another scene gets the file of an edited one, as after an import."""
        for scene in self._some(1):
            self._tell(self._add(self._files[scene]), "Scene.Create.Post", inputFields=...)

    def _add(self, name: str) -> int:
        scene = int(self.world.stash.add_scene(files=[(f"/data/{name}", 1000)]))
        self.world.stash.scene(scene).title = self._text(scene)
        self._hide(scene)
        self._files[scene] = name
        self._scenes.setdefault(name, set()).add(scene)
        return scene

    def arrive(self) -> None:
        """Plex finds a file."""
        for name in [n for n in self._files.values() if n not in self._films][:1]:
            self._films[name] = self.world.film(name)

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
        kind, ids = self.dice.choice(self._entities())
        self._rename(kind, self.dice.choice(ids))

    def _entities(self) -> list[tuple[str, list[int]]]:
        return [("performer", self.people), ("tag", self.tags), ("studio", self.studios)]

    def _rename(self, kind: str, entity: int) -> None:
        getattr(self.world.stash, f"rename_{kind}")(entity, f"{kind} {self._next()}")
        self.world.event(entity, f"{kind.capitalize()}.Update.Post", inputFields=["name", "id"])

    def destroy(self) -> None:
        """A scene is removed from Stash; Plex keeps its film."""
        for scene in self._some(1):
            self.world.stash.destroy(scene)
            self.world.event(scene, "Scene.Destroy.Post", inputFields=...)
            self.known.discard(scene)
            del self._files[scene]

    def touch_plex(self) -> None:
        """Plex starts or stops refusing a film with a permanent error."""
        films = [film for film in map(self._film, self._files) if film is not None]
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
        self._furthest = max(self._furthest, self.world.clock.jumped)

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
        """Scenes with which the user works: not those that only a scan has seen."""
        met = [scene for scene in sorted(self._files) if scene > BACKLOG]
        return self.dice.sample(met, min(count, len(met)))

    def _film(self, scene: int) -> Any:
        return self._films.get(self._files[scene])

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

    def _finish(self) -> None:
        """Let workers finish, each for the attempts that are due."""
        clock = self.world.clock
        end = clock.passed + 300 * 60
        self._live(0.25)
        while clock.passed < end and (waiting := self.world.waiting()):
            due = min(job.not_before for job in waiting.values()) - clock.now()
            clock.passed += min(max(0.0, due), end - clock.passed)
            self._live(0.25)

    def run(self, steps: int, *, leaps: bool = False) -> Outcome:
        """Run random steps, then remove all faults and let a worker finish; with `leaps` without the
        hours between its attempts.
        """
        actions, weights = zip(*_ACTIONS, strict=True)
        for action in self.dice.choices(actions, weights, k=steps):
            self.history.append(action.__name__)
            action(self)
        self._heal()
        self._end_the_day()
        finish = self._finish if leaps else partial(self._live, 600)
        finish()
        self.history.append(self._live(600))  # one worker that exits by itself
        dead_letters = self._judge(self._judge_scene)
        self._deaf = 0
        self._try_again()
        finish()
        self._judge(self._judge_tried)
        self._interfere()
        finish()
        self._judge(self._judge_tried)
        run_task(self.world, TASKS["reconcile_all"].action, owns=True)
        finish()
        self._judge(self._judge_strictly)
        self._judge_rest()
        wrong = list(self._judge_writes())
        unexpected = [text for _, text in self.world.sink.lines if "Unexpected" in text]
        bad = self._bad + wrong + unexpected
        return Outcome(bad, self._lost, len(wrong), self.crashes, dead_letters, self.history)

    def _try_again(self) -> None:
        """The user tries again what was given up, in one of two ways."""
        with closing(self.world.dead_letters()) as dead_letters:
            classes = {each.error for each in dead_letters.all()} - {"PlexNotFound"}
        if classes and self._no_sweep:
            self.world.clock.jumped = self._furthest  # a failure in the future is in no window
            wanted = {"window": "all", "error_types": ",".join(sorted(classes))}
            run_task(self.world, TASKS["recover_outage_jobs"].action, owns=True, **wanted)
        elif classes:
            wanted = {"error_types": ",".join(sorted(classes))}
            run_task(self.world, TASKS["retry_dead_letters"].action, owns=True, **wanted)

    def _end_the_day(self) -> None:
        """What no later edit hides: an outage, a rename of each kind, an edit that Plex ignores, and a
        scene that leaves its film to its twin.
        """
        self._live(1)
        self.world.plex.stop()
        for scene in self._some(1):
            self._change(scene)
            self._tell(scene)
        self._live(3)
        self.world.plex.start()
        for kind, ids in self._entities():
            self._rename(kind, self.dice.choice(ids))
        first, second = self._pair
        deaf = [s for s in self._some(99) if s not in self._pair and self._film(s) is not None]
        for scene in deaf[:1]:
            self._deaf = self._film(scene).key
            self.world.stash.edit(scene, title=self._text(scene))
            self._tell(scene)
        if first in self._files:
            name = f"{self._next()}.mp4"
            self._files[first] = name
            self._scenes[name] = {first}
            self.world.stash.move_file(first, f"/data/{name}")
            self._tell(first)

    def _interfere(self) -> None:
        """A file appears, the clock is set back, and what no event reports: edits in Plex, and in Stash
        with a hook that was killed.
        """
        self.arrive()
        if not self._no_sweep:
            self.world.clock.jumped -= DAY
        for scene in self._some(99):
            if self._film(scene) is not None and self.dice.random() < 0.7:
                self.world.plex.user_edit(self._film(scene).key, title="mine")
        for scene in self._some(3):
            self._change(scene)
        for scene in self._some(1):
            self._tell(scene)

    def _heal(self) -> None:
        self.world.plex.clear_faults()
        self._make_films_difficult()
        self.world.plex.start()
        self.world.configure(plex_token=TOKEN)

    # -- the judge
    # -----------------------------------------------------------------------------------

    def _judge(self, judge: Callable[[int, Mapping[int, Any], Any], Iterable[str]]) -> int:
        """Have every scene judged at rest; returns the number of dead letters."""
        app = self.world.stores()
        try:
            dead_letters = {each.scene: each for each in app.stores.dead_letters.all()}
            states = app.stores.ledger.scenes(self._files)
            self._bad += [f"scene {scene} still waits" for scene in app.stores.queue.jobs]
        finally:
            app.close()
        records = inbox.collect(self.world.folder)
        self._bad += [f"{record.name} is still in the inbox" for record in records]
        lost = [
            complaint
            for scene in self._files
            for complaint in judge(scene, dead_letters, states.get(scene))
        ]
        self._lost += len(lost)
        self._bad += lost
        self._bad += [
            f"scene {s} is gone, its dead letter is not"
            for s in dead_letters.keys() - self._files.keys()
        ]
        return len(dead_letters)

    def _judge_rest(self) -> None:
        """Check that nothing is written without news, as if something were missing in the ledger."""
        stored = Path(self.world.folder) / "circuit_breaker.json"  # once it was opened
        breaker = json.loads(stored.read_bytes())["state"] if stored.exists() else "CLOSED"
        if breaker != "CLOSED":
            self._bad.append(f"the circuit breaker is {breaker} at rest")
        before = self.world.plex.count("PUT")
        for scene in self._files:
            self.world.event(scene)
        self._live(0.25)
        if self.world.plex.count("PUT") != before:
            self._bad.append("scenes in step were written again")
        takers = [s for s in self._some(99) if self._film(s) is not None and s not in self._pair]
        for scene in [s for s in takers if self._film(s).key not in self.refused][:1]:
            self.world.clock.passed += 60
            self._change(scene)
            self._tell(scene)
            self._live(0.25)
            if self._owner(scene, {}) == scene:
                self._bad += [f"15 s after its edit {text}" for text in self._compare(scene)]

    def _judge_writes(self) -> Iterable[str]:
        """Check that every text sent to an item is one that one of its scenes had."""
        scenes = {str(film.key): self._scenes[name] for name, film in self._films.items()}
        for entry in self.world.plex.journal:
            key = entry.get("id") or entry.path.rpartition("/")[2]  # the item's own endpoint
            for name, value in entry.params if entry.method == "PUT" else ():
                if value in self._owners and self._owners[value] not in scenes[key]:
                    yield f"the item of scenes {scenes[key]} was sent {name}={value!r}"

    def _judge_scene(
        self, scene: int, dead_letters: Mapping[int, Any], state: Any
    ) -> Iterable[str]:
        """What the worker must have reached by itself."""
        dead_letter = dead_letters.get(scene)
        if dead_letter is not None:
            yield from self._judge_dead_letter(scene, dead_letter, state)
        elif scene in self.known and self._owner(scene, dead_letters) == scene:
            yield from self._compare(scene)

    def _judge_dead_letter(self, scene: int, dead_letter: Any, state: Any) -> Iterable[str]:
        if not dead_letter.message:
            yield f"scene {scene} has a dead letter without a reason"
        if dead_letter.error == "PlexNotFound" and self._film(scene) is not None:
            yield f"Plex now has the film of scene {scene}, but its dead letter remains"
        if state is None or state.state == "synced":
            yield f"scene {scene} has a dead letter and is {state and state.state}"

    def _judge_tried(
        self, scene: int, dead_letters: Mapping[int, Any], _state: Any
    ) -> Iterable[str]:
        film = self._film(scene)
        if scene in dead_letters and film is not None and film.key not in self.refused:
            yield f"scene {scene} was tried again, but its dead letter remains"

    def _judge_strictly(
        self, scene: int, dead_letters: Mapping[int, Any], state: Any
    ) -> Iterable[str]:
        """What there must be once nothing prevents it any more."""
        yield from self._judge_tried(scene, dead_letters, state)
        film = self._film(scene)
        if film is None or film.key in self.refused:
            return
        own = self._owner(scene, dead_letters) == scene
        if own:
            yield from self._compare(scene)
        if state is None or state.state != ("synced" if own else "shared"):
            yield f"scene {scene} is {state and state.state}, but has {'a' if own else 'no'} film"

    def _owner(self, scene: int, dead_letters: Mapping[int, Any]) -> int | None:
        """The scene to which the film of this one belongs."""
        same = [s for s, name in self._files.items() if name == self._files[scene]]
        return min((s for s in same if s not in dead_letters), default=None)

    def _compare(self, scene: int) -> Iterable[str]:
        film = self._film(scene)
        if film is None:
            yield f"scene {scene} has no film and no dead letter"
            return
        wanted, shown = self._wanted(scene), _shown(film)
        if wanted != shown:
            yield f"scene {scene} should show {wanted}, but shows {shown}"

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
    (Model.twin, 2),
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
