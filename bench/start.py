"""The start of a worker: its CPU until its first request to Stash is on the way."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from bench.report import Row, at_most
from bench.site import clean_environment, install

MOST = 0.35
"""Seconds of CPU."""
_PATIENCE = 60.0


def start(runs: int) -> Iterator[Row]:
    """The least of several starts, each with an empty data folder."""
    what = "a worker's start: CPU until its first request to Stash"
    with tempfile.TemporaryDirectory(prefix="plexsync-bench-") as folder:
        plugin = install(os.path.join(folder, "PlexSync"))
        spent = [_start(plugin, os.path.join(folder, f"data{n}")) for n in range(runs)]
    if None in spent:
        yield Row(what, "not reported by this system")
    else:
        least = min(each for each in spent if each is not None)
        yield at_most(what, least, MOST, f"{least:.2f} s", " s")


def _start(plugin: str, data: str) -> float | None:
    with socket.create_server(("127.0.0.1", 0)) as stash:
        stash.settimeout(_PATIENCE)
        block = {"Scheme": "http", "Host": "127.0.0.1", "Port": stash.getsockname()[1]}
        worker = subprocess.Popen(
            [sys.executable, os.path.join(plugin, "PlexSync.py"), "worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**clean_environment(), "STASH_PLUGIN_DATA": data},
        )
        try:
            assert worker.stdin
            with worker.stdin:
                worker.stdin.write(json.dumps(block).encode())
            asked, _ = stash.accept()
            with asked:
                return _cpu(worker.pid)
        finally:
            worker.kill()
            worker.wait()


def _cpu(process: int) -> float | None:
    """Seconds of CPU of all threads so far; None where the system does not report them."""
    try:
        nanoseconds = 0
        for thread in os.listdir(f"/proc/{process}/task"):
            with open(f"/proc/{process}/task/{thread}/schedstat", encoding="ascii") as spent:
                nanoseconds += int(spent.read().split()[0])
    except OSError:
        return None
    return nanoseconds / 1e9
