"""The index of a large library: time, requests, size on disk, and speed of look-ups."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from bench.drain import LATENCY, NO_IMAGES, WRITE_TIME, memory
from bench.report import Row, at_most, none_of
from bench.servers import TOKEN
from bench.site import Site, Worker
from bench.traffic import sort
from plexsync.edges.plex.client import PlexClient, load_client_id
from plexsync.edges.plex.library_index import PlexIndex
from plexsync.model.paths import index_keys

SECONDS, REQUESTS = 60.0, 120
LOOKUPS = 5000


def index(count: int) -> Iterator[Row]:
    """Measure an edited scene in a library of `count` items, which makes the worker read all of it."""
    with Site(LATENCY, WRITE_TIME, NO_IMAGES) as site:
        site.ask("shelve", count - 1)
        site.edited(site.ask("fill", 1))
        with Worker(site) as worker:
            worker.drain()
            traffic = sort(site.ask("journal"))
            peak = worker.peak()
        begin, end = traffic.index[0][0], traffic.items[0][0]
        answered = sum(done - at for at, done in traffic.index)
        requests, what = len(traffic.index), f"index of {count:,} items"
        text = f"{end - begin:.1f} s ({answered:.1f} s of it Plex)"
        yield at_most(what, end - begin, SECONDS, text, " s")
        yield at_most(f"{what}: requests", requests, REQUESTS, str(requests))
        yield memory(f"{what}: peak memory of the worker", peak)
        yield from _lookups(site, what, count)


def _lookups(site: Site, what: str, count: int) -> Iterator[Row]:
    paths = site.ask("files", LOOKUPS)
    client = PlexClient(
        site.ask("hello")["plex"], TOKEN, load_client_id(os.path.join(site.data, "device_id.json"))
    )
    store = PlexIndex(os.path.join(site.data, "plex_index.db"), client, print, keys=index_keys)
    try:
        client.server_id()
        started = time.perf_counter()
        found = [store.find([path]) for path in paths]
        seconds = time.perf_counter() - started
        items = store.stats(time.time()).items
    finally:
        store.close()
        client.close()
    yield Row(f"{what}: on disk", f"{_size(site.data) / 2**20:.0f} MiB")
    yield Row(f"{what}: lookups by path", f"{len(paths) / seconds:,.0f} /s")
    wrong = sum(
        [part.file for part in parts] != [path] for path, parts in zip(paths, found, strict=True)
    )
    yield none_of(f"{what}: not found by path", wrong, len(paths))
    yield none_of(f"{what}: missing", count - items, count)


def _size(data: str) -> int:
    """Size of the index in bytes, with SQLite's side files."""
    names = [name for name in os.listdir(data) if name.startswith("plex_index.db")]
    return sum(os.path.getsize(os.path.join(data, name)) for name in names)
