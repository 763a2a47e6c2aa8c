"""A drain of a thousand edited scenes: time, requests and memory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import requests

from bench.report import Row, at_most, none_of
from bench.servers import TOKEN
from bench.site import CONNECTIONS, Site, Worker
from bench.traffic import Traffic, sort

LATENCY, WRITE_TIME = 0.020, 0.015
"""Seconds until Plex answers, and seconds that a write takes, one at a time."""
SLOWEST = 1.1
"""Maximum time of a drain, as a multiple of what Plex alone would need."""
SLOWEST_WITH_POSTERS = 1.2
COVER = 200_000
"""Bytes of a cover."""
BATCH = 50
MEMORY = 200 * 2**20
"""Maximum bytes of the worker's memory at its peak."""
NO_IMAGES = {"no_poster": True}


def drain(count: int) -> Iterator[Row]:
    """Measure changed scenes, then the same ones unchanged, with and without the ledger."""
    with Site(LATENCY, WRITE_TIME, NO_IMAGES) as site:
        scenes = site.ask("fill", count)
        site.edited(scenes)
        with Worker(site) as worker:
            worker.drain()
            edits = site.ask("edits")
            traffic = sort(site.ask("journal"))
            if not traffic.writes:
                raise RuntimeError(f"nothing was written to Plex:\n{site.log()}")
            begin = site.ask("first_question")
            yield from _speed(traffic, count, begin, worker.started)
            yield _beside_a_loop(traffic.end - begin, _sent_by_a_loop(site, edits))
            yield from _requests(traffic, count)
            yield none_of("items that differ afterwards", site.ask("different"), count)
            yield memory(f"peak memory of the worker, {count} scenes", worker.peak())
            site.edited(scenes)
            worker.drain()
        again = sort(site.ask("journal"))
        yield _unchanged("unchanged scene", again, count)
        _forget_ledger(site)
        site.edited(scenes)
        with Worker(site) as worker:
            worker.drain()
        again = sort(site.ask("journal"))
        yield _unchanged("unchanged scene, ledger lost", again, count)
        yield none_of("items that differ afterwards", site.ask("different"), count)


def many(count: int) -> Iterator[Row]:
    """Measure so many changed scenes that a cost that grows with them would show."""
    with Site(LATENCY, WRITE_TIME, NO_IMAGES) as site:
        site.edited(site.ask("fill", count))
        with Worker(site) as worker:
            worker.drain()
            traffic = sort(site.ask("journal"))
            yield from _speed(traffic, count, site.ask("first_question"), worker.started)
            yield from _requests(traffic, count)
            yield none_of("items that differ afterwards", site.ask("different"), count)
            yield memory(f"peak memory of the worker, {count} scenes", worker.peak())


