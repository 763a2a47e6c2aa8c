"""How long a task and Sync now wait for a worker in the middle of a batch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from bench.drain import LATENCY, NO_IMAGES
from bench.report import Row, at_most
from bench.site import Site, Worker, clean_environment, wait_for

WRITE = 1.5
"""Seconds that Plex takes for a write, as on a slow disk."""
SECONDS = 5.0


def waiting(count: int) -> Iterator[Row]:
    """Run a task, and Sync now, while the worker writes `count` scenes."""
    with Site(LATENCY, WRITE, NO_IMAGES) as site:
        scenes = site.ask("fill", count)
        site.edited(scenes)
        with Worker(site):
            _until_it_writes(site)
            line = _first_line(site, "retry_dead_letters")
            _until_it_writes(site)
            began = time.monotonic()
            (accepted,) = _run(site, {"mode": "sync", "scenes": [scenes[-1]]}).values()
            wait_for(site, lambda: _state(site, str(accepted)) == "done")
            begun = time.monotonic() - began
            wait_for(site, lambda: bool(site.ask("shows", scenes[-1])))
            shown = time.monotonic() - began
            left = site.ask("different")
    what = f"of {count} scenes at {WRITE} s a write"
    text = f"{line:.1f} s"
    yield at_most(f"a button, in the middle {what}: first line", line, SECONDS, text, " s")
    text = f"{shown:.1f} s, begun after {begun:.1f} s"
    yield at_most(f"Sync now, in the middle {what}: in Plex", shown, SECONDS, text, " s")
    yield Row("  scenes that still waited then", f"{left} of {count}")


def _until_it_writes(site: Site) -> None:
    """Wait for the next write. With few scenes and a busy machine there may be none left."""
    site.ask("journal")
    wait_for(
        site,
        lambda: any(method == "PUT" for method, *_ in site.ask("journal")) or site.drained(),
    )


def _start(site: Site, args: dict[str, Any]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, os.path.join(site.plugin, "PlexSync.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    assert process.stdin
    process.stdin.write(
        json.dumps({"server_connection": json.loads(site.connection()), "args": args})
    )
    process.stdin.close()
    return process


def _run(site: Site, args: dict[str, Any]) -> dict[str, Any]:
    with _start(site, args) as process:
        assert process.stdout
        answer = json.load(process.stdout)
    output: dict[str, Any] = answer["output"]
    return output


def _first_line(site: Site, mode: str) -> float:
    """Seconds from the press to the task's first own line, or to its end."""
    began = time.monotonic()
    with _start(site, {"mode": mode}) as process:
        assert process.stderr
        for line in process.stderr:
            if line[:3] == "\x01i\x02" and not line[3:].startswith("Waiting for"):
                break
        seconds = time.monotonic() - began
        process.stderr.read()
    return seconds


def _state(site: Site, accepted: str) -> str:
    try:
        with open(os.path.join(site.data, "results", f"{accepted}.json"), encoding="utf-8") as file:
            return str(json.load(file)["state"])
    except (OSError, ValueError, KeyError):
        return ""
