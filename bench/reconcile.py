"""A reconciliation of a large library with planted gaps: what it finds, its requests and time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bench.drain import NO_IMAGES, WRITE_TIME, memory
from bench.multiplied import FEW, repeat_ledger
from bench.report import Row, at_most, none_of
from bench.servers import TOKEN
from bench.site import Site, Worker, clean_environment, peak_memory, send_away
from bench.traffic import Traffic, sort
from plexsync import system
from plexsync.edges.ledger.ledger import Ledger
from plexsync.edges.plex.client import PlexClient, load_client_id
from plexsync.edges.plex.library_index import PlexIndex
from plexsync.edges.stash.client import StashClient
from plexsync.model.config import PlexSyncConfig
from plexsync.model.config_reader import read_config
from plexsync.model.connection import parse_connection
from plexsync.model.ledger import SYNCED, SceneState, TargetState
from plexsync.model.paths import index_keys
from plexsync.model.plex import Base, Written
from plexsync.model.scene import Scene
from plexsync.model.values import value_hash
from plexsync.policy.desired import desired, hash_desired

LATENCY = 0.020
"""Plex's latency in seconds."""
SETTINGS = {"no_poster": True, "pause_sync": True}
"""Settings that prevent writes, so that the planted gaps stay."""
LOOKS = 3
"""Number of runs, of which the cheapest counts."""
SHARE = 100
"""One scene in this many has a gap of each kind."""
MEMORY = 100 * 2**20
MUCH_MEMORY = 300 * 2**20
MOST_STORED = 1500
"""Limits for a million scenes, in bytes: of memory, and on disk for each scene."""
GROWTH = 11.0
AFTER_WRITES = 1.5
WRITTEN_AT = 1700000000.123
"""When PlexSync wrote the scenes."""
OTHERS = 4
"""Requests that any library takes: the libraries, what is new, the count."""
TIMES = 10
"""How many times larger the large library is."""
DETAILS, LIST, PAGE = 100, 1000, 500


@dataclass(frozen=True, slots=True)
class Pressed:
    """One run of the task: its answer, seconds of wall-clock and CPU time, peak memory in
    bytes, and requests.
    """

    answer: Mapping[str, Any]
    seconds: float
    work: float
    peak: int
    plex: Traffic
    stash: int


def reconcile(count: int) -> Iterator[Row]:
    """Rows for a library with `count` scenes."""
    yield from _measure(count)


def growth(small: int) -> Iterator[Row]:
    """The same for a library with `small` scenes and for one ten times as large."""
    first, again = yield from _measure(small)
    many, many_again = yield from _measure(TIMES * small)
    for what, one, ten in (("first run", first, many), ("no changes", again, many_again)):
        growth, wait = ten.work / one.work, ten.seconds / one.seconds
        name = f"reconciliation, {what}: {TIMES} times the scenes take"
        text = f"{growth:.1f} times the work ({wait:.1f} times as long, mostly the servers)"
        yield at_most(name, growth, GROWTH, text)


def small(counts: Sequence[int]) -> Iterator[Row]:
    """The same for small libraries."""
    for count in counts:
        yield from _measure(count)


def written(count: int) -> Iterator[Row]:
    """What a reconciliation reads again after a drain that wrote every scene, and what it costs."""
    with Site(LATENCY, WRITE_TIME, NO_IMAGES) as site:
        site.ask("age", 3000)
        site.edited(site.ask("fill", count))
        with Worker(site) as worker:
            worker.drain()
        site.ask("configure", SETTINGS)
        first, again = _press(site), _press(site)
    what = f"reconciliation after a drain of {count:,} changed scenes"
    read = len(first.plex.items)
    yield at_most(f"{what}: requests for details", read, 1, f"{read}")
    ratio = first.work / again.work
    text = f"{ratio:.2f} x ({first.work:.2f} s, {again.work:.2f} s)"
    yield at_most(f"{what}: CPU, and of the next one", ratio, AFTER_WRITES, text)


RUNS = ("index", "first run", "no changes")
"""What is measured of the largest library."""