def posters(count: int) -> Iterator[Row]:
    """Measure changed scenes that have posters too: an edit, a read of its posters and an upload each."""
    with Site(LATENCY, WRITE_TIME, {}) as site:
        scenes = site.ask("fill", count, COVER)
        site.edited(scenes)
        with Worker(site) as worker:
            worker.drain()
            traffic = sort(site.ask("journal"))
            least = count * (3 * LATENCY + 2 * WRITE_TIME) / CONNECTIONS
            seconds = traffic.end - site.ask("first_question")
            yield Row(
                f"drain of {count} changed scenes with posters",
                f"{seconds:.1f} s, {count / seconds:.0f} scenes/s, {seconds / least:.2f} x",
                f"<= {SLOWEST_WITH_POSTERS} x = {SLOWEST_WITH_POSTERS * least:.1f} s",
                seconds <= SLOWEST_WITH_POSTERS * least,
            )
            share = traffic.side_by_side()
            yield Row("  of the time of uploads an edit was in flight too", f"{share:.0%}")
            for what, found in (("PUTs", traffic.writes), ("uploads", traffic.uploads)):
                yield at_most(
                    f"  {what} per scene", len(found) / count, 1.0, f"{len(found) / count:.3f}"
                )
            reads = len(traffic.items) / count
            limit = 1 + 2 * -(-count // BATCH) / count
            yield at_most("  reads per scene", reads, limit, f"{reads:.3f}")
            yield none_of("items that differ afterwards", site.ask("different"), count)
            yield memory(f"peak memory of the worker, {count} scenes with posters", worker.peak())


def memory(what: str, peak: int | None, limit: int = MEMORY) -> Row:
    """The row for a process's peak memory, "n/a" where the system does not report it."""
    if peak is None:
        return Row(what, "n/a", f"<= {limit >> 20} MiB")
    return at_most(what, peak / 2**20, limit / 2**20, f"{peak / 2**20:.0f} MiB", " MiB")


def _speed(traffic: Traffic, count: int, begin: float, started: float) -> Iterator[Row]:
    """Rows for the time from the first request to Stash until Plex's last answer."""
    seconds = traffic.end - begin
    least = count * (LATENCY + WRITE_TIME) / CONNECTIONS
    pace = f"{LATENCY * 1000:.0f} ms latency, {WRITE_TIME * 1000:.0f} ms a write"
    yield Row(
        f"drain of {count} changed scenes ({pace})",
        f"{seconds:.1f} s, {count / seconds:.0f} scenes/s, {seconds / least:.2f} x",
        f"<= {SLOWEST} x = {SLOWEST * least:.1f} s",
        seconds <= SLOWEST * least,
    )
    writing, reading, idle = traffic.split(begin)
    yield Row(
        "  of that Plex writes / only reads / has nothing to do",
        f"{writing:.1f} / {reading:.1f} / {idle:.1f} s",
    )
    yield Row("  before that the worker starts", f"{begin - started:.1f} s")


def _sent_by_a_loop(site: Site, edits: list[str]) -> float:
    """Seconds that these writes take if nothing else is done: by the same library, over as many
    connections.
    """
    url, left = site.ask("hello")["plex"], iter(edits)

    def send(_: int) -> None:
        with requests.Session() as session:
            session.headers["X-Plex-Token"] = TOKEN
            for edit in left:
                session.put(url + edit, timeout=60).raise_for_status()

    with ThreadPoolExecutor(CONNECTIONS) as threads:
        began = time.monotonic()
        list(threads.map(send, range(CONNECTIONS)))
        seconds = time.monotonic() - began
    site.ask("journal")  # of the worker's requests alone
    return seconds


def _beside_a_loop(seconds: float, loop: float) -> Row:
    """How far the drain is from what the sending alone costs the client and the simulator."""
    what = f"  beside a loop that only sends the same writes ({loop:.1f} s)"
    return at_most(what, seconds / loop, SLOWEST, f"{seconds / loop:.2f} x", " x")


def _requests(traffic: Traffic, count: int) -> Iterator[Row]:
    writes, reads = len(traffic.writes) / count, len(traffic.items) / count
    yield at_most("PUTs per changed scene without images", writes, 1.05, f"{writes:.3f}")
    limit = 2 * -(-count // BATCH) / count
    others = len(traffic.index) + len(traffic.greetings)
    yield Row(
        "reads of items per changed scene, and for index and connections",
        f"{reads:.3f}, and {others} in all",
        f"<= {limit:.3f} + index",
        reads <= limit,
    )


def _unchanged(what: str, traffic: Traffic, count: int) -> Row:
    writes = len(traffic.writes) / count
    return Row(
        f"PUTs per {what} (reads)",
        f"{writes:g} ({traffic.reads} in all)",
        "0",
        not traffic.writes,
    )


def _forget_ledger(site: Site) -> None:
    for ending in ("", "-wal", "-shm"):
        path = os.path.join(site.data, f"ledger.db{ending}")
        if os.path.exists(path):
            os.unlink(path)
