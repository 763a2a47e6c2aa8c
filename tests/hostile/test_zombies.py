"""What a worker leaves where orphans are not reaped, as where Stash is a container's first process.

A PID namespace with a first process that waits for its own children, as Stash does, and for nobody
else. A worker outlives its hook, becomes that process's child, and stays a zombie when it ends.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator.plex import PlexSim
from simulator.stash import StashSim

TOKEN = "plex-sim-token"
SPACE = ("unshare", "--pid", "--fork", "--mount-proc")

FIRST = '''
import json, os, signal, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor
from plexsync import inbox, system
from plexsync.edges.page import read_state

ENTRY, BLOCK, LOG = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3]
DATA = os.path.dirname(LOG)

def stash_runs(args):
    """One run of the plugin, waited for by its own number, as Go does."""
    order = json.dumps({"server_connection": BLOCK, "args": args}, separators=(",", ":"))
    run = subprocess.Popen([sys.executable, ENTRY], stdin=-1, stdout=-1)
    answer, _ = run.communicate(order.encode())
    assert b"output" in answer, answer
    return run.pid

def hook(scene):
    return stash_runs({"hookContext": {"id": scene, "type": "Scene.Update.Post", "input": None}})

def crowd(hooks):
    with ThreadPoolExecutor(hooks) as pool:
        return list(pool.map(hook, range(1, hooks + 1)))

def processes():
    """State and parent of every process but this one."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(name) != 1:
            yield int(name), state, int(parent)

def zombies():
    return [pid for pid, state, parent in processes() if state == "Z" and parent == 1]

def until(question):
    end = time.monotonic() + 40
    while not question():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.02)

def owned():
    return system.LockFile(os.path.join(DATA, "worker.lock")).busy()

def lives():
    """Workers that began to work."""
    try:
        with open(LOG) as file:
            return [int(line.split("pid=")[1].split()[0]) for line in file if "worker starts" in line]
    except OSError:
        return []

def at_work(life):
    until(lambda: owned() and len(lives()) >= life)

def nothing_left():
    """All is done: a worker that finds its files gone would wait for a new version else."""
    until(lambda: not inbox.collect(DATA, limit=1))
    until(lambda: read_state.queue(DATA).live_jobs() == 0)

def at_rest():
    """Nobody lives but this process: whatever was started too much has ended."""
    until(lambda: all(state == "Z" for _, state, _ in processes()))

def end_by_kill(life):
    os.kill(lives()[life - 1], signal.SIGKILL)
    at_rest()

def end_by_itself(life):
    nothing_left()
    os.rename(ENTRY, ENTRY + "~")
    inbox.nudge(DATA)
    at_rest()
    os.rename(ENTRY + "~", ENTRY)

def one_after_the_other():
    for scene in range(1, 4):
        hook(scene)

report = []
for life, (begin, end) in enumerate([
    (lambda: crowd(12), end_by_itself),
    (one_after_the_other, end_by_kill),
    (lambda: stash_runs({"mode": "queue_status"}) and stash_runs({"mode": "sync_all"}), end_by_itself),
], 1):
    begin()
    at_work(life)
    one_after_the_other()
    end(life)
    report.append({"lives": len(lives()), "zombies": len(zombies())})
print(json.dumps(report))
'''


def namespaces_refused() -> str:
    """Why no PID namespace can be made here; "" when it can."""
    if not sys.platform.startswith("linux") or not shutil.which(SPACE[0]):
        return "PID namespaces and unshare are Linux's"
    tried = subprocess.run([*SPACE, "true"], capture_output=True, text=True, check=False)
    return f"no PID namespace can be made here: {tried.stderr.strip()}" if tried.returncode else ""


def first_process(plugin: Path, stash: StashSim) -> Any:
    """What the first process of a new namespace reports."""
    block = {
        "Scheme": "http", "Host": "0.0.0.0", "Port": stash.port, "SessionCookie": None,
        "Dir": str(plugin.parent), "PluginDir": str(plugin),
    }  # fmt: skip
    log = plugin / "data" / "plexsync.log"
    command = [
        sys.executable,
        "-c",
        FIRST,
        str(plugin / "PlexSync.py"),
        json.dumps(block),
        str(log),
    ]
    ours = ("STASH_PLUGIN_DATA", "PYTHONDONTWRITEBYTECODE")
    environ = {key: value for key, value in os.environ.items() if key not in ours}
    environ["PYTHONPATH"] = str(plugin)
    run = subprocess.run(
        [*SPACE, *command], capture_output=True, text=True, check=False, env=environ
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.long
def test_a_worker_leaves_one_zombie_and_a_hook_none(plugin: Path) -> None:
    if refused := namespaces_refused():
        pytest.skip(refused)
    with PlexSim(token=TOKEN) as plex, StashSim(plugin_dir=str(plugin)) as stash:
        plex.add_section("Films", locations=["/plex"])
        stash.set_plugin_settings({"plex_url": plex.url, "plex_token": TOKEN, "no_poster": True})
        for number in range(12):
            stash.add_scene(files=[(f"/data/{number}.mp4", 1)])
        report = first_process(plugin, stash)
    assert report == [{"lives": life, "zombies": life} for life in range(1, 4)]
