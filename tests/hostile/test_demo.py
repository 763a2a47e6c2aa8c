"""The demo as a developer starts it: it shows everything, cleans up, and detects defects."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.signals import ctrl_c
from tests.world import until

ROOT = Path(__file__).parents[2]
FIELDS = {"title", "summary", "studio", "date", "performers", "tags", "collections", "poster"}
ROW = re.compile(r"^(.{16}) (\w+) +\S.*  ( *\d+\.\d\d|kept)$")


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """The demo, with a folder of its own for temporary files."""
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder))
    return subprocess.Popen(
        [sys.executable, "-m", "simulator.demo", *words],
        cwd=ROOT,
        env={**os.environ, **places, "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def play(folder: Path, *words: str) -> tuple[int, str]:
    process = start(folder, *words)
    out, _ = process.communicate(timeout=150)
    return process.returncode, out


@pytest.mark.long
@pytest.mark.timeout(180)
def test_the_demo_shows_every_step_in_plex_and_cleans_up(tmp_path: Path) -> None:
    code, out = play(tmp_path, "--older", "30")
    assert code == 0, out
    assert out.rstrip().endswith("Plex shows everything as Stash has it.")
    table = out[out.index("\nscene ") : out.index("\nHooks ")]
    for step in range(1, 8):
        title = next(line for line in table.splitlines() if line.startswith(f"{step} "))
        assert title in out[: out.index(table)], "the story and the table tell of the same steps"
    rows = [found for line in table.splitlines() if (found := ROW.match(line))]
    assert {row[2] for row in rows} == FIELDS
    assert f"Rows     {len(rows)}, and " in out
    assert re.search(r"SIGKILL for worker \d+: 2 of 6 are in Plex", out), "killed in mid-work"
    assert "DIFFERS" not in out
    assert "Differ   0\n" in out
    assert "path map /media/films=>/data; 2 of 30 files match nothing in Plex; 28 scenes" in out
    assert re.search(
        r"^First    sync of all: estimated [\d.]+ s \(writes assumed\), took ", out, re.M
    )
    wide = [line for line in out.replace(str(tmp_path), "/tmp").splitlines() if len(line) > 100]
    assert wide == []
    assert list(tmp_path.iterdir()) == [], "the copy of the plugin is gone, so its worker is too"


@pytest.mark.long
def test_the_demo_fails_and_names_the_row_when_plex_differs(tmp_path: Path) -> None:
    code, out = play(tmp_path, "--break")
    assert code == 1, out
    assert "DIFFERS  At the end / Harbour Lights / summary: wanted 'A keeper finds" in out
    assert "Plex shows 'Not what Stash says'" in out
    assert "Plex shows everything" not in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is a signal only there")
def test_ctrl_c_ends_the_demo_and_its_worker(tmp_path: Path) -> None:
    with ctrl_c():
        process = start(tmp_path)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("2 "):
            break
    log = next(tmp_path.glob("plexsync-demo-*/plugins/PlexSync/data/plexsync.log"))
    worker = int(re.findall(r"pid=(\d+)", log.read_text())[-1])
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out
    assert list(tmp_path.iterdir()) == []
    until(lambda: not is_running(worker))


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return shown.stdout.strip()[:1] not in ("", "Z")
