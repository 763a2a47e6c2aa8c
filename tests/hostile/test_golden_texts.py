"""What users read: every task of Stash's task page with an empty, a healthy, a dead-Plex
and a badly configured set-up, compared with the texts in tests/golden.

PLEXSYNC_UPDATE_GOLDEN=1 writes those files anew; read them before you commit them.
"""

from __future__ import annotations

import difflib
import os
import random
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from plexsync import app, services, task_runner
from plexsync.edges.log.log import FileSink, Log
from plexsync.flows.tasks.arguments import read_task_arguments
from plexsync.flows.tasks.context import READS
from plexsync.flows.tasks.registry import TASKS
from plexsync.flows.worker.worker import Worker
from simulator.plex import PlexSim
from simulator.plugin_manifest import load_manifest
from simulator.stash import StashSim
from tests.installation import copy_plugin
from tests.world import ROOT, TOKEN, FakeClock, ListSink, World

GOLDEN = ROOT / "tests" / "golden"

TWICE = ("clear_dead_letters", "undo_all")
"""Tasks that must be confirmed by a second run."""

MANIFEST = load_manifest(str(ROOT / "PlexSync.yml"))
WRITERS = ("process_queue", "undo_all")
"""Tasks that write to Plex, so that each needs a Plex of its own."""

BUTTONS = [(task.name, str(task.default_args["mode"])) for task in MANIFEST.tasks]

Story = Callable[[World], None]

LENGTH = r"\d+ (?:ms|s|min|h|d)(?: \d+ (?:s|min|h))?"

VARIES = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d", "<time>"),
    (r"\d{8}T\d{6}Z", "<time>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>"),
    (r"\bat \d\d:\d\d\b", "at <time>"),
    (rf"(?:{LENGTH} ago|just now)", "<some time> ago"),
    (r"\d+\.\d+ s\b", "<seconds>"),
    (r"\bseconds=[\d.]+", "seconds=<number>"),
    (rf"\b(?<!last ){LENGTH}\b(?! ago)", "<seconds>"),
    (r"(?<=the next )(?:in <seconds>|is due now)", "<when>"),
    (r"(?<=one is tried )(?:in <seconds>|now)", "<when>"),
    (r"(?<=:)\d{4,5}\b(?!-)", "<port>"),
    (r"(?<=port=)\d{4,5}", "<port>"),
    (r"\bpid=\d+", "pid=<number>"),
    (r"Python \d[\w.+]*", "Python <version>"),
    (r"(?<=PlexSync )\d+\.\d+\.\d+", "<version>"),
    (r"(?<=version=)\d+\.\d+\.\d+", "<version>"),
    (r"Free space: \d+ MB", "Free space: <size> MB"),
    (r"\d+\.\d\d MB from it", "<size> MB from it"),
    (r"Traffic: \d+ requests?", "Traffic: <number> requests"),
    (r"\d+ lookups, \d+ hits, \d+ misses", "<number> lookups, <number> hits, <number> misses"),
    (r"at \d+\.\d writes/s", "at <rate> writes/s"),
    (r"Plex was available \d+\.\d\d%", "Plex was available <share>%"),
    (r"<seconds> {2,}", "<seconds>  "),
    (r"checked: \d+ ok, \d+ with a warning", "checked: <some> ok, <some> with a warning"),
)


class Desk:
    """A user at Stash's task page, and the background worker."""

    def __init__(self, plugin: Path, world: World) -> None:
        self.plugin, self.world = plugin, world

    def press(self, mode: str) -> Iterator[str]:
        """The lines of one run."""
        world, task, sink = self.world, TASKS[mode], ListSink()
        stash, log = world.client(), Log(sink)
        kind = services.Services if task.kind == READS else app.App
        failed = ""
        try:
            with closing(kind(world.folder, stash, world.clock, log, {})) as parts:
                task_runner.run_with(
                    task, str(self.plugin), read_task_arguments(mode, task, {}), parts, lambda: None
                )
        except Exception as problem:  # noqa: BLE001 - as plexsync/entry.py answers it
            failed = str(problem) or type(problem).__name__
        finally:
            stash.close()
        for level, text in sink.lines:
            yield f"{level:<7} {text}"
        if failed:
            yield f"error:  {failed}"


def work(world: World, minutes: float) -> None:
    """Run the background worker for this long, in the world's time."""
    end = world.clock.passed + minutes * 60
    stash = world.client()
    log = Log(FileSink(os.path.join(world.folder, "plexsync.log"), world.clock.now))

    def leave() -> str:
        return "time is up" if world.clock.passed >= end else ""

    with closing(app.App(world.folder, stash, world.clock, log, {})) as host:
        worker = Worker(
            world.folder, host.stores, host, stash, world.clock, log, random.Random(1), leave,
            host.statistics.observe,
        )  # fmt: skip
        worker.start()
        worker.drain()
    stash.close()


@contextmanager
def desk(folder: Path, story: Story) -> Iterator[Desk]:
    """A new installation after this story."""
    plugin = copy_plugin(folder / "plugins" / "PlexSync")
    data = plugin / "data"
    data.mkdir(mode=0o700)
    clock = FakeClock()
    clock.start = float(int(clock.start))
    with PlexSim(token=TOKEN) as plex, StashSim(clock=clock.now) as stash:
        world = World(data, plex, stash)
        world.clock, plex.clock = clock, clock.now
        world.configure(no_poster=True)
        story(world)
        yield Desk(plugin, world)


