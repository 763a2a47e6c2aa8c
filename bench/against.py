"""Another checkout beside this one: the same library and the same buttons, in turn."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from bench.reconcile import LATENCY, LOOKS, SETTINGS, SHARE, press
from bench.report import Row, at_most
from bench.site import ROOT, Site, Worker, send_away, wait_for

WRITING = {"no_poster": True}
FIRST, AGAIN = 0.45, 0.33
_LISTS = ("backfills", "bulks")
"""What the versions call the ledger's table of scenes that are still to be queued."""


_FILL_IN = """
import inspect, json, sys, types
from bench.reconcile import SETTINGS, _seed
told = json.loads(sys.argv[2])
connection = json.dumps(told["connection"]).encode()
site = types.SimpleNamespace(
    data=sys.argv[1], ask=lambda *question: told, connection=lambda: connection
)
_seed(site, *[SETTINGS][: len(inspect.signature(_seed).parameters) - 1])
"""
"""What a checkout runs to fill in a site's ledger as if it had written every scene."""


def against(revision: str, count: int, *, filled: bool = False) -> Iterator[Row]:
    """CPU of this checkout's plugin as a ratio to that of another revision's, for `count` scenes.

    With `filled` the ledgers are filled in as if everything had been written, which saves the forced
    sync.
    """
    with _checkout(revision) as other, _library(count, ROOT) as ours, _library(count, other) as old:
        sites = (ours, old)

        def row(what: str, target: float, cost: Callable[[Site], float], runs: int = 1) -> Row:
            costs = [[cost(site) for site in sites] for _ in range(runs)]
            new, before = (min(some) for some in zip(*costs, strict=True))
            text = f"{new / before:.2f} x ({new:.1f} s, {revision}: {before:.1f} s)"
            return at_most(f"{what} of {count:,} scenes: CPU", new / before, target, text)

        if filled:
            _fill_in(ours, ROOT)
            _fill_in(old, other)
            _synced(ours)  # which stores what later ones compare
        else:
            yield row("Sync All, Ignoring What Was Written", 1.0, _forced)
        yield row("Sync All, no changes,", AGAIN, _synced)
        for site in sites:
            site.ask("configure", SETTINGS)
            site.ask("age", 3000)
            site.ask("plant", max(1, count // SHARE))
        yield row("reconciliation, first run,", FIRST, compared)
        yield row("reconciliation, no changes,", AGAIN, compared, LOOKS)


@contextmanager
def _checkout(revision: str) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="plexsync-bench-") as folder:
        path = os.path.join(folder, "checkout")
        git = ("git", "-C", ROOT, "worktree")
        subprocess.run([*git, "add", "--quiet", "--detach", path, revision], check=True)
        try:
            yield path
        finally:
            subprocess.run([*git, "remove", "--force", path], check=True)


@contextmanager
def _library(count: int, root: str) -> Iterator[Site]:
    with Site(LATENCY, 0.0, WRITING, root) as site:
        site.ask("age", 5000)
        site.ask("long_ago", site.ask("fill", count))
        site.ask("settle")
        yield site


def _fill_in(site: Site, root: str) -> None:
    told = json.dumps(site.ask("hello"))
    command = [sys.executable, "-c", _FILL_IN, site.data, told]
    subprocess.run(command, cwd=root, check=True, env={**os.environ, "PYTHONPATH": root})


def _forced(site: Site) -> float:
    return worked(site, "sync_all_forced")


def _synced(site: Site) -> float:
    return worked(site, "sync_all")


def worked(site: Site, mode: str) -> float:
    """CPU of a button and of the worker that carries out what it queued."""
    with Worker(site) as worker:
        _, work, _ = press(site, mode)
        wait_for(site, lambda: site.drained() and not _listed(site.data))
        return work + worker.work()


def compared(site: Site) -> float:
    """CPU of a reconciliation."""
    _, work, _ = press(site, "reconcile_all")
    send_away(site)
    return work


def _listed(data: str) -> bool:
    """Whether scenes are still to be queued."""
    with closing(sqlite3.connect(f"file:{data}/ledger.db?mode=ro", uri=True)) as ledger:
        tables = {name for (name,) in ledger.execute("SELECT name FROM sqlite_master")}
        (table,) = tables.intersection(_LISTS)
        return ledger.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None
