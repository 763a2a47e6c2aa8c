"""View Queue Status and Outage Summary as a user reads them: short, the end first, at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plexsync.flows.status.outage_text import outage_lines
from plexsync.flows.status.status import status
from plexsync.flows.status.status_text import MOST, status_lines
from plexsync.policy.outage_history import OutageHistory
from simulator.plex import PlexSim
from simulator.stash import StashSim
from tests.hostile.test_golden_texts import GOLDEN
from tests.world import ROOT, TOKEN, World

SHOWN = 25
"""Lines that a task may show: Stash's log page keeps 30 for all of Stash."""

HEAVY = {"pydantic", "requests", "plexapi", "persistqueue", "urllib3", "plexsync.app"}

NOW = 2e9


def worst(folder: str) -> Any:
    """A status in which everything that can be said is to be said, and of many things many."""
    found: Any = status(folder, NOW)
    job = {"scene": 7, "reason": "update", "error": "PlexNotFound", "why": "x" * 300,
           "until": NOW + 60, "tries": 3}  # fmt: skip
    run = {"order": {"trigger": "manual", "scope": "all"}, "started": NOW, "seen": NOW}
    dead_letters = {"total": 9, "by_class": {"AmbiguousMatch": 9}}
    found.update(
        worker=None,
        inbox=4,
        log=[f"line {n}" for n in range(10)],
        problems=[f"problem {n}" for n in range(12)],
        backfills=[{"waits": "", "sentence": f"number {n}"} for n in range(9)],
        refused=[{"field": f"field {n}", "scenes": 1, "why": "no"} for n in range(12)],
        left_out={"scenes": 4, "written": 2, "why": {"not organized": 3}},
        scenes={f"state {n}": 1 for n in range(12)},
        dead_letters=dead_letters,
        badge={"waiting": 50, "later": 9, "failed": 9},
        reconcile={"version": 1, "runs": {}, "last": run},
        trouble={
            "kind": "down", "title": "Away", "headline": "Plex is away", "settings": False,
            "words": "nothing listens", "remedy": "Start it.", "since": NOW - 60,
        },
        index={"items": 1, "libraries": 1, "age": 1.0},
    )  # fmt: skip
    found["queue"].update(pending=99, waiting=60, due=39, first_waiting=[job] * 10)
    found["statistics"].update(since=1.0, mean=1.0, p95=2.0)
    found["headline"].update(more="Start it.", text="Plex is away.", since=NOW - 60, tone="bad")
    return found


def test_the_worst_status_fits_stashs_log_and_its_end_is_what_matters(tmp_path: Path) -> None:
    lines = status_lines(worst(str(tmp_path)), "Nothing can be synced yet: ...")
    assert len(lines) <= MOST < SHOWN
    assert lines[-1] == ("warning", "Plex is away for 1 min.")
    assert lines[-2] == ("warning", "Start it.")
    assert any("problem 0" in text for _, text in lines)
    assert ("warning", "... and 10 more problems.") in lines


def test_the_worker_s_log_fills_only_what_is_left(tmp_path: Path) -> None:
    found: Any = status(str(tmp_path), NOW)
    found["log"] = [f"line {n}" for n in range(10)]
    lines = [text for _, text in status_lines(found, "")]
    assert [text for text in lines if text.startswith("line")] == [
        f"line {n}" for n in range(5, 10)
    ]
    assert lines[-1] == "Nothing to do: every edit is in Plex."


def test_many_outages_are_shown_briefly_with_their_mean_in_words() -> None:
    history = OutageHistory().observe(0.0)
    for day in range(30):
        history = history.begin(day * 86400.0 + 1, "away").end(day * 86400.0 + 601)
    lines = list(outage_lines(history, 30 * 86400.0))
    assert len(lines) < SHOWN
    assert lines[-2] == "10 older outages not shown here."
    assert "An outage lasted 10 min on average (MTTR)." in lines[-1]
    assert "23 h 50 min passed between two of them (MTBF)." in lines[-1]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_no_button_tells_more_than_stash_shows(path: Path) -> None:
    for button in re.split(r"^### ", path.read_text(encoding="utf-8"), flags=re.M)[1:]:
        name, *lines = button.rstrip().splitlines()
        assert len([line for line in lines if not line.startswith("#")]) <= SHOWN, name


@contextmanager
def a_stash(plugin: Path) -> Iterator[tuple[StashSim, PlexSim]]:
    with PlexSim(token=TOKEN) as plex, StashSim(plugin_dir=str(plugin)) as stash:
        stash.set_plugin_settings({"plex_url": plex.url, "plex_token": TOKEN})
        yield stash, plex


