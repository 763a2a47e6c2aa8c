"""Both simulated servers, a data folder and workers that can be killed, with checks of the result."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plexsync import inbox
from plexsync.edges.page import read_state
from plexsync.edges.queue.dead_letters import DeadLetters
from plexsync.edges.queue.queue_queries import LIVE, TABLE
from plexsync.edges.queue.queue_store import FILE
from plexsync.edges.storage.read_only import read_only
from plexsync.model.dead_letter import DeadLetter
from simulator.plex import PlexSim
from simulator.stash import StashSim
from torture.nursery import Nursery
from torture.sickness import Sickness

TOKEN = "torture-plex-token"
SETTINGS = {"plex_token": TOKEN, "path_map": "/plex=>/data", "no_poster": True, "max_retries": 10}
LONG_AGO = 1_500_000_000.0
"""The time of everything in Stash, in the past: otherwise a sweep would find every lost job again, and
until a minute after the first edit every scene, by its studio and people.
"""
_OWN = re.compile(r"\b(?:Scene|scene) (\d+)\b")
_TEXTS = re.compile(r"(title|summary|studio)\.value|\w+\[\d+\]\.tag\.tag", re.ASCII)


def _sets_text(entry: Any) -> bool:
    """Whether Plex carried out an edit of a text, and not only of locks, by which an item is tried."""
    return entry.status == 200 and any(_TEXTS.fullmatch(name) for name, _ in entry.params)


@dataclass(slots=True)
class Verdict:
    """The result; `bad` must be empty.

    `lost`: scenes whose acknowledged event appears neither in Plex nor in a dead letter. `wrong`:
    writes of another scene's values to an item. `twice`: writes of what was written before. `innocent`:
    dead letters for anything but Plex's refusal. `complaints`: log lines that no kill explains.
    """

    lost: list[str]
    wrong: list[str]
    twice: int
    dead: int
    innocent: int
    complaints: list[str]

    @property
    def bad(self) -> list[str]:
        """All violations."""
        return self.lost + self.wrong + self.complaints


class Stage:
    """A context manager for a number of scenes, each with its film in Plex.

    A share `refused` of the films accepts no edit, a share `sick` of all writes fails.
    """

    def __init__(
        self,
        root: Path,
        seed: int = 1,
        scenes: int = 400,
        refused: float = 0.1,
        sick: float = 0.2,
        speed: float = 1000.0,
        data: Path | None = None,
        settings: dict[str, Any] | None = None,
    ) -> None:
        self.data = data or root / "data"
        self.data.mkdir(mode=0o700)
        self.dice = random.Random(seed)
        self.plex, self.stash = PlexSim(token=TOKEN).start(), StashSim()
        self.stash.clock = lambda: LONG_AGO
        self.stash.start()
        self.nursery = Nursery(self.data, speed)
        self.films: dict[int, Any] = {}
        self.takes: Counter[int] = Counter()
        self.touched: set[int] = set()
        self.worker = 0
        """Pid of the worker under test."""
        self.on_request: Callable[[Any], bool] = lambda request: False
        """Called with every request before it is carried out; True drops it."""
        for server in (self.plex, self.stash):
            server.add_fault("reset", match=lambda request: self.on_request(request))
        self._section = self.plex.add_section("Films", locations=["/plex"])
        self.stash.set_plugin_settings({"plex_url": self.plex.url, **SETTINGS, **(settings or {})})
        for _ in range(scenes):
            self._add()
        count = int(scenes * refused)
        self.refused = set(self.dice.sample(sorted(self.films), count))
        bad = {self.films[scene].key for scene in self.refused}
        self.sickness = Sickness(self.plex, seed, sick, bad)

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *problem: object) -> None:
        self.nursery.__exit__()
        self.plex.stop()
        self.stash.stop()

    def _add(self) -> None:
        name = f"film {len(self.films) + 1:04d}.mp4"
        key = self.plex.add_item(self._section, file=f"/plex/{name}", size=1000)
        scene = self.stash.add_scene(files=[(f"/data/{name}", 1000)])
        studio = self.stash.add_studio(f"Studio of scene {scene}")
        people = [self.stash.add_performer(f"Person {n} of scene {scene}") for n in range(2)]
        stored = self.stash.scene(scene)
        stored.studio, stored.performers = studio, people
        self.films[scene] = self.plex.item(key)

    def reset(self) -> None:
        """Reset all but the takes: an empty data folder, bare films."""
        shutil.rmtree(self.data)
        self.data.mkdir(mode=0o700)
        self.plex.clear_journal()
        self.sickness.forget()
        self.touched.clear()
        for film in self.films.values():
            film.title, film.summary, film.studio = film.files[0][0], "", ""
            film.tags.clear()
            film.locks.clear()

    # -- what a user does ----------------------------------------------------------------------

    def edit(self, scene: int) -> None:
        """Save a scene in Stash; the event is acknowledged when this returns."""
        self.takes[scene] += 1
        text = f"Scene {scene}, take {self.takes[scene]}"
        self.stash.edit(scene, title=text, details="" if self.takes[scene] % 3 == 0 else text)
        fields = ["title", "details", "id"]
        event = {"id": scene, "type": "Scene.Update.Post", "inputFields": fields}
        inbox.drop(str(self.data), json.dumps(event).encode())
        self.touched.add(scene)

    def edit_some(self, count: int) -> None:
        """Save `count` random scenes."""
        for scene in self.dice.sample(sorted(self.films), count):
            self.edit(scene)

    def kill_worker(self) -> None:
        """Kill the worker under test; another thread waits for its end."""
        if self.worker > 1:  # 0 would mean the whole process group
            os.kill(self.worker, signal.SIGKILL)

    # -- workers -------------------------------------------------------------------------------

    def block(self) -> bytes:
        """The connection block as Stash passes it."""
        return json.dumps(self.stash.server_connection()).encode()

    def drain(self) -> None:
        """Run one worker, undisturbed, until no work is left."""
        self.nursery.wait(self.nursery.start(self.block()), 120.0)

    def idle(self) -> bool:
        """Whether nothing waits in inbox and queue."""
        return (
            not inbox.collect(str(self.data), limit=1)
            and not read_state.queue(str(self.data)).live_jobs()
        )

    # -- the judge -----------------------------------------------------------------------------

    def dead_letters(self) -> dict[int, DeadLetter]:
        """All dead letters by scene."""
        with closing(DeadLetters(str(self.data / "dlq.db"), self._complain)) as dead:
            page = dead.page(10**6)
            if len(page) != len({dead_letter.scene for dead_letter in page}):
                raise AssertionError("a scene has two dead letters")
            return {dead_letter.scene: dead_letter for dead_letter in page}

    def _complain(self, text: str) -> None:
        raise AssertionError(text)

    def log(self) -> str:
        """The workers' log."""
        parts = sorted(self.data.glob("plexsync.log*"), reverse=True)
        return "".join(part.read_text() for part in parts)

    def queued(self) -> set[int]:
        """Scenes with a live job, read beside the owner."""
        path = self.data / "queue" / FILE
        if not path.exists() or path.with_name(f"{FILE}-journal").exists():  # being made
            return set()
        with closing(read_only(str(path))) as connection:
            sql = f"SELECT 1 FROM sqlite_master WHERE name = '{TABLE}'"
            if connection.execute(sql).fetchone() is None:
                return set()
            rows = connection.execute(f"SELECT data FROM {TABLE} WHERE {LIVE}").fetchall()
        return {int(json.loads(row[0])["scene"]) for row in rows}

    def homeless(self) -> list[str]:
        """Scenes whose event is nowhere: not in inbox, queue or dead letters, and not done."""
        inboxed = {json.loads(r.data or b"")["id"] for r in inbox.collect(str(self.data))}
        dlq = self.data / "dlq.db"
        made = dlq.exists() and dlq.stat().st_size
        dead_letters = self.dead_letters() if made else {}
        waiting = inboxed | self.queued() | dead_letters.keys()
        return [
            f"{why} and nowhere"
            for scene in sorted(self.touched - waiting)
            for why in self._differs(scene)
        ]

    def judge(self) -> Verdict:
        """Check everything once no work is left."""
        dead_letters = self.dead_letters()
        writes = [e for e in self.plex.journal if e.method == "PUT"]
        applied = Counter((e.get("id"), tuple(e.params)) for e in writes if _sets_text(e))
        return Verdict(
            lost=[*self._lost(dead_letters)],
            wrong=[*self._wrong(writes)],
            twice=sum(count - 1 for count in applied.values()),
            dead=len(dead_letters),
            innocent=sum(not self._was_refused(each) for each in dead_letters.values()),
            complaints=[] if self.idle() else ["work is left"],
        )

    def _lost(self, dead_letters: dict[int, DeadLetter]) -> Iterable[str]:
        for scene in sorted(self.touched):
            dead_letter = dead_letters.get(scene)
            if dead_letter is None:
                yield from self._differs(scene)
            elif not dead_letter.message or not self._is_explained(dead_letter):
                yield f"scene {scene}: dead without its reason: {dead_letter}"

    def _is_explained(self, dead_letter: DeadLetter) -> bool:
        """Whether a scene that Plex refuses is dead for that, or for workers killed before they met it."""
        refuses = dead_letter.scene in self.refused
        return not refuses or self._was_refused(dead_letter) or dead_letter.cause == "poison"

    def _was_refused(self, dead_letter: DeadLetter) -> bool:
        return dead_letter.scene in self.refused and dead_letter.status == 400

    def _differs(self, scene: int) -> Iterable[str]:
        stored, film = self.stash.scene(scene), self.films[scene]
        wanted, shown = (stored.title, stored.details), (film.title, film.summary)
        if wanted != shown:
            yield f"scene {scene} should show {wanted}, but shows {shown}"

    def _wrong(self, writes: Iterable[Any]) -> Iterable[str]:
        owner = {str(film.key): str(scene) for scene, film in self.films.items()}
        for entry in writes:
            key = entry.get("id") or entry.path.rpartition("/")[2]  # the item's own endpoint
            scene = owner[key]
            for name, value in entry.params:
                if value and _TEXTS.fullmatch(name) and _OWN.findall(value) != [scene]:
                    yield f"the item of scene {scene} was sent {name}={value!r}"