def empty(world: World) -> None:
    """Just installed; Stash has no scenes and Plex no items."""


def a_day(world: World) -> None:
    """Six scenes, most of which a worker has synced."""
    in_step, _ = world.pair("alpha.mp4", title="Alpha", details="The first.", date="2024-01-02")
    edited, _ = world.pair("bravo.mp4", title="Bravo")
    refused, _ = world.pair("charlie.mp4", title="Charlie")
    absent = world.stash.add_scene(files=[("/data/delta.mp4", 1000)], title="Delta")
    world.film("x/echo.mp4", size=5)
    world.film("y/echo.mp4", size=5)
    unsure = world.stash.add_scene(files=[("/elsewhere/echo.mp4", 5)], title="Echo")
    world.film("nobodys.mp4")
    changed, its = world.pair("foxtrot.mp4", title="Foxtrot", details="Before.")
    for scene in (in_step, edited, absent, unsure, changed):
        world.event(scene)
    work(world, 1)
    fault = world.plex.add_fault("status", match="PUT", status=400)
    world.edit(refused, title="Charlie II")
    work(world, 0.5)
    fault.remove()
    its.summary, its.updated_at = "Somebody else's words.", int(world.clock.now())
    world.edit(edited, title="Bravo II", details="More of it.")


def healthy(world: World) -> None:
    """Plex was down for some minutes; since then all but a few scenes were synced."""
    scene, _ = world.pair("golf.mp4", title="Golf")
    world.plex.stop()
    world.edit(scene, title="Golf II")
    work(world, 3)
    world.plex.start()
    work(world, 1)
    a_day(world)


def dead_plex(world: World) -> None:
    """The same library, but Plex is gone and four minutes have passed."""
    a_day(world)
    world.plex.stop()
    work(world, 4)


def nothing_entered(world: World) -> None:
    """Neither address nor token."""
    world.pair("alpha.mp4", title="Alpha")
    world.stash.set_plugin_settings({})


def wrong_token(world: World) -> None:
    """An address, but a token that Plex does not know."""
    world.pair("alpha.mp4", title="Alpha")
    world.configure(plex_token="not-the-right-token", max_retries=99, recovery_strategy="bold")
    world.event(1)
    work(world, 1)


def wrong_names(world: World) -> None:
    """A library that does not exist, and a path map that cannot be read and does not fit."""
    world.pair("alpha.mp4", title="Alpha")
    world.configure(plex_library="Movies", path_map="/plex=/data; /films=>/videos")
    world.event(1)
    work(world, 1)


SITUATIONS: dict[str, tuple[tuple[str, Story], ...]] = {
    "empty": (("Just installed: Stash has no scenes, Plex has no items", empty),),
    "healthy": (("Seven scenes; an outage is over, a few scenes need a look", healthy),),
    "dead-plex": (("Six scenes; Plex has been away for minutes", dead_plex),),
    "badly-configured": (
        ("Neither the address of Plex nor a token is entered", nothing_entered),
        ("The token is wrong, and two settings have values that are not allowed", wrong_token),
        ("The library does not exist, the path map is misspelt and does not fit", wrong_names),
    ),
}


def plain(line: str, at: Desk) -> str:
    """A line without what differs between runs or machines."""
    for folder, name in (
        (str(at.plugin), "<plugin>"), (sys.executable, "<python>"), (str(ROOT), "<checkout>"),
    ):  # fmt: skip
        line = line.replace(folder, name)
    for pattern, name in VARIES:
        line = re.sub(pattern, name, line)
    if "] Dependencies:" in line or "] Disk:" in line:
        line = re.sub(
            r"^\w+ +\[\w+\] (\w+): .*", r"<level> [<state>] \1: <as on this machine>", line
        )
    return line


def told(folder: Path, story: Story) -> Iterator[str]:
    """Every task of the task page, each run right after the story."""
    texts: dict[str, list[str]] = {}
    with desk(folder / "readers", story) as at:
        shutil.copytree(at.world.folder, folder / "after the story")
        for name, mode in BUTTONS:
            if mode not in WRITERS:
                shutil.rmtree(at.world.folder)
                shutil.copytree(folder / "after the story", at.world.folder)
                texts[mode] = list(pressed(at, name, mode))
    for name, mode in BUTTONS:
        if mode in WRITERS:
            with desk(folder / mode, story) as at:
                texts[mode] = list(pressed(at, name, mode))
    for _, mode in BUTTONS:
        yield from texts[mode]


def pressed(at: Desk, name: str, mode: str) -> Iterator[str]:
    for times in ("", ", pressed again") if mode in TWICE else ("",):
        yield f"### {name}{times}"
        yield from (plain(line, at) for line in at.press(mode))
        yield ""


@pytest.mark.long
@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_texts_of_every_button(situation: str, tmp_path: Path) -> None:
    lines = [f"# {situation}: what each button tells", ""]
    for number, (title, story) in enumerate(SITUATIONS[situation]):
        lines += [f"## {title}", "", *told(tmp_path / str(number), story)]
    text = "\n".join(lines).rstrip() + "\n"
    path = GOLDEN / f"{situation}.txt"
    if os.environ.get("PLEXSYNC_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    difference = "\n".join(
        difflib.unified_diff(
            known.splitlines(), text.splitlines(), str(path), "what users read now", lineterm=""
        )
    )
    assert not difference, (
        f"{difference}\n\nIs that what users should read? Then run this test with "
        "PLEXSYNC_UPDATE_GOLDEN=1, which writes the file anew."
    )