def large(count: int) -> Iterator[Row]:
    """Index, first run and no changes of a library of `count` scenes and of a tenth of them."""
    (few, _), (many, size) = _costs(count // TIMES), _costs(count)
    for what, one, ten in zip(RUNS, few, many, strict=True):
        growth = ten.work / one.work
        if what != "index":
            yield Row(f"reconciliation of {count:,} scenes: {what}", _time(ten))
        name = f"{count:,} scenes, {what}: CPU of {TIMES} times the scenes"
        text = f"{growth:.1f} times ({one.work:.1f} s, {ten.work:.1f} s)"
        yield at_most(name, growth, GROWTH, text)
    peak = max(each.peak for each in many)
    yield memory(f"{count:,} scenes: peak memory", peak or None, MUCH_MEMORY)
    name = f"{count:,} scenes: data folder, bytes a scene"
    yield at_most(name, size / count, MOST_STORED, f"{size / count:.0f} ({size / 2**20:.0f} MiB)")


def _costs(count: int) -> tuple[Sequence[Pressed], int]:
    """The three, and the size of the data folder in bytes."""
    few = min(count, FEW)
    with Site(0.0, 0.0, SETTINGS) as site:
        site.ask("age", 5000)
        site.ask("fill", few)
        site.ask("settle")
        _seed(site, SETTINGS)
        repeat_ledger(os.path.join(site.data, "ledger.db"), few, count)
        site.ask("multiply", count)
        site.ask("age", 3000)
        found = []
        for what in RUNS:
            found.append(_press(site, "rebuild_index" if what == "index" else "reconcile_all"))
            told = f"{_time(found[-1])}, {found[-1].peak >> 20} MiB"
            print(f"{count:,} scenes, {what}: {told}", file=sys.stderr, flush=True)
        return found, sum(map(_size, os.scandir(site.data)))


def _size(entry: os.DirEntry[str]) -> int:
    return entry.stat().st_size if entry.is_file() else 0


def _measure(count: int) -> Generator[Row, None, tuple[Pressed, Pressed]]:
    """Rows for one size; returns the first run and one without changes."""
    what, each = f"reconciliation of {count:,} scenes", max(1, count // SHARE)
    with Site(LATENCY, 0.0, SETTINGS) as site:
        site.ask("age", 5000)
        site.ask("fill", count)
        site.ask("settle")
        _seed(site, SETTINGS)
        site.ask("age", 3000)
        planted = site.ask("plant", each)
        first = _press(site)
        again = _press(site)
        site.ask("age", 1000)
        changed = site.ask("retouch", each)
        few = _press(site)
    yield from _found(f"{what}: first run", first, planted)
    yield _requests(f"{what}: first run", first, count, count)
    yield _stash(f"{what}: pages from Stash", first, count)
    yield Row(f"{what}: first run", _time(first))
    yield memory(f"{what}: peak memory", first.peak or None, MEMORY)
    yield from _found(f"{what}: no changes", again, planted)
    yield none_of(f"{what}: no changes: requests for details", len(again.plex.items), count)
    yield Row(f"{what}: no changes", _time(again))
    yield _requests(f"{what}: {changed} changed", few, count, changed)
    return first, again


def _time(pressed: Pressed) -> str:
    return f"{pressed.seconds:.1f} s ({pressed.work:.1f} s of it PlexSync's)"


def _found(what: str, pressed: Pressed, planted: Mapping[str, Sequence[int]]) -> Iterator[Row]:
    gaps = pressed.answer["gaps"]
    wrong = sum(abs(gaps[kind] - len(scenes)) for kind, scenes in planted.items())
    yield none_of(f"{what}: missed or false gaps", wrong, sum(map(len, planted.values())))


def _requests(what: str, pressed: Pressed, count: int, changed: int) -> Row:
    lists, details = len(pressed.plex.index), len(pressed.plex.items)
    whole = 1 - (-(count + max(1, count // SHARE)) // LIST)
    limits = max(OTHERS, whole), -(-changed // DETAILS)
    return Row(
        f"{what}: requests to Plex for lists, and for details",
        f"{lists}, and {details}",
        f"<= {limits[0]}, and {limits[1]}",
        lists <= limits[0] and details <= limits[1],
    )


def _stash(what: str, pressed: Pressed, count: int) -> Row:
    return at_most(what, pressed.stash, -(-count // PAGE), str(pressed.stash))


def _press(site: Site, mode: str = "reconcile_all") -> Pressed:
    """Press a button, and dismiss the worker that it leaves behind."""
    site.ask("journal"), site.ask("pages")
    output, work, peak = press(site, mode)
    traffic, pages = sort(site.ask("journal")), site.ask("pages")
    _await_worker(site)
    send_away(site)
    return Pressed(output, output["seconds"], work, peak, traffic, pages)


def press(site: Site, mode: str) -> tuple[Mapping[str, Any], float, int]:
    """Run a button as Stash does, in a separate process: its answer, CPU seconds, peak memory."""
    order = {"server_connection": json.loads(site.connection()), "args": {"mode": mode}}
    peak = 0
    process = subprocess.Popen(
        [sys.executable, os.path.join(site.plugin, "PlexSync.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=clean_environment(),
    )
    assert process.stdin and process.stdout
    process.stdin.write(json.dumps(order).encode())
    process.stdin.close()
    ended = 0
    while not ended:
        peak = max(peak, peak_memory(process.pid) or 0)
        time.sleep(0.05)
        ended, process.returncode, usage = os.wait4(process.pid, os.WNOHANG)
    answer = json.loads(process.stdout.read())
    if "output" not in answer:
        raise RuntimeError(f"{mode} failed: {answer}")
    return answer["output"], usage.ru_utime + usage.ru_stime, peak


def _await_worker(site: Site) -> None:
    """Wait until the worker left behind by the task owns the folder, so that it can be dismissed."""
    lock = system.LockFile(os.path.join(site.data, "worker.lock"))
    deadline = time.monotonic() + 5.0
    while not lock.busy() and time.monotonic() < deadline:
        time.sleep(0.02)


def _seed(site: Site, settings: Mapping[str, Any]) -> None:
    """The ledger as it is when PlexSync has written every scene."""
    token = {"plex_url": site.ask("hello")["plex"], "plex_token": TOKEN, **settings}
    config, _ = read_config(token, {})
    stash = StashClient(parse_connection(site.connection()))
    plex = PlexClient(
        config.plex_url, TOKEN, load_client_id(os.path.join(site.data, "device_id.json"))
    )
    index = PlexIndex(os.path.join(site.data, "seed.db"), plex, print, keys=index_keys)
    ledger = Ledger(os.path.join(site.data, "ledger.db"), print)
    try:
        index.refresh("", time.time())
        ledger.use_server(plex.server_id())
        fingerprint, after, left = f"{ledger.server} {config.desired_fingerprint()}", 0, 1
        while left > 0:
            page = stash.scene_page(after, 1000)
            ledger.save([_written(scene, config, fingerprint, index) for scene in page.scenes])
            after, left = page.last, page.left
    finally:
        for each in (index, ledger, plex, stash):
            each.close()
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.unlink(os.path.join(site.data, f"seed.db{ending}"))


def _written(
    scene: Scene, config: PlexSyncConfig, fingerprint: str, index: PlexIndex
) -> SceneState:
    desired_scene, _ = desired(scene, config, {})
    (part,) = index.find([scene.files[0].path])
    assert desired_scene is not None
    values = desired_scene.values.items()
    written = {name: Written(value, value_hash(value), WRITTEN_AT) for name, value in values}
    before = {name: Base("" if isinstance(value, str) else (), False) for name, value in values}
    before["title"] = Base(os.path.basename(part.file), False)
    target = TargetState(
        target=part.target, part=part.file, written=written, base=before, synced_at=WRITTEN_AT
    )
    return SceneState(
        scene=scene.id,
        state=SYNCED,
        since=WRITTEN_AT,
        desired_hash=hash_desired(desired_scene, scene.files, fingerprint),
        oshash=scene.files[0].oshash,
        path=scene.files[0].path,
        entities=desired_scene.entities,
        targets=(target,),
    )
