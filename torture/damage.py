"""Damages one file of a data folder that a killed worker has left, before the next worker starts."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plexsync.edges.log.log import Log
from plexsync.edges.page import read_state
from plexsync.lifecycle import run_as_owner
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.world import TOKEN, World
from torture import rows

DATABASES = ("queue/data.db", "ledger.db", "dlq.db", "plex_index.db")
LOGS = ("queue/data.db-wal", "ledger.db-wal", "dlq.db-wal")
STATES = (
    "queue/epoch.json",
    "device_id.json",
    "circuit_breaker.json",
    "recovery_state.json",
    "outage_history.json",
)
FILES = (*DATABASES, *LOGS, *STATES)


def cut(path: Path, dice: random.Random) -> None:
    """Cut off its end."""
    os.truncate(path, dice.randrange(path.stat().st_size))


def zeroed(path: Path, dice: random.Random) -> None:
    """Overwrite one page, or all of a small file, with zeros."""
    size = path.stat().st_size
    start = dice.randrange(max(1, size // 4096)) * 4096
    _overwrite(path, start, bytes(min(4096, size - start)))


def flipped(path: Path, dice: random.Random) -> None:
    """Change a few bytes."""
    for _ in range(4):
        _overwrite(path, dice.randrange(path.stat().st_size), bytes([dice.randrange(256)]))


def emptied(path: Path, dice: random.Random) -> None:
    """Empty it."""
    os.truncate(path, 0)


def deleted(path: Path, dice: random.Random) -> None:
    """Delete it."""
    path.unlink()


def nonsense(path: Path, dice: random.Random) -> None:
    """Replace its content."""
    texts = (b"null", b"[]", b"{}", b'{"version": 1e999}', b"\xff\xfe", b"[" * 100_000, b"\0" * 64)
    path.write_bytes(dice.choice(texts))


KINDS: tuple[Callable[[Path, random.Random], None], ...] = (
    cut,
    zeroed,
    flipped,
    emptied,
    deleted,
    nonsense,
)


def _overwrite(path: Path, start: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(data)


def _edits(film: Any) -> Callable[[Any], bool]:
    """Matches edits of a film by either endpoint, since a refused one is repeated by the other."""
    way = f"/library/metadata/{film.key}"
    return lambda request: (
        request.method == "PUT" and (("id", str(film.key)) in request.params or request.path == way)
    )


class Damage:
    """A context manager: scenes in step, one that waits for a retry, and one given up.

    Every trial starts with the same folder, as it was between two batches, and with the same
    servers, whose films stay as the previous trial left them.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._image = root / "image"
        folder = root / "begin"
        folder.mkdir(mode=0o700)
        self._plex, self._stash = PlexSim(token=TOKEN).start(), StashSim()
        self._stash.start()
        self.world = World(folder, self._plex, self._stash)
        self.world.configure(no_poster=True)
        pairs = [self.world.pair(f"{n}.mp4", title=f"Scene {n}") for n in range(8)]
        self.films = dict(pairs)
        self.waiting, self.dead = pairs[6][0], pairs[7][0]
        self._trials = 0
        self._prepare()

    def __enter__(self) -> Damage:
        return self

    def __exit__(self, *problem: object) -> None:
        self._plex.stop()
        self._stash.stop()

    def _prepare(self) -> None:
        """Play an outage, a recovery, and a batch in which one write fails and one is refused."""
        world = self.world
        world.plex.stop()
        world.event(next(iter(self.films)))
        world.run(minutes=10)
        world.plex.start()
        world.run(minutes=10)
        for scene, status in ((self.waiting, 500), (self.dead, 400)):
            world.plex.add_fault("status", match=_edits(self.films[scene]), status=status)
        world.plex.clear_journal()
        for scene in self.films:
            world.edit(scene, title=f"Scene {scene}, edited")
        world.run(1, self._take_image)
        if not self._image.exists():
            raise AssertionError("the data folder was never copied")
        world.plex.clear_faults()

    def _take_image(self) -> str:
        written = self.world.plex.count("PUT") >= len(self.films)
        done = written and bool(read_state.dead_letters(self.world.folder).count())
        if done and not self._image.exists():
            rows.fill(Path(self.world.folder) / "ledger.db", min(self.films))
            shutil.copytree(self.world.folder, self._image)
        return "the data folder is copied" if done else ""

    def trial(self, file: str, kind: Callable[[Path, random.Random], None], seed: int) -> list[str]:
        """Damage one file and run workers; returns what went wrong."""
        dice = random.Random(f"{file} {kind.__name__} {seed}")
        return self._try(file, lambda path: kind(path, dice))

    def columns(self) -> list[rows.Column]:
        """Every column of every database in the copied data folder."""
        return [each for file in DATABASES for each in rows.columns(self._image / file, file)]

    def row_trial(self, column: rows.Column, value: str) -> list[str]:
        """Replace each value of a column by an SQL value; returns what went wrong."""
        bad = self._try(column.file, lambda path: rows.replace(path, column, value))
        return bad + [text for _, text in self.world.sink.lines if "cannot be used" in text]

    def shapes(self) -> list[tuple[str, str]]:
        """A database, and SQL by which it becomes another one."""
        return [(file, sql) for file in DATABASES for sql in rows.shapes(self._image / file)]

    def shape_trial(self, file: str, sql: str) -> list[str]:
        """Make a database another one; what went wrong."""
        bad = self._try(file, lambda path: rows.reshape(path, sql))
        return bad + [text for _, text in self.world.sink.lines if "cannot be used" in text]

    def _try(self, file: str, harm: Callable[[Path], object]) -> list[str]:
        world = self.world
        self._trials += 1
        folder = self._root / f"trial-{self._trials}"
        shutil.copytree(self._image, folder)
        folder.chmod(0o700)
        world.folder = str(folder)
        world.sink.lines.clear()
        for scene, film in self.films.items():
            film.title = world.stash.scene(scene).title = f"Scene {scene}, edited"
        self.films[self.waiting].title = self.films[self.dead].title = "not yet"
        harm(folder / file)
        bad = self._live(file)
        told = len([1 for level, _ in world.sink.lines if level in ("warning", "error")])
        bad += [f"{told} lines about it"] if told > 3 else []
        bad += self._unharmed(file)
        for scene in self.films:
            world.edit(scene, title=f"Scene {scene} after trial {self._trials}")
        bad += self._live(file) + self._check(folder, file)
        shutil.rmtree(folder)
        return bad

    def _live(self, file: str) -> list[str]:
        """Run a worker with its real loop, which waits while the disk fails."""
        world = self.world
        end = world.clock.passed + 300
        tries = iter(range(200))

        def leave() -> str:
            over = world.clock.passed >= end or next(tries, None) is None
            return "time is up" if over else ""

        stash = world.client()
        try:
            run_as_owner(world.folder, stash, world.clock, Log(world.sink), leave)
        except Exception as problem:  # noqa: BLE001 - no exception may leave the worker
            return [f"the worker ended with {problem!r}"]
        return []

    def _unharmed(self, file: str) -> list[str]:
        """Check that what is in other files was not affected."""
        bad = []
        waiting = self.films[self.waiting]
        if not file.startswith("queue/") and waiting.title != self._title(self.waiting):
            bad.append(f"the waiting scene was forgotten: it shows {waiting.title!r}")
        dead = self.films[self.dead].title != self._title(self.dead)
        if dead and not file.startswith("dlq.db") and self.world.dead_letter(self.dead) is None:
            bad.append("the dead letter is gone")
        return bad

    def _title(self, scene: int) -> str:
        return str(self.world.stash.scene(scene).title)

    def _check(self, folder: Path, file: str) -> list[str]:
        world = self.world
        bad = [
            f"scene {scene} shows {film.title!r}"
            for scene, film in self.films.items()
            if film.title != self._title(scene)
        ]
        bad += [text for _, text in world.sink.lines if "Unexpected" in text]
        base = file.removesuffix("-wal")
        aside = [path.name for path in folder.rglob("damaged/*")]
        bad += [f"{name} was set aside too" for name in aside if Path(base).name not in name]
        return bad