@pytest.mark.parametrize(
    "name", ["View Queue Status", "Outage Summary Report", "Retry Dead Letters", "Health Check"]
)
def test_a_short_task_ends_with_its_bar_full(plugin: Path, name: str) -> None:
    with a_stash(plugin) as (stash, _):
        run = stash.run_task(name, {})
        assert (run.error, run.progress[-1]) == (None, 1.0)


@pytest.mark.parametrize("mode", ["queue_status", "outage_summary"])
def test_a_task_that_only_reads_begins_before_it_loads_and_loads_no_package(
    plugin: Path, mode: str
) -> None:
    """Its first line is written while next to nothing is imported."""
    code = f"""if True:
        import sys, json
        first = []
        from plexsync.edges.log import stash_sink
        class Spy:
            def __init__(self, stream): pass
            def write(self, level, text): first.append((text, sorted(sys.modules)))
            def progress(self, value): first.append((value, []))
        stash_sink.StashSink = Spy
        from plexsync.entry import run_task
        order = {{"args": {{"mode": {mode!r}}}, "server_connection": json.loads(sys.argv[2])}}
        answer = json.loads(run_task(sys.argv[1], json.dumps(order).encode()))
        print(json.dumps([answer, first, sorted(sys.modules)]))
    """
    with a_stash(plugin) as (stash, _):
        block = {
            "Scheme": "http",
            "Host": "127.0.0.1",
            "Port": int(stash.url.rpartition(":")[2]),
            "SessionCookie": None,
        }
        done = subprocess.run(
            [sys.executable, "-S", "-c", code, str(plugin), json.dumps(block)],
            capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
    answer, said, loaded = json.loads(done.stdout)
    assert answer["output"]
    (opening, early), *_, (progress, _) = said
    assert opening.startswith("PlexSync ")
    assert progress == 1.0
    ours = {name for name in early if name.startswith("plexsync.")}
    assert ours == {
        "plexsync.edges", "plexsync.edges.log", "plexsync.edges.log.stash_sink", "plexsync.entry",
        "plexsync.fast", "plexsync.model", "plexsync.model.json_text", "plexsync.system",
    }  # fmt: skip
    assert not {"sqlite3", "http.client", "logging", "dataclasses", "typing"} & set(early)
    assert not {name for name in loaded if name in HEAVY or name.split(".")[0] in HEAVY}


def test_it_tells_how_things_are_though_stash_does_not_answer(plugin: Path) -> None:
    order = {
        "args": {"mode": "queue_status"},
        "server_connection": {"Scheme": "http", "Host": "127.0.0.1", "Port": 1},
    }
    done = subprocess.run(
        [sys.executable, "-S", str(plugin / "PlexSync.py")],
        input=json.dumps(order), capture_output=True, text=True, check=True, env={**os.environ},
    )  # fmt: skip
    assert "The settings are unknown: Stash does not answer" in done.stderr
    assert "Nothing to do" in done.stderr
    assert json.loads(done.stdout)["output"]["headline"]["state"] == "nothing to do"


def test_paths_are_hidden_where_they_are_to_be(plugin: Path) -> None:
    with a_stash(plugin) as (stash, plex):
        stash.set_plugin_settings(
            {"plex_url": plex.url, "plex_token": TOKEN, "obfuscate_paths": True}
        )
        run = stash.run_task("View Queue Status", {})
        text = "\n".join(line.text for line in run.log)
        assert "Data folder: " in text
        assert str(plugin) not in text


def test_an_argument_that_it_does_not_take_is_refused(plugin: Path) -> None:
    with a_stash(plugin) as (stash, _):
        run = stash.run_task("View Queue Status", {"scene": "7"})
        assert "has no argument 'scene'" in run.error


def test_in_one_process_with_the_others_it_says_the_same(world: World) -> None:
    assert status(world.folder, NOW, "paused")["headline"]["state"] == "paused"


def test_a_long_text_is_short_in_stashs_log_and_whole_on_the_page(plugin: Path) -> None:
    with a_stash(plugin) as (stash, plex):
        section = plex.add_section("Films", locations=["/data"])
        for n in range(20):
            plex.add_item(section, file=f"/data/{n}.mp4", size=1, title="old")
            stash.add_scene(files=[(f"/data/{n}.mp4", 1)], title=f"Film {n}")
        run = stash.run_task("Preview Sync", {})
        lines = [line.text for line in run.log]
        assert len(lines) <= SHOWN
        assert lines[-1] == "This was a preview; nothing was written."
        assert any("more lines are on PlexSync's page" in line for line in lines)
        report = stash.run_operation({"mode": "report", "task": "preview_sync"})
        told = "\n".join(line["text"] for line in report["lines"])
        assert len(report["lines"]) > 40
        assert all(f'"/data/{n}.mp4"' in told for n in range(20))
